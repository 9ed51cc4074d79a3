"""Isolated processes: a crash, a hang or runaway memory costs one task, never the run.

The workers are spawned, so nothing of the parent's state is in them, and a function that runs in one must be
importable by name.  Each has a pipe of its own: a worker that is killed at any moment cannot block another.
Everything happens in the thread that asks for results; the pool has no threads of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import math
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from kernelfuzz.task_queue import PoolTask, TaskQueue, WorkerDied, WorkerError, WorkerMemory, WorkerTimeout
from kernelfuzz.work_clock import WorkClock

T = TypeVar("T")

# How often a wait comes back to Python: to see a signal that another thread received, and how much memory the
# workers have.
_WAKE = 0.1

# What a process may take from its start to its first task, in seconds of its work: Python itself has to be started.
_STARTING = 60.0

# What a worker sends when it has received a task, before it does anything about it.
_RECEIVED = b"received"

# How a message starts by which it tells what it is at.
_TELLING = b"telling"


def available_cpus() -> int:
    """The processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_share(jobs: int) -> int:
    """What each of ``jobs`` workers may take, in bytes, so that all together leave some of the machine."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1 << 30, min(8 << 30, int(total * 0.8) // jobs))


def call(function: Callable[..., T], *args: Any, timeout: float | None = None, memory: int | None = None) -> T:
    """``function(*args)`` in a process of its own.  Raises WorkerError, and what the function raises."""
    with Pool(1, memory=memory) as pool:
        return pool.result(pool.submit(function, *args, timeout=timeout))


def in_order(
    function: Callable[..., T], tasks: Iterable[tuple[Any, ...]], *, jobs: int, timeout: float | None = None
) -> Generator[T | WorkerError, None, None]:
    """``function(*task)`` for every task, in ``jobs`` processes, as ``Pool.in_order`` gives it."""
    with Pool(jobs) as pool, contextlib.closing(pool.in_order(function, tasks, timeout=timeout)) as results:
        yield from results


@dataclass(eq=False, slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    directory: str
    clock: WorkClock
    task: PoolTask[Any] | None = None
    used: bool = False
    limit: float = math.inf

    @property
    def late(self) -> bool:
        """Whether its task has taken longer than it may, by the clock of its work."""
        return self.limit < math.inf and self.clock.seconds() >= self.limit


class Pool(TaskQueue):
    """Processes that do tasks; started when there is something to do, killed when the ``with`` ends.

    ``memory``: how many bytes of main memory a worker may hold (None: any number); watched through /proc, so
    on Linux only.  A worker that holds more than half of it after a task is replaced, so that what one task
    left behind is not held against a later one.  ``on_wait`` is called several times a second while a result
    is waited for.  Time limits are in seconds of work (``kernelfuzz.work_clock``): they do not depend on what else
    the machine does.

    The temporary files of the workers are in one directory, which is removed at the end.
    """

    def __init__(self, jobs: int, *, memory: int | None = None, on_wait: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._jobs = jobs
        self._memory = memory
        self._on_wait = on_wait
        self._workers: list[_Worker] = []
        self._directory = ""

    @property
    def jobs(self) -> int:
        return self._jobs

    def __enter__(self) -> Pool:
        self._directory = tempfile.mkdtemp(prefix="kernelfuzz-")
        return self

    def __exit__(self, *_: object) -> None:
        # By now nobody waits for what the workers do.
        with _no_interrupts():
            while self._workers:
                self._discard(self._workers[0])
            shutil.rmtree(self._directory, ignore_errors=True)

    # ------------------------------------------------------------------------------------- one step

    def _step(self, until: float) -> None:
        self._hand_out()
        pipes = {worker.pipe: worker for worker in self._workers}
        sentinels = {worker.process.sentinel: worker for worker in self._workers}
        ready = connection.wait([*pipes, *sentinels], timeout=max(0.0, min(_WAKE, until - time.monotonic())))
        self._on_wait()
        for pipe in ready:
            if pipe in pipes:
                self._receive(pipes[pipe])  # pyright: ignore[reportArgumentType]
        for worker in list(self._workers):
            if worker.process.exitcode is not None:
                self._ended(worker)
            elif worker.late and not worker.pipe.poll():
                assert worker.task is not None
                self._kill(worker, WorkerTimeout(_late(worker.task)))
            elif self._memory is not None and _resident(worker.process.pid) > self._memory:
                self._kill(worker, WorkerMemory(f"ran out of memory (it had more than {_size(self._memory)})"))

    def _receive(self, worker: _Worker) -> bool:
        """Read a message of a worker: that it has a task, or its answer.  False where there is none."""
        try:
            message = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            # It is ending: how, is known when the process is reaped.
            worker.process.join(_WAKE)
            return False
        task = worker.task
        assert task is not None
        if message == _RECEIVED:
            worker.limit = math.inf if task.timeout is None else worker.clock.seconds() + task.timeout
            return True
        if message.startswith(_TELLING):
            task.told = message.removeprefix(_TELLING)
            return True
        worker.task, worker.limit = None, math.inf
        value, error = pickle.loads(message)
        if isinstance(error, MemoryError):
            error = WorkerMemory("ran out of memory")
        task.finish(value, error)
        if self._memory is not None and _resident(worker.process.pid) > self._memory // 2:
            self._discard(worker)
        return True

    def _ended(self, worker: _Worker) -> None:
        """A process is gone.  An answer that it gave before is in the pipe still."""
        while worker.task is not None and worker.pipe.poll() and self._receive(worker):
            pass
        if worker in self._workers:
            code = worker.process.exitcode or 0
            self._kill(worker, WorkerDied(_ending(code), from_outside=code == -signal.SIGKILL))

    def _kill(self, worker: _Worker, reason: WorkerError) -> None:
        """Kill a worker and give its task the reason."""
        task = worker.task
        self._discard(worker)
        if task is not None:
            reason.told = pickle.loads(task.told) if task.told else None
            task.finish(None, reason)

    def _discard(self, worker: _Worker) -> None:
        """Kill a worker, with what it started, and remove what it left behind."""
        self._workers.remove(worker)
        pid = worker.process.pid
        assert pid is not None
        # Its group too: what a task started goes with it.  Before the process is reaped, so that the number
        # is still its own; it has no group yet while it starts.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        worker.process.kill()
        worker.process.join()
        worker.process.close()
        worker.pipe.close()
        shutil.rmtree(worker.directory, ignore_errors=True)

    # ------------------------------------------------------------------------------------ handing out

    def _hand_out(self) -> None:
        """Give every worker that has nothing to do a task, starting workers while there are too few."""
        while (task := self._next(sum(worker.task is not None for worker in self._workers))) is not None:
            idle = [worker for worker in self._workers if worker.task is None]
            worker = next((worker for worker in idle if not (task.fresh and worker.used)), None)
            if worker is None:
                if len(self._workers) >= self.jobs:
                    self._discard(idle[0])
                worker = self._start()
            worker.used = True
            limit = math.inf if task.timeout is None else task.timeout
            worker.task, worker.limit = task, worker.clock.seconds() + _STARTING + limit
            # Where the worker died meanwhile, the next step sees that.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                worker.pipe.send_bytes(task.payload)

    def _stop(self, tasks: list[PoolTask[Any]]) -> None:
        for worker in [worker for worker in self._workers if worker.task in tasks]:
            self._discard(worker)

    def _start(self) -> _Worker:
        here, there = multiprocessing.Pipe()
        directory = tempfile.mkdtemp(dir=self._directory)
        # Daemons: should this process end in a way that skips our own cleaning up, Python's kills them.
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(there, directory, os.getpid()), daemon=True
        )
        with _no_interrupts():
            process.start()
            assert process.pid is not None
            worker = _Worker(process, here, directory, WorkClock(process.pid))
            self._workers.append(worker)
        there.close()
        return worker


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


def _late(task: PoolTask[Any]) -> str:
    if task.timeout is None:
        return f"did not start within {_STARTING:g} seconds"
    return f"did not finish within {task.timeout:g} seconds"


def _size(count: int) -> str:
    return f"{count / (1 << 20):.0f} MiB"


def _resident(pid: int | None) -> int:
    """The bytes of main memory that a process holds; 0 where that cannot be known."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


