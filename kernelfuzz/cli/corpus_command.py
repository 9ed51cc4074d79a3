"""``kernelfuzz corpus``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from kernelfuzz.cli.console import (
    DEVICES,
    INFRASTRUCTURE,
    USAGE,
    Problem,
    checked_options,
    drawing_options,
    say,
)

if TYPE_CHECKING:
    from kernelfuzz.corpus.produce import Plan, Rejected, Summary


class Jobs(click.ParamType[int]):
    """A number of processes, or ``auto`` for one per processor."""

    name = "jobs"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "auto":
            from kernelfuzz.workers import available_cpus

            return available_cpus()
        try:
            jobs = int(value)
        except ValueError:
            jobs = 0
        if jobs < 1:
            self.fail(f"{value!r} is neither a number of at least 1 nor 'auto'.", param, ctx)
        return jobs


@click.command(short_help="Make a corpus of kernels with their generated code.")
@click.option(
    "--count", default=1000, show_default=True, type=click.IntRange(min=1), help="How many kernels to draw."
)
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same corpus.")
@click.option(
    "--device",
    "devices",
    multiple=True,
    type=click.Choice(DEVICES),
    default=DEVICES,
    show_default="both",
    help="Whose code to generate; no GPU is needed. Repeatable.",
)
@click.option("--output", required=True, metavar="DIR", help="Where corpus.jsonl goes; made if missing.")
@click.option("--overwrite", is_flag=True, help="Replace the corpus that DIR has.")
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="CATEGORY",
    help="A category to draw from. Repeatable; default: ten categories, in turn.",
)
@drawing_options
@click.option("--no-backward", is_flag=True, help="Leave the adjoints out.")
@click.option(
    "--jobs",
    default="1",
    show_default=True,
    type=Jobs(),
    metavar="N|auto",
    help="How many processes work; the corpus is the same for any number.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as one JSON object.")
def corpus(
    count: int,
    seed: int,
    devices: tuple[str, ...],
    output: str,
    overwrite: bool,
    categories: tuple[str, ...],
    size: str,
    profile: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    no_backward: bool,
    jobs: int,
    as_json: bool,
) -> None:
    """Draw kernels and write each with the code that Warp generates from it.

    DIR/corpus.jsonl gets one line for each kernel and device, in the order of the indices: a pure function of
    the options and of the versions of kernelfuzz and Warp. It appears when it is complete; an interrupted run
    leaves nothing behind. Without --json, the path of the file is printed.

    \b
    Example:
      kernelfuzz corpus --count 1000 --seed 0 --device cpu --device cuda --output corpus
    """
    options = checked_options(categories, size, profile, include, exclude)
    path = _target(output, overwrite)
    from kernelfuzz.corpus.produce import Plan

    chosen: Any = tuple(dict.fromkeys(devices))
    plan = Plan(count, seed, chosen, options, backward=not no_backward)
    with stopped_by_terminate():
        summary = _produce(plan, output, jobs)
    click.echo(json.dumps(summary.to_dict()) if as_json else path)
    _report(summary, plan)


def _produce(plan: Plan, directory: str, jobs: int) -> Summary:
    from kernelfuzz.corpus.produce import atomic_file, produce

    with _directory_checked(directory) as wrote, atomic_file(directory) as file:
        wrote()
        with _progress(plan.count) as progress:
            summary = produce(plan, file, jobs=jobs, progress=progress)
        if not summary.pairs:
            raise Problem(_nothing(summary), INFRASTRUCTURE)
    return summary


def _target(directory: str, overwrite: bool) -> str:
    """The path of the file to write.  Raises Problem where it must not be written."""
    from kernelfuzz.corpus.produce import FILE_NAME

    if os.path.exists(directory) and not os.path.isdir(directory):
        raise Problem(f"{directory} is a file: give --output a directory.", USAGE)
    path = os.path.join(directory, FILE_NAME)
    if os.path.exists(path) and not overwrite:
        raise Problem(
            f"{path} exists already: give another --output, or --overwrite to replace it.",
            USAGE,
        )
    return path


@contextlib.contextmanager
def _directory_checked(directory: str) -> Iterator[Callable[[], None]]:
    """An OSError before the yielded function is called means that the directory cannot be written."""
    opened: list[bool] = []
    try:
        yield lambda: opened.append(True)
    except OSError as error:
        if opened:
            raise
        reason = error.strerror or str(error)
        raise Problem(
            f"cannot write in {directory} ({reason}): give --output a directory that can be written.", USAGE
        ) from None


@contextlib.contextmanager
def stopped_by_terminate() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does, so that it too leaves nothing half-written."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not the main thread, which no signal interrupts
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _progress(count: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("kernels"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("kernels", total=count)
        yield lambda done: bar.update(task, completed=done)


def _report(summary: Summary, plan: Plan) -> None:
    rate = summary.pairs / summary.seconds
    say(
        f"{summary.pairs} pairs of {summary.kernels} kernels ({len(summary.fingerprints)} distinct) "
        f"in {summary.seconds:.1f} s, {rate:.1f} pairs per second."
    )
    if summary.first_rejected is not None:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.failures.items()))
        total = sum(summary.failures.values())
        asked = plan.count * len(plan.devices)
        first = _one_line(summary.first_rejected)
        say(f"{total} of {asked} pairs are missing ({kinds}); the first is {first}")


def _one_line(rejected: Rejected) -> str:
    message = " ".join(rejected.message.split())
    if len(message) > 200:
        message = message[:200] + "..."
    return f"index {rejected.index} on {rejected.device}: {message}"


def _nothing(summary: Summary) -> str:
    first = f", the first at {_one_line(summary.first_rejected)}" if summary.first_rejected else ""
    return f"every kernel failed{first}; no corpus was written."
