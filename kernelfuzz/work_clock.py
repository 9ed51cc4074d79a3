"""The time of a process that does not depend on what else the machine does.

Time limits are held against it: on a busy machine a process may wait for the processor a hundred times as long as
it computes.
"""

from __future__ import annotations

import os
import time

# What passes at most between two looks at a process that sleeps, in seconds: who looks may have to wait for the
# processor as well.
_LONGEST_SLEEP = 1.0

# How often it is looked, at most.
_EVERY = 0.05


class WorkClock:
    """The seconds in which a process and its group computed, or had nothing to compute.

    The seconds in which one of them waited for the processor do not count.  Read from /proc; without that it is
    the time that passes.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._started = self._looked = time.monotonic()
        self._computed = 0.0
        self._counted = 0.0

    def seconds(self) -> float:
        """The seconds since the clock was made; to be asked several times a second."""
        now = time.monotonic()
        passed = now - self._looked
        if passed < _EVERY:
            return self._counted
        self._looked = now
        computed, ready = _at_work(self._pid)
        if computed is None:
            return now - self._started
        # A child's time is its own while it lives, and its parent's once that has waited for it; several threads
        # count as one.
        more = min(passed, max(0.0, computed - self._computed))
        self._computed = max(self._computed, computed)
        self._counted += more if ready else max(more, min(passed, _LONGEST_SLEEP))
        return self._counted


def _at_work(pid: int) -> tuple[float | None, bool]:
    """The processor's seconds that a process had, with its children, and whether one of its threads is ready to run.

    Where none is, those of the rest of its group are added, and asked.  None where there is no such process, or
    no /proc.
    """
    fields = _stat(f"/proc/{pid}/stat")
    if fields is None:
        return None, False
    computed = _seconds(fields)
    if _ready(pid, fields):
        return computed, True
    ready = False
    for other, theirs in _group(pid):
        computed += _seconds(theirs)
        ready = ready or _ready(other, theirs)
    return computed, ready


def _stat(path: str) -> list[bytes] | None:
    """The fields of a stat file from the state on, which is the third: the second may have blanks."""
    try:
        with open(path, "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _seconds(fields: list[bytes]) -> float:
    """utime, stime, cutime and cstime, which are counted in ticks."""
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _ready(pid: int, fields: list[bytes]) -> bool:
    if fields[0] == b"R":
        return True
    if int(fields[17]) == 1:
        return False
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    found = (_stat(f"/proc/{pid}/task/{thread}/stat") for thread in threads)
    return any(each is not None and each[0] == b"R" for each in found)


def _group(pid: int) -> list[tuple[int, list[bytes]]]:
    """The other processes of the group that a process leads."""
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != pid]
    found = ((other, _stat(f"/proc/{other}/stat")) for other in others)
    return [(other, fields) for other, fields in found if fields is not None and int(fields[2]) == pid]
