"""Plots as inline SVG.  Lengths along a plot are percentages: text keeps its size whatever the width is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from kernelfuzz.corpus.stats import Drift, Spread

TIMES = "\N{MULTIPLICATION SIGN}"

# What is left free at the right of the longest bar, for its number, in percent.
_ROOM = 30.0

# The ticks of a logarithmic axis of shares, and its two ends.
_TICKS = (0.01, 0.03, 0.1, 0.3, 1.0)
_LOWEST = 0.005


def figure(title: str, note: str, plot: str, head: Sequence[str], table: Iterable[Sequence[object]]) -> str:
    """A plot with its title, and its numbers as a table to unfold.  ``note`` is HTML."""
    said = f"<p>{note}</p>" if note else ""
    return (
        f"<figure><figcaption><h3>{escape(title)}</h3>{said}</figcaption>\n"
        f'<div role="img" aria-label="{escape(title)}; the numbers are in the table below">{plot}</div>\n'
        f"<details><summary>Numbers</summary>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}: numbers">\n'
        f"{numbers(head, table)}</div></details></figure>\n"
    )


def numbers(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first cell of a row is its head."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = [
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in others)
        + "</tr>\n"
        for first, *others in rows
    ]
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{''.join(lines)}</tbody></table>"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: a length in any unit, the text at its end, and whether it has the strong colour."""

    value: float
    text: str
    strong: bool = True


def bars(rows: Sequence[tuple[str, Sequence[Bar]]], *, longest: float = 0.0, track: bool = False) -> str:
    """Rows of horizontal bars; ``track`` shows how far the longest one would reach."""
    longest = longest or max((bar.value for _, row in rows for bar in row), default=0) or 1
    return f'<div class="bars">{"".join(_bar_row(label, row, longest, track) for label, row in rows)}</div>'


def _bar_row(label: str, row: Sequence[Bar], longest: float, track: bool) -> str:
    thickness = 12 if len(row) == 1 else 10
    step = thickness + (9 if len(row) == 1 else 4)
    parts = []
    for at, bar in enumerate(row):
        top = 4 + at * step
        width = (100 - _ROOM) * bar.value / longest
        full = 100 - _ROOM if track else 0
        if track:
            parts.append(f'<rect class="track" width="{full:g}%" y="{top}" height="{thickness}" rx="2"/>')
        if bar.value:
            # What is there can be seen, however little it is.
            parts.append(
                f'<rect class="{"strong" if bar.strong else "light"}" width="{max(width, 0.6):.2f}%" '
                f'y="{top}" height="{thickness}" rx="2"/>'
            )
        parts.append(
            f'<text x="{max(width, full):.2f}%" dx="6" y="{top + thickness - (2 if len(row) == 1 else 1)}">'
            f"{escape(bar.text)}</text>"
        )
    height = 8 + step * len(row) - (step - thickness)
    return f'<span>{escape(label)}</span><svg width="100%" height="{height}">{"".join(parts)}</svg>'


