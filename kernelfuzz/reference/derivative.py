"""The derivative of a launch: what Warp's adjoint of the kernel must give, from dual numbers.

It is the derivative of the program as it ran, through overwritten arrays, changed variables and loops.
``kernelfuzz.reference.limitations`` has what Warp documents that its adjoints do not get right.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kernelfuzz.analysis.unrolling import MAX_UNROLL
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.nodes import Cast, Kernel
from kernelfuzz.ir.walk import walk
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.dual import Dual, Scale, observed, value_of
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import PLAIN, execute
from kernelfuzz.reference.history import Path, history_of
from kernelfuzz.reference.lost_statements import language
from kernelfuzz.reference.lost_values import Watch
from kernelfuzz.reference.smooth import LOST, Smooth, raise_unless_finite

# Directions that one run differentiates in: a tangent of this length costs little more than a number.
DIRECTIONS = 512


@dataclass(frozen=True, slots=True)
class Leaf:
    """The floats at a path (a parameter and the fields below it); ``array``: that of the array that they are in."""

    path: Path
    values: np.ndarray[Any, Any]
    array: Path | None


def gradient(
    kernel: Kernel,
    launch: Launch,
    seeds: Mapping[str, Input],
    deviations: Sequence[Deviation] = (),
    *,
    strict: bool = True,
    unroll: int = MAX_UNROLL,
    by: Collection[str] | None = None,
) -> dict[str, Input]:
    """The derivative of ``sum(seed * final value)`` by the initial value of every float of the parameters ``by``.

    ``seeds`` has, by name, arrays of the shapes of array parameters (of structs, the fields that have floats;
    what is left out counts as zero).  The result has float64 arrays of the shapes of the parameters' values,
    for every float of the arrays of the parameters ``by`` (default: of all parameters); of structs, the fields that
    have any.

    With ``deviations`` it is what the adjoint of a Warp with these bugs gives, whose option ``max_unroll`` is
    ``unroll``.  All floats of the kernel must be float64 (see ``widen``).  Raises Undefined as ``run``, NotSmooth where
    there is no derivative at these inputs, NotDifferentiable where the reference knows none; unless ``strict``, only
    where an output with a seed may need it.
    """
    leaves = list(_float_leaves(kernel, launch))
    moving = [leaf for leaf in leaves if by is None or (leaf.array and leaf.path[0] in by)]
    language = replace(PLAIN, unroll=unroll)

    def run(domain: Smooth) -> dict[str, Input]:
        domain = replace(domain, strict=strict)
        return execute(kernel, launch, domain, deviations=deviations, rounded=not strict, language=language)

    return _Tangents.of(leaves, moving, run).seeded(seeds)


@dataclass(frozen=True, slots=True)
class Documented:
    """The part of a gradient that Warp documents that its adjoint computes.

    ``seeds`` are those that were given, but zero where the adjoint needs a value that it does not have, which
    makes it ``lossy``; ``reasons`` say why.  ``expected`` is the gradient by the arrays that Warp has one of.
    ``spoilt``: the adjoint needs such a value, if only for what no output depends on.
    ``endless``, ``left``, of a dynamic ``for``, and ``carried``, of one that carries floats: see
    notes/findings/leaving-a-dynamic-loop.
    """

    seeds: Mapping[str, Input]
    expected: Mapping[str, Input]
    lossy: bool
    spoilt: bool
    reasons: tuple[str, ...]
    endless: bool
    left: bool
    carried: bool


def documented_gradient(
    kernel: Kernel, launch: Launch, seeds: Mapping[str, Input], *, unroll: int = MAX_UNROLL
) -> Documented:
    """What Warp documents that the adjoint gives; ``unroll`` is its option ``max_unroll``.

    Raises as ``gradient``, and Lost where the adjoint does not know where to go or to store.
    """
    history = history_of(kernel, launch)
    arrays = [leaf for leaf in _float_leaves(kernel, launch) if leaf.array]
    moving = [leaf for leaf in arrays if leaf.array and not history.reads_what_it_overwrites(leaf.array)]
    astray: frozenset[Path] = frozenset()
    while True:
        watches: list[Watch] = []

        def run(domain: Smooth, astray: frozenset[Path] = astray, watches: list[Watch] = watches) -> dict[str, Input]:
            domain = replace(domain, strict=False)
            watch = Watch(kernel, domain, history, unroll, astray)
            watches.append(watch)
            return execute(kernel, launch, domain, rounded=True, language=language(watch), shadow=watch.shadow)

        found = _Tangents.of(arrays, moving, run)
        strays = astray.union(*[watch.strays for watch in watches])
        if strays == astray:
            break
        astray = strays
    lost = {path: where | (path in astray) for path, where in found.lost().items()}
    known = _without(seeds, lost)
    expected = found.seeded(known)
    for path in astray:
        _drop(expected, path)
    lossy, endless = any(bool(marks.any()) for marks in lost.values()), any(watch.endless for watch in watches)
    left, carried = any(watch.left for watch in watches), any(watch.carried for watch in watches)
    reasons = [reason for watch in watches for reason in watch.domain.reasons]
    return Documented(known, expected, lossy, bool(reasons), (*reasons, LOST), endless, left, carried)


def on_the_way(kernel: Kernel, launch: Launch) -> Scale:
    """The size of the derivatives of all that is computed.

    An adjoint is rounded in steps of the largest, also where they cancel.
    """
    scale = Scale()
    leaves = [leaf for leaf in _float_leaves(kernel, launch) if leaf.array]

    def run(domain: Smooth) -> dict[str, Input]:
        return execute(kernel, launch, replace(domain, strict=False), rounded=True)

    with observed(scale):
        _Tangents.of(leaves, leaves, run)
    return scale


@dataclass(frozen=True, slots=True)
class _Tangents:
    """The ``leaves`` that have final values, those of them that are ``moving``, and what comes of these.

    ``runs`` has the final values for each stretch of the floats that are differentiated by, with its length.
    """

    leaves: list[Leaf]
    moving: list[Leaf]
    runs: list[tuple[int, Mapping[str, Input]]]

    @staticmethod
    def of(leaves: list[Leaf], moving: list[Leaf], run: Callable[[Smooth], Mapping[str, Input]]) -> _Tangents:
        first: dict[Path, int] = {}
        total = 0
        for leaf in moving:
            first[leaf.path] = total
            total += leaf.values.size
        stretches = [(start, min(DIRECTIONS, total - start)) for start in range(0, total, DIRECTIONS)]
        runs = [(count, run(Smooth(first, start, count))) for start, count in stretches]
        return _Tangents(leaves, moving, runs)

    def lost(self) -> dict[Path, np.ndarray[Any, Any]]:
        """Which final values of each array are marked as lost."""
        found: dict[Path, np.ndarray[Any, Any]] = {}
        for leaf in self.leaves:
            if leaf.array:
                marks = np.zeros(leaf.values.size, dtype=bool)
                for _, finals in self.runs:
                    final = _at(finals, leaf.path)
                    assert final is not None
                    lost = [isinstance(each, Dual) and bool(np.isnan(each.tangent[-1])) for each in final.reshape(-1)]
                    marks |= np.array(lost, dtype=bool)
                found[leaf.path] = marks.reshape(leaf.values.shape)
        return found

    def seeded(self, seeds: Mapping[str, Input]) -> dict[str, Input]:
        """The seeded sum of the tangents of the final values, in the form of the parameters."""
        parts = [_seeded(self.leaves, finals, seeds, count) for count, finals in self.runs]
        derivative = np.concatenate([np.zeros(0), *parts])
        raise_unless_finite(derivative)
        result: dict[str, Input] = {}
        begin = 0
        for leaf in self.moving:
            end = begin + leaf.values.size
            _put(result, leaf.path, derivative[begin:end].reshape(leaf.values.shape))
            begin = end
        return result


def _seeded(
    leaves: list[Leaf], finals: Mapping[str, Input], seeds: Mapping[str, Input], count: int
) -> np.ndarray[Any, Any]:
    result = np.zeros(count)
    for leaf in leaves:
        seed = _at(seeds, leaf.path)
        if not leaf.array or seed is None:
            continue
        final = _at(finals, leaf.path)
        assert final is not None
        for weight, value in zip(seed.reshape(-1), final.reshape(-1), strict=True):
            if isinstance(value, Dual) and weight != 0:
                result += float(weight) * value.tangent[:-1]
    return result


def _without(seeds: Mapping[str, Input], lost: Mapping[Path, np.ndarray[Any, Any]]) -> dict[str, Input]:
    """The seeds with zeros where something is lost."""
    known: dict[str, Input] = {}
    for path, marks in lost.items():
        if (seed := _at(seeds, path)) is not None:
            _put(known, path, np.where(marks, 0.0, seed))
    return known


def _float_leaves(kernel: Kernel, launch: Launch) -> Iterator[Leaf]:
    for param in kernel.params:
        yield from _leaves_of((param.name,), param.type, launch.inputs[param.name], None)


def _leaves_of(path: Path, type_: t.Type, value: Input, array: Path | None) -> Iterator[Leaf]:
    if value is None:
        return
    if isinstance(type_, t.Array):
        yield from _leaves_of(path, type_.dtype, value, path)
    elif isinstance(type_, t.Struct):
        assert isinstance(value, Mapping)
        for name, field in type_.fields:
            yield from _leaves_of((*path, name), field, value[name], array)
    elif component_type(type_).is_float:
        assert isinstance(value, np.ndarray)
        yield Leaf(path, value, array)


def _at(inputs: Mapping[str, Input], path: Path) -> np.ndarray[Any, Any] | None:
    value: Any = inputs
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]  # pyright: ignore[reportUnknownVariableType]
    return np.asarray(value)


def _drop(result: dict[str, Any], path: Path) -> None:
    """Take out what a path leads to, and what holds nothing else."""
    name, *rest = path
    if name in result and rest:
        _drop(result[name], tuple(rest))
    if not rest or not result.get(name):
        result.pop(name, None)


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
    the rounding of the losses.  What the float does not reach may be over float32.  Raises Undefined where a
    shifted launch has no result.
    """
    before = _at(launch.inputs, parameter)
    assert before is not None
    at = np.unravel_index(index, before.shape)
    step = float(np.finfo(np.float64).eps ** 0.2) * max(1.0, abs(float(before[at])))

    # Exact values where all are of float64; else closed forms, which do not round to float32 what moves.
    narrow = any(isinstance(node, Cast) and node.type == t.FLOAT32 for node in walk(kernel))
    domain = Smooth({parameter: 0}, index, 1, strict=False) if narrow else Exact()

    def loss(offset: float) -> tuple[float, float]:
        values = np.array(before)
        values[at] = before[at] + offset
        shifted = replace(launch, inputs=_replaced(launch.inputs, parameter, values))
        finals = execute(kernel, shifted, domain, rounded=True)
        terms = [
            np.asarray(seed * _values(final), dtype=np.float64)
            for seed, final in _pairs(seeds, finals)
        ]  # fmt: skip
        return sum(float(np.sum(each)) for each in terms), sum(float(np.sum(np.abs(each))) for each in terms)

    def slope(h: float) -> tuple[float, float]:
        (above, size), (below, _) = loss(h), loss(-h)
        return (above - below) / (2 * h), 16 * float(np.finfo(np.float64).eps) * size / h

    (coarse, _), (fine, rounding) = slope(step), slope(step / 2)
    extrapolated = fine + (fine - coarse) / 3
    return Difference(extrapolated, abs(extrapolated - fine) + rounding)


def _values(final: Any) -> Any:
    if final.dtype != object:
        return final
    return np.array([value_of(each) for each in final.reshape(-1)], dtype=np.float64).reshape(final.shape)


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
