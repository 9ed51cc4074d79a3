"""Plots as inline SVG, and the style of the page that shows them.

Lengths along a plot are percentages: text keeps its size whatever the width is.
"""

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
    shown = f"<p>{note}</p>" if note else ""
    return (
        f"<figure><figcaption><h3>{escape(title)}</h3>{shown}</figcaption>\n"
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
    for value, label, line in ((spread.median, "median", 10), (spread.p90, "p90", 24)):
        where = _place(spread, value) * slot
        side, shift = ("end", -5) if where > 60 else ("start", 5)
        parts.append(
            f'<line class="mark" x1="{where:.2f}%" x2="{where:.2f}%" y1="{line - 9}" y2="{foot}"/>'
            f'<text x="{where:.2f}%" dx="{shift}" y="{line}" text-anchor="{side}">'
            f"{label} {short(value)}</text>"
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


# ---------------------------------------------------------------------------------------------------- style

# One hue for data, in two strengths, and greys for everything else.  The two blues differ in lightness most of
# all: they stay apart for every kind of colour vision and in print.
STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #ffffff; --line: #e4e4e0; --ink: #1b1d21; --soft: #5d636d; --track: #ecedef;
  --strong: #1f5fa8; --light: #8dbbe6; --mark: #1b1d21;
  --keyword: #7a3e9d; --name: #1f5fa8; --number: #9a4a00; --text: #2a6b3c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131518; --card: #1a1d21; --line: #2c3036; --ink: #e8e9eb; --soft: #a0a7b1; --track: #282c32;
    --strong: #7db8f0; --light: #2f669f; --mark: #e8e9eb;
    --keyword: #cba4e6; --name: #8fc2f2; --number: #eab27a; --text: #96cfa4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: clamp(25px, 4vw, 38px); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 8px;
  max-width: 22em; }
h2 { font-size: 21px; letter-spacing: -.01em; margin: 56px 0 4px; }
h3 { font-size: 15px; margin: 0; }
p { margin: 0; max-width: 100ch; }
.soft, figcaption p, .note { color: var(--soft); }
h2 + p { margin-bottom: 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px;
  margin: 28px 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.tiles div { background: var(--card); padding: 16px 18px; }
.tiles dt { color: var(--soft); font-size: 13px; line-height: 1.35; }
.tiles dd { margin: 0 0 2px; font-size: 27px; font-weight: 600; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.tiles div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 16px; }
.cards.one { grid-template-columns: minmax(0, 1fr); }
.cards.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
.stack { display: grid; gap: 16px; align-content: start; min-width: 0; }
.cards + .cards { margin-top: 16px; }
figure { margin: 0; min-width: 0; padding: 18px 20px 14px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; display: flex; flex-direction: column; }
figcaption { margin-bottom: 14px; }
figcaption p { font-size: 13px; }
figure details { margin-top: auto; padding-top: 12px; font-size: 13px; }
summary { color: var(--soft); cursor: pointer; width: max-content; }
summary:hover { color: var(--ink); }
:focus-visible { outline: 2px solid var(--strong); outline-offset: 2px; border-radius: 3px; }
.scroll { overflow: auto; max-height: 360px; margin-top: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: right; padding: 3px 0 3px 14px; border-bottom: 1px solid var(--line); font-weight: 400;
  font-variant-numeric: tabular-nums; vertical-align: top; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--soft); }
.bars { display: grid; grid-template-columns: var(--label, max-content) minmax(0, 1fr); column-gap: 10px;
  align-items: center;
   font-size: 13px; line-height: 1.25; }
.bars > span { text-align: right; }
.drift { grid-template-columns: max-content minmax(0, 1fr) max-content; }
.drift > b { font-weight: 400; text-align: right; font-variant-numeric: tabular-nums; }
.columns-of-bars { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr));
  gap: 0 36px; align-items: start; }
svg { display: block; overflow: visible; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  fill: var(--ink); font-variant-numeric: tabular-nums; }
svg text.soft { fill: var(--soft); }
.strong { fill: var(--strong); } .light { fill: var(--light); } .track { fill: var(--track); }
.grid { stroke: var(--line); } .axis { stroke: var(--soft); }
svg text.off { paint-order: stroke; stroke: var(--card); stroke-width: 6px; }
.mark { stroke: var(--mark); stroke-dasharray: 2 3; }
.span { stroke: var(--light); stroke-width: 3; }
.real { fill: var(--card); stroke: var(--soft); stroke-width: 2; }
.pair { padding: 18px 20px 20px; margin-top: 16px; }
.pair .columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
@media (min-width: 900px) { .pair .columns { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); } }
.pair h4 { margin: 0 0 6px; font-size: 13px; font-weight: 600; }
.pair h4 span { font-weight: 400; color: var(--soft); }
pre { margin: 0; padding: 12px 14px; max-height: 420px; overflow: auto; background: var(--ground);
  border: 1px solid var(--line); border-radius: 6px; tab-size: 4;
  font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.k { color: var(--keyword); } .f { color: var(--name); }
.n { color: var(--number); } .s { color: var(--text); }
footer { margin-top: 56px; font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
@media (max-width: 600px) {
  main { padding: 24px 16px 40px; }
  figure, .pair { padding: 16px 14px 12px; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles div { padding: 12px 14px; }
  .tiles div:last-child:nth-child(odd) { grid-column: span 2; }
  .tiles dd { font-size: 23px; }
  h2 { margin-top: 44px; }
}
@media print { pre, .scroll { max-height: none; } figure { break-inside: avoid; } }
"""
