"""What ``kernelfuzz compare`` prints for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kernelfuzz.releases.code_changes import KINDS, NUMBERING, diff
from kernelfuzz.releases.comparison import Report
from kernelfuzz.releases.differences import WEIGHTS, Difference

# How many kernels of one sort are named; --json has all.
_NAMED = 5
_CALLEES = 8

_HEADINGS = {
    "regression": "Regressions",
    "improvement": "Improvements",
    "change": "Changes that are neither",
}


def report_lines(report: Report) -> Iterator[str]:
    """The report, line by line."""
    counts = report.counts
    yield (
        f"Warp {report.old.warp} and {report.new.warp}: {counts['kernels']} kernels; {counts['lowered']} "
        f"lowered by both, values of {counts['values']} and gradients of {counts['gradients']} compared."
    )
    for reason, count in report.skipped.most_common():
        yield f"  not compared: {count} {reason}"
    for weight in WEIGHTS:
        yield from _of_weight(_HEADINGS[weight], report.of_weight(weight))
    yield from _code(report)
    yield from _speed(report)


def _of_weight(heading: str, found: Sequence[Difference]) -> Iterator[str]:
    yield ""
    yield f"{heading}: {len(found) or 'none'}"
    sorts: dict[tuple[str, str], list[Difference]] = {}
    for each in found:
        sorts.setdefault((each.subject, each.what), []).append(each)
    for (subject, what), alike in sorted(sorts.items(), key=lambda sort: -len(sort[1])):
        accepted = {"Regressions": "accepted by the old only: ", "Improvements": "accepted by the new only: "}
        prefix = accepted.get(heading, "") if subject == "acceptance" else f"{subject}: "
        yield f"  {len(alike)} x {prefix}{what}"
        for each in alike[:_NAMED]:
            detail = f": {each.detail}" if each.detail else ""
            yield f"      {each.label} ({', '.join(each.where)}){detail}"
        if len(alike) > _NAMED:
            yield f"      and {len(alike) - _NAMED} more"


def _code(report: Report) -> Iterator[str]:
    code = report.code
    yield ""
    yield f"Generated code: {code.same} texts are the same to the byte, {code.changed} are not."
    for kind in (NUMBERING, *KINDS, "other lines"):
        if kind not in code.kinds:
            continue
        about = code.kinds[kind]
        devices = ", ".join(f"{count} for {device}" for device, count in sorted(about.texts.items()))
        yield f"  {kind}: {devices}; such as {about.label}, {about.device}"
        yield from (f"      {line}" for line in diff(about.old, about.new, kind))
    for title, counter in (("more", code.more), ("less", code.fewer)):
        if counter:
            yield f"  called {title} often, in so many texts: {_listed(counter)}"


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common(_CALLEES))


def _speed(report: Report) -> Iterator[str]:
    speed = report.speed
    if speed is None:
        return
    yield ""
    rounds = ", ".join(f"{ratio:.2f}" for ratio in speed.ratios)
    yield (
        f"Lowering {speed.kernels} kernels takes {min(speed.old):.2f} s and {min(speed.new):.2f} s in Warp, "
        f"{speed.ratio:.2f} times as long (in rounds: {rounds}): {speed.verdict}."
    )
