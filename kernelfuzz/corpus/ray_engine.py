"""Shards made on a Ray cluster: the same spans, the same bytes.

The nodes need kernelfuzz and the same release of Warp installed; they need no common file system, because the
shards travel back to the process that asked for them, which writes them.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from kernelfuzz.corpus.build_shard import make_shard
from kernelfuzz.corpus.engines import ClusterUnavailable, Engine, Span, one_by_one, timeout
from kernelfuzz.corpus.plan import Plan
from kernelfuzz.corpus.shard import Made

# Shards asked for ahead of the one that is wanted next, for each processor of the cluster.
_AHEAD = 2

# A shard that is lost with its node is made again on another one.  One that kills its worker so often is
# taken apart here.
_RETRIES = 3

# How long a cluster may take to answer at all, in seconds.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class _Asked:
    span: Span
    result: Any


def on_ray(address: str | None, jobs: int) -> Engine:
    """An engine on the cluster at ``address``; None starts one of ``jobs`` processors on this machine.

    The engine raises ClusterUnavailable.
    """

    def make(plan: Plan, spans: Iterable[Span]) -> Generator[Made, None, None]:
        with _connected(address, jobs):
            remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(make_shard)
            waiting: deque[_Asked] = deque()
            queue = iter(spans)
            try:
                while True:
                    for span in queue:
                        waiting.append(_Asked(span, remote.remote(plan, *span)))
                        if len(waiting) >= _AHEAD * _processors():
                            break
                    if not waiting:
                        return
                    yield _result(plan, waiting.popleft())
            finally:
                for asked in waiting:
                    ray.cancel(asked.result, force=True)

    return make


def _result(plan: Plan, asked: _Asked) -> Made:
    try:
        return ray.get(asked.result, timeout=timeout(plan))
    except RayTaskError as error:
        # What the function raised, in a traceback of the worker.
        raise error.cause from None
    except GetTimeoutError:
        ray.cancel(asked.result, force=True)
    except RayError:
        pass  # the worker died, again and again
    return one_by_one(plan, *asked.span)


def _processors() -> int:
    # Asked each time: nodes come and go.
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _reachable(address: str) -> None:
    """Raise ClusterUnavailable where nobody answers: Ray itself would go on asking for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):
        if address != "auto":
            raise ClusterUnavailable(f"{address!r} is no address of a Ray cluster: give HOST:PORT, or auto")
        return
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except OSError as error:
        raise ClusterUnavailable(f"no Ray cluster at {address}: {error.strerror or error}") from None


@contextlib.contextmanager
def _connected(address: str | None, jobs: int) -> Iterator[None]:
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
