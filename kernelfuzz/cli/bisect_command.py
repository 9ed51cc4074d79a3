"""``kernelfuzz bisect``."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernelfuzz.cli.console import (
    CLEAN,
    FINDINGS,
    INFRASTRUCTURE,
    UNAVAILABLE,
    USAGE,
    Problem,
    json_option,
    say,
    sentence,
    stopped_by_terminate,
    timeout_option,
)
from kernelfuzz.cli.release_workers import Workers, get_environment, release_workers, workers_options

if TYPE_CHECKING:
    from kernelfuzz.releases.bisection import Bisection, Tried, Try
    from kernelfuzz.releases.run_script import ScriptOutcome
    from kernelfuzz.releases.side_by_side import Script
    from kernelfuzz.task_queue import PoolTask, TaskQueue

# What the outcome of a script says.
_SAID = {"present": "has the bug", "fixed": "does not have the bug", "broken": "cannot be told"}


@click.command(short_help="The first release of Warp that has a bug.")
@click.argument("script", metavar="REPRODUCER.py")
@click.option("--from", "oldest", required=True, metavar="RELEASE", help="Where the bug is not there yet.")
@click.option("--to", "newest", required=True, metavar="RELEASE", help="Where it is.")
@click.option(
    "--first-fixed",
    is_flag=True,
    help="The other way round: the first release without the bug that --from has.",
)
@timeout_option(300.0, "When to give the script up.")
@workers_options("1", "How many releases are tried at a time, each in an environment that may have to be made.")
@json_option()
def bisect(
    script: str,
    oldest: str,
    newest: str,
    first_fixed: bool,
    timeout: float,
    workers: Workers,
    as_json: bool,
) -> int:
    """Find the first release that shows what a script reproduces, and print it.

    The script exits with 1 where the bug is there and with 0 where it is not, as the reproducers of
    kernelfuzz fuzz do. Both ends are tried first, then releases between them, by halves; that supposes that
    the bug came (or went) once. Each release gets an environment of its own, which is kept (see compare).

    The exit code is 0 where the release is found, 1 where the two ends do not differ, and 3 where the script
    cannot tell at one of them.

    \b
    Examples:
      kernelfuzz bisect findings/some-bug/reproducer.py --from 1.10.0 --to 1.19.0
      kernelfuzz bisect findings/some-bug/reproducer.py --from 1.10.0 --to 1.19.0 --jobs 4
    """
    from kernelfuzz.releases.bisection import bisect
    from kernelfuzz.releases.side_by_side import Script

    path = Path(script)
    if not path.is_file():
        raise Problem(f"there is no file {script}: give the path of a reproducer.", USAGE)
    with stopped_by_terminate():
        releases = _between(oldest, newest)

        wanted = "fixed" if first_fixed else "present"
        with release_workers(workers) as queue:
            attempt = _attempts(Script.read(path), timeout, queue, ends=(releases[0], releases[-1]))
            result = bisect(releases, attempt, wanted=wanted, width=queue.jobs, on_tried=_tell)
    if as_json:
        click.echo(json.dumps({"script": script, "from": oldest, "to": newest, **result.to_dict()}))
    elif result.ending == "found":
        click.echo(result.release)
    say(_sentence(result))
    return {"found": CLEAN, "already": FINDINGS, "never": FINDINGS, "broken": INFRASTRUCTURE}[result.ending]


def _between(oldest: str, newest: str) -> list[str]:
    """The final releases from one to another.  Raises Problem where there are fewer than two."""
    from kernelfuzz.releases.environments import ReleaseError, release_key, released

    try:
        known = released()
    except ReleaseError as error:
        raise Problem(f"{error}.", UNAVAILABLE) from None
    for asked in (oldest, newest):
        if asked not in known:
            raise Problem(
                f"{asked} is no final release of Warp that pip can install here; the latest is {known[-1]}.",
                UNAVAILABLE,
            )
    if release_key(oldest) >= release_key(newest):
        raise click.UsageError(f"--from must be older than --to, and {oldest} is not older than {newest}")
    low, high = release_key(oldest), release_key(newest)
    return [each for each in known if low <= release_key(each) <= high]


def _attempts(script: Script, timeout: float, queue: TaskQueue, ends: Container[str]) -> Try:
    """Have workers run the script; a release that cannot be had is a Problem where it is one of the ``ends``."""
    from kernelfuzz.releases.side_by_side import script_outcome
    from kernelfuzz.workers import Pool

    def asked(release: str) -> PoolTask[ScriptOutcome] | str:
        if isinstance(queue, Pool):
            # The workers, which would make the environment too, say nothing of it.
            try:
                get_environment(release)
            except Problem as problem:
                if release in ends:
                    raise
                return str(problem)
        return queue.submit(script_outcome, release, script, timeout)

    def attempt(releases: Sequence[str]) -> list[ScriptOutcome]:
        waiting = [asked(release) for release in releases]
        return [_outcome(each, queue, must=release in ends) for release, each in zip(releases, waiting, strict=True)]

    return attempt


def _outcome(waiting: PoolTask[ScriptOutcome] | str, queue: TaskQueue, *, must: bool) -> ScriptOutcome:
    from kernelfuzz.releases.environments import ReleaseError
    from kernelfuzz.releases.run_script import ScriptOutcome
    from kernelfuzz.workers import WorkerError

    if isinstance(waiting, str):
        return ScriptOutcome("broken", waiting, 0.0)
    try:
        return queue.result(waiting)
    except WorkerError as error:
        return ScriptOutcome("broken", f"the process {error}", 0.0)
    except ReleaseError as error:
        if must:
            raise
        return ScriptOutcome("broken", str(error), 0.0)


def _tell(tried: Tried) -> None:
    outcome = tried.outcome
    detail = f" ({outcome.detail})" if outcome.presence == "broken" else ""
    say(f"{tried.release} {_SAID[outcome.presence]}{detail}")


# The result of the search, by the change that was looked for.
_SENTENCES = {
    ("present", "found"): "{release} is the first release with the bug; {before} does not have it",
    ("present", "already"): "the bug is in {release} already: give an older --from",
    ("present", "never"): "the bug is not in {release}: give another --to",
    ("fixed", "found"): "{release} is the first release without the bug; {before} has it",
    ("fixed", "already"): "the bug is not in {release}: give another --from, or drop --first-fixed",
    ("fixed", "never"): "the bug is still in {release}: give a later --to",
    ("present", "broken"): "the script cannot tell about {release}: {detail}",
    ("fixed", "broken"): "the script cannot tell about {release}: {detail}",
}


def _sentence(result: Bisection) -> str:
    text = _SENTENCES[result.wanted, result.ending].format(
        release=result.release, before=result.before, detail=result.tried[-1].outcome.detail
    )
    return f"{text}; {', '.join(result.untold)} cannot be told." if result.untold else sentence(text)
