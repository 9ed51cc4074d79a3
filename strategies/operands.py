"""Operands: constants, what makes a risky operand safe where it stands, and components of composite values.

Constants are drawn as indices into a table of values per dtype that are likely to expose bugs, simplest first.
"""

from __future__ import annotations

import functools

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.ranges import Ranged, component_of, is_ranged

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
        return Ranged(n.Literal(choices.pick(values(dtype, 0, 0)), dtype))
    least, most = dtype.limits
    value = choices.pick(values(dtype, least if low is None else low, most if high is None else high))
    return Ranged(n.Literal(value, dtype), int(value), int(value))


def number(dtype: t.Scalar, value: int | float) -> n.Literal:
    """The literal of a given number in a numeric dtype."""
    return n.Literal(float(value) if dtype.is_float else int(value), dtype)


def constant(choices: Choices, type_: t.Scalar | t.Vector | t.Matrix | t.Quaternion | t.Transform) -> Ranged:
    """The simplest constant of a type: a literal, a vector or matrix filled with one, an identity."""
    match type_:
        case t.Scalar():
            return literal(choices, type_)
        case t.Vector() | t.Matrix():
            fill = literal(choices, type_.dtype, -100, 100)
            # wp.spatial_vector takes components only: of that name there is a builtin as well
            copies = 6 if isinstance(type_, t.Vector) and type_.length == 6 else 1
            return Ranged(n.Construct(type_, (fill.expr,) * copies), fill.low, fill.high)
        case t.Quaternion():
            return Ranged(n.Construct(type_, tuple(number(type_.dtype, v) for v in (0, 0, 0, 1))))
        case t.Transform():
            zero: n.Expr = n.Construct(t.Vector(3, type_.dtype), (number(type_.dtype, 0),))
            return Ranged(n.Construct(type_, (zero, constant(choices, t.Quaternion(type_.dtype)).expr)))


def call(name: str, *args: n.Expr) -> n.Call:
    """A call of a builtin whose result has the type of its first argument (clamp, min, max, abs)."""
    return n.Call(name, args, args[0].type)


# ---------------------------------------------------------------- safe operands


def fit(ctx: Context, value: Ranged, low: int, high: int) -> Ranged:
    """The value if it lies in ``low..high``, otherwise one that does."""
    if low <= value.low and value.high <= high:
        return value
    type_: t.Type = value.expr.type
    scalar = component_of(type_)
    assert scalar is not None
    if isinstance(value.expr, n.Literal):
        return literal(ctx.choices, scalar, low, high)
    if isinstance(type_, t.Scalar):
        return ctx.choices.pick(_SCALAR_FITS)(value, scalar, low, high)
    if isinstance(type_, t.Vector):
        least, most = (n.Construct(type_, (number(scalar, bound),)) for bound in (low, high))
        return Ranged(call("min", call("max", value.expr, least), most), low, high)
    fill = literal(ctx.choices, scalar, low, high)
    return Ranged(n.Construct(type_, (fill.expr,)), fill.low, fill.high)


def _clamped(value: Ranged, dtype: t.Scalar, low: int, high: int) -> Ranged:
    return Ranged(call("clamp", value.expr, number(dtype, low), number(dtype, high)), low, high)


def _bounded(value: Ranged, dtype: t.Scalar, low: int, high: int) -> Ranged:
    inner = call("min", value.expr, number(dtype, high))
    return Ranged(call("max", inner, number(dtype, low)), low, high)


def _remainder(value: Ranged, dtype: t.Scalar, low: int, high: int) -> Ranged:
    """``x % m``: its magnitude is below m under both conventions of the remainder's sign."""
    if not 1 <= high < dtype.limits[1] or low > (0 if value.low >= 0 else -high):
        return _clamped(value, dtype, low, high)
    remainder = n.Binary("%", value.expr, number(dtype, high + 1), dtype)
    return Ranged(remainder, 0 if value.low >= 0 else -high, high)


_SCALAR_FITS = (_clamped, _remainder, _bounded)


def integer_of_float(value: n.Expr, target: t.Scalar) -> tuple[n.Expr, int, int]:
    """A float within a range that every integer type holds, and that range."""
    high = 100
    low = -high if target.kind == "int" else 0
    dtype = value.type
    assert isinstance(dtype, t.Scalar)
    if isinstance(value, n.Literal):
        value = number(dtype, max(low, min(high, value.value)))
        return value, low, high
    return call("clamp", value, number(dtype, low), number(dtype, high)), low, high


def nonzero(ctx: Context, value: Ranged, dtype: t.Scalar) -> Ranged:
    """An integer that is a valid divisor: at least 1."""
    if value.low > 0:
        return value
    if isinstance(value.expr, n.Literal) or not is_ranged(dtype):
        return literal(ctx.choices, dtype, 1, min(100, dtype.limits[1]))
    return Ranged(call("max", value.expr, number(dtype, 1)), 1, max(1, value.high))


