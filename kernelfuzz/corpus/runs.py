"""Runs at work in the directory of a corpus: none makes what another one is making.

Runs that make different parts of one corpus work side by side.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from kernelfuzz.corpus.lock import is_held, lock, note_in
from kernelfuzz.corpus.plan import Plan, as_dict
from kernelfuzz.corpus.produce import Part
from kernelfuzz.corpus.store import RUNNING, Store, WrongCorpus

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
    """Take away what is left of a run that made nothing, where that goes; the directory too if it is new."""
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
    # Test sessions, which say their source, do not come in by this door.
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
