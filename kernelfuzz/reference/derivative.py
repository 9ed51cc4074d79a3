"""The derivative of a launch: what Warp's adjoint of the kernel must give, from dual numbers.

It is the derivative of the program as it ran, through overwritten arrays, changed variables and loops.
``kernelfuzz.reference.limitations`` has what Warp documents that its adjoints do not get right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.nodes import Kernel, Param
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.dual import Dual, Scale
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.smooth import Smooth, raise_unless_finite

Path = tuple[str, ...]

# Directions that one run differentiates in: a tangent of this length costs little more than a number.
DIRECTIONS = 512


@dataclass(frozen=True, slots=True)
class Leaf:
    """The floats at a path (a parameter and the fields below it); ``in_array``: of an array parameter."""

    path: Path
    values: np.ndarray[Any, Any]
    in_array: bool


def gradient(
    kernel: Kernel, launch: Launch, seeds: Mapping[str, Input], deviations: Sequence[Deviation] = ()
) -> dict[str, Input]:
    """The derivative of ``sum(seed * final value)`` by the initial value of every float of every parameter.

    ``seeds`` has, by name, arrays of the shapes of array parameters (of structs, the fields that have floats;
    what is left out counts as zero).  The result has float64 arrays of the shapes of the parameters' values,
    for every parameter with a float; of structs, the fields that have any.

    With ``deviations`` it is what the adjoint of a Warp with these bugs gives.  All floats of the kernel must be
    float64 (see ``widen``).  Raises Undefined as ``run``, NotSmooth where
    there is no derivative at these inputs, NotDifferentiable where the reference knows none.
    """
    leaves = list(_float_leaves(kernel, launch))
    first: dict[Path, int] = {}
    total = 0
    for leaf in leaves:
        first[leaf.path] = total
        total += leaf.values.size
    derivative = np.zeros(total)
    for start in range(0, total, DIRECTIONS):
        count = min(DIRECTIONS, total - start)
        finals = execute(kernel, launch, Smooth(first, start, count), deviations=deviations)
        derivative[start : start + count] = _seeded(leaves, finals, seeds, count)
    raise_unless_finite(derivative)
    result: dict[str, Input] = {}
    for leaf in leaves:
        begin = first[leaf.path]
        _put(result, leaf.path, derivative[begin : begin + leaf.values.size].reshape(leaf.values.shape))
    return result


def largest_derivative(kernel: Kernel, launch: Launch, seeds: Mapping[str, Input]) -> float:
    """The largest derivative of anything that is computed on the way; ``gradient`` must have an answer.

    An adjoint is rounded in steps of that size, also where they cancel.
    """
    Scale.watched = scale = Scale()
    try:
        gradient(kernel, launch, seeds)
    finally:
        Scale.watched = None
    return scale.largest


def _seeded(
    leaves: list[Leaf], finals: Mapping[str, Input], seeds: Mapping[str, Input], count: int
) -> np.ndarray[Any, Any]:
    """The seeded sum of the tangents of the final values."""
    result = np.zeros(count)
    for leaf in leaves:
        seed = _at(seeds, leaf.path)
        if not leaf.in_array or seed is None:
            continue
        final = _at(finals, leaf.path)
        assert final is not None
        for weight, value in zip(seed.reshape(-1), final.reshape(-1), strict=True):
            if isinstance(value, Dual) and weight != 0:
                result += float(weight) * value.tangent
    return result


def _float_leaves(kernel: Kernel, launch: Launch) -> Iterator[Leaf]:
    for param in kernel.params:
        yield from _leaves_of((param.name,), _element(param), launch.inputs[param.name], param)


def _element(param: Param) -> t.Type:
    return param.type.dtype if isinstance(param.type, t.Array) else param.type


def _leaves_of(path: Path, type_: t.Type, value: Input, param: Param) -> Iterator[Leaf]:
    if isinstance(type_, t.Struct):
        assert isinstance(value, Mapping)
        for name, field in type_.fields:
            if isinstance(field, t.Array):
                # An array in a struct is a parameter like others, without being one of the results.
                yield from _leaves_of((*path, name), field.dtype, value[name], param)
            else:
                yield from _leaves_of((*path, name), field, value[name], param)
        return
    if component_type(type_).is_float:
        assert isinstance(value, np.ndarray)
        yield Leaf(path, value, isinstance(param.type, t.Array))


def _at(inputs: Mapping[str, Input], path: Path) -> np.ndarray[Any, Any] | None:
    value: Any = inputs
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]  # pyright: ignore[reportUnknownVariableType]
    return np.asarray(value)


def _put(result: dict[str, Any], path: Path, value: np.ndarray[Any, Any]) -> None:
    *above, last = path
    for name in above:
        result = result.setdefault(name, {})
    result[last] = value


# ------------------------------------------------------------------ a second opinion


@dataclass(frozen=True, slots=True)
class Difference:
    """A derivative by central differences, and about how far it may be off."""

    value: float
    error: float


def central_difference(
    kernel: Kernel, launch: Launch, seeds: Mapping[str, Input], parameter: Path, index: int
) -> Difference:
    """The derivative by one float64: number ``index`` in row-major order of the values at the path.

    Richardson extrapolation of the differences over steps h and h/2, h about the fifth root of the rounding
    error, where truncation and rounding are about as large; the error is estimated as their disagreement plus
    the rounding of the losses.  Raises Undefined where a shifted launch has no result.
    """
    before = _at(launch.inputs, parameter)
    assert before is not None
    at = np.unravel_index(index, before.shape)
    step = float(np.finfo(np.float64).eps ** 0.2) * max(1.0, abs(float(before[at])))

    def loss(offset: float) -> tuple[float, float]:
        values = np.array(before)
        values[at] = before[at] + offset
        shifted = replace(launch, inputs=_replaced(launch.inputs, parameter, values))
        finals = execute(kernel, shifted, Exact(), rounded=True)
        terms = [
            np.asarray(seed * final, dtype=np.float64)
            for seed, final in _pairs(seeds, finals)
        ]  # fmt: skip
        return sum(float(np.sum(each)) for each in terms), sum(float(np.sum(np.abs(each))) for each in terms)

    def slope(h: float) -> tuple[float, float]:
        (above, size), (below, _) = loss(h), loss(-h)
        return (above - below) / (2 * h), 16 * float(np.finfo(np.float64).eps) * size / h

    (coarse, _), (fine, rounding) = slope(step), slope(step / 2)
    extrapolated = fine + (fine - coarse) / 3
    return Difference(extrapolated, abs(extrapolated - fine) + rounding)


def _pairs(seeds: Mapping[str, Input], finals: Mapping[str, Input]) -> Iterator[tuple[Any, Any]]:
    for name, seed in seeds.items():
        final = finals[name]
        if isinstance(seed, Mapping):
            assert isinstance(final, Mapping)
            yield from _pairs(seed, final)
        else:
            yield np.asarray(seed), final


def _replaced(inputs: Mapping[str, Input], path: Path, values: np.ndarray[Any, Any]) -> dict[str, Input]:
    name, *below = path
    changed = dict(inputs)
    inner = inputs[name]
    if below:
        assert isinstance(inner, Mapping)
        changed[name] = _replaced(inner, tuple(below), values)
    else:
        changed[name] = values
    return changed
