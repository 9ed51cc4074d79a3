"""Recognise a known bug: the kernel passes once it is rewritten around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.rewrites.workarounds import concerns, worked_around

SEVERAL = "several known bugs together"

# Judges cases in the way that led to a verdict, as ``kernelfuzz.oracles.rejudge.judge_again`` does.
Ask = Callable[[Sequence[Case], Verdict], Sequence[Verdict]]


def explained_by(case: Case, verdict: Verdict, names: Iterable[str], ask: Ask) -> str | None:
    """The known bug of ``names`` without which a failing case passes; several, where it takes more than one.

    None where it fails whatever is rewritten.  ``names`` are those of ``WORKAROUNDS``.
    """
    kernel = case.kernel
    names = tuple([name for name in names if concerns(name, verdict.kind)])
    sets: list[tuple[str, ...]] = [(name,) for name in names]
    if len(sets) > 1:
        sets.append(names)
    rewritten = [(each, worked_around(kernel, each)) for each in sets]
    rewritten = [(each, other) for each, other in rewritten if other != kernel]
    cases = [replace(case, kernel=other) for _, other in rewritten]
    for (each, _), found in zip(rewritten, ask(cases, verdict) if cases else (), strict=True):
        if found.status == "passed":
            return each[0] if len(each) == 1 else SEVERAL
    return None
