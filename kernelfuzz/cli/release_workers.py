"""What the commands about several releases share: their environments, and who works under them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernelfuzz.cli.console import (
    INFRASTRUCTURE,
    UNAVAILABLE,
    Cluster,
    Command,
    Problem,
    engine_options,
    jobs_option,
    say,
)

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


@dataclass(frozen=True, slots=True)
class Workers:
    """Who works under the releases: ``jobs`` processes of this machine, or a cluster."""

    jobs: int
    cluster: Cluster | None


def workers_options(default: str, help: str) -> Callable[[Command], Command]:
    """The options --jobs, --engine and --ray-address: the ``workers`` of the command."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_workers(jobs: int, cluster: Cluster | None, **given: Any) -> Any:
            return command(workers=Workers(jobs, cluster), **given)

        wrapped: Any = jobs_option(default, help)(engine_options(with_workers))
        return wrapped

    return decorate


@contextlib.contextmanager
def release_workers(asked: Workers) -> Iterator[TaskQueue]:
    """Give the workers while the ``with`` lasts.

    Raises Problem where there is no cluster, or where a release, or a folder for it, cannot be had inside the ``with``.
    """
    from kernelfuzz.ray_pool import ClusterUnavailable, RayPool
    from kernelfuzz.releases.environments import FolderError, ReleaseError
    from kernelfuzz.workers import Pool

    try:
        jobs, cluster = asked.jobs, asked.cluster
        with RayPool(cluster.address, jobs) if cluster else Pool(jobs) as queue:
            yield queue
    except ClusterUnavailable as error:
        raise Problem(f"{error}.", INFRASTRUCTURE) from None
    except ReleaseError as error:
        raise Problem(f"{error}.", INFRASTRUCTURE if isinstance(error, FolderError) else UNAVAILABLE) from None
