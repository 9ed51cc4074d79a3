"""The value oracle: every output array of a launch is what the reference says, to the bit.

The sums of threads that add floats to one place are exact where they are judged (the reference calls any
other undefined), and builds are without contraction of ``a * b + c``: so bits can be asked for.  On a CUDA
device that holds for what does not depend on its mathematical library; what does is to be within the bounds
of the builtins (``kernelfuzz.oracles.compare``).  What the reference takes from Warp itself is held to what Warp
documents of it (``kernelfuzz.oracles.kept_promises``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles import batch, kept_promises
from kernelfuzz.oracles.chunk import HOSTS, CaseRecord, Chunk, Outputs, note
from kernelfuzz.oracles.compare import first_mismatch, first_outside, relative, tolerances
from kernelfuzz.oracles.option_sets import without_sums_in_place
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.static_checks import same_text
from kernelfuzz.oracles.table import VALUE, Oracle
from kernelfuzz.oracles.under_way import asking
from kernelfuzz.oracles.verdict import BuildSetting, Mismatch, Verdict
from kernelfuzz.reference import Undefined, run
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.deviations import applicable, explanation
from kernelfuzz.reference.limitations import array_overwrites
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.layouts import CONTIGUOUS
from kernelfuzz.toolchain.programs import Program

# Why the outputs of a device are not judged.
ILL_CONDITIONED = "ill-conditioned"
BLOCK_RACES = "the threads of a block race"


def expected(cases: Sequence[Case]) -> list[Outputs | Undefined]:
    """Return what the reference computes for each case, or why it is undefined."""
    results: list[Outputs | Undefined] = []
    for case in cases:
        try:
            results.append(run(case.kernel, case.launch))
        except Undefined as undefined:
            results.append(undefined)
    return results


def wanted_of(records: Sequence[CaseRecord]) -> list[Outputs | Undefined]:
    """Return what each case must give, from the reference where it was not asked before."""
    open_ = [record for record in records if record.wanted is None]
    for record, wanted in zip(open_, expected([record.case for record in open_]), strict=True):
        record.wanted = wanted
    return [record.wanted for record in records if record.wanted is not None]


def ask(chunk: Chunk) -> None:
    """Judge every sound case on one host, some on the other as well, and all on a device."""
    wanted_of(chunk.records)
    _, other_host = VALUE.samples
    for target in chunk.targets:
        setting, asked = chunk.setting(target), chunk.sound
        if target in HOSTS and target != chunk.targets[0]:
            asked = [record for record in asked if chunk.samples(record, other_host) or not _same_text(chunk, record)]
        cases, settings = [record.case for record in asked], [record.launching.of(setting) for record in asked]
        note(asked, judge(cases, wanted_of(asked), setting, evaluate=chunk.evaluate, settings=settings))
    kept_promises.ask(chunk.sound)


def _same_text(chunk: Chunk, record: CaseRecord) -> bool:
    """Whether what Warp generates of a case is the same for both hosts, as far as that is known."""
    codes = chunk.codes(record)
    return codes is not None and same_text(codes)


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    if like.kind == kept_promises.KIND:
        return kept_promises.again(cases)
    return judge(cases, expected(cases), like.setting)


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the outputs that the reference computes; on a device, where some are bounded, the bound alone."""
    if verdict.kind == kept_promises.KIND:
        return kept_promises.explain(case, verdict)
    (wanted,) = expected([case])
    assert not isinstance(wanted, Undefined), "an undefined case is not judged"
    if verdict.setting.target == "cuda" and (bound := _let_pass(case, wanted, verdict)) is not None:
        # Other outputs may be off by more, or by anything: only the one that is wrong shows it.
        return Evidence(case, tolerance=bound, message=verdict.reason)
    return Evidence(case, wanted, message=verdict.reason)


def _let_pass(case: Case, wanted: Outputs, verdict: Verdict) -> float | None:
    """The relative error that is let pass where an output of a device is wrong; None: none anywhere."""
    allowed = tolerances(case, wanted)
    if allowed is None or verdict.mismatch is None or all(each.exact.all() for each in allowed.values()):
        return None
    return relative(verdict.mismatch, allowed)


