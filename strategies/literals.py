"""Constants: drawn as indices into a table of telling values per dtype, simplest first."""

from __future__ import annotations

import functools

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Call, Construct, Expr, Literal
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.ranges import Ranged

# All are exact in float16, so that a literal means the same in every float type.
FLOAT_VALUES = (
    0.0, 1.0, 2.0, 0.5, -1.0, 3.0, 4.0, 0.25, -0.5, 1.5, 10.0, 8.0, -2.0, 0.75, 0.125, 5.0, 100.0, -3.0,
    2.5, 16.0, 0.0625, -0.25, 64.0, 7.0, -10.0, 1000.0, 0.375, -0.0, 12.5, 256.0, 0.0009765625, 2048.0,
)  # fmt: skip
# Beyond float16, and exact in float32: Warp before 1.19 rounds every literal to that.
WIDE_FLOAT_VALUES = (65536.0, 16777216.0, 2.0**-20, 3.1415927410125732, -65504.0, 1e10, 2.0**-126, 2.0**100)

INT_VALUES = (
    0, 1, 2, 3, -1, 4, 5, 8, 7, -2, 10, 16, 6, 31, -3, 9, 15, 32, -5, 63, 64, 12, 100, -8, 127, 255, -100,
    -128, 256, 65535, 32767, 1000, 2147483647, -2147483647,
)  # fmt: skip


@functools.lru_cache(maxsize=4096)
def values(dtype: t.Scalar, low: int, high: int) -> tuple[int | float | bool, ...]:
    """The constants of a dtype; those of an integer type lie in ``low..high``.

    Literals stay within int32: Warp makes an int32 constant of a Python integer before it converts it.
    """
    if dtype == t.BOOL:
        return (False, True)
    if dtype.is_float:
        return FLOAT_VALUES if dtype == t.FLOAT16 else FLOAT_VALUES + WIDE_FLOAT_VALUES
    least, most = dtype.limits
    inside = tuple(v for v in INT_VALUES if max(low, least) <= v <= min(high, most))
    return inside or (max(low, least, t.INT32.limits[0]),)


def literal(choices: Choices, dtype: t.Scalar, low: int | None = None, high: int | None = None) -> Ranged:
    """A literal of the dtype, for integers within ``low..high`` (default: the whole type)."""
    if dtype.is_float:
        return Ranged(Literal(choices.pick(values(dtype, 0, 0)), dtype))
    least, most = dtype.limits
    value = choices.pick(values(dtype, least if low is None else low, most if high is None else high))
    return Ranged(Literal(value, dtype), int(value), int(value))


def number(dtype: t.Scalar, value: int | float) -> Literal:
    """The literal of a given number in a numeric dtype."""
    return Literal(float(value) if dtype.is_float else int(value), dtype)


def constant(choices: Choices, type_: t.Scalar | t.Vector | t.Matrix | t.Quaternion | t.Transform) -> Ranged:
    """The simplest constant of a type: a literal, a vector or matrix filled with one, an identity."""
    match type_:
        case t.Scalar():
            return literal(choices, type_)
        case t.Vector() | t.Matrix():
            fill = literal(choices, type_.dtype, -100, 100)
            # wp.spatial_vector takes components only: of that name there is a builtin as well
            copies = 6 if isinstance(type_, t.Vector) and type_.length == 6 else 1
            return Ranged(Construct(type_, (fill.expr,) * copies), fill.low, fill.high)
        case t.Quaternion():
            return Ranged(Construct(type_, tuple(number(type_.dtype, v) for v in (0, 0, 0, 1))))
        case t.Transform():
            zero: Expr = Construct(t.Vector(3, type_.dtype), (number(type_.dtype, 0),))
            return Ranged(Construct(type_, (zero, constant(choices, t.Quaternion(type_.dtype)).expr)))


def call(name: str, *args: Expr) -> Call:
    """A call of a builtin whose result has the type of its first argument (clamp, min, max, abs)."""
    return Call(name, args, args[0].type)
