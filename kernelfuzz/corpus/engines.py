"""Who works on a corpus: this process, several processes of this machine, or a Ray cluster.

An engine does tasks, whatever they are: shards are made by it, and merged.  Shards travel back to the process that
asked for them, which writes them; a merge goes by files, so that nodes have a part in it where they see the directory.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from kernelfuzz import workers
from kernelfuzz.corpus.build_shard import joined, lost_shard, make_shard
from kernelfuzz.corpus.corpus_plan import Plan
from kernelfuzz.corpus.shard import Made
from kernelfuzz.ray_pool import RayPool

T = TypeVar("T")

# A worker is killed after this many seconds and some for each kernel; a kernel takes some hundredths of one.
_PATIENCE = 120.0
_PATIENCE_PER_KERNEL = 10.0

# So often something is made again whose process was killed from outside; then the system is short of memory.
_ATTEMPTS = 5

# The first index of a shard and how many kernels it has.
Span: TypeAlias = tuple[int, int]


class Workers(Protocol):
    """Those who do tasks."""

    def in_order(
        self, function: Callable[..., T], tasks: Iterable[tuple[Any, ...]], *, timeout: float | None = None
    ) -> Generator[T | workers.WorkerError, None, None]:
        """``function(*task)`` for every task, in their order, or how the process of one ended.

        It may look at tasks ahead of what it gives, and is closed early where no more is wanted.  What the function
        raises is raised here.
        """
        ...


# Has workers while the context lasts.
Engine: TypeAlias = Callable[[], AbstractContextManager[Workers]]


class _Here:
    """This process; not for tasks that compile, since a compiler may crash."""

    def __init__(self, *, freezes: bool) -> None:
        self._freezes = freezes
        self._done = 0

    def in_order(
        self, function: Callable[..., T], tasks: Iterable[tuple[Any, ...]], *, timeout: float | None = None
    ) -> Generator[T | workers.WorkerError, None, None]:
        for task in tasks:
            yield function(*task)
            self._done += 1
            if self._freezes:
                workers.leave_old_objects_alone(self._done)


@contextlib.contextmanager
def here() -> Iterator[Workers]:
    """One task after the other in this process."""
    ours = not gc.get_freeze_count()  # objects that the caller has frozen stay frozen
    try:
        yield _Here(freezes=ours)
    finally:
        if ours:
            gc.unfreeze()


def processes(jobs: int) -> Engine:
    """``jobs`` processes of this machine."""
    return lambda: workers.Pool(jobs)


def on_ray(address: str | None, jobs: int) -> Engine:
    """The cluster at ``address``; None starts one of ``jobs`` processors on this machine.

    Entering the engine raises ClusterUnavailable, and ModuleNotFoundError where Ray is not installed.
    """
    return lambda: RayPool(address, jobs)


def who_sees(workers_: Workers, directory: Path) -> Workers:
    """The workers, where all of them see the files of a directory; else this process."""
    if isinstance(workers_, RayPool) and not workers_.everywhere(os.path.isdir, str(directory.resolve())):
        return _Here(freezes=False)
    return workers_


# ------------------------------------------------------------------------------------------- shards


def shards(workers_: Workers, plan: Plan, spans: Iterable[Span]) -> Generator[Made, None, None]:
    """The shards of a plan in the order of their spans; what kills a process costs one kernel."""
    asked: list[Span] = []

    def tasks() -> Iterable[tuple[Plan, int, int]]:
        for span in spans:
            asked.append(span)
            yield plan, *span

    with contextlib.closing(workers_.in_order(make_shard, tasks(), timeout=_timeout(plan))) as results:
        for result in results:
            start, count = asked.pop(0)
            yield result if isinstance(result, Made) else _mended(plan, start, count, result)


def _mended(plan: Plan, start: int, count: int, problem: workers.WorkerError) -> Made:
    """A shard whose process died: made again where that was not its own fault, else kernel by kernel."""
    if problem.from_outside:
        again = in_a_process(make_shard, plan, start, count, timeout=_timeout(plan))
        if isinstance(again, Made):
            return again
    # Most of the kernels are fine.
    return joined([_alone(plan, index) for index in range(start, start + count)])


def _alone(plan: Plan, index: int) -> Made:
    made = in_a_process(make_shard, plan, index, 1, timeout=_PATIENCE + _PATIENCE_PER_KERNEL)
    if isinstance(made, Made):
        return made
    kind = "hang" if isinstance(made, workers.WorkerTimeout) else "crash"
    return lost_shard(plan, index, kind, f"the process that made it {made}")


def _timeout(plan: Plan) -> float:
    """How long a worker may take for a shard, in seconds."""
    return _PATIENCE + _PATIENCE_PER_KERNEL * plan.shard_size


def in_a_process(function: Callable[..., T], *task: Any, timeout: float | None = None) -> T | workers.WorkerError:
    """Do a task in a process of its own, again where something outside killed it; gives how that ended, if badly."""
    left = _ATTEMPTS
    while True:
        left -= 1
        try:
            return workers.call(function, *task, timeout=timeout)
        except workers.WorkerError as error:
            if left == 0 or not error.from_outside:
                return error
