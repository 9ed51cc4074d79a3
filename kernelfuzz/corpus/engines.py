"""Who makes shards: this process, several processes of this machine, or a Ray cluster.

The nodes of a cluster need kernelfuzz and the same release of Warp installed; they need no common file system,
because the shards travel back to the process that asked for them, which writes them.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import socket
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Protocol, TypeAlias

from kernelfuzz import workers
from kernelfuzz.corpus.build_shard import joined, lost_shard, make_shard
from kernelfuzz.corpus.corpus_plan import Plan
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
    ours = not gc.get_freeze_count()  # objects that the caller has frozen stay frozen
    try:
        for number, (start, count) in enumerate(spans, 1):
            yield make_shard(plan, start, count)
            if ours:
                workers.leave_old_objects_alone(number)
    finally:
        if ours:
            gc.unfreeze()


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


# ------------------------------------------------------------------------------------------ on Ray

# Shards asked for ahead of the one that is wanted next, for each processor of the cluster.
_AHEAD = 2

# A shard that is lost with its node is made again on another one.  One that kills its worker so often is
# taken apart here.
_RETRIES = 3

# How long a cluster may take to answer at all, in seconds.
_ANSWERING = 10.0


def on_ray(address: str | None, jobs: int) -> Engine:
    """An engine on the cluster at ``address``; None starts one of ``jobs`` processors on this machine.

    The engine raises ClusterUnavailable.  Raises ModuleNotFoundError where Ray is not installed.
    """
    import ray

    def make(plan: Plan, spans: Iterable[Span]) -> Generator[Made, None, None]:
        with _connected(address, jobs):
            remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(make_shard)
            waiting: deque[tuple[Span, Any]] = deque()
            queue = iter(spans)
            try:
                while True:
                    for span in queue:
                        waiting.append((span, remote.remote(plan, *span)))
                        # Asked each time: nodes come and go.
                        processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
                        if len(waiting) >= _AHEAD * processors:
                            break
                    if not waiting:
                        return
                    yield _result(plan, *waiting.popleft())
            finally:
                for _, result in waiting:
                    ray.cancel(result, force=True)

    return make


def _result(plan: Plan, span: Span, result: Any) -> Made:
    import ray
    from ray.exceptions import GetTimeoutError, RayError, RayTaskError

    try:
        return ray.get(result, timeout=timeout(plan))
    except RayTaskError as error:
        # What the function raised, in a traceback of the worker.
        raise error.cause from None
    except GetTimeoutError:
        ray.cancel(result, force=True)
    except RayError:
        pass  # the worker died, again and again
    return one_by_one(plan, *span)


def _reachable(address: str) -> None:
    """Raise ClusterUnavailable where nobody answers: Ray itself would go on asking for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):
        if address != "auto":
            raise ClusterUnavailable(f"{address!r} is no address of a Ray cluster: give HOST:PORT, or auto")
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWERING).close()
    except OSError as error:
        raise ClusterUnavailable(f"no Ray cluster at {address}: {error.strerror or error}") from None


@contextlib.contextmanager
def _connected(address: str | None, jobs: int) -> Iterator[None]:
    import ray

    if address:
        _reachable(address)
    options: dict[str, Any] = {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
    try:
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClusterUnavailable(f"no Ray cluster at {address or 'this machine'}: {first}") from None
    try:
        if ray.cluster_resources().get("CPU", 0) < 1:
            raise ClusterUnavailable("the Ray cluster has no processor to offer: add a node")
        yield
    finally:
        ray.shutdown()
