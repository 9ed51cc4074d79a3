"""``kernelfuzz compare``."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kernelfuzz.cli.console import (
    CLEAN,
    FINDINGS,
    INFRASTRUCTURE,
    SEED,
    USAGE,
    Drawing,
    Problem,
    category_option,
    drawing_options,
    json_option,
    needing,
    progress_bar,
    stopped_by_terminate,
)
from kernelfuzz.cli.release_workers import Workers, get_environment, release_workers, workers_options

if TYPE_CHECKING:
    from kernelfuzz.releases.comparison import Report
    from kernelfuzz.releases.tasks import Recorded, Task

_COUNT = 200


@click.command(short_help="Hold two releases of Warp against each other.")
@click.option("--old", required=True, metavar="RELEASE|PYTHON", help="A release such as 1.18.0, or a Python.")
@click.option(
    "--new",
    "news",
    required=True,
    multiple=True,
    metavar="RELEASE|PYTHON",
    help="The same, for what it is held against. Repeatable.",
)
@click.option("--corpus", metavar="PATH", help="Take the kernels of a corpus, or of a file with rows.")
@click.option("--seed", type=SEED, help="Draw kernels; the same seed draws the same.  [default: 0]")
@click.option(
    "--count",
    type=click.IntRange(min=1, max=10**6),
    help=f"How many kernels.  [default: {_COUNT}, or all of the corpus]",
)
@category_option("A category to draw from. Repeatable; default: ten categories, in turn.")
@drawing_options
@workers_options("auto", "How many at a time; each has a process for every release.")
@json_option("Print everything as one JSON object; several, one a line, with several --new.")
def compare(
    old: str,
    news: tuple[str, ...],
    corpus: str | None,
    seed: int | None,
    count: int | None,
    drawing: Drawing,
    workers: Workers,
    as_json: bool,
) -> int:
    """Have releases of Warp lower, build and run the same kernels, and say what differs from the old one.

    Each release gets an environment of its own, made with pip when it is first needed and kept in
    ~/.cache/kernelfuzz (or $KERNELFUZZ_CACHE). Instead of a release, the path of a Python with Warp will do.

    A regression is a kernel that only the old release takes, or values or gradients that agree with the
    reference only there. The exit code is 1 where there is one. Other differences are listed: other generated
    code by kind, and whether lowering became slower.

    \b
    Examples:
      kernelfuzz compare --old 1.18.0 --new 1.19.0
      kernelfuzz compare --old 1.18.0 --new build/venv/bin/python --seed 7 --count 1000 --json
      kernelfuzz compare --old 1.10.0 --new 1.14.0 --new 1.19.0 --engine ray --ray-address auto
    """
    from kernelfuzz.releases.comparison import compare_all

    if corpus is not None:
        if seed is not None or drawing.categories:
            raise click.UsageError("--corpus brings its kernels: drop --seed and --category")
        tasks = _read(corpus, count)
    else:
        drawing.check()
        tasks = _drawn(seed or 0, count or _COUNT, drawing)
    with stopped_by_terminate():
        before, *others = map(get_environment, (old, *dict.fromkeys(news)))
        with release_workers(workers) as queue, progress_bar("kernels", timed=False) as show:
            progress = show and (lambda what, done, total: show(done, total, what))
            reports = compare_all(before, others, tasks, queue=queue, progress=progress)
    return _show(reports, as_json)


@contextlib.contextmanager
def reading_rows() -> Iterator[Callable[[Any], Iterator[Recorded]]]:
    """Give what reads the kernels of a corpus.  Raises Problem where a file cannot be read inside the ``with``."""
    with needing("corpus"):
        from kernelfuzz.corpus.files import Unreadable, rows
    try:
        yield lambda path: itertools.starmap(recorded, enumerate(rows(path), 1))
    except Unreadable as error:
        raise Problem(f"{error}.", USAGE) from None


def recorded(number: int, row: Mapping[str, Any]) -> Recorded:
    """Return a row of a corpus, which need not be of this version: of its keys only ``python_source`` must be there."""
    from kernelfuzz.ir.codec import decode_texts
    from kernelfuzz.ir.launch import Launch
    from kernelfuzz.releases.tasks import Recorded, code_text

    about, run, forward = row.get("metadata") or {}, row.get("io"), row.get("ir_forward")
    drawn = about.get("seed") is not None and about.get("index") is not None
    parts = (*row.get("ir_structs", ()), *row.get("ir_functions", ()), forward, row.get("ir_backward"))
    launch = outputs = None
    if run:
        grid = row["launch"]
        launch = Launch(tuple(grid["dim"]), decode_texts(run["inputs"]), grid["tiled"])
        outputs = decode_texts(run["outputs"])
    return Recorded(
        f"row {number}" + (f" (seed {about['seed']} index {about['index']})" if drawn else ""),
        source=row["python_source"],
        device=row.get("device", "cpu"),
        backward=about.get("has_backward", row.get("ir_backward") is not None),
        whole_module=forward is None,
        code=row.get("generated_code") or "" if forward is None else code_text(parts),
        launch=launch,
        outputs=outputs,
    )


def _read(path: str, count: int | None) -> list[Task]:
    from kernelfuzz.releases.tasks import tasks_of

    with reading_rows() as rows:
        try:
            tasks = tasks_of(rows(path))
        except KeyError as error:
            raise Problem(f"{path} is no corpus: a row has no {error}.", USAGE) from None
    if not tasks:
        raise Problem(f"{path} holds no rows.", USAGE)
    return list(itertools.islice(tasks, count))


def _drawn(seed: int, count: int, drawing: Drawing) -> list[Task]:
    from kernelfuzz.releases.tasks import Task
    from kernelfuzz.strategies.features import NEWER

    options = {
        "categories": list(drawing.categories) or None,
        "size": int(drawing.size) if drawing.size.isdecimal() else drawing.size,
        "profile": drawing.profile,
        "include": list(drawing.include),
        # What one of the releases does not have is no difference.
        "exclude": [*drawing.exclude, *sorted(NEWER.difference(drawing.include))],
    }
    return [Task(f"seed {seed} index {index}", seed, index, options) for index in range(count)]


def _show(reports: Sequence[Report], as_json: bool) -> int:
    from kernelfuzz.releases.comparison import report_lines

    for number, report in enumerate(reports):
        if as_json:
            click.echo(json.dumps(report.to_dict()))
        if number:
            click.echo(err=as_json)
        for line in report_lines(report):
            click.echo(line, err=as_json)
    for report in reports:
        if not report.counts["lowered"]:
            releases = f"{report.old.warp} and {report.new.warp}"
            raise Problem(f"no kernel was lowered by both {releases}.", INFRASTRUCTURE)
    return FINDINGS if any(report.of_weight("regression") for report in reports) else CLEAN
