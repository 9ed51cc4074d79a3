"""Reproducers run under a release: is the bug there, is it fixed, or does something else happen?"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from kernelfuzz.releases.environments import clean_environ
from kernelfuzz.work_clock import WorkClock

# How often a wait looks up, in seconds.
_WAKE = 0.2

Presence: TypeAlias = Literal["present", "fixed", "broken"]

# An exception that nobody catches ends Python with 1, which for a reproducer means that the bug is there: so
# the script is run by these lines, which give it a status of its own.  It dies with the process that waits for it,
# where the system can do that (Linux).
_UNCAUGHT = 70
_RUN = f"""\
import ctypes, os, runpy, signal, sys, traceback
if sys.platform == "linux":
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
del sys.argv[0]
sys.path[0] = os.path.dirname(sys.argv[0])
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except Exception:
    traceback.print_exc()
    sys.stdout.flush()
    os._exit({_UNCAUGHT})
"""


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """``broken``: the script could not tell.  ``detail``: the last line that it printed, or how it ended."""

    presence: Presence
    detail: str
    seconds: float


def run_script(
    path: str | Path,
    python: str,
    *,
    timeout: float,
    stopped: Callable[[], bool] = lambda: False,
    environ: Mapping[str, str] | None = None,
) -> ScriptOutcome:
    """Run a reproducer in a process of its own, which is killed after ``timeout`` seconds of its work.

    A reproducer exits with 1 where the bug is present and with 0 where it is fixed.  ``environ`` is its
    environment (default: this process's, without what leads Python to other packages).  Raises
    InterruptedError once ``stopped()``.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as directory:
        # Warp's kernel cache too: nothing that one release compiled is seen by another.
        own = {"TMPDIR": directory, "WARP_CACHE_PATH": os.path.join(directory, "cache")}
        process = subprocess.Popen(
            [python, "-c", _RUN, os.path.abspath(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**(clean_environ() if environ is None else environ), **own},
            cwd=directory,
            start_new_session=True,
        )
        try:
            printed = _printed(process, timeout, stopped)
        finally:
            # Its group: what the script started goes with it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return _outcome(process.returncode, printed, time.monotonic() - started, timeout)


def _printed(process: subprocess.Popen[str], timeout: float, stopped: Callable[[], bool]) -> str | None:
    """Return what the script printed until it ended; None where it did not end in time."""
    clock = WorkClock(process.pid)
    while clock.seconds() < timeout:
        if stopped():
            raise InterruptedError
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_WAKE)[0]
    return None


def _outcome(status: int, printed: str | None, seconds: float, timeout: float) -> ScriptOutcome:
    if printed is None:
        return ScriptOutcome("broken", f"still running after {timeout:g} seconds", seconds)
    last = next((line.strip() for line in reversed(printed.splitlines()) if line.strip()), "")
    if status in (0, 1):
        return ScriptOutcome("present" if status else "fixed", last, seconds)
    if status < 0:
        with contextlib.suppress(ValueError):
            return ScriptOutcome("broken", f"killed by {signal.Signals(-status).name}", seconds)
    return ScriptOutcome("broken", last or f"exit status {status}", seconds)
