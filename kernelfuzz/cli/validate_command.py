"""``kernelfuzz validate``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from kernelfuzz.cli.console import (
    CLEAN,
    FINDINGS,
    INFRASTRUCTURE,
    USAGE,
    Problem,
    jobs_option,
    json_option,
    needing,
    progress_bar,
    say,
    stopped_by_terminate,
)

if TYPE_CHECKING:
    from kernelfuzz.corpus.validate import Report

# How many violations people are shown.
_SHOWN = 20


@click.command(short_help="Prove that a corpus is what it says.")
@click.argument("directory", metavar="DIR")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Look closely at N rows only, always the same ones; what can be seen without is checked of all.",
)
@click.option("--build", is_flag=True, help="Build the code of every row, with clang and NVRTC; no GPU needed.")
@click.option("--run", is_flag=True, help="Launch every row that holds a launch; compare to the bit.")
@jobs_option("auto", "How many processes work.")
@json_option()
def validate(directory: str, sample: int | None, build: bool, run: bool, jobs: int, as_json: bool) -> int:
    """Make everything in a corpus again and compare.

    The files against their checksums, the rows against the manifest and one another; each kernel is read,
    drawn again from the plan's seed, and lowered again by the installed Warp. What cannot be checked, such as
    the code of another release of Warp, is counted as not possible and never as passed. The exit code is 1
    where anything is wrong.

    \b
    Examples:
      kernelfuzz validate corpus --build --run
      kernelfuzz validate corpus --sample 1000 --json
    """
    with needing("corpus"):
        from kernelfuzz.corpus.files import Unreadable
        from kernelfuzz.corpus.validate import validate
    from kernelfuzz.workers import WorkerError

    with stopped_by_terminate(), progress_bar("rows") as progress:
        try:
            report = validate(directory, sample=sample, build=build, run=run, jobs=jobs, progress=progress)
        except Unreadable as error:
            raise Problem(f"{error}.", USAGE) from None
        except WorkerError as error:
            raise Problem(f"a process that was to check rows {error}.", INFRASTRUCTURE) from None
    _show(report, directory, as_json)
    return FINDINGS if report.violations else CLEAN


def _show(report: Report, directory: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_dict()))
    else:
        for line in _lines(report):
            click.echo(line)
    checked = "all of them" if report.checked == report.rows else f"{report.checked} of them"
    text = f"{directory}: {report.rows} rows, {checked} looked at closely; "
    impossible = sum(tally.not_possible.total() for tally in report.tallies.values())
    text += f"{len(report.violations)} violations, {impossible} checks not possible."
    say(text)


def _lines(report: Report) -> Iterator[str]:
    yield f"{'check':10} {'passed':>8} {'failed':>8} {'not possible':>12}"
    for name, tally in report.tallies.items():
        yield f"{name:10} {tally.passed:8} {tally.failed:8} {tally.not_possible.total():12}"
    reasons = {(name, why): n for name, each in report.tallies.items() for why, n in each.not_possible.items()}
    for (name, why), count in reasons.items():
        yield f"not possible: {name} of {count}: {why}"
    for each in report.violations[:_SHOWN]:
        where = each.place if each.id is None else f"{each.id} {each.device} ({each.place})"
        yield f"{each.check}: {where}: {each.message}"
    if len(report.violations) > _SHOWN:
        yield f"and {len(report.violations) - _SHOWN} more violations: --json lists them all"
