"""``kernelfuzz stats``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernelfuzz.cli.console import INFRASTRUCTURE, USAGE, Problem, json_option, needing, say

if TYPE_CHECKING:
    from rich.table import Table

    from kernelfuzz.corpus.stats import Spread, Stats

# Where stdout is no terminal; on one, its width.
_WIDTH = 100

# How many of a long list people are shown, and in how many columns; --json has all of it.
_SHOWN, _COLUMNS = 30, 3


@click.command(short_help="What is in a corpus, in numbers or as a page.")
@click.argument("directory", metavar="DIR")
@json_option()
@click.option("--html", metavar="FILE", help="Also write a page to look at: one file that needs no network.")
def stats(directory: str, as_json: bool, html: str | None) -> None:
    """Count what is in a corpus and how far it is from published Warp code.

    DIR is a corpus, or a single .jsonl, .jsonl.zst, .parquet or .json file with rows of one. It is read once.

    \b
    Examples:
      kernelfuzz stats corpus
      kernelfuzz stats corpus --html corpus.html
      kernelfuzz stats corpus --json | jq '.drift'
    """
    with needing("corpus"):
        from kernelfuzz.corpus.files import Unreadable, rows
        from kernelfuzz.corpus.stats import NotARow, collect
    if not Path(directory).exists():
        raise Problem(f"there is no {directory}: give the directory of a corpus.", USAGE)
    if html is not None:
        _check_target(html)
    try:
        found = collect(rows(directory))
    except (Unreadable, NotARow) as error:
        where = "" if isinstance(error, Unreadable) else f"{directory} is no corpus: "
        raise Problem(f"{where}{error}.", USAGE) from None
    if found is None:
        raise Problem(f"{directory} holds no rows.", USAGE)
    if html is not None:
        from kernelfuzz.corpus.page import page

        _write(Path(html), page(found))
        say(f"wrote {html}.")
    if as_json:
        click.echo(json.dumps(found.to_dict()))
    else:
        _show(found)


# -------------------------------------------------------------------------------------------------- the file


def _check_target(html: str) -> None:
    """Before the corpus is read, which may take long.  Raises Problem."""
    target = Path(html)
    if target.is_dir():
        raise Problem(f"{html} is a directory: give --html the name of a file.", USAGE)
    if not target.parent.is_dir():
        raise Problem(f"there is no directory {target.parent}: give --html a file in one that exists.", USAGE)


def _write(path: Path, text: str) -> None:
    """The page, whole or not at all.  Raises Problem where it cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise Problem(f"cannot write {path} ({error.strerror}).", INFRASTRUCTURE) from None


# ------------------------------------------------------------------------------------------------- the tables


def _show(stats: Stats) -> None:
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else _WIDTH, force_terminal=terminal)
    kernels, clusters = stats.kernels, stats.clusters
    console.print(
        f"{stats.rows:,} rows of {kernels:,} kernels, {stats.duplicates:,} exact duplicates; "
        f"{'; '.join(stats.versions)}"
    )
    console.print(
        f"{clusters.number:,} clusters of near duplicates, the largest of {clusters.largest:,}; "
        f"{_share(clusters.shared_rows, stats.rows)} of the rows are not alone in theirs"
    )
    for title, table in _tables(stats):
        console.print()
        console.print(f"[bold]{title}[/bold]")
        console.print(table)


def _tables(stats: Stats) -> Iterator[tuple[str, Table]]:
    """The tables with their titles."""
    devices = list(stats.devices)
    for title, counts in (("split", stats.splits), ("category", stats.categories)):
        yield (
            f"rows by {title}",
            _table(
                (title, *devices, "all", "share"),
                [
                    (
                        name,
                        *(f"{each.get(device, 0):,}" for device in devices),
                        f"{sum(each.values()):,}",
                        _share(sum(each.values()), stats.rows),
                    )
                    for name, each in counts.items()
                ],
            ),
        )
    yield "sizes", _table(("", *(name for name, _ in _SPREAD)), _sizes(stats))
    answers = [(name, *(f"{count:,}" for count in each.values())) for name, each in _answers(stats).items()]
    yield (
        "what was tried with rows, and whether they have an adjoint",
        _table(("", "yes", "no", "not tried"), answers),
    )
    dimensions = {f"{ndim}-D array": count for ndim, count in stats.dimensions.items()}
    yield _shares("parameters by number of dimensions", dimensions, sum(dimensions.values()))
    yield _shares("parameters by type, or by that of the elements", stats.types, sum(stats.types.values()))
    yield _shares("kernels that call a builtin", stats.builtins, stats.kernels)
    yield _shares("kernels that have a feature", stats.kernel_features, stats.kernels, shown=90)
    drift = [(each.name, _share(each.here), _share(each.real), f"{each.ratio:.2f}") for each in stats.drift]
    yield "shares here and in published Warp code", _table(("", "here", "published", "ratio"), drift)


_SPREAD = (
    ("min", "minimum"),
    ("p10", "p10"),
    ("median", "median"),
    ("p90", "p90"),
    ("p99", "p99"),
    ("max", "maximum"),
    ("mean", "mean"),
)


def _sizes(stats: Stats) -> Iterator[Sequence[str]]:
    for name, spread in stats.sizes.items():
        yield (f"{name} of a kernel", *_spread(spread))
    for device, code in stats.code.items():
        yield (f"bytes of generated code, {device}", *_spread(code.generated))
    for device, code in stats.code.items():
        yield (f"generated to Python code, {device}", *_spread(code.ratio))


def _spread(spread: Spread) -> Iterator[str]:
    for _, name in _SPREAD:
        number = getattr(spread, name)
        yield f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"


def _answers(stats: Stats) -> dict[str, Mapping[str, int]]:
    """What rows were or have: by yes, no and not tried."""
    with_backward = sum(code.with_backward for code in stats.code.values())
    backward = {"yes": with_backward, "no": stats.rows - with_backward, "not tried": 0}
    return {**stats.verified, "has adjoint": backward}


def _shares(title: str, counts: Mapping[str, int], of: int, *, shown: int = _SHOWN) -> tuple[str, Table]:
    """Names with their shares, the most frequent first, in columns from top to bottom."""
    names = list(counts)[:shown]
    if len(counts) > shown:
        title += f" (the {shown} most frequent of {len(counts)})"
    columns = min(_COLUMNS, len(names)) or 1
    height = -(-len(names) // columns)
    cells = [(name, f"{counts[name]:,}", _share(counts[name], of)) for name in names]
    rows = [[cell for each in cells[at::height] for cell in each] for at in range(height)]
    return title, _table((), rows, columns=columns)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]], columns: int = 1) -> Table:
    """A table without lines; the first cell of a row, or of each of the ``columns`` of three, is a name."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD if sys.stdout.isatty() else None,
        show_header=bool(head),
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    names = head or ("", "", "") * columns
    for at, name in enumerate(names):
        first = at == 0 or (not head and at % 3 == 0)
        table.add_column(name, justify="left" if first else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _share(count: float, of: float = 1) -> str:
    return f"{100 * count / of:.1f} %" if of else ""
