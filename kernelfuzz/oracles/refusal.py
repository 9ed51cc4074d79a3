"""The refusal oracle: Warp refuses a kernel after an edit that its documentation forbids.

The edits are the rows of ``ill_typed``.  A kernel that is taken all the same may compute anything: C++ converts
where Warp says that it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.chunk import CaseRecord, Chunk
from kernelfuzz.oracles.ill_typed import EDITS, Edit, Edited
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import REFUSAL
from kernelfuzz.oracles.verdict import Accepted, BuildSetting, Verdict
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, fast_clang, lower
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.programs import JUDGED

# How many edits of one kernel are tried, and at how many places of a kernel one may be made.
_EDITS = 4
_PLACES = 16

# Warp's generator raised, or a compiler did not take what it gave.
_REFUSED = ("codegen", "compile")


def ask(chunk: Chunk) -> None:
    """Judge some of the sound cases, each after a few edits."""
    (some,) = REFUSAL.samples
    for record in chunk.sound:
        if chunk.samples(record, some):
            record.note(_asked(record))


def _asked(record: CaseRecord) -> Verdict:
    rows = [row for row in EDITS.values() if row.documented()]
    verdicts: list[Verdict] = []
    while rows and len(verdicts) < _EDITS:
        row = rows.pop(record.choices.integer(0, len(rows) - 1))
        edited = list(islice(row.edited(record.case.kernel), _PLACES))
        if edited:
            verdicts.append(_judged(row, record.choices.pick(edited)))
    # The first that failed, or else the first that tells anything.
    for status in ("failed", "passed", "skipped"):
        for verdict in verdicts:
            if verdict.status == status:
                return verdict
    return REFUSAL.skipped("no edit fits")


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    assert like.accepted is not None
    return [judge(case.kernel, EDITS[like.accepted.edit], like.accepted.about) for case in cases]


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the case, with the sentence that forbids the edit and the text that Warp takes."""
    assert verdict.accepted is not None
    return Evidence(case, message=f"{verdict.reason}\n\n{verdict.accepted.source}")


def judge(kernel: Kernel, row: Edit, about: str = "") -> Verdict:
    """Make an edit at one place after the other, where it is ``about`` what is given, until one is accepted."""
    verdict = REFUSAL.skipped("the edit does not fit")
    for edited in islice(row.edited(kernel), _PLACES):
        if not about or edited.about == about:
            verdict = _judged(row, edited)
            if verdict.status == "failed":
                return verdict
    return verdict


def _judged(row: Edit, edited: Edited) -> Verdict:
    setting = BuildSetting("cpu", row=row.name)
    source = render(edited.kernel)
    failure = _failure(source)
    if failure is None:
        if _failure(render(edited.probe)) is None:
            return REFUSAL.skipped("Warp generates no code for the place", setting)
        verdict = REFUSAL.failed(setting, f"{row.source}: {row.sentence}")
        return replace(verdict, accepted=Accepted(row.name, edited.about, source))
    if failure.kind in _REFUSED:
        return REFUSAL.passed(setting)
    return REFUSAL.skipped(f"{row.name}: {failure.kind}", setting)


def _failure(source: str) -> Failure | None:
    """Why a source comes to nothing: in Warp's generator or in clang.

    A faster clang speaks for Warp's: the script of what is accepted has the last word.
    """
    made = lower(source)
    if isinstance(made, Failure):
        return made
    if fast_clang.takes(JUDGED):
        refused = fast_clang.compile_text(made.module)
        if refused is None:
            return None
        if refused:
            return Failure("compile", refused)
    built = build(made, options=dict(JUDGED))
    return built if isinstance(built, Failure) else None
