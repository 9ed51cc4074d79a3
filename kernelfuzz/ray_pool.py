"""The processors of a Ray cluster as workers: each does a task in a process of its own, as this machine does.

What crashes, hangs or takes too much memory ends that process, and Ray sees none of it.  What Ray loses is a node:
the tasks that were there are done again elsewhere.  The nodes need kernelfuzz and the same release of Warp; they need
no common file system.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import pickle
import shutil
import signal
import socket
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernelfuzz import workers
from kernelfuzz.task_queue import PoolTask, TaskQueue, WorkerDied

# So often a task is done again whose node is lost.
_RETRIES = 20

# How long a cluster may take to answer at all, in seconds.
_ANSWERING = 10.0

# How often a wait comes back, and how often the processors are counted, in seconds: nodes come and go.
_WAKE = 0.1
_COUNTING = 1.0


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be reached, or has no processor to offer; the message says which."""


class RayPool(TaskQueue):
    """The processors of the cluster at ``address``; without one, a cluster of ``jobs`` on this machine for itself.

    ``limited``: a task may hold its processor's share of the memory of its node.  ``on_wait`` is called several times
    a second while a result is waited for.  Raises ModuleNotFoundError where Ray is not installed; entering raises
    ClusterUnavailable.
    """

    def __init__(
        self, address: str | None, jobs: int, *, limited: bool = False, on_wait: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__()
        import ray

        self._ray: Any = ray
        self._address = address
        self._local_jobs = jobs
        self._limited = limited
        self._on_wait = on_wait
        self._remote: Any = None
        self._running: dict[Any, PoolTask[Any]] = {}
        self._counted = (-math.inf, 1)

    @property
    def jobs(self) -> int:
        when, count = self._counted
        now = time.monotonic()
        if now - when >= _COUNTING:
            count = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
            self._counted = (now, count)
        return count

    def __enter__(self) -> RayPool:
        _connect(self._ray, self._address, self._local_jobs)
        self._remote = self._ray.remote(num_cpus=1, max_retries=_RETRIES)(_done)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop(list(self._running.values()))
        self._ray.shutdown()

    def everywhere(self, function: Callable[..., bool], *args: Any) -> bool:
        """Whether a function, which must not crash, returns True on every node; one that is lost does not count."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        asked = [
            self._ray.remote(num_cpus=0, scheduling_strategy=On(node["NodeID"], soft=False))(function).remote(*args)
            for node in self._ray.nodes()
            if node["Alive"]
        ]
        return all(map(self._true_or_lost, asked))

    def _true_or_lost(self, answer: Any) -> bool:
        try:
            return self._ray.get(answer)
        except self._ray.exceptions.RayError:
            return True

    def _step(self, until: float) -> None:
        self._hand_out()
        patience = max(0.0, min(_WAKE, until - time.monotonic()))
        if self._running:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=patience)
        else:
            ready = []
            time.sleep(patience)
        self._on_wait()
        for each in ready:
            self._receive(each)
        self._hand_out()

    def _receive(self, answer: Any) -> None:
        task = self._running.pop(answer)
        try:
            value, error = pickle.loads(self._ray.get(answer))
        except self._ray.exceptions.RayError as problem:
            # Lost again and again.
            first = (str(problem).splitlines() or [type(problem).__name__])[0]
            value, error = None, WorkerDied(f"was lost with its node ({first})", from_outside=True)
        task.finish(value, error)

    def _hand_out(self) -> None:
        while (task := self._next(len(self._running))) is not None:
            self._running[self._remote.remote(task.payload, task.timeout, task.fresh, self._limited)] = task

    def _stop(self, tasks: list[PoolTask[Any]]) -> None:
        for answer in [answer for answer, task in self._running.items() if task in tasks]:
            del self._running[answer]
            self._ray.cancel(answer, force=True)


# ------------------------------------------------------------------------------------- on the nodes

# The process that does the tasks of this worker of Ray; kept, because Warp has to be imported only once then.
_pool: workers.Pool | None = None

# How the folders for the temporary files of Ray's workers begin, before the number of the process.
_LEFT = "kernelfuzz-ray-"


def _done(payload: bytes, timeout: float | None, fresh: bool, limited: bool) -> bytes:
    """Do a task in a process of its own; gives its value and its exception, pickled."""
    global _pool
    if _pool is None:
        _sweep()
        tempfile.tempdir = tempfile.mkdtemp(prefix=f"{_LEFT}{os.getpid()}-")
        memory = workers.memory_share(os.cpu_count() or 1) if limited else None
        _pool = workers.Pool(1, memory=memory).__enter__()
    task: PoolTask[Any] = PoolTask(payload, timeout, fresh)
    _pool.add(task)
    try:
        return pickle.dumps((_pool.result(task), None))
    except Exception as error:
        return workers.pickled(error, traceback.format_exc())


def _sweep() -> None:
    """Remove what earlier workers left on this node: Ray ends them without notice."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_LEFT}*-*"):
        number = folder.name.removeprefix(_LEFT).partition("-")[0]
        if number.isdecimal() and not Path("/proc", number).exists():
            shutil.rmtree(folder, ignore_errors=True)


# --------------------------------------------------------------------------------------- connecting


def _connect(ray: Any, address: str | None, jobs: int) -> None:
    if address:
        _reachable(address)
    options: dict[str, Any] = {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
    ending = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClusterUnavailable(f"no Ray cluster at {address or 'this machine'}: {first}") from None
    # Ray ends the process at once; a run that is terminated says what it has.
    with contextlib.suppress(ValueError, TypeError):  # another thread, or a handler that is none of Python
        signal.signal(signal.SIGTERM, ending)
    if ray.cluster_resources().get("CPU", 0) < 1:
        ray.shutdown()
        raise ClusterUnavailable("the Ray cluster has no processor to offer: add a node")


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
