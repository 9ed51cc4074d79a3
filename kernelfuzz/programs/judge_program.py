"""Judge a program: run its text under Warp, in this process, and compare what it observes with the reference.

What a kernel does wrong that is launched alone is not the program's doing: such a failure is known, for kernels are
judged elsewhere.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kernelfuzz.analysis.effects import has_tiles
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.program import Program
from kernelfuzz.oracles import gradient as gradient_oracle
from kernelfuzz.oracles import value as value_oracle
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.verdict import BuildSetting, Mismatch, Verdict
from kernelfuzz.programs.expectation import Expectation, expectation
from kernelfuzz.programs.program_edits import edited
from kernelfuzz.programs.program_verdict import QUESTIONS, ProgramVerdict, Run
from kernelfuzz.programs.text import program_text
from kernelfuzz.reference import Undefined
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.deviations import applicable, explanation
from kernelfuzz.reference.program_gradients import differences
from kernelfuzz.reference.undefined import Stopped
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.program_runs import Observed, run_text
from kernelfuzz.toolchain.programs import JUDGED
from kernelfuzz.toolchain.sources import Failure
from kernelfuzz.typecheck.lacking import lacking

ALL: tuple[Run, ...] = tuple(each.run for each in QUESTIONS)


def drawn_runs(choices: Choices) -> tuple[Run, ...]:
    """How a program is run: what is asked of one in several, of one in several."""
    return tuple(each.run for each in QUESTIONS if choices.integer(1, each.one_in) == 1)


def judge(program: Program, runs: Sequence[Run] = ALL, *, edit: int = 0) -> ProgramVerdict:
    """The verdict on a program: of its run, and of further ones; the first that fails.

    ``edit`` chooses the change of an edited run.  Raises UnsupportedWarp.
    """
    compat.initialize()
    for declared in program.declarations.values():
        if reason := lacking(declared.kernel):
            return ProgramVerdict("skipped", reason=reason)
    try:
        wanted = expectation(program)
    except Undefined as undefined:
        return ProgramVerdict("skipped", reason=f"undefined: {undefined.reason}")
    name = f"kernelfuzz_program_{next(_NUMBERS)}"
    with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as cache:
        verdict = _judged(program, wanted, _Place(name, cache), "cold cache")
        if verdict.status != "passed":
            return verdict
        if "warm cache" in runs:
            found = _judged(program, wanted, _Place(name, cache), "warm cache")
            if found.status != "passed":
                return found
        if "edited" in runs and (other := edited(program, edit)) is not None:
            with contextlib.suppress(Undefined):
                found = replace(_judged(other, expectation(other), _Place(name, cache), "edited"), edited=other)
                if found.status != "passed":
                    return found
    return verdict


def alone(program: Program) -> str:
    """What is wrong with a kernel of the program when it is launched alone; empty where nothing is."""
    compat.initialize()
    return _alone(expectation(program), gradients=True)


# Each program is a module of a name that no other one of this process has.
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class _Place:
    """The name of the module that a program is, and where what it builds is kept."""

    name: str
    cache: str


def options() -> dict[str, object]:
    """The options that a program is judged under."""
    return dict(JUDGED)


def _judged(program: Program, wanted: Expectation, place: _Place, run: Run) -> ProgramVerdict:
    passed = ProgramVerdict(
        "passed",
        run,
        launches=len(wanted.steps),
        judged_gradients=len(wanted.tapes) - len(wanted.reasons),
        gradients_open=wanted.reasons,
    )
    observed = run_text(program_text(program, options()), place.name, place.cache)
    if isinstance(observed, Failure):
        return _not_built(passed, wanted, observed)
    if (mismatch := _first_value(wanted, observed)) is not None:
        return _wrong_value(program, passed, wanted, observed, mismatch)
    if (mismatch := _first_gradient(wanted, observed)) is not None:
        return _wrong_gradient(program, passed, wanted, observed, mismatch)
    if run == "warm cache" and (more := observed.cached - observed.cached_before):
        return replace(passed, status="failed", kind="built again", reason=f"{len(more)} modules are built again")
    return passed


# ------------------------------------------------------------------------------------ what is wrong


def _first_value(wanted: Expectation, observed: Observed) -> Mismatch | None:
    for label, value in wanted.values.items():
        if (mismatch := first_mismatch({label: value}, {label: observed.values[label]})) is not None:
            return mismatch
    return None


def _first_gradient(wanted: Expectation, observed: Observed) -> Mismatch | None:
    return gradient_oracle.first_difference(wanted.gradients, observed.values, wanted.seeds)


def _not_built(passed: ProgramVerdict, wanted: Expectation, failure: Failure) -> ProgramVerdict:
    if failure.kind == "unsupported":
        return replace(passed, status="skipped", reason=f"unsupported: {failure.message}")
    kind = "does not compile" if failure.kind == "compile" else "rejected"
    failed = replace(passed, status="failed", kind=kind, reason=failure.message)
    return _unless_alone(failed, _alone(wanted, gradients=False))


def _wrong_value(
    program: Program, passed: ProgramVerdict, wanted: Expectation, observed: Observed, mismatch: Mismatch
) -> ProgramVerdict:
    # What is left of gradients that were made zero is known to the bit.
    kind = "wrong gradient" if mismatch.output.startswith("gradient of") else "wrong value"
    failed = replace(passed, status="failed", kind=kind, mismatch=mismatch)

    def agrees(deviations: Sequence[Deviation]) -> bool:
        return _first_value(expectation(program, deviations), observed) is None

    if bugs := explanation(applicable(), agrees):
        return replace(failed, status="known", reason=", ".join(bugs))
    return _unless_alone(failed, _alone(wanted, gradients=kind == "wrong gradient"))


def _wrong_gradient(
    program: Program, passed: ProgramVerdict, wanted: Expectation, observed: Observed, mismatch: Mismatch
) -> ProgramVerdict:
    failed = replace(passed, status="failed", kind="wrong gradient", mismatch=mismatch)

    def agrees(deviations: Sequence[Deviation]) -> bool:
        return _first_gradient(expectation(program, deviations), observed) is None

    if bugs := explanation(applicable(of_gradients=True), agrees):
        return replace(failed, status="known", reason=", ".join(bugs))
    if doubt := _doubt(program, wanted, mismatch):
        return replace(passed, status="skipped", reason=doubt)
    return _unless_alone(failed, _alone(wanted, gradients=True))


def _doubt(program: Program, wanted: Expectation, mismatch: Mismatch) -> str:
    """Why a derivative is not judged; empty where differences of the whole tape confirm it.

    Of an array that is written, a gradient is that by what it held before the tape, as differences have it; unless
    some array retains its gradient, which is no derivative then.
    """
    what, _, rest = mismatch.output.removeprefix("gradient of ").partition(" after ")
    tape = wanted.tapes[int(rest.rpartition(" ")[2])]
    if not all(step.differentiated for step in tape.steps):
        return ""
    if any(each.retained or not each.gradient for each in program.arrays):
        return ""
    try:
        opinion = differences(program, tape, what, mismatch.index)
    except Stopped as stopped:
        return f"not judged: {stopped.reason}"
    if not abs(opinion.value - mismatch.expected) <= opinion.error + 1e-9 * abs(mismatch.expected):
        return "not smooth: central differences disagree"
    if abs(opinion.value - mismatch.actual) <= opinion.error:
        return "not judged: too close for central differences"
    return ""


# ------------------------------------------------------------------- is a kernel to blame, launched alone


def _unless_alone(failed: ProgramVerdict, reason: str) -> ProgramVerdict:
    return replace(failed, status="known", reason=f"a kernel alone: {reason}") if reason else failed


def _alone(wanted: Expectation, *, gradients: bool) -> str:
    """What is wrong with a kernel of the program when it is launched alone, with the arrays that it had."""
    setting = BuildSetting("cpu", tuple(sorted(JUDGED.items())))
    cases = [Case(step.kernel, step.launch) for step in wanted.steps if not has_tiles(step.kernel)]
    verdicts: list[Verdict] = list(value_oracle.judge(cases, value_oracle.expected(cases), setting))
    if gradients:
        points = [gradient_oracle.prepare_at(case) for case in cases]
        ready = [point for point in points if isinstance(point, gradient_oracle.Point)]
        verdicts += gradient_oracle.judge(ready, setting)
    wrong = [each for each in verdicts if each.status in ("failed", "known")]
    return f"{wrong[0].kind} {', '.join(wrong[0].bugs)}".strip() if wrong else ""
