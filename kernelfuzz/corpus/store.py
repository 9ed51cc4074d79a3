"""The directory of a corpus: its manifest, and its shards until it is complete.

A file appears under its name only when it is whole, so what is there is right, whatever was killed and when.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kernelfuzz.corpus.lock import lock
from kernelfuzz.corpus.plan import differences, versions
from kernelfuzz.corpus.shard import Damaged, Head, head_in

MANIFEST = "manifest.json"
CARD = "README.md"
DATA = "data"
SHARDS = "shards"
_LOCK = ".lock"

# What a killed run may leave.
_LEFT = (".*.partial", ".data.*", ".*lock")

FORMAT = 1
RUNNING, COMPLETE = "running", "complete"


class WrongCorpus(ValueError):
    """A directory that the corpus asked for cannot be made in; the message says why and what would do."""


def _is_ours(manifest: Any) -> bool:
    return (
        isinstance(manifest, dict)
        and manifest.get("format") == FORMAT
        and manifest.get("state") in (RUNNING, COMPLETE)
        and all(isinstance(manifest.get(part), dict) for part in ("plan", "versions"))
    )


class Store:
    """One corpus on disk."""

    def __init__(self, directory: str | Path) -> None:
        self.directory: Path = Path(directory)
        self.shards: Path = self.directory / SHARDS

    # ------------------------------------------------------------------------------------ manifest

    def manifest(self) -> dict[str, Any] | None:
        """What the manifest says, or None.  Raises WrongCorpus at one that is not ours, and OSError."""
        path = self.directory / MANIFEST
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise WrongCorpus(f"{path} cannot be read ({error}): give another --output") from None
        if not _is_ours(found):
            raise WrongCorpus(f"{path} is not of this version of kernelfuzz: give another --output")
        return found

    def open(self, plan: Mapping[str, Any]) -> bool:
        """Make the directory ready for a plan, as a manifest has it; True where the corpus is complete.

        Raises WrongCorpus where it holds a corpus of another plan or other versions, or something else.
        """
        found = self.manifest()
        wanted = {"plan": plan, "versions": versions()}
        if found is not None:
            differ = [each for part in ("plan", "versions") for each in differences(found[part], wanted[part])]
            if differ:
                raise WrongCorpus(
                    f"{self.directory} holds a corpus made with other options: {'; '.join(differ)}. "
                    "Give another --output, or --overwrite to replace it"
                )
            if found["state"] == COMPLETE:
                return True
        elif (self.directory / DATA).exists() or (self.directory / CARD).exists():
            raise WrongCorpus(f"{self.directory} holds something else: give another --output")
        self.directory.mkdir(parents=True, exist_ok=True)
        if found is None:
            self.write_manifest({"format": FORMAT, "state": RUNNING, **wanted})
        self.shards.mkdir(exist_ok=True)
        return False

    def is_complete(self) -> bool:
        """Whether the data of a corpus is there.  Raises WrongCorpus, and OSError."""
        found = self.manifest()
        return found is not None and found["state"] == COMPLETE

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        self.write(self.directory / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")

    def remove(self) -> None:
        """Take away the corpus that is there, and nothing else."""
        if self.manifest() is None:
            return
        for name in (SHARDS, DATA):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        for name in (CARD, MANIFEST, _LOCK):
            (self.directory / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # there is something else in it
            self.directory.rmdir()

    # -------------------------------------------------------------------------------------- shards

    def path(self, shard: int) -> Path:
        return self.shards / f"{shard:08}.zst"

    def heads(self) -> dict[int, Head]:
        """The shards that are there, by number; a damaged one is as good as not there."""
        found: dict[int, Head] = {}
        for path in sorted(self.shards.glob("*.zst")):
            with contextlib.suppress(Damaged):
                found[int(path.stem)] = head_in(path.read_bytes())
        return found

    def has_shards(self) -> bool:
        """Whether a run has made any; what is hidden is not whole."""
        return any(not path.name.startswith(".") for path in self.shards.glob("*"))

    def write(self, path: Path, data: bytes) -> None:
        """A file, whole or not at all."""
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            with open(partial, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory on the same disk, for data that is not whole yet; gone at the end."""
        with tempfile.TemporaryDirectory(prefix=".data.", dir=self.directory) as staged:
            yield Path(staged)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time: several may find that all shards are there."""
        with lock(self.directory / _LOCK):
            yield

    def complete(self, manifest: dict[str, Any], staged: Path, card: str) -> None:
        """Put the data that is in a directory beside its place into it; the manifest says so last."""
        shutil.rmtree(self.directory / DATA, ignore_errors=True)
        os.replace(staged / DATA, self.directory / DATA)
        self.write(self.directory / CARD, card.encode())
        self.write_manifest({"format": FORMAT, "state": COMPLETE, **manifest})

    def sweep(self) -> None:
        """Take away what a complete corpus does not need, and what killed runs left."""
        shutil.rmtree(self.shards, ignore_errors=True)
        for path in [path for pattern in _LEFT for path in self.directory.glob(pattern)]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
