"""What ``kernelfuzz fuzz`` shows: how far it is, what it found, and what one would do next."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from kernelfuzz.cli.console import say

if TYPE_CHECKING:
    from collections import Counter

    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    from kernelfuzz.campaign import CampaignPlan, CampaignSummary

# Seconds between two lines about how far a campaign is, where nobody watches a table.
LOGGED_EVERY = 60.0

# Seconds between two drawings of the table, which costs more than judging a kernel.
_DRAWN_EVERY = 0.25

# How many indices are listed of the failures that look alike; ``--json`` has them all.
_LISTED = 8


class Display(Protocol):
    """Where a running campaign is shown."""

    def prepare(self, doing: str) -> None:
        """Say what goes on before the campaign."""
        ...

    def plan(self, plan: CampaignPlan) -> None:
        """Say what the campaign was asked to do."""
        ...

    def __call__(self, summary: CampaignSummary) -> None:
        """Show how far it is."""
        ...


@contextlib.contextmanager
def display() -> Iterator[Display]:
    """A live table on a terminal; elsewhere a line now and then."""
    if not sys.stderr.isatty():
        yield Log()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        yield Terminal(live)


class Terminal:
    """A table that is drawn again several times a second."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._plan: CampaignPlan | None = None
        self._last = 0.0

    def prepare(self, doing: str) -> None:
        self._live.update(_rows({"now": doing}), refresh=True)

    def plan(self, plan: CampaignPlan) -> None:
        self._plan = plan

    def __call__(self, summary: CampaignSummary) -> None:
        if summary.seconds - self._last >= _DRAWN_EVERY or not self._last:
            self._last = summary.seconds
            self._live.update(table(summary, self._plan), refresh=True)


class Log:
    """Lines for a log: each finding when it is there, and once in a while how far the campaign is."""

    def __init__(self) -> None:
        self._said = 0.0
        self._shown = 0

    def prepare(self, doing: str) -> None:
        pass

    def plan(self, plan: CampaignPlan) -> None:
        pass

    def __call__(self, summary: CampaignSummary) -> None:
        for found in summary.findings[self._shown :]:
            say(f"new: {found.finding.signature} ({found.path}).")
        self._shown = len(summary.findings)
        if summary.examples and summary.seconds - self._said >= LOGGED_EVERY:
            self._said = summary.seconds
            say(
                f"{summary.examples} examples in {self._said:.0f} s, {summary.failed} kernels failed; "
                f"known bugs explain {summary.known} failures; {self._shown} findings."
            )


def _named(bugs: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in bugs.most_common())


def table(summary: CampaignSummary, plan: CampaignPlan | None = None) -> Table:
    """The state of affairs; with a plan also how much of it is left."""
    counts = summary.counts
    rows = {
        "time": "" if plan is None else _time(summary, plan),
        "examples": f"{summary.examples} in {summary.seconds:.1f} s, {summary.rate:.1f} per second",
        "judged": f"{summary.judged}, {counts['compared']} outputs and {counts['gradients_compared']} "
        "gradients compared",
        "gradients": f"{counts['gradients_as_written']} of kernels as written, "
        f"{counts['gradients_in_another_form']} of another form; "
        f"{counts['gradients_over_narrow_floats']} over float32 or float16",
        "built": f"{counts['built_cpu']} by clang ({counts['built_by_ziglang']} of them by ziglang's), "
        f"{counts['built_cuda']} by NVRTC",
        "failed": f"{summary.failed} kernels; known bugs explain {summary.known} failures, "
        f"{len(summary.unexamined)} were not examined",
        "predicted": _named(summary.predicted),
        "recognised": _named(summary.recognised),
        "not examined": "; ".join(_unexamined(summary)),
        "unattributed": "; ".join(map(str, summary.unattributed)),
        "programs": ", ".join(f"{count} {status}" for status, count in summary.programs.most_common()),
        "findings": str(len(summary.findings) + sum(not found.why for found in summary.program_findings)),
        "unconfirmed": str(len(summary.unconfirmed) or ""),
        "skipped": ", ".join(f"{count} {reason}" for reason, count in summary.skipped.most_common(5)),
        "no promise of": _named(summary.unasked),
        "avoiding": ", ".join(summary.excluded),
        "now": summary.doing,
    }
    drawn = _rows(rows)
    for found in summary.findings:
        drawn.add_row(*_texts(found.finding.kind, f"{found.finding.signature} ({found.path})"))
    for found in summary.program_findings:
        drawn.add_row(*_texts("not counted" if found.why else found.kind, f"{found.signature} ({found.path})"))
    for found in summary.unconfirmed:
        drawn.add_row(*_texts("not counted", f"{found.finding.signature} ({found.path})"))
    return drawn


