"""Which operations of a failing kernel Warp gets wrong alone: the cause of a failure, where one operation is it.

The reference runs the kernel, and each operation gets a kernel of its own with the operands that it had; Warp is
asked about these.  What fails there is a failure by itself, so blame is never a guess.  A defect that no single
operation shows (an element that is read late, say) has no such cause.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.findings.mismatch_class import CLASSES, mismatch_class
from kernelfuzz.findings.operations import Operation, Value, copy_of, filled, forms
from kernelfuzz.findings.traced import operands
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.judge import judge_again
from kernelfuzz.oracles.verdict import Verdict

# So many operands of an operation are tried: for a gradient, which takes a run for each of them, fewer.
_OPERANDS = 32
_OPERANDS_OF_GRADIENTS = 4

# Numbers that tell how wrong an operation is at worst, and how the next operand goes through them.
_NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.5, -3.0, 7.0)
_STEPS = (1, 2)

# A defect is told by how wrong it is where it is no more than that.
_MILD = CLASSES[:2]


_Values: TypeAlias = Sequence[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Blamed:
    """An operation that Warp gets wrong in a kernel of its own, ``case``, as ``verdict`` has it.

    ``cause`` names the defect: that is the simplest operation that has it, with how wrong it is where that is
    little.  The failing kernel has the operation ``name``, which may be another spelling, or of other types.
    """

    cause: str
    name: str
    case: Case
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Failed:
    """The worst failure of an operation alone."""

    case: Case
    verdict: Verdict

    @property
    def badness(self) -> int:
        return CLASSES.index(mismatch_class(self.verdict.mismatch, self.case.kernel))


def blame(case: Case, verdict: Verdict, known: Collection[str]) -> tuple[Blamed, ...]:
    """The operations of a case with a failed verdict that fail alone, in the order in which they are evaluated.

    They fail the same oracle in the same setting, and no bug of those that are ``known`` predicts it.
    """
    seen = operands(case, _OPERANDS_OF_GRADIENTS if verdict.oracle == "gradient" else _OPERANDS)
    copies = {copy_of(type_) for each in seen for type_ in each.types}
    alone = _failing({**{each: _numbers(each) for each in copies}, **seen}, verdict, known)
    # What cannot be copied is wrong in every operation.
    blamed = [each for each in alone if each in copies] or [*alone]
    tried = {form: _numbers(form) for each in blamed for form in forms(each) if form != each}
    failed = {**_failing(tried, verdict, known), **alone}
    made: dict[str, Blamed] = {}
    for each in blamed:
        cause = next(form for form in forms(each) if form in failed)
        found = _worst(cause, failed[cause], verdict, known)
        how = CLASSES[found.badness]
        name = f"{cause.name} ({how})" if how in _MILD else cause.name
        made.setdefault(each.name, Blamed(name, each.name, found.case, found.verdict))
    return tuple(made.values())


def _failing(asked: Mapping[Operation, _Values], like: Verdict, known: Collection[str]) -> dict[Operation, _Failed]:
    """The operations that fail with some of their operands, by one thread, each with a failure.

    First all operands of each are judged together, which is where most pass; then those where they fail first.
    """
    together = {each: made for each, values in asked.items() if (made := each.alone(values)) is not None}
    verdicts = dict(zip(together, _judged([*together.values()], like, known), strict=True))
    first = {each: [asked[each][v.mismatch.index[0]]] for each, v in verdicts.items() if v.mismatch and _fails(v, like)}
    failed = _failing_alone(first, like, known)
    # What is wrong first may be a known bug; what is skipped may be so for one thread's sake.
    open_ = [each for each, v in verdicts.items() if each not in failed and (_fails(v, like) or v.status == "skipped")]
    failed |= _failing_alone({each: asked[each] for each in open_ if len(asked[each]) > 1}, like, known)
    return {each: failed[each] for each in asked if each in failed}


def _worst(operation: Operation, failed: _Failed, like: Verdict, known: Collection[str]) -> _Failed:
    """The worst failure of an operation over all numbers, where the one that is known is mild."""
    if CLASSES[failed.badness] not in _MILD:
        return failed
    again = _failing_alone({operation: _numbers(operation)}, like, known)
    return max([failed, *again.values()], key=lambda each: each.badness)


def _failing_alone(
    asked: Mapping[Operation, _Values], like: Verdict, known: Collection[str]
) -> dict[Operation, _Failed]:
    """The operations that fail with some of their operands, judged one by one, with the worst failure of each."""
    cases = [(each, made) for each, values in asked.items() for one in values if (made := each.alone([one]))]
    failed: dict[Operation, _Failed] = {}
    for (each, made), verdict in zip(cases, _judged([made for _, made in cases], like, known), strict=True):
        if _fails(verdict, like):
            found = _Failed(made, verdict)
            failed[each] = max(failed.get(each, found), found, key=lambda one: one.badness)
    return failed


def _fails(verdict: Verdict, like: Verdict) -> bool:
    return verdict.status == "failed" and verdict.kind == like.kind


def _judged(cases: Sequence[Case], like: Verdict, known: Collection[str]) -> list[Verdict]:
    return [each.heeding(known) for each in judge_again(cases, like)] if cases else []


def _numbers(operation: Operation) -> _Values:
    """Operands that go through a few numbers in different ways."""
    choices = [filled(operand.type, _NUMBERS) for operand in operation.operands]
    ways = [(start, step) for step in _STEPS[: len(choices)] for start in range(len(_NUMBERS))]
    return [tuple([each[(start + at * step) % len(each)] for at, each in enumerate(choices)]) for start, step in ways]
