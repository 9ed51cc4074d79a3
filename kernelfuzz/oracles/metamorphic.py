"""The metamorphic oracle: a kernel changed in a way that must not matter, or built with other options.

What a transformed kernel must give is what the original gives.  The reference is asked about both: a
transformation that it sees through is a fault of the transformation, not of Warp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles import batch, value
from kernelfuzz.oracles.chunk import CaseRecord, Chunk, note
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.option_sets import OptionSet, option_sets
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import METAMORPHIC
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.rewrites import transformations
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.toolchain.capture import captured_output


def ask(chunk: Chunk) -> None:
    """Judge the defined cases transformed, and with other options: on the first target."""
    changed, options = METAMORPHIC.samples
    value.wanted_of(chunk.records)
    chosen = [(record, wanted) for record, wanted in _defined(chunk) if chunk.samples(record, changed)]
    cases, outputs = [record.case for record, _ in chosen], [wanted for _, wanted in chosen]
    plain = chunk.setting(chunk.targets[0])
    judged = judge_transformed(cases, outputs, [record.choices for record, _ in chosen], plain, chunk.evaluate)
    for (record, _), (verdict, case) in zip(chosen, judged, strict=True):
        record.note(verdict, case)
    if chunk.sampled(options):
        defined = _defined(chunk)
        row = chunk.choices.pick(option_sets(chunk.targets[0]))
        cases, outputs = [record.case for record, _ in defined], [wanted for _, wanted in defined]
        note([record for record, _ in defined], judge_options(cases, outputs, row, plain, chunk.evaluate))


def _defined(chunk: Chunk) -> list[tuple[CaseRecord, value.Outputs]]:
    """The sound cases that the reference has outputs for, with these."""
    sound = chunk.sound
    found = zip(sound, value.wanted_of(sound), strict=True)
    return [(record, wanted) for record, wanted in found if not isinstance(wanted, Undefined)]


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    return value.judge(cases, value.expected(cases), like.setting, METAMORPHIC)


def explain(case: Case, verdict: Verdict) -> Evidence:
    return value.explain(case, verdict)


class NotEquivalent(AssertionError):
    """A transformation changed what the kernel means: a fault of kernelfuzz."""


def transform(case: Case, choices: Choices) -> tuple[str, Case] | None:
    """The case after one transformation that applies to it, with its name; None where none does."""
    rows = list(transformations.TRANSFORMATIONS)
    while rows:
        row = rows.pop(choices.integer(0, len(rows) - 1))
        changed = row.apply(case, choices)
        if changed is not None:
            return row.name, changed
    return None


def judge_transformed(
    cases: Sequence[Case],
    wanted: Sequence[value.Outputs | Undefined],
    choices: Sequence[Choices],
    setting: BuildSetting,
    evaluate: batch.Evaluate = batch.evaluate,
) -> list[tuple[Verdict, Case]]:
    """Launch one transformed form of every case and compare with what the original must give.

    ``evaluate`` builds the forms.  Each verdict comes with the case that it is about.

    Raises NotEquivalent where the reference tells the two apart.
    """
    skipped = METAMORPHIC.skipped("no transformation applies", setting)
    results = [(skipped, case) for case in cases]
    changed: list[tuple[int, str, Case]] = []
    for at, (case, chosen) in enumerate(zip(cases, choices, strict=True)):
        found = transform(case, chosen)
        if found is not None:
            _check_equivalent(found[0], case, found[1], wanted[at])
            changed.append((at, *found))
    forms, outputs = [case for _, _, case in changed], [wanted[at] for at, _, _ in changed]
    judged = value.judge(forms, outputs, setting, METAMORPHIC, evaluate=evaluate)
    for (at, name, case), verdict in zip(changed, judged, strict=True):
        results[at] = replace(verdict, setting=replace(setting, row=name)), case
    return results


def _check_equivalent(name: str, case: Case, changed: Case, wanted: value.Outputs | Undefined) -> None:
    (again,) = value.expected([changed])
    if isinstance(wanted, Undefined):
        return
    if isinstance(again, Undefined):
        raise NotEquivalent(f"{name} made a defined kernel undefined ({again}):\n{case.kernel}\n{changed.kernel}")
    if (mismatch := first_mismatch(wanted, again)) is not None:
        raise NotEquivalent(f"{name} changed {mismatch}:\n{case.kernel}\n{changed.kernel}")


def judge_options(
    cases: Sequence[Case],
    wanted: Sequence[value.Outputs | Undefined],
    row: OptionSet,
    setting: BuildSetting,
    evaluate: batch.Evaluate = batch.evaluate,
) -> list[Verdict]:
    """Build the cases with the options of the row and compare with what they must give without them."""
    changed = row.setting(setting)
    exact = [at for at, case in enumerate(cases) if row.exact(case.kernel)]
    verdicts = [METAMORPHIC.skipped("the option may change bits", changed)] * len(cases)
    chosen, outputs = [cases[at] for at in exact], [wanted[at] for at in exact]
    with captured_output():  # verify_fp tells about every NaN
        judged = value.judge(chosen, outputs, changed, METAMORPHIC, backward=row.backward, evaluate=evaluate)
    for at, verdict in zip(exact, judged, strict=True):
        verdicts[at] = verdict
    return verdicts
