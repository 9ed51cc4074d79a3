"""Isolated processes: a crash, a hang or a leak costs one task, never the run.

The workers are spawned, so nothing of the parent's state is in them, and a function that runs in one must be
importable by name.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

T = TypeVar("T")

# How many tasks per worker are handed out ahead of the one whose result is wanted next: enough that no worker
# waits, few enough that finished results do not pile up.
_AHEAD = 4

# How often a wait comes back to Python, so that a signal that another thread received is seen soon.
_WAKE = 0.25


class WorkerError(RuntimeError):
    """A worker did not finish its task; the message says how it ended, in words that follow "the process"."""


class WorkerDied(WorkerError):
    """The process ended: a crash in native code, or the system killed it."""


class WorkerTimeout(WorkerError):
    """The task took longer than it may, and its process was killed."""


def available_cpus() -> int:
    """The processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def call(function: Callable[..., T], *args: Any, timeout: float | None = None) -> T:
    """``function(*args)`` in a process of its own.  Raises WorkerError, and what the function raises."""
    with _pool(1) as schedule:
        return _result(schedule(function, args, timeout), timeout)


def in_order(
    function: Callable[..., T], tasks: Iterable[tuple[Any, ...]], *, jobs: int, timeout: float | None = None
) -> Generator[T | WorkerError, None, None]:
    """``function(*task)`` for every task, in ``jobs`` processes; the results come in the order of the tasks.

    A task whose process died or ran out of time gives the WorkerError in its place.  What the function raises
    is raised here.  Closing the iterator kills the workers.
    """
    waiting: deque[ProcessFuture] = deque()
    with _pool(jobs) as schedule:
        queue = iter(tasks)
        while True:
            for task in queue:
                waiting.append(schedule(function, task, timeout))
                if len(waiting) >= jobs * _AHEAD:
                    break
            if not waiting:
                return
            try:
                result = _result(waiting.popleft(), timeout)
            except WorkerError as error:
                yield error
            else:
                yield result


@contextlib.contextmanager
def _pool(jobs: int) -> Iterator[Callable[..., ProcessFuture]]:
    """A pool's ``schedule``.  Leaving kills the workers: by then nobody waits for what they do."""
    pool = ProcessPool(max_workers=jobs, initializer=_start, context=multiprocessing.get_context("spawn"))

    def schedule(function: Callable[..., Any], args: tuple[Any, ...], timeout: float | None) -> ProcessFuture:
        with _no_interrupts():
            return pool.schedule(function, args=list(args), timeout=timeout)

    try:
        yield schedule
    finally:
        pool.stop()
        pool.join()


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hide Ctrl-C, which goes to all processes of a terminal, from what starts inside: the parent decides.

    Threads and processes inherit the mask from the thread that starts them, from their first instruction on.
    """
    # Would unblock the signal for the calling thread when it is started later.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start() -> None:
    """Runs first in every worker: stdout is for the parent's data, so what a task prints goes to stderr."""
    sys.stdout.flush()
    os.dup2(2, 1)


def _result(future: ProcessFuture, timeout: float | None) -> Any:
    while True:
        try:
            return future.result(timeout=_WAKE)
        except FutureTimeout:
            if not future.done():
                continue
            # Also what a function would raise by itself, but none of ours does.
            raise WorkerTimeout(f"did not finish within {timeout:g} seconds") from None
        except ProcessExpired as error:
            raise WorkerDied(_ending(error.exitcode)) from None


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
