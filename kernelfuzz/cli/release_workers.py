"""What the commands about several releases share: their environments, and who works under them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kernelfuzz.cli.console import INFRASTRUCTURE, UNAVAILABLE, Cluster, Problem, say

if TYPE_CHECKING:
    from kernelfuzz.releases.environments import Environment
    from kernelfuzz.task_queue import TaskQueue


def get_environment(asked: str) -> Environment:
    """The environment of a release or of an interpreter.  Raises Problem where it cannot be had."""
    from kernelfuzz.releases.environments import ReleaseError, environment

    try:
        return environment(asked, making=lambda what: say(f"{what}; this happens once."))
    except ReleaseError as error:
        raise Problem(f"{error}.", UNAVAILABLE) from None


@contextlib.contextmanager
def release_workers(cluster: Cluster | None, jobs: int) -> Iterator[TaskQueue]:
    """Give ``jobs`` processes of this machine, or a cluster.

    Raises Problem where there is no cluster, or where a release cannot be had inside the ``with``.
    """
    from kernelfuzz.ray_pool import ClusterUnavailable, RayPool
    from kernelfuzz.releases.environments import ReleaseError
    from kernelfuzz.workers import Pool

    try:
        with RayPool(cluster.address, jobs) if cluster else Pool(jobs) as queue:
            yield queue
    except ClusterUnavailable as error:
        raise Problem(f"{error}.", INFRASTRUCTURE) from None
    except ReleaseError as error:
        raise Problem(f"{error}.", UNAVAILABLE) from None
