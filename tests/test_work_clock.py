"""The clock of a process's work: what waits for the processor does not count, what computes or sleeps does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from processes import FOREVER, until

from kernelfuzz import work_clock
from kernelfuzz.work_clock import WorkClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

BUSY = "while :; do :; done"
SOME = 0.4

# /proc counts in hundredths of a second.
TICKS = 0.05


@contextlib.contextmanager
def running(script: str) -> Iterator[int]:
    """A shell in a group of its own, on one processor; it has begun when it is given, with what it prints."""
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def computed(pid: int) -> float:
    """The processor's seconds that a process had, as the system counts them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("inner", [False, True], ids=["itself", "a child"])
def test_waiting_for_the_processor_does_not_count(inner: bool) -> None:
    """Beside others that compute on the same processor."""
    script = f"({BUSY}) & echo begun; wait" if inner else f"echo begun; {BUSY}"
    with running(f"echo begun; {BUSY}"), running(f"echo begun; {BUSY}"), running(script) as pid:
        clock = WorkClock(pid)
        members = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and group(path) == pid]
        before = sum(map(computed, members))
        until(lambda: clock.seconds() >= SOME)
        assert sum(map(computed, members)) - before >= clock.seconds() - TICKS


def group(path: Path) -> int:
    try:
        return int(Path(path, "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:
        return 0


def test_sleeping_counts() -> None:
    with running(f"echo begun; exec sleep {FOREVER}") as pid:
        clock = WorkClock(pid)
        until(lambda: clock.seconds() >= SOME)
        assert computed(pid) < SOME


def test_a_clock_that_nobody_looked_at_counts_no_long_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks had to wait: for how long the process slept is not known."""
    now = 0.0
    monkeypatch.setattr(work_clock, "time", SimpleNamespace(monotonic=lambda: now))
    with running(f"echo begun; exec sleep {FOREVER}") as pid:
        until(lambda: " S " in Path(f"/proc/{pid}/stat").read_text().replace("(sh)", ""))
        clock = WorkClock(pid)
        now = 1000.0
        assert clock.seconds() == 1.0


def test_threads_that_compute_together_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(work_clock, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(work_clock, "_at_work", lambda _: (8 * now, True))
    clock = WorkClock(1)
    for now in (1.0, 2.0, 3.0):
        assert clock.seconds() == now