def draw_in(ctx: Context, type_: t.Type, budget: int, low: int, high: int) -> Ranged:
    """An expression whose integer components lie in ``low..high``."""
    return fit(ctx, ctx.draw(type_, budget), low, high)


def fit_index(ctx: Context, value: Ranged, size: int) -> Ranged:
    """``value`` as an index below ``size``."""
    if value.low >= 0 and value.high >= size:
        return Ranged(n.Binary("%", value.expr, n.Literal(size, t.INT32), t.INT32), 0, size - 1)
    return fit(ctx, value, 0, size - 1)


# ------------------------------------------------------------------- components


def unsliced(value: Ranged) -> Ranged:
    """A value that can be subscripted: Warp merges the subscripts of ``v[1:3][0]`` and then fails
    (notes/findings/subscript-of-a-slice.md)."""
    expr = value.expr
    if isinstance(expr, n.Index) and not isinstance(expr.value.type, t.Array):
        return Ranged(n.Unary("+", expr, expr.type), *value.range)
    return value


def component(ctx: Context, value: Ranged, budget: int) -> Ranged:
    """One component of a vector, a matrix or a quaternion."""
    value = unsliced(value)
    type_ = value.expr.type
    if isinstance(type_, t.Matrix):
        places: tuple[n.Expr, ...] = (position(ctx, type_.rows, budget), position(ctx, type_.columns, 0))
        return Ranged(n.Index(value.expr, places, type_.dtype), *value.range)
    assert isinstance(type_, (t.Vector, t.Quaternion))
    length = type_.length if isinstance(type_, t.Vector) else 4
    if length <= 4 and not ctx.choices.chance(0.4):
        name = ctx.choices.pick("xyzw"[:length])
        return Ranged(n.Attribute(value.expr, name, type_.dtype), *value.range)
    return Ranged(n.Index(value.expr, (position(ctx, length, budget),), type_.dtype), *value.range)


def position(ctx: Context, length: int, budget: int) -> n.Expr:
    """An index of a component: a constant or an integer in range, now and then negative, which counts from the end."""
    if ctx.choices.chance(0.2):
        value = ctx.draw(t.INT32, budget)
        return (fit(ctx, value, -length, length - 1) if ctx.choices.chance(0.3) else fit_index(ctx, value, length)).expr
    return n.Literal(ctx.choices.pick((*range(length), -1)), t.INT32)


def place(ctx: Context, size: int) -> Ranged:
    """An index along an axis of fixed size: a variable that is in range, a constant, a wrapped one, or any integer."""
    if ctx.allows("computed_place") and ctx.choices.chance(0.1):
        return fit_index(ctx, ctx.draw(t.INT32, ctx.choices.integer(0, 1)), size)
    ready = [v for v in reversed(ctx.variables) if v.type == t.INT32 and v.low >= 0 and v.high < size]
    if ready and ctx.choices.chance(0.6):
        return ctx.use(ctx.choices.pick(ready))
    if ctx.choices.chance(0.3):
        wrapped = [v for v in reversed(ctx.variables) if v.type == t.INT32]
        if wrapped or ctx.axes():
            chosen = ctx.choices.pick([*wrapped, None] if ctx.axes() else wrapped)
            value = ctx.use(chosen) if chosen else ctx.thread(ctx.axes()[0])
            return fit_index(ctx, value, size)
    return Ranged(n.Literal(ctx.choices.integer(0, size - 1), t.INT32), 0, size - 1)


def part_slice(ctx: Context, size: int, length: int) -> n.Slice:
    """A slice of ``length`` places out of ``size``: forwards or backwards, with a step, without an end now and then."""
    steps = [step for step in (1, -1, 2, -2) if (length - 1) * abs(step) < size]
    step = ctx.choices.pick(steps if length > 1 else steps[:2])
    reach = (length - 1) * abs(step)
    lowest = ctx.choices.integer(0, size - 1 - reach)
    first, last = (lowest, lowest + reach) if step > 0 else (lowest + reach, lowest)
    start: int | None = None if first == (0 if step > 0 else size - 1) and ctx.choices.chance(0.7) else first
    stop: int | None = last + (1 if step > 0 else -1)
    # One before the first place has no number: it would count from the end.
    if stop < 0 or (not 0 <= last + step < size and ctx.choices.chance(0.7)):
        stop = None
    if ctx.choices.chance(0.1):
        start, stop = (None if end is None or end == size else end - size for end in (start, stop))
    return n.Slice(start, stop, None if step == 1 else step)
