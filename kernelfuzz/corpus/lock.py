"""Files as locks: the system takes a lock back when its process ends, however that ends.

A file is there while somebody has or wants its lock.  A file system without locks is no reason not to work:
everybody gets the lock there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path


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
    """The note of whoever has a lock; empty where there is none."""
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
