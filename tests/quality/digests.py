"""What a change that changes no behaviour must leave as it is: digests of everything that kernelfuzz makes.

    python tests/quality/digests.py --output before.json    # on the commit before
    python tests/quality/digests.py --against before.json   # on the one after: exits with 1 where any differs

Only public names and commands are used, so that it runs on both sides of any change inside.  Compare runs of
one machine: what Warp generates depends on its release, and compressed bytes on that of the compressor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kernelfuzz

PROFILES = ("default", "realistic")
COMMANDS = (
    *("fuzz", "corpus", "stats", "validate", "show", "lower", "reduce", "compare", "replay", "bisect"),
    "",
)
# What a run says about its time.
_TIMES = re.compile(r'"(?:\w*seconds\w*|examples_per_second|\w*per_second\w*|overhead\w*|ratio\w*)": [-\d.e]+')

PLAIN = """\
import warp as wp


@wp.kernel
def halves(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    if i > 2:
        out[i] = 0.5 * x[i]
"""


# What has Warp, in the processes that have this folder on their path, take ``//`` for ``/``: a
# campaign without a defect finds nothing, and then no finding could differ.
PLANTED = """\
import importlib.machinery
import sys

RIGHT, WRONG = '[ast.FloorDiv] = "floordiv"', '[ast.FloorDiv] = "div"'


class Planted(importlib.machinery.SourceFileLoader):
    def get_data(self, path):
        text = super().get_data(path)
        if path.endswith(".py"):
            assert RIGHT.encode() in text
            text = text.replace(RIGHT.encode(), WRONG.encode())
        return text

    def get_code(self, name):
        return self.source_to_code(self.get_data(self.path), self.path)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "warp._src.codegen":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        spec.loader = Planted(spec.loader.name, spec.loader.path)
        return spec


sys.meta_path.insert(0, Finder)
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]


def command(*arguments: str, cwd: str, path: str = "") -> bytes:
    """The exit code and stdout of a command, without times.  Raises where it could not do its work.

    ``path``: a folder to be searched first for what is imported.
    """
    searched = os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": searched}
    call = [sys.executable, "-m", "kernelfuzz", *arguments]
    done = subprocess.run(call, cwd=cwd, capture_output=True, check=False, env=environment)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"kernelfuzz {' '.join(arguments)}: {done.stderr.decode()}")
    return f"exit {done.returncode}\n".encode() + _TIMES.sub("", done.stdout.decode()).encode()


def folder(path: Path) -> str:
    """All files of a folder, by name and content, without times."""
    found = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        content = file.read_bytes()
        if file.suffix in (".json", ".md"):
            content = _TIMES.sub("", content.decode()).encode()
        found.update(f"{file.relative_to(path)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:24]


def kernels(count: int) -> Iterator[tuple[str, str]]:
    for profile in PROFILES:
        for size in ("small", "medium", "large"):
            drawn = kernelfuzz.generate_many(count // 2, seed=31, profile=profile, size=size)
            text = "".join(kernelfuzz.render(kernel) for kernel in drawn)
            yield f"kernels, {profile}, {size}", digest(text.encode())


def corpora(count: int, work: str) -> Iterator[tuple[str, str]]:
    for profile in PROFILES:
        common = ("--seed", "32", "--profile", profile, "--jobs", "2")
        for name, more in (
            ("plain", ("--count", str(count))),
            ("executed", ("--execute", "--count", str(count // 8))),
        ):
            output = Path(work, f"{profile}-{name}")
            command("corpus", *common, *more, "--output", str(output), cwd=work)
            yield f"corpus, {profile}, {name}", folder(output)
    corpus = str(Path(work, "default-plain"))
    yield "stats", digest(command("stats", corpus, "--json", cwd=work))
    yield "validate", digest(command("validate", corpus, "--sample", "5", "--json", cwd=work))


def campaigns(count: int, work: str) -> Iterator[tuple[str, str]]:
    asked = ("--seed", "33", "--jobs", "2", "--json")
    sound = ("fuzz", "--examples", str(count // 4), *asked, "--output", "found")
    yield "campaign", digest(command(*sound, cwd=work))
    planted = Path(work, "planted")
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(PLANTED)
    wrong = ("fuzz", "--examples", str(max(24, count // 25)), *asked, "--output", "planted-found")
    yield "campaign, planted", digest(command(*wrong, cwd=work, path=str(planted)))
    found = Path(work, "planted-found")
    if not any(found.glob("*/*.py")):
        raise RuntimeError("the planted defect is not found: nothing is compared")
    yield "findings, planted", folder(found)


def outputs(work: str) -> Iterator[tuple[str, str]]:
    for name in COMMANDS:
        yield f"help of {name or 'all'}", digest(command(*filter(None, [name]), "--help", cwd=work))
    Path(work, "plain.py").write_text(PLAIN)
    for device in ("cpu", "cuda"):
        yield f"show, {device}", digest(command("show", "--index", "9", "--device", device, cwd=work))
        yield f"lower, {device}", digest(command("lower", "plain.py", "--device", device, cwd=work))
    command("reduce", "plain.py", "--test", "grep -q 0.5 {}", cwd=work)
    reduced = Path(work, "plain.reduced.py")
    yield "reduce", digest(reduced.read_bytes() if reduced.exists() else b"")


def everything(count: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="kernelfuzz-digests-") as work:
        found: dict[str, str] = {}
        for part in (kernels(count), outputs(work), corpora(count, work), campaigns(count, work)):
            for name, value in part:
                print(f"{value}  {name}", flush=True)
                found[name] = value
        return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*before, *after])
    return [name for name in names if before.get(name) != after.get(name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the kernels")
    parser.add_argument("--output", help="where the digests go")
    parser.add_argument("--against", help="digests to compare with")
    arguments = parser.parse_args()
    found: dict[str, Any] = everything(100 if arguments.quick else 1000)
    if arguments.output:
        Path(arguments.output).write_text(json.dumps(found, indent=1) + "\n")
    if not arguments.against:
        return 0
    changed = differences(json.loads(Path(arguments.against).read_text()), found)
    for name in changed:
        print(f"CHANGED  {name}")
    print("nothing changed" if not changed else f"{len(changed)} of {len(found)} changed")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main())
