"""Tasks that wait for a worker, whoever the workers are: processes of this machine or of a cluster.

``kernelfuzz.workers`` has the ones, ``kernelfuzz.ray_pool`` the others.  Everything happens in the thread that asks
for results.
"""

from __future__ import annotations

import abc
import contextlib
import math
import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# How many tasks per worker are handed out ahead of the one whose result is wanted next: enough that no worker
# waits, few enough that finished results do not pile up.
_AHEAD = 4


class WorkerError(RuntimeError):
    """A worker did not finish its task; the message says how it ended, in words that follow "the process".

    ``from_outside``: by SIGKILL, which no process comes by alone: someone sent it, or a system out of memory.
    ``told`` is what the task last told of itself (``kernelfuzz.workers.tell``); None where it told nothing.
    """

    from_outside = False
    told: Any = None


class WorkerDied(WorkerError):
    """The process ended: a crash in native code, or something killed it."""

    def __init__(self, message: str, *, from_outside: bool = False) -> None:
        super().__init__(message)
        self.from_outside = from_outside


class WorkerTimeout(WorkerError):
    """The task took longer than it may, and its process was killed."""


class WorkerMemory(WorkerError):
    """The task took more memory than it may, and its process was killed."""


@dataclass(eq=False, slots=True)
class PoolTask(Generic[T]):
    """A call that was submitted, and its value or its exception once it is done.

    ``told`` is what it last told of itself, pickled.
    """

    payload: bytes
    timeout: float | None
    fresh: bool = False
    done: bool = False
    value: T | None = None
    error: BaseException | None = None
    told: bytes = b""

    def finish(self, value: T | None, error: BaseException | None) -> None:
        self.done, self.value, self.error = True, value, error


class TaskQueue(abc.ABC):
    """Tasks in the order in which workers get them; used as a context, which ends the workers."""

    def __init__(self) -> None:
        self._urgent: deque[PoolTask[Any]] = deque()
        self._queue: deque[PoolTask[Any]] = deque()
        self._reserved = 0

    @property
    @abc.abstractmethod
    def jobs(self) -> int:
        """How many tasks are done at once."""

    @abc.abstractmethod
    def __enter__(self) -> TaskQueue: ...

    @abc.abstractmethod
    def __exit__(self, *_: object) -> None: ...

    def submit(
        self,
        function: Callable[..., T],
        *args: Any,
        timeout: float | None = None,
        urgent: bool = False,
        fresh: bool = False,
    ) -> PoolTask[T]:
        """Queue ``function(*args)``; ``urgent`` tasks come before all others.  ``timeout`` is in seconds.

        A ``fresh`` task is the first of its process: no other one has spoiled its memory.
        """
        task: PoolTask[T] = PoolTask(pickle.dumps((function, args)), timeout, fresh)
        self.add(task, urgent=urgent)
        return task

    def add(self, task: PoolTask[Any], *, urgent: bool = False) -> None:
        """Queue a task that is pickled already."""
        (self._urgent if urgent else self._queue).append(task)
        self._hand_out()

    def result(self, task: PoolTask[T], until: float = math.inf) -> T:
        """The value of a task.  Raises WorkerError, and what the function raised.

        ``until``: when to give up waiting, on the clock of ``time.monotonic``; raises TimeoutError then.
        """
        while not task.done:
            if time.monotonic() >= until:
                raise TimeoutError
            self._step(until)
        if task.error is not None:
            raise task.error
        return task.value  # pyright: ignore[reportReturnType]  # None only where that is the value

    def in_order(
        self, function: Callable[..., T], tasks: Iterable[tuple[Any, ...]], *, timeout: float | None = None
    ) -> Generator[T | WorkerError, None, None]:
        """``function(*task)`` for every task; the results come in the order of the tasks.

        A task whose process died or ran out of time gives the WorkerError in its place.  What the function raises
        is raised here.  Closing the iterator kills the processes of what is under way.
        """
        waiting: deque[PoolTask[T]] = deque()
        queue = iter(tasks)
        try:
            while True:
                for task in queue:
                    waiting.append(self.submit(function, *task, timeout=timeout))
                    if len(waiting) >= self.jobs * _AHEAD:
                        break
                if not waiting:
                    return
                try:
                    result = self.result(waiting.popleft())
                except WorkerError as error:
                    yield error
                else:
                    yield result
        finally:
            self.cancel(waiting)

    def tend(self) -> None:
        """Take results and enforce limits without waiting: for who waits for something else meanwhile."""
        self._step(time.monotonic())

    def cancel(self, tasks: Iterable[PoolTask[Any]]) -> None:
        """Forget the tasks: those not begun are dropped, the processes of the others killed."""
        unwanted = [task for task in tasks if not task.done]
        for queue in (self._urgent, self._queue):
            for task in unwanted:
                with contextlib.suppress(ValueError):
                    queue.remove(task)
        self._stop(unwanted)

    @contextlib.contextmanager
    def reserve(self, workers: int) -> Iterator[None]:
        """Leave this number of workers to urgent tasks alone while the ``with`` lasts."""
        before, self._reserved = self._reserved, workers
        try:
            yield
        finally:
            self._reserved = before
            self._hand_out()

    def _next(self, busy: int) -> PoolTask[Any] | None:
        """The task to hand out now, taken off its queue, where so many workers have one."""
        if self._urgent and busy < self.jobs:
            return self._urgent.popleft()
        if self._queue and busy < self.jobs - self._reserved:
            return self._queue.popleft()
        return None

    @abc.abstractmethod
    def _step(self, until: float) -> None:
        """Wait until something happens, a short while at most, and deal with it."""

    @abc.abstractmethod
    def _hand_out(self) -> None:
        """Give every worker that has nothing to do a task."""

    @abc.abstractmethod
    def _stop(self, tasks: list[PoolTask[Any]]) -> None:
        """Kill the processes that are at work on the tasks."""
