"""The value oracle: every output array of a launch is what the reference says, to the bit.

The sums of threads that add floats to one place are exact where they are judged (the reference calls any
other undefined), and builds are without contraction of ``a * b + c``: so bits can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.oracles import batch
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.verdict import FailedKind, Setting, Verdict
from kernelfuzz.reference import Undefined, run
from kernelfuzz.toolchain.errors import Failure, FailureKind
from kernelfuzz.toolchain.launch import Program

Outputs: TypeAlias = Mapping[str, Input]

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


def not_built(failure: Failure, setting: Setting) -> Verdict:
    """The verdict on a kernel that did not get as far as a launch."""
    if failure.kind == "unsupported":
        return Verdict("compile", "skipped", "", f"unsupported: {failure.message}", setting)
    return Verdict("compile", "failed", FAILED_AS[failure.kind], str(failure), setting)


def judge(
    cases: Sequence[Case],
    wanted: Sequence[Outputs | Undefined],
    setting: Setting,
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
        else _verdict(oracle, outputs, outcome, setting)
        for outputs, outcome in zip(wanted, outcomes, strict=True)
    ]


def _verdict(oracle: str, wanted: Outputs | Undefined, actual: Outputs | None, setting: Setting) -> Verdict:
    if isinstance(wanted, Undefined):
        return Verdict(oracle, "skipped", "", f"undefined: {wanted.reason}", setting)
    assert actual is not None
    mismatch = first_mismatch(wanted, actual)
    if mismatch is None:
        return Verdict(oracle, "passed", "", "", setting)
    kind: FailedKind = "wrong value" if oracle == "value" else "different"
    return Verdict(oracle, "failed", kind, "", setting, mismatch)
