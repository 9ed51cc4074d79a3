"""The directory of a corpus: its manifest, its shards until it is complete, and the runs that are at work in it.

A file appears under its name only when it is whole, so what is there is right, whatever was killed and when.
No run makes what another one is making; runs that make different parts of one corpus work side by side.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from kernelfuzz.corpus.corpus_plan import Part, Plan, as_dict, differences, versions
from kernelfuzz.corpus.shard import Damaged, Head, ShardFile

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

        A corpus that has lost a file is not: it is made again, and keeps its manifest until then.
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
            if self._is_whole(found):
                return True
        elif (self.directory / DATA).exists() or (self.directory / CARD).exists():
            raise WrongCorpus(f"{self.directory} holds something else: give another --output")
        self.directory.mkdir(parents=True, exist_ok=True)
        if found is None:
            self.write_manifest({"format": FORMAT, "state": RUNNING, **wanted})
        self.shards.mkdir(exist_ok=True)
        return False

    def is_complete(self) -> bool:
        """Whether the data of a corpus is there, with every file.  Raises WrongCorpus, and OSError."""
        found = self.manifest()
        return found is not None and self._is_whole(found)

    def _is_whole(self, manifest: Mapping[str, Any]) -> bool:
        listed = manifest.get("files", ())
        return manifest["state"] == COMPLETE and all((self.directory / name).is_file() for name in listed)

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
        """What is in the shards that are there, by number; one that is cut off is as good as not there."""
        found: dict[int, Head] = {}
        for path in sorted(self.shards.glob("*.zst")):
            with contextlib.suppress(Damaged):
                found[int(path.stem)] = ShardFile(path).head()
        return found

    def has_shards(self) -> bool:
        """Whether there is a finished shard; hidden files are unfinished."""
        return any(not path.name.startswith(".") for path in self.shards.glob("*"))

    def write(self, path: Path, data: bytes) -> None:
        """A file, whole or not at all."""
        with whole(path) as partial, open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

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
        """Move the staged data into place, and write the manifest last."""
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


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Another name for a file while it is written; it has its own when the context is left."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


# ----------------------------------------------------------------------------------------------- locks


@contextlib.contextmanager
def lock(path: Path, note: str = "") -> Iterator[None]:
    """Wait for a lock and have it, with a note in it for others to read."""
    with _locked(path) as file:
        try:
            with contextlib.suppress(OSError):  # a full disk
                file.truncate(0)
                file.write(note.encode())
            yield
        finally:
            if _is_at(file, path):
                path.unlink(missing_ok=True)


def is_held(path: Path) -> bool | None:
    """Whether somebody has a lock; None where the file system cannot tell.  Looking takes it for a moment."""
    try:
        with FileIO(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False


def note_in(path: Path) -> str:
    """The note of the process that has a lock; empty where there is none."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _locked(path: Path) -> FileIO:
    while True:
        file = FileIO(path, "a+")
        try:
            with contextlib.suppress(OSError):  # there are no locks here
                fcntl.flock(file, fcntl.LOCK_EX)
            # Who had it before has removed the file, and it may be there anew.
            if _is_at(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_at(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


# ------------------------------------------------------------------------------------------------ runs

# Locked while a run begins or ends: only then does anybody look who else is there.
_DOOR = ".door.lock"

# Locked while a run is at work, by the part that it makes.
_RUN = re.compile(r"\.run-(\d+)-of-(\d+)\.lock")


class AtWork(RuntimeError):
    """Another run is in the way; the message says which."""


@contextlib.contextmanager
def at_work(store: Store, plan: Plan, part: Part, *, overwrite: bool = False) -> Iterator[bool]:
    """Make the directory ready for a run, which has its part alone until the end; True where all is done.

    A run that made nothing leaves nothing, and does not mind what one that was killed then has left.
    Raises AtWork, WrongCorpus as ``Store.open`` does, and OSError.
    """
    if store.is_complete() and not overwrite:
        yield store.open(as_dict(plan))
        return
    new = not store.directory.exists()
    store.directory.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.ExitStack() as stack:
            with _door(store):
                others = _runs(store)
                _refuse(store, [other for other in others if overwrite or _overlap(part, other)])
                # Nobody has it, so there is nothing to wait for.
                stack.enter_context(lock(_path(store, part), f"process {os.getpid()} on {socket.gethostname()}"))
                if overwrite or (not others and _made_nothing(store)):
                    store.remove()
                complete = store.open(as_dict(plan))
            yield complete
    finally:
        _leave(store, new)


def _leave(store: Store, new: bool) -> None:
    """Remove the leftovers of a run that made no shard, if possible; a new directory too."""
    with contextlib.suppress(OSError, WrongCorpus):
        if not store.has_shards():
            with _door(store):
                if not _runs(store) and _made_nothing(store):
                    store.remove()
        if new:
            store.directory.rmdir()  # which fails where there is something in it


def _made_nothing(store: Store) -> bool:
    """Whether there is the manifest of a run, and no shard of it."""
    if store.has_shards():
        return False
    found = store.manifest()
    # Test sessions, whose plans have a source, do not use ``at_work``.
    return found is not None and found["state"] == RUNNING and "source" not in found["plan"]


def _refuse(store: Store, others: list[Part]) -> None:
    """Raise AtWork where one of the runs is known to be there."""
    for path in (_path(store, other) for other in others):
        if is_held(path):
            raise AtWork(f"{note_in(path) or 'another process'} is at work in {store.directory}")


def _runs(store: Store) -> list[Part]:
    """The parts of the runs that are there or, where the file system has no locks, may be."""
    files = {path: _RUN.fullmatch(path.name) for path in sorted(store.directory.glob(".run-*"))}
    return [
        Part(int(name[1]), int(name[2]))
        for path, name in files.items()
        if name is not None and is_held(path) is not False
    ]


def _overlap(one: Part, other: Part) -> bool:
    """Whether both make a shard with the same number, in a corpus that is large enough."""
    return (one.index - other.index) % math.gcd(one.count, other.count) == 0


def _door(store: Store) -> contextlib.AbstractContextManager[None]:
    return lock(store.directory / _DOOR)


def _path(store: Store, part: Part) -> Path:
    return store.directory / f".run-{part.index}-of-{part.count}.lock"
