"""What compilers write to the process's own stdout and stderr, kept instead of shown."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A closed or foreign stream has nothing of ours to lose.
        with contextlib.suppress(Exception):
            stream.flush()
    # C's own buffers: printf into a file is written out only when its buffer is full.
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).fflush(None)


@contextlib.contextmanager
def captured_output() -> Iterator[Callable[[], str]]:
    """Send file descriptors 1 and 2, of the whole process, to a file; the yielded function reads it.

    Python's ``sys.stdout`` may be replaced (pytest does that); descriptors are what C code writes to.
    """
    with tempfile.TemporaryFile() as file:
        _flush()
        saved = [(fd, os.dup(fd)) for fd in (1, 2) if _is_open(fd)]

        def read() -> str:
            _flush()
            file.seek(0)
            return file.read().decode("utf-8", "replace")

        try:
            for fd, _ in saved:
                os.dup2(file.fileno(), fd)
            with contextlib.redirect_stdout(sys.__stdout__), contextlib.redirect_stderr(sys.__stderr__):
                yield read
        finally:
            _flush()
            for fd, copy in saved:
                os.dup2(copy, fd)
                os.close(copy)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