def judge(
    cases: Sequence[Case],
    wanted: Sequence[Outputs | Undefined],
    setting: BuildSetting,
    oracle: Oracle = VALUE,
    *,
    backward: bool = False,
    evaluate: batch.Evaluate = batch.evaluate,
    settings: Sequence[BuildSetting] | None = None,
) -> list[Verdict]:
    """Launch every case in one module and compare; ``wanted`` has what ``expected`` gave for each.

    A case that is undefined is built all the same, but not launched.  One that Warp does not build gets a
    verdict of the compile oracle.  ``backward`` has the adjoints built too, which nobody calls.
    ``evaluate`` builds the cases, ``settings`` has how each is launched (default: as ``setting`` says).
    """
    each_setting = settings or [setting] * len(cases)
    asking(oracle, cases, each_setting[0] if cases else setting)

    def launch(program: Program, name: str, at: int) -> Outputs | None:
        if isinstance(wanted[at], Undefined):
            return None
        return program.run(name, cases[at].launch, **batch.launched(each_setting[at], cases[at].launch))

    outcomes = evaluate(cases, setting, launch, backward=backward)
    return [
        _without_result(oracle, case, outcome, each)
        if isinstance(outcome, Failure)
        else _verdict(oracle, case, outputs, outcome, each)
        for case, outputs, outcome, each in zip(cases, wanted, outcomes, each_setting, strict=True)
    ]


def _without_result(oracle: Oracle, case: Case, failure: Failure, setting: BuildSetting) -> Verdict:
    verdict = batch.without_result(failure, setting, oracle)
    # Where Warp writes is not predicted; with a bug that is to blame an index leaves its array.
    outside = verdict.kind == "writes outside"
    return replace(verdict, suspects=suspects(case, _met(setting))) if outside else verdict


def _verdict(
    oracle: Oracle, case: Case, wanted: Outputs | Undefined, actual: Outputs | None, setting: BuildSetting
) -> Verdict:
    if isinstance(wanted, Undefined):
        return oracle.skipped(f"undefined: {wanted.reason}", setting)
    assert actual is not None
    mismatch = first_mismatch(wanted, actual)
    if mismatch is not None and setting.target == "cuda":
        on_device = _on_device(case, wanted, actual)
        if isinstance(on_device, str):
            return oracle.skipped(on_device, setting)
        mismatch = on_device
    if mismatch is None:
        return oracle.passed(setting)
    bugs = predicted(case, actual)
    open_ = [row for row in _met(setting) if row.open]
    return oracle.failed(setting, mismatch=mismatch, bugs=bugs, suspects=() if bugs else suspects(case, open_))


def predicted(case: Case, actual: Outputs) -> tuple[str, ...]:
    """The known bugs with which the reference gives these outputs, to the bit; empty where none do."""

    def agrees(deviations: Sequence[Deviation]) -> bool:
        return first_mismatch(run(case.kernel, case.launch, deviations=deviations), actual) is None

    return explanation(applicable(), agrees)


def suspects(case: Case, rows: Sequence[Deviation]) -> tuple[str, ...]:
    """The known bugs among ``rows`` that the launch meets and whose effect is open: with one alone it is undefined."""

    def meets(deviation: Deviation) -> bool:
        try:
            run(case.kernel, case.launch, deviations=(deviation,))
        except Undefined:
            return True
        return False

    return tuple(row.name for row in rows if meets(row))


def _met(setting: BuildSetting) -> list[Deviation]:
    """The known bugs that arrays which lie so, and a grid of so many blocks, can meet."""
    strided, in_turns = setting.layout != CONTIGUOUS, setting.blocks is not None
    return [row for row in applicable() if (strided or not row.strided) and (in_turns or not row.in_turns)]


def _on_device(case: Case, wanted: Outputs, actual: Outputs) -> Mismatch | str | None:
    """What is wrong with outputs of a device that are not the reference's, or why that is not known."""
    if case.launch.tiled and not _repeatable(case):
        return BLOCK_RACES
    allowed = tolerances(case, wanted)
    return ILL_CONDITIONED if allowed is None else first_outside(wanted, actual, allowed)


def _repeatable(case: Case) -> bool:
    """Whether a kernel does the same when every thread of a block runs it, as in a tiled launch."""
    return without_sums_in_place(case.kernel) and not array_overwrites(case.kernel, case.launch)
