"""Python environments with one release of Warp each, made once and kept.

An environment is made under a temporary name and renamed when it is whole, so a half-made one is never used.
Two commands that want the same one at the same time take turns.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# What kernelfuzz needs beside Warp where it judges kernels.  kernelfuzz itself is not installed: the worker
# runs the one that asks (``kernelfuzz.releases.release_process``).
LIBRARIES = ("hypothesis", "libcst", "numpy")

# What the interpreter that asks is called.
INSTALLED = "installed"

# How long making an environment may take, in seconds; a wheel of Warp has 100 MB and more.
_INSTALLING = 1800.0

# What is quoted of a message that somebody else wrote, in characters.
_LONGEST = 200

_FINAL = re.compile(r"\d+(\.\d+)+")
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc|\.dev|\.post)\d+)*(\+\w+)?")

_DESCRIBE = f"""\
import importlib.metadata as metadata, importlib.util, json
try:
    warp = metadata.version("warp-lang")
except metadata.PackageNotFoundError:
    warp = None
missing = [name for name in {LIBRARIES!r} if importlib.util.find_spec(name) is None]
print(json.dumps({{"warp": warp, "missing": missing}}))
"""


class ReleaseError(RuntimeError):
    """A release of Warp cannot be had; the message is one sentence without its full stop."""


class FolderError(ReleaseError):
    """A folder cannot be written that a release needs: whichever release it is."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter with Warp: ``warp`` is its release, ``label`` what to call the environment."""

    label: str
    python: str
    warp: str


def environment(asked: str, *, making: Callable[[str], None] | None = None) -> Environment:
    """The environment for a release (``1.18.0``) or for the interpreter at a path.

    A release that has no environment yet gets one; ``making`` is called with a sentence before that.  Raises
    ReleaseError.
    """
    if not _VERSION.fullmatch(asked):
        return _described(_interpreter(asked), asked)
    home = home_of(asked)
    python = home / "bin" / "python"
    if not python.exists():
        try:
            home.parent.mkdir(parents=True, exist_ok=True)
            with _alone(home):
                # Somebody else may have made it while this process waited.
                if not python.exists():
                    if making is not None:
                        making(f"making an environment with Warp {asked} in {home.parent}")
                    _make(asked, home)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ReleaseError(
                f"cannot write in {home.parent} ({reason}): KERNELFUZZ_CACHE names another folder"
            ) from error
    return _described(str(python), asked)


def home_of(release: str) -> Path:
    """Where the environment of a release is, or will be."""
    return cache_directory() / "envs" / f"warp-{release}-py{sys.version_info[0]}{sys.version_info[1]}"


def this_environment() -> Environment:
    """The interpreter that runs this, with the Warp that it has.  Raises ReleaseError."""
    return _described(sys.executable, INSTALLED)


def cache_directory() -> Path:
    """``$KERNELFUZZ_CACHE``, or ``kernelfuzz`` in the user's folder of caches."""
    if chosen := os.environ.get("KERNELFUZZ_CACHE"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kernelfuzz"


def released() -> tuple[str, ...]:
    """The final releases of Warp that pip can install here, oldest first.  Raises ReleaseError."""
    listed = _run(
        [sys.executable, "-m", "pip", "index", "versions", "warp-lang", "--disable-pip-version-check"],
        "the releases of Warp cannot be listed",
        timeout=120.0,
    )
    found = re.search(r"^Available versions: (.*)$", listed, re.MULTILINE)
    versions = [each.strip() for each in found[1].split(",")] if found else []
    final = [each for each in versions if _FINAL.fullmatch(each)]
    if not final:
        raise ReleaseError("the releases of Warp cannot be listed: pip names none")
    return tuple(sorted(final, key=release_key))


def release_key(release: str) -> tuple[int, ...]:
    """What releases are ordered by: ``1.9.1`` comes before ``1.10.0``."""
    return tuple(int(part) for part in re.findall(r"\d+", release))


def _interpreter(path: str) -> str:
    """The interpreter that a path stands for: itself, or that of the environment with this folder."""
    inside = os.path.join(path, "bin", "python")
    found = shutil.which(inside if os.path.isdir(path) else path)
    if found is None:
        raise ReleaseError(
            f"{path} is neither a release of Warp such as 1.18.0 nor a Python interpreter that can be run"
        )
    # Not resolved: the link inside an environment is what tells Python about the environment.
    return os.path.abspath(found)


def _described(python: str, label: str) -> Environment:
    printed = _run([python, "-c", _DESCRIBE], f"{python} cannot be used", timeout=60.0)
    try:
        about = json.loads(printed)
        warp, missing = about["warp"], about["missing"]
    except (ValueError, KeyError, TypeError):
        raise ReleaseError(f"{python} cannot be used: it is no Python interpreter") from None
    if warp is None:
        raise ReleaseError(f"{python} has no Warp: install warp-lang there")
    if missing:
        raise ReleaseError(f"{python} lacks {', '.join(missing)}, which judging kernels needs: install them")
    return Environment(label, python, warp)


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until no other process makes the environment; what one that was killed left behind is removed."""
    with open(home.parent / f".{home.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in home.parent.glob(f".{home.name}.making-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _make(release: str, home: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix=f".{home.name}.making-", dir=home.parent))
    problem = f"Warp {release} cannot be installed"
    try:
        _run([sys.executable, "-m", "venv", str(made)], problem, timeout=_INSTALLING)
        pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
        wanted = [f"warp-lang=={release}", *_libraries()]
        _run([*pip, "--disable-pip-version-check", *wanted], problem, timeout=_INSTALLING)
        made.chmod(0o755)
        # What is there without an interpreter is no environment.
        shutil.rmtree(home, ignore_errors=True)
        os.rename(made, home)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _libraries() -> list[str]:
    """The libraries in the versions that this interpreter has: they render, and compute what is expected."""
    wanted: list[str] = []
    for name in LIBRARIES:
        try:
            wanted.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            wanted.append(name)
    return wanted


def clean_environ() -> dict[str, str]:
    """The variables for a Python that must see nothing of this one."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _run(command: list[str], problem: str, *, timeout: float) -> str:
    """What a command prints; raises ReleaseError that starts with ``problem`` where it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env=clean_environ(),
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{problem}: it takes more than {timeout:g} seconds") from None
    except OSError as error:
        raise ReleaseError(f"{problem}: {error.strerror}") from None
    if done.returncode != 0:
        raise ReleaseError(f"{problem}: {_reason(done)}")
    return done.stdout


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Why a command failed, in one line: pip's last error, or else its last line."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or [f"exit status {done.returncode}"])[-1]
    return last[:_LONGEST].rstrip(".")
