"""Who makes shards: this process, or several processes of this machine."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol, TypeAlias

from kernelfuzz import workers
from kernelfuzz.corpus.build_shard import joined, lost_shard, make_shard
from kernelfuzz.corpus.plan import Plan
from kernelfuzz.corpus.shard import Made

# A worker is killed after this many seconds and some for each kernel; a kernel takes some hundredths of one.
_PATIENCE = 120.0
_PATIENCE_PER_KERNEL = 10.0

# So often something is made again whose process was killed from outside; then the system is short of memory.
_ATTEMPTS = 5

# The first index of a shard and how many kernels it has.
Span: TypeAlias = tuple[int, int]


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be reached, or has no processor to offer; the message says which."""


class Engine(Protocol):
    """What makes the shards of a plan; they come in the order of their spans.

    It may look at spans ahead of what it gives, and is closed early where no more shards are wanted.
    """

    def __call__(self, plan: Plan, spans: Iterable[Span]) -> Generator[Made, None, None]:
        """The shards."""
        ...


def here(plan: Plan, spans: Iterable[Span]) -> Generator[Made, None, None]:
    """One after the other in this process; not for plans that compile, since a compiler may crash."""
    for start, count in spans:
        yield make_shard(plan, start, count)


def processes(jobs: int) -> Engine:
    """``jobs`` processes of this machine; what kills one of them costs one kernel."""

    def make(plan: Plan, spans: Iterable[Span]) -> Generator[Made, None, None]:
        asked: list[Span] = []

        def tasks() -> Iterable[tuple[Plan, int, int]]:
            for span in spans:
                asked.append(span)
                yield plan, *span

        results = workers.in_order(make_shard, tasks(), jobs=jobs, timeout=timeout(plan))
        try:
            for result in results:
                start, count = asked.pop(0)
                yield result if isinstance(result, Made) else _mended(plan, start, count, result)
        finally:
            results.close()

    return make


def _mended(plan: Plan, start: int, count: int, problem: workers.WorkerError) -> Made:
    """A shard whose process died: made again where that was not its own fault, else kernel by kernel."""
    if problem.from_outside:
        again = _in_a_process(plan, start, count, timeout(plan))
        if isinstance(again, Made):
            return again
    return one_by_one(plan, start, count)


def one_by_one(plan: Plan, start: int, count: int) -> Made:
    """A shard that did not come back, each kernel in a process of its own: most of the kernels are fine."""
    return joined([_alone(plan, index) for index in range(start, start + count)])


def _alone(plan: Plan, index: int) -> Made:
    made = _in_a_process(plan, index, 1, _PATIENCE + _PATIENCE_PER_KERNEL)
    if isinstance(made, Made):
        return made
    kind = "hang" if isinstance(made, workers.WorkerTimeout) else "crash"
    return lost_shard(plan, index, kind, f"the process that made it {made}")


def _in_a_process(plan: Plan, start: int, count: int, patience: float) -> Made | workers.WorkerError:
    """A shard made in a process of its own, or how that ended; again where something outside killed it."""
    left = _ATTEMPTS
    while True:
        left -= 1
        try:
            return workers.call(make_shard, plan, start, count, timeout=patience)
        except workers.WorkerError as error:
            if left == 0 or not error.from_outside:
                return error


def timeout(plan: Plan) -> float:
    """How long a worker may take for a shard, in seconds."""
    return _PATIENCE + _PATIENCE_PER_KERNEL * plan.shard_size
