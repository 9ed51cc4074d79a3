"""What a kernel is launched with: the grid, and values for every parameter that keep its contract.

The contract is in the parameters (``Param.shape``, ``Param.bounds`` and ``Param.ascending``): a kernel is
defined for every launch that ``draw_launch`` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.nodes import Assign, Call, Kernel, Param, Unpack
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.context import AXES, MAX_GRID
from kernelfuzz.strategies.operands import FLOAT_VALUES
from kernelfuzz.strategies.ranges import input_range


@dataclass(frozen=True, slots=True)
class Style:
    """What launches look like: the lengths of a grid of one axis, of each of several, and the floats.

    ``special``: in one launch of ``ONE_IN_SPECIAL``, how many of the floats are ``special_values``; others have none,
    as most of what NaN meets becomes NaN.  ``turns``: of how many parameters or fields that are square matrices,
    quaternions or transforms all values are rotations, for which many builtins are made.
    """

    sizes: tuple[int, ...]
    sides: tuple[int, ...]
    number: Callable[[Choices], float]
    special: float = 0.0
    turns: float = 0.0


# Grids that end inside a block, at its end, and after it; the first is the simplest.
ANY = Style(
    (1, 2, 3, 5, 8, 17, 32, 33, MAX_GRID),
    (1, 2, 3, 4, 5),
    lambda choices: choices.pick(FLOAT_VALUES),
    special=0.25,
    turns=0.2,
)
ORDINARY = replace(ANY, special=0.0)
ONE_IN_SPECIAL = 4
# How many of the arrays that a launch may leave out it does leave out.
NOT_GIVEN = 0.4


def _smooth(choices: Choices) -> float:
    """A number of moderate size at which no two inputs meet, and that no constant of the grammar equals."""
    size = 0.3 + (choices.integer(0, 1800) + 0.37) / 997.0
    return size if choices.chance(0.6) else -size


# Where derivatives are compared: few threads, and values away from where functions have corners.
SMOOTH = Style((1, 2, 3), (1, 2), _smooth)
# The same where roots and powers have a derivative.
POSITIVE = Style((1, 2, 3), (1, 2), lambda choices: abs(_smooth(choices)))


def grid_ndim(kernel: Kernel) -> int:
    """The dimensions of the grid that a kernel runs on: what it unpacks ``wp.tid()`` into."""
    for statement in kernel.body:
        match statement:
            case Unpack(names=names, values=(Call(name="tid"),)):
                return len(names)
            case Assign(value=Call(name="tid")):
                return 1
            case _:
                continue
    return 1


def draw_launch(choices: Choices, kernel: Kernel, style: Style = ANY) -> Launch:
    """A launch of the kernel within its contract.

    Raises ValueError at an array of structs that hold arrays.
    """
    dim = draw_grid(choices, kernel, style)
    if style.special and not choices.chance(1 / ONE_IN_SPECIAL):
        style = replace(style, special=0.0)
    extents: dict[str, int] = dict(zip(AXES, dim, strict=False))
    inputs = {param.name: _parameter(choices, param, extents, style) for param in kernel.params}
    return Launch(dim, inputs, tiled=is_tiled(kernel))


def draw_grid(choices: Choices, kernel: Kernel, style: Style = ANY) -> tuple[int, ...]:
    """The grid of ``draw_launch``, which draws it before anything else."""
    ndim = grid_ndim(kernel)
    return tuple(choices.pick(style.sizes if ndim == 1 else style.sides) for _ in range(ndim))


def is_tiled(kernel: Kernel) -> bool:
    """Whether a launch is one block for each point of the grid (``wp.launch_tiled``)."""
    return any(name.startswith("tile_") for name in builtins_used(kernel))


def _parameter(choices: Choices, param: Param, extents: Mapping[str, int], style: Style) -> Input:
    type_ = param.type
    if isinstance(type_, t.Array):
        if param.optional and choices.chance(NOT_GIVEN):
            return None
        sizes = param.shape or tuple(AXES[: type_.ndim])
        lengths = _lengths(sizes, extents)
        # What order NaN has in a sorted array is open.
        plain = replace(style, special=0.0) if param.ascending else style
        values = _values(choices, type_.dtype, lengths, param.bounds, plain)
        return np.sort(values, axis=-1) if param.ascending else values  # pyright: ignore  # of scalars only
    if isinstance(type_, t.Struct) and t.holds_array(type_):
        return _with_arrays(choices, type_, extents, style)
    return _values(choices, type_, (), param.bounds, style)


def _lengths(sizes: Sequence[int | str], extents: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(extents.get(size, 1) if isinstance(size, str) else size for size in sizes)


def _with_arrays(choices: Choices, struct: t.Struct, extents: Mapping[str, int], style: Style) -> Input:
    """A struct that holds arrays: they are as long as the axes of the grid."""
    made: dict[str, Input] = {}
    for name, field in struct.fields:
        if isinstance(field, t.Array):
            made[name] = _values(choices, field.dtype, _lengths(AXES[: field.ndim], extents), None, style)
        elif isinstance(field, t.Struct):
            made[name] = _with_arrays(choices, field, extents, style)
        else:
            made[name] = _values(choices, field, (), None, style)
    return made


def _values(
    choices: Choices, type_: t.Type, lengths: tuple[int, ...], bounds: tuple[int, int] | None, style: Style
) -> Input:
    if isinstance(type_, t.Struct):
        return {name: _values(choices, field, lengths, None, style) for name, field in type_.fields}
    if isinstance(type_, t.Array):
        raise ValueError("no launch is drawn for an array of structs that hold arrays: give one")
    assert not isinstance(type_, (t.Tile, t.Tuple))
    scalar = type_ if isinstance(type_, t.Scalar) else type_.dtype
    total = lengths if isinstance(type_, t.Scalar) else (*lengths, *t.shape(type_))
    flat = _numbers(choices, scalar, int(np.prod(total, dtype=int)), bounds or input_range(scalar), style)
    values = np.reshape(np.array(flat, dtype=np.dtype(scalar.name)), total)
    if style.turns and (make := _TURNS.get(_shape_of_turn(type_))) and choices.chance(style.turns):
        turns = np.array([make(choices) for _ in range(_TURNED)], dtype=values.dtype)
        part = values[..., -4:] if isinstance(type_, t.Transform) else values
        part[...] = np.resize(turns, part.shape)
    return values


# How many values of one parameter are drawn one by one; a larger array repeats them in a new order.
_DRAWN = 24


def _numbers(
    choices: Choices, scalar: t.Scalar, count: int, bounds: tuple[int, int], style: Style
) -> list[int | float | bool]:
    drawn = [_number(choices, scalar, bounds, style) for _ in range(min(count, _DRAWN))]
    return [drawn[(at * 7 + at // _DRAWN) % len(drawn)] if at >= _DRAWN else drawn[at] for at in range(count)]


def _number(choices: Choices, scalar: t.Scalar, bounds: tuple[int, int], style: Style) -> int | float | bool:
    if scalar == t.BOOL:
        return choices.chance(0.5)
    if scalar.is_float:
        if style.special and choices.chance(style.special):
            return choices.pick(special_values(scalar))
        return style.number(choices)
    low, high = bounds
    edges = sorted({v for v in (0, 1, 2, 3, -1, 7, low, high, low + 1, high - 1) if low <= v <= high}, key=_plain)
    if choices.chance(0.5):
        return choices.integer(max(low, -20), min(high, 20))
    return choices.pick(edges)


def _plain(value: int) -> tuple[int, bool]:
    return abs(value), value < 0


@cache
def special_values(scalar: t.Scalar) -> tuple[float, ...]:
    """What IEEE 754 has beside ordinary numbers, and the ends of their range."""
    limits = np.finfo(scalar.name)
    most, least, denormal = float(limits.max), float(limits.tiny), float(limits.smallest_subnormal)
    return (float("nan"), float("inf"), -float("inf"), -0.0, denormal, -denormal, least - denormal, least, most, -most)


# ---------------------------------------------------------------------------- rotations

# How many different ones a parameter has.
_TURNED = 3

# None, half turns about the axes, turns by 120 degrees, and one that is not exact.
_QUATERNIONS = (
    (0, 0, 0, 1), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, -1, 0), (0.5, 0.5, 0.5, 0.5), (-0.5, 0.5, -0.5, -0.5),
    (0, 0, 0.6, 0.8),
)  # fmt: skip


def _quaternion(choices: Choices) -> tuple[float, ...]:
    return choices.pick(_QUATERNIONS)


def _square(size: int) -> Callable[[Choices], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    def turn(choices: Choices) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Axes in another order and direction, with one length: a multiple of a rotation or a reflection."""
        axes, order = list(range(size)), list[int]()
        while axes:
            order.append(axes.pop(choices.integer(0, len(axes) - 1)))
        signs = [choices.pick((1.0, -1.0)) for _ in order]
        return np.eye(size)[order] * signs * choices.pick((1.0, 2.0, 0.5))

    return turn


def _affine(choices: Choices) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A turn and a translation by plain numbers, which come first in the table."""
    made = np.eye(4)
    made[:3, :3] = _square(3)(choices)
    made[:3, 3] = [choices.pick(FLOAT_VALUES[:8]) for _ in range(3)]
    return made


def _shape_of_turn(type_: t.Type) -> tuple[int, ...]:
    match type_:
        case t.Quaternion() | t.Transform():
            return (4,)
        case t.Matrix(rows=rows, columns=columns, dtype=dtype) if dtype.is_float:
            return (rows, columns)
        case _:
            return ()


_TURNS: Mapping[tuple[int, ...], Callable[[Choices], object]] = {
    (4,): _quaternion, (2, 2): _square(2), (3, 3): _square(3), (4, 4): _affine,
}  # fmt: skip
