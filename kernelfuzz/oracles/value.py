"""The value oracle: every output array of a launch is what the reference says, to the bit.

The sums of threads that add floats to one place are exact where they are judged (the reference calls any
other undefined), and builds are without contraction of ``a * b + c``: so bits can be asked for.  On a CUDA
device that holds for what does not depend on its mathematical library; what does is to be within the bounds
of the builtins (``kernelfuzz.oracles.tolerance``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.oracles import batch
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.option_sets import without_sums_in_place
from kernelfuzz.oracles.tolerance import first_outside, tolerances
from kernelfuzz.oracles.verdict import BuildSetting, FailedKind, Mismatch, Verdict
from kernelfuzz.reference import Undefined, run
from kernelfuzz.reference.limitations import array_overwrites
from kernelfuzz.toolchain import Failure, FailureKind
from kernelfuzz.toolchain.programs import Program

Outputs: TypeAlias = Mapping[str, Input]

# Why the outputs of a device are not judged.
ILL_CONDITIONED = "ill-conditioned"
BLOCK_RACES = "the threads of a block race"

FAILED_AS: dict[FailureKind, FailedKind] = {
    "syntax": "rejected",
    "empty": "rejected",
    "codegen": "rejected",
    "compile": "does not compile",
}


def expected(cases: Sequence[Case]) -> list[Outputs | Undefined]:
    """What the reference computes for each case, or why it is undefined."""
    results: list[Outputs | Undefined] = []
    for case in cases:
        try:
            results.append(run(case.kernel, case.launch))
        except Undefined as undefined:
            results.append(undefined)
    return results


def not_built(failure: Failure, setting: BuildSetting) -> Verdict:
    """The verdict on a kernel that did not get as far as a launch."""
    if failure.kind == "unsupported":
        return Verdict("compile", "skipped", "", f"unsupported: {failure.message}", setting)
    return Verdict("compile", "failed", FAILED_AS[failure.kind], str(failure), setting)


def judge(
    cases: Sequence[Case],
    wanted: Sequence[Outputs | Undefined],
    setting: BuildSetting,
    oracle: str = "value",
    *,
    backward: bool = False,
    evaluate: batch.Evaluate = batch.evaluate,
) -> list[Verdict]:
    """Launch every case in one module and compare; ``wanted`` has what ``expected`` gave for each.

    A case that is undefined is built all the same, but not launched.  One that Warp does not build gets a
    verdict of the compile oracle.  ``backward`` has the adjoints built too, which nobody calls.
    ``evaluate`` has the cases built.
    """

    def launch(program: Program, name: str, at: int) -> Outputs | None:
        if isinstance(wanted[at], Undefined):
            return None
        return program.run(name, cases[at].launch, blocks=setting.blocks)

    outcomes = evaluate(cases, setting, launch, backward=backward)
    return [
        not_built(outcome, setting)
        if isinstance(outcome, Failure)
        else _verdict(oracle, case, outputs, outcome, setting)
        for case, outputs, outcome in zip(cases, wanted, outcomes, strict=True)
    ]


def _verdict(
    oracle: str, case: Case, wanted: Outputs | Undefined, actual: Outputs | None, setting: BuildSetting
) -> Verdict:
    if isinstance(wanted, Undefined):
        return Verdict(oracle, "skipped", "", f"undefined: {wanted.reason}", setting)
    assert actual is not None
    mismatch = first_mismatch(wanted, actual)
    if mismatch is not None and setting.target == "cuda":
        on_device = _on_device(case, wanted, actual)
        if isinstance(on_device, str):
            return Verdict(oracle, "skipped", "", on_device, setting)
        mismatch = on_device
    if mismatch is None:
        return Verdict(oracle, "passed", "", "", setting)
    kind: FailedKind = "wrong value" if oracle == "value" else "different"
    return Verdict(oracle, "failed", kind, "", setting, mismatch)


def _on_device(case: Case, wanted: Outputs, actual: Outputs) -> Mismatch | str | None:
    """What is wrong with outputs of a device that are not the reference's, or why that cannot be said."""
    if case.launch.tiled and not _repeatable(case):
        return BLOCK_RACES
    allowed = tolerances(case, wanted)
    return ILL_CONDITIONED if allowed is None else first_outside(wanted, actual, allowed)


def _repeatable(case: Case) -> bool:
    """Whether a kernel does the same when every thread of a block runs it, as in a tiled launch."""
    return without_sums_in_place(case.kernel) and not array_overwrites(case.kernel, case.launch)