# ------------------------------------------------------------------------------------- in the worker

# To who waits for the task of this process, where it is a worker.
_telling: Connection | None = None


def tell(what: object) -> None:
    """Tell what the task of this process is at: a WorkerError brings what was told last.

    ``what`` is pickled.  Does nothing in a process that is no worker.
    """
    if _telling is not None:
        _telling.send_bytes(_TELLING + pickle.dumps(what))


def _serve(pipe: Connection, directory: str, parent: int) -> None:
    """What a worker does: tasks from the pipe, one after the other, until the parent is gone."""
    global _telling
    os.setpgid(0, 0)
    die_with(parent)
    _telling = pipe
    # stdout is for the parent's data, so what a task prints goes to stderr.
    sys.stdout.flush()
    os.dup2(2, 1)
    os.environ["TMPDIR"] = tempfile.tempdir = directory
    for number in itertools.count(1):
        try:
            payload = pipe.recv_bytes()
            pipe.send_bytes(_RECEIVED)
        except (EOFError, OSError):
            return
        pipe.send_bytes(_answer(payload))
        leave_old_objects_alone(number)


# The number of the first task after which a process looks for garbage: before that there is little of it.
_COLLECTED_FROM = 8


def leave_old_objects_alone(number: int = 0) -> None:
    """Have Python's collector pass over the objects that there are now: Warp alone is 100,000.

    It would go through all of them dozens of times in a task.  Called after each task of a process, with its
    number from 1, or with 0 before the first: only the powers of two count.  What was passed over before and is
    garbage now is collected first, except after the first few tasks.
    """
    if number & (number - 1):
        return
    if number >= _COLLECTED_FROM:
        gc.unfreeze()
        gc.collect()
    gc.freeze()


def die_with(parent: int) -> None:
    """Have the system kill this process when the parent ends in whatever way, where it can (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


class _Remote(Exception):
    """The traceback of an exception, as it was in the worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _answer(payload: bytes) -> bytes:
    """Value and exception, pickled."""
    try:
        function, args = pickle.loads(payload)
        return pickle.dumps((function(*args), None))
    except BaseException as error:
        return pickled(error, traceback.format_exc())


def pickled(error: BaseException, where: str) -> bytes:
    try:
        answer = pickle.dumps((None, error))
        pickle.loads(answer)
    except Exception:
        # Not every exception comes through; its name and message always do.
        error = RuntimeError(f"{type(error).__name__}: {error}")
        answer = pickle.dumps((None, error))
    try:
        return pickle.dumps((None, _Carried(error, where)))
    except Exception:
        return answer


class _Carried:
    """An exception that takes its traceback along as its cause: pickling alone drops both."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.error, self.where = error, where

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.error, self.where)


def _restored(error: BaseException, where: str) -> BaseException:
    error.__cause__ = _Remote(where)
    return error
