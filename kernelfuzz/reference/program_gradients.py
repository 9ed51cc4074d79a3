"""The gradients that a tape gives: the adjoints of its launches, the last one first.

"Overwriting previously computed results can lead to incorrect gradient calculations" (Differentiability, "Array
Overwrites"): an adjoint reads its arrays as the last launch has left them, so that a tape is judged only where no
array changes after a launch that reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.analysis.effects import stored_argument, written_arrays
from kernelfuzz.analysis.widen import widened
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case, Input, flattened
from kernelfuzz.ir.names import root_of
from kernelfuzz.ir.program import ArrayVariable, Program
from kernelfuzz.ir.types import Array, Scalar, Struct
from kernelfuzz.ir.walk import walk
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.derivative import documented_gradient, gradient
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.program_steps import Contents, Step, TapeRun
from kernelfuzz.reference.undefined import Lost, NotDifferentiable
from kernelfuzz.typecheck.builtins import at_least

Gradients: TypeAlias = dict[str, np.ndarray[Any, Any]]

NO_FLOAT64 = "a kernel of the tape has floats that are not float64"
OVERWRITTEN = "documented: an array changes after a launch that read it"
RETAINED = "a kernel reads what it writes of an array that retains its gradient"
LOSSY = "documented: an adjoint has lost what it needs"
STRUCTS = "gradients of arrays of structs"
WRITTEN_TWICE = "documented: a gradient goes to the last write only since 1.14"


def differentiable(array: ArrayVariable) -> bool:
    """Whether an array of the program has a gradient."""
    dtype = array.type.dtype
    scalar = dtype if isinstance(dtype, Scalar) else getattr(dtype, "dtype", None)
    return array.gradient and isinstance(scalar, Scalar) and scalar.is_float


def seeds_of(program: Program, tape: TapeRun) -> Gradients:
    """The gradients that a tape starts from: 1, 2, 3, ... in each array that is named, else zero."""
    found: Gradients = {}
    for array in program.arrays:
        if differentiable(array):
            value = array.value
            assert isinstance(value, np.ndarray)
            counted = np.arange(1, value.size + 1, dtype=np.float64).reshape(value.shape)
            found[array.name] = counted if array.name in tape.event.seeds else np.zeros(value.shape)
    return found


def written_in(tape: TapeRun) -> Counter[str]:
    """How many launches of a tape may change each array."""
    return Counter(
        step.arrays[param] for step in tape.steps for param in written_arrays(step.kernel) & step.arrays.keys()
    )


def tape_gradients(program: Program, tape: TapeRun, deviations: Sequence[Deviation] | None = None) -> Gradients:
    """The gradient of every array that requires one, after a backward pass of the tape.

    Before 1.14 that of an array which is written is what it was before the last launch, and judged by nobody.
    With ``deviations`` it is what a Warp with these bugs gives.  Raises Undefined, NotSmooth, and NotDifferentiable
    where Warp documents no gradient.
    """
    if not at_least(1, 14) and any(count > 1 for count in written_in(tape).values()):
        raise Lost(WRITTEN_TWICE)
    found = seeds_of(program, tape)
    retained = {array.name for array in program.arrays if array.retained}
    last = tape.steps[-1].after if tape.steps else {}
    for step in reversed([each for each in tape.steps if each.differentiated]):
        _raise_unless_kept(step, last)
        by_param = _adjoint(step, found, deviations)
        before = dict(found)
        for param, array in step.arrays.items():
            if array in found:
                found[array] = found[array] + by_param[param] - before[array]
        for param in written_arrays(step.kernel) & step.arrays.keys():
            if (array := step.arrays[param]) in retained:
                if reads(step.kernel, param):
                    raise NotDifferentiable(RETAINED)
                found[array] = before[array]
    return found


def _adjoint(step: Step, found: Gradients, deviations: Sequence[Deviation] | None) -> Mapping[str, Any]:
    wide = widened(Case(step.kernel, step.launch))
    if wide is None or wide.kernel != step.kernel:
        raise NotDifferentiable(NO_FLOAT64)
    if any(isinstance(each.type, Array) and isinstance(each.type.dtype, Struct) for each in step.kernel.params):
        raise NotDifferentiable(STRUCTS)
    seeds: dict[str, Input] = {param: found[array] for param, array in step.arrays.items() if array in found}
    if deviations is not None:
        by = list(seeds)
        return gradient(step.kernel, step.launch, seeds, deviations, strict=False, unroll=step.unroll, by=by)
    documented = documented_gradient(step.kernel, step.launch, seeds, unroll=step.unroll)
    if documented.lossy or documented.spoilt or documented.endless or seeds.keys() - documented.expected.keys():
        raise Lost(LOSSY)
    return documented.expected


def _raise_unless_kept(step: Step, last: Contents) -> None:
    """Raises Lost where an array that the kernel reads changes later."""
    for param, array in step.arrays.items():
        if reads(step.kernel, param) and not _same(step.after[array], last[array]):
            raise Lost(OVERWRITTEN)


def _same(one: Input, other: Input) -> bool:
    left, right = flattened({"": one}), flattened({"": other})
    return all(left[path].tobytes() == right[path].tobytes() for path in left)


def reads(kernel: n.Kernel, param: str) -> bool:
    """Whether a kernel may read a parameter that is an array: does more with it than store whole elements or add."""
    named = stored = 0
    for node in walk(*kernel.body):
        match node:
            case n.Name(id=name) if name == param:
                named += 1
            case n.Assign(target=n.Index(value=n.Name(id=name))) if name == param:
                stored += 1
            case n.ArrayShape(array=n.Name(id=name)) if name == param:
                stored += 1
            case n.ExprStmt(value=n.Call(name="atomic_add" | "atomic_sub") as call):
                at = stored_argument(call)
                root = None if at is None else root_of(call.args[at])
                stored += isinstance(root, n.Name) and root.id == param
            case _:
                pass
    return named > stored


def loss(program: Program, tape: TapeRun, changed: Contents) -> tuple[float, float]:
    """The seeded sum over the arrays after the launches of a tape, from other contents; and that of its magnitudes.

    Of the launches that the tape differentiates; raises Undefined.
    """
    contents = {**tape.steps[0].before, **changed}
    for step in tape.steps:
        inputs = {**step.launch.inputs, **{param: contents[array] for param, array in step.arrays.items()}}
        outputs = execute(step.kernel, replace(step.launch, inputs=inputs), Exact(), rounded=True)
        contents = {**contents, **{step.arrays[param]: value for param, value in outputs.items()}}
    terms = [seed * contents[name] for name, seed in seeds_of(program, tape).items()]
    return sum(float(np.sum(each)) for each in terms), sum(float(np.sum(np.abs(each))) for each in terms)


@dataclass(frozen=True, slots=True)
class Opinion:
    """A derivative by central differences, and about how far it may be off."""

    value: float
    error: float


def differences(program: Program, tape: TapeRun, array: str, index: tuple[int, ...]) -> Opinion:
    """The derivative of the seeded sum by one element of an array, as the first launch finds it.

    Raises Undefined where a shifted program has no result.
    """
    start = tape.steps[0].before[array]
    assert isinstance(start, np.ndarray)
    epsilon = float(np.finfo(np.float64).eps)
    step = epsilon**0.2 * max(1.0, abs(float(start[index])))

    def slope(h: float) -> tuple[float, float]:
        ends: list[tuple[float, float]] = []
        for offset in (h, -h):
            shifted = np.array(start)
            shifted[index] += offset
            ends.append(loss(program, tape, {array: shifted}))
        (above, size), (below, _) = ends
        return (above - below) / (2 * h), 16 * epsilon * size / h

    (coarse, _), (fine, rounding) = slope(step), slope(step / 2)
    value = fine + (fine - coarse) / 3
    return Opinion(value, abs(value - fine) + rounding)
