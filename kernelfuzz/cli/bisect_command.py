"""``kernelfuzz bisect``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernelfuzz.cli.compare_command import get_environment
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

if TYPE_CHECKING:
    from kernelfuzz.releases.bisection import Bisection, Tried
    from kernelfuzz.releases.run_script import ScriptOutcome

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
@json_option()
def bisect(script: str, oldest: str, newest: str, first_fixed: bool, timeout: float, as_json: bool) -> int:
    """Find the first release that shows what a script reproduces, and print it.

    The script exits with 1 where the bug is there and with 0 where it is not, as the reproducers of
    kernelfuzz fuzz do. Both ends are tried first, then releases between them, by halves; that supposes that
    the bug came (or went) once. Each release gets an environment of its own, which is kept (see compare).

    The exit code is 0 where the release is found, 1 where the two ends do not differ, and 3 where the script
    cannot tell at one of them.

    \b
    Example:
      kernelfuzz bisect findings/some-bug/reproducer.py --from 1.10.0 --to 1.19.0
    """
    from kernelfuzz.releases.bisection import bisect

    path = Path(script)
    if not path.is_file():
        raise Problem(f"there is no file {script}: give the path of a reproducer.", USAGE)
    with stopped_by_terminate():
        releases = _between(oldest, newest)

        def attempt(release: str) -> ScriptOutcome:
            return _attempt(path, release, timeout, must=release in (releases[0], releases[-1]))

        wanted = "fixed" if first_fixed else "present"
        result = bisect(releases, attempt, wanted=wanted, on_tried=_tell)
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


def _attempt(path: Path, release: str, timeout: float, *, must: bool) -> ScriptOutcome:
    """The script under a release; where the release cannot be had and need not, that cannot be told."""
    from kernelfuzz.releases.run_script import ScriptOutcome, run_script

    try:
        environment = get_environment(release)
    except Problem as problem:
        if must:
            raise
        return ScriptOutcome("broken", str(problem), 0.0)
    return run_script(path, environment.python, timeout=timeout)


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
