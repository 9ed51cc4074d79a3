"""``kernelfuzz replay``."""

from __future__ import annotations

import contextlib
import functools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernelfuzz.cli.compare_command import reading_rows
from kernelfuzz.cli.console import (
    CLEAN,
    FINDINGS,
    UNAVAILABLE,
    USAGE,
    Problem,
    json_option,
    say,
    stopped_by_terminate,
    timeout_option,
)
from kernelfuzz.cli.release_workers import Workers, get_environment, release_workers, workers_options

if TYPE_CHECKING:
    from kernelfuzz.releases.environments import Environment
    from kernelfuzz.releases.replay import Item, Replayed
    from kernelfuzz.releases.tasks import Recorded


@click.command(short_help="Try findings and corpora again: fixed, still there, or changed?")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--warp",
    "warps",
    multiple=True,
    metavar="RELEASE|PYTHON",
    help="The Warp to try. Repeatable.  [default: the installed one]",
)
@workers_options("auto", "How many at a time.")
@timeout_option(300.0, "When to give a script up.")
@json_option("Print everything as one JSON object; several, one a line, with several --warp.")
def replay(
    paths: tuple[str, ...],
    warps: tuple[str, ...],
    workers: Workers,
    timeout: float,
    as_json: bool,
) -> int:
    """Try again what was found or recorded before.

    PATH is a finding that kernelfuzz fuzz wrote or a folder of them, a folder of scripts such as
    notes/findings, a script, a file with kernels of yours, or a corpus. A script says with exit code 1 that
    its bug is there and with 0 that it is fixed; one that ends in another way is listed as changed. A file of
    kernels must lower and build; the rows of a corpus must give the code (hashes and numbering aside) and the
    values that they hold.

    Scripts and kernel files are run: give only what you would run. The exit code is 1 where anything is
    still there, changed, or fails.

    \b
    Examples:
      kernelfuzz replay findings notes/findings
      kernelfuzz replay notes/findings --warp 1.18.0 --warp 1.19.0 --json
    """
    from kernelfuzz.releases.replay import GOOD, replay

    found = _items(paths)
    with stopped_by_terminate():
        environments = [get_environment(release) for release in dict.fromkeys(warps)] or [_installed()]
        on_done = None if as_json else functools.partial(_tell, several=len(environments) > 1)
        with contextlib.ExitStack() as stack:
            rows = stack.enter_context(reading_rows()) if any(item.kind == "corpus" for item in found) else _no_rows
            queue = stack.enter_context(release_workers(workers))
            results = replay(found, environments, rows, queue=queue, timeout=timeout, on_done=on_done)
    for environment, replayed in zip(environments, results, strict=True):
        _show(replayed, environment, as_json)
    return CLEAN if all(each.status in GOOD for replayed in results for each in replayed) else FINDINGS


def _no_rows(path: Path) -> Iterator[Recorded]:
    raise AssertionError(f"{path} is no corpus")


def _installed() -> Environment:
    from kernelfuzz.releases.environments import ReleaseError, this_environment

    try:
        return this_environment()
    except ReleaseError as error:
        raise Problem(f"{error}.", UNAVAILABLE) from None


def _items(paths: Sequence[str]) -> list[Item]:
    from kernelfuzz.releases.replay import NothingToReplay, items

    try:
        return [item for path in paths for item in items(Path(path))]
    except NothingToReplay as error:
        raise Problem(f"{error}.", USAGE) from None


def _tell(environment: Environment, each: Replayed, *, several: bool) -> None:
    release = f"{environment.warp:9}" if several else ""
    click.echo(f"{release}{each.status:11}  {each.item.name}")
    indent = " " * len(f"{release}{'':11}  ")
    if each.status in ("changed", "fails"):
        click.echo(f"{indent}{each.detail}")
    if each.counts:
        listed = ", ".join(f"{count} {what}" for what, count in sorted(each.counts.items()))
        click.echo(f"{indent}{listed}")


def _show(results: Sequence[Replayed], environment: Environment, as_json: bool) -> None:
    totals = Counter(each.status for each in results)
    if as_json:
        about = {
            "warp": environment.warp,
            "counts": dict(sorted(totals.items())),
            "results": [each.to_dict() for each in results],
        }
        click.echo(json.dumps(about))
    counts = ", ".join(f"{count} {status}" for status, count in sorted(totals.items()))
    say(f"Warp {environment.warp}: {counts}.")
