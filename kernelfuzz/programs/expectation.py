"""What a program must give: by label of its text, every array after each launch and every gradient of each tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kernelfuzz.ir.launch import Input
from kernelfuzz.ir.program import Program
from kernelfuzz.programs.text import label
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.program_gradients import differentiable, seeds_of, tape_gradients, written_in
from kernelfuzz.reference.program_steps import Step, TapeRun, trace
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth
from kernelfuzz.typecheck.builtins import at_least


@dataclass(frozen=True, slots=True)
class Expectation:
    """``values`` are to the bit, ``gradients`` but for rounding, and start from ``seeds``.

    ``reasons`` say of tapes why their gradients are not known, ``steps`` and ``tapes`` are what was run.
    """

    values: Mapping[str, Input]
    gradients: Mapping[str, Input]
    seeds: Mapping[str, Input]
    reasons: tuple[str, ...] = ()
    steps: Sequence[Step] = ()
    tapes: Sequence[TapeRun] = field(default_factory=list[TapeRun])


def expectation(program: Program, deviations: Sequence[Deviation] | None = None) -> Expectation:
    """What the reference computes for a program; with ``deviations``, of a Warp with these bugs.

    Raises Undefined.
    """
    values: dict[str, Input] = {}
    gradients: dict[str, Input] = {}
    seeds: dict[str, Input] = {}
    reasons: list[str] = []
    steps: list[Step] = []
    tapes: list[TapeRun] = []
    for each in trace(program, [row for row in deviations or () if not row.of_gradients]):
        if isinstance(each, Step):
            for array in dict.fromkeys(each.arrays.values()):
                values[label(array, "launch", len(steps))] = each.after[array]
            steps.append(each)
            continue
        try:
            found = tape_gradients(program, each, deviations)
        except (NotSmooth, NotDifferentiable) as other:
            reasons.append(other.reason)
        else:
            # "Warp correctly propagates gradients only through the final write" (Array Overwrites) since 1.14.
            open_ = set[str]() if at_least(1, 14) else set(written_in(each))
            for name, derivative in found.items():
                if name in open_:
                    continue
                for kind in ("backward pass", "second backward pass")[: 1 + each.event.again]:
                    gradients[label(f"gradient of {name}", kind, len(tapes))] = derivative
                    seeds[label(f"gradient of {name}", kind, len(tapes))] = seeds_of(program, each)[name]
        touched = {array for step in each.steps for array in step.arrays.values()}
        for array in program.arrays:
            if differentiable(array) and array.name in touched:
                for kind in ("backward pass", "second backward pass")[: 1 + each.event.again]:
                    what = label(f"gradient of {array.name}", f"the zero of the {kind}", len(tapes))
                    assert isinstance(array.value, np.ndarray)
                    values[what] = np.zeros_like(array.value)
        tapes.append(each)
    return Expectation(values, gradients, seeds, tuple(reasons), steps, tapes)