def _rows(rows: dict[str, str]) -> Table:
    from rich.table import Table

    drawn = Table(show_header=False, box=None, pad_edge=False)
    for name, value in rows.items():
        if value:
            drawn.add_row(*_texts(name, value))
    return drawn


def _texts(*cells: str) -> Iterator[Text]:
    # Signatures have brackets, which are no markup.
    from rich.text import Text

    return (Text(cell) for cell in cells)


def _time(summary: CampaignSummary, plan: CampaignPlan) -> str:
    elapsed = f"{_clock(summary.seconds)} elapsed"
    if plan.seconds is not None:
        return f"{elapsed}, {_clock(max(0.0, plan.seconds - summary.seconds))} remaining"
    assert plan.examples is not None
    if not summary.rate:
        return f"{elapsed}, {plan.examples} examples remaining"
    remaining = plan.examples - summary.examples
    return f"{elapsed}, about {_clock(remaining / summary.rate)} remaining for {remaining} examples"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _unexamined(summary: CampaignSummary) -> Iterator[str]:
    """What was not examined, by what it looks like, with the indices of the kernels."""
    indices: dict[str, list[int]] = {}
    for each in summary.unexamined:
        indices.setdefault(each.looks, []).append(each.index)
    for looks, where in indices.items():
        listed = ", ".join(map(str, where[:_LISTED])) + (", ..." if len(where) > _LISTED else "")
        yield f"{len(where)} like {looks} (index {listed})"


def say_next(summary: CampaignSummary, plan: CampaignPlan, known: Sequence[str] = ()) -> None:
    """Two commands that one would type next, to stderr."""
    say("next:")
    for command, why in _next(summary, plan, known):
        click.echo(f"  {command}  # {why}", err=True)


def _next(summary: CampaignSummary, plan: CampaignPlan, known: Sequence[str]) -> Iterator[tuple[str, str]]:
    written = next((found.path for found in summary.findings if found.path is not None), None)
    if written is not None:
        script = str(Path(written, "reproducer.py"))
        yield shlex.join(["python", script]), "see it happen"
        newest = summary.findings[0].finding.warp_version
        bisect = ["kernelfuzz", "bisect", script, "--from", "1.10.0", "--to", newest]
        yield shlex.join(bisect), "the first release of Warp that has it"
        return
    yield shlex.join(_again(plan, known)), "other kernels, for longer"
    show = ["kernelfuzz", "show", "--seed", str(plan.seed), "--index"]
    if summary.unexamined:
        first = summary.unexamined[0]
        less = (part for feature in first.exclude for part in ("--exclude", feature))
        yield shlex.join([*show, str(first.index), *_categories(plan), *less]), "its failure was not examined"
    else:
        exclude = (part for feature in sorted(plan.options.exclude) for part in ("--exclude", feature))
        more = (*_categories(plan), *exclude, "--device", "cuda")
        yield shlex.join([*show, "0", *more]), "what a kernel and its code look like"


def _categories(plan: CampaignPlan) -> Iterator[str]:
    """The options that ask for what the campaign draws from, where that is not everything."""
    from kernelfuzz.strategies.options import check_options

    if plan.options.categories != check_options(exclude=plan.options.exclude).categories:
        yield from (part for name in plan.options.categories for part in ("--category", name))


def _longer(seconds: float | None) -> str:
    return f"{(seconds or 1.0) * 10:.0f}s"


def _again(plan: CampaignPlan, known: Sequence[str]) -> Iterable[str]:
    """The command of a campaign over the next seed, ten times as long."""
    from kernelfuzz.oracles.table import ORACLES

    longer = ("--examples", str(plan.examples * 10)) if plan.examples else ("--time", _longer(plan.seconds))
    yield from ("kernelfuzz", "fuzz", "--seed", str(plan.seed + 1), *longer, *_categories(plan))
    if set(plan.checks.oracles) != set(ORACLES):
        yield from (part for name in plan.checks.oracles for part in ("--oracle", name))
    if plan.checks.targets != ("cpu", "cuda-host"):
        yield from (part for name in plan.checks.targets for part in ("--device", name))
    yield from (part for name in sorted(plan.options.exclude) for part in ("--without", name))
    yield from (part for path in known for part in ("--known", path))
    if plan.output is not None:
        yield from ("--output", plan.output)
