"""Processes that tests start, interrupt and wait for; and a clock for those with a time limit.

No test asks how long something takes: on a busy machine everything takes long.  What must be cut short is
made to last for ever instead.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# Seconds after which a wait is given up: only to end a test that would hang.
LIMIT = 600.0

# Seconds that are longer than any test waits, for what has to be cut short.
FOREVER = 6 * LIMIT

# By CI, Hypothesis knows that the machine may be busy: it asks no clock, and draws the same every time.
UNHURRIED = {**os.environ, "CI": "1"}


@contextlib.contextmanager
def interruptible(arguments: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own that SIGINT interrupts; it is killed where it outlives the ``with``.

    Where pytest runs in the background of a script, SIGINT is ignored, and what it starts would inherit that:
    Python asks for KeyboardInterrupt only where the signal is not ignored.  A handler is not inherited.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(arguments, text=True, start_new_session=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def until(happened: Callable[[], object], process: subprocess.Popen[Any] | None = None) -> None:
    """Wait for something; fails where it never happens, or where the process ends before that."""
    given_up = time.monotonic() + LIMIT
    while True:
        over = process is not None and process.poll() is not None
        if happened():
            return
        assert not over, "the process has ended"
        assert time.monotonic() < given_up, "it did not happen"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process lives; one that waits to be reaped by its new parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Clock:
    """In the place of a module's ``time``: it stands still, but while ``late`` says so a look takes an hour.

    So whatever has a time limit is over it then, and never before.
    """

    def __init__(self, late: Callable[[], object]) -> None:
        self._late = late
        self._now = time.monotonic()

    def monotonic(self) -> float:
        """Seconds."""
        if self._late():
            self._now += 3600.0
        return self._now