def histogram(spread: Spread, *, color: str = "strong", height: int = 120, top: int = 0) -> str:
    """Columns for the bins of a spread, with its median and 90th percentile; ``top`` is the highest."""
    bins = spread.bins
    slot = 100 / len(bins)
    highest = top or max(each.count for each in bins)
    parts: list[str] = []
    for at, each in enumerate(bins):
        if each.count:
            tall = max(1.0, height * each.count / highest)
            parts.append(
                f'<rect class="{color}" x="{at * slot + slot * 0.06:.2f}%" width="{slot * 0.88:.2f}%" '
                f'y="{HEAD + height - tall:.1f}" height="{tall:.1f}" rx="1"/>'
            )
    foot = HEAD + height
    parts.append(f'<line class="axis" x1="0" x2="100%" y1="{foot + 0.5}" y2="{foot + 0.5}"/>')
    # At round numbers, and none so far right that it meets what stands at the last bin, which is open.
    every = -(-len(bins) // 5)
    width = _width(spread)
    for at in range(max(1, len(bins) - every)):
        if round(bins[at].start / width) % every == 0:
            parts.append(_tick(at * slot, short(bins[at].start), foot))
    parts.append(f'<text class="soft" x="100%" y="{foot + 18}" text-anchor="end">{short(bins[-1].start)}+</text>')
    for value, said, line in ((spread.median, "median", 10), (spread.p90, "p90", 24)):
        where = _place(spread, value) * slot
        side, shift = ("end", -5) if where > 60 else ("start", 5)
        parts.append(
            f'<line class="mark" x1="{where:.2f}%" x2="{where:.2f}%" y1="{line - 9}" y2="{foot}"/>'
            f'<text x="{where:.2f}%" dx="{shift}" y="{line}" text-anchor="{side}">'
            f"{said} {short(value)}</text>"
        )
    return f'<svg width="100%" height="{foot + 22}">{"".join(parts)}</svg>'


# Above the columns of a histogram there is room for two labels.
HEAD = 34


def _tick(where: float, text: str, foot: float) -> str:
    return (
        f'<line class="axis" x1="{where:.2f}%" x2="{where:.2f}%" y1="{foot}" y2="{foot + 4}"/>'
        f'<text class="soft" x="{where:.2f}%" y="{foot + 18}">{text}</text>'
    )


def _place(spread: Spread, value: float) -> float:
    """Where a value stands, in bins from the left: in the middle of its bin where the bin has no other."""
    width = _width(spread)
    middle = 0.5 if width == 1 else 0.0
    return min((value - spread.bins[0].start) / width + middle, len(spread.bins))


def _width(spread: Spread) -> float:
    bins = spread.bins
    return bins[1].start - bins[0].start if len(bins) > 1 else 1


def short(number: float) -> str:
    """A number as axes and labels have it: 950, 1.2k, 35k, 1.2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def share_text(share: float) -> str:
    """A share as people read it; little is not nothing."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %" if percent < 10 and percent else f"{percent:.0f} %"


def ratio_text(ratio: float) -> str:
    """How many times as much."""
    return f"{TIMES} {ratio:.2f}" if ratio < 9.95 else f"{TIMES} {ratio:.0f}"


# ------------------------------------------------------------------------------------------------------ drift


def drift_plot(rows: Sequence[Drift]) -> str:
    """For each share a ring where published code is and a dot where this corpus is, on a logarithmic axis."""
    ordered = sorted(rows, key=lambda row: (-row.ratio, row.name))
    body = [_drift_row(row, first=at == 0) for at, row in enumerate(ordered)]
    ticks = "".join(
        f'<text class="soft" x="{_along(tick):.2f}%" y="12" text-anchor="middle">{share_text(tick)}</text>'
        for tick in _TICKS
    ).replace(".0 %", " %")
    axis = f'<span></span><svg width="100%" height="18">{ticks}</svg><b></b>'
    return f'<div class="bars drift">{"".join(body)}{axis}</div>'


def _along(share: float) -> float:
    """Where a share stands, in percent of the plot: 2 to 96."""
    return 2 + 94 * (log10(max(share, _LOWEST)) - log10(_LOWEST)) / -log10(_LOWEST)


def _drift_row(row: Drift, *, first: bool) -> str:
    top, height = (18, 42) if first else (0, 24)
    middle = top + 12
    real, here = _along(row.real), _along(row.here)
    parts = [
        f'<line class="grid" x1="{_along(tick):.2f}%" x2="{_along(tick):.2f}%" y1="{top}" y2="{height}"/>'
        for tick in _TICKS
    ]
    parts.append(f'<line class="span" x1="{real:.2f}%" x2="{here:.2f}%" y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle class="real" cx="{real:.2f}%" cy="{middle}" r="4.5"/>')
    if row.here >= _LOWEST:
        parts.append(f'<circle class="strong" cx="{here:.2f}%" cy="{middle}" r="5.5"/>')
    else:
        parts.append(f'<text class="off" x="0" y="{middle + 4}">{share_text(row.here)}</text>')
    if first:
        # Away from each other, so that they cannot meet.
        sides = ("end", "start") if real <= here else ("start", "end")
        for where, text, side in ((real, "published code", sides[0]), (here, "here", sides[1])):
            shift = 4 if side == "end" else -4
            parts.append(f'<text x="{where:.2f}%" dx="{shift}" y="12" text-anchor="{side}">{text}</text>')
    return (
        f'<span style="padding-top:{top}px">{escape(row.name)}</span>'
        f'<svg width="100%" height="{height}">{"".join(parts)}</svg>'
        f'<b style="padding-top:{top}px">{ratio_text(row.ratio)}</b>'
    )
