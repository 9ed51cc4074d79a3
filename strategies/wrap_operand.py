"""What makes a risky operand safe, by wrapping it where it stands and nowhere else."""

from __future__ import annotations

from kernelfuzz.ir.nodes import Binary, Construct, Expr, Literal
from kernelfuzz.ir.types import Scalar, Type, Vector
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.literals import call, literal, number
from kernelfuzz.strategies.ranges import Ranged, component_of, is_ranged


def fit(ctx: Context, value: Ranged, low: int, high: int) -> Ranged:
    """The value if it lies in ``low..high``, otherwise one that does."""
    if low <= value.low and value.high <= high:
        return value
    type_: Type = value.expr.type
    scalar = component_of(type_)
    assert scalar is not None
    if isinstance(value.expr, Literal):
        return literal(ctx.choices, scalar, low, high)
    if isinstance(type_, Scalar):
        return ctx.choices.pick(_SCALAR_FITS)(value, scalar, low, high)
    if isinstance(type_, Vector):
        least, most = (Construct(type_, (number(scalar, bound),)) for bound in (low, high))
        return Ranged(call("min", call("max", value.expr, least), most), low, high)
    fill = literal(ctx.choices, scalar, low, high)
    return Ranged(Construct(type_, (fill.expr,)), fill.low, fill.high)


def _clamped(value: Ranged, dtype: Scalar, low: int, high: int) -> Ranged:
    return Ranged(call("clamp", value.expr, number(dtype, low), number(dtype, high)), low, high)


def _bounded(value: Ranged, dtype: Scalar, low: int, high: int) -> Ranged:
    inner = call("min", value.expr, number(dtype, high))
    return Ranged(call("max", inner, number(dtype, low)), low, high)


def _remainder(value: Ranged, dtype: Scalar, low: int, high: int) -> Ranged:
    """``x % m``: its magnitude is below m under both conventions of the remainder's sign."""
    if not 1 <= high < dtype.limits[1] or low > (0 if value.low >= 0 else -high):
        return _clamped(value, dtype, low, high)
    remainder = Binary("%", value.expr, number(dtype, high + 1), dtype)
    return Ranged(remainder, 0 if value.low >= 0 else -high, high)


_SCALAR_FITS = (_clamped, _remainder, _bounded)


def integer_of_float(value: Expr, target: Scalar) -> tuple[Expr, int, int]:
    """A float within a range that every integer type holds, and that range."""
    high = 100
    low = -high if target.kind == "int" else 0
    dtype = value.type
    assert isinstance(dtype, Scalar)
    if isinstance(value, Literal):
        value = number(dtype, max(low, min(high, value.value)))
        return value, low, high
    return call("clamp", value, number(dtype, low), number(dtype, high)), low, high


def nonzero(ctx: Context, value: Ranged, dtype: Scalar) -> Ranged:
    """An integer that is a valid divisor: at least 1."""
    if value.low > 0:
        return value
    if isinstance(value.expr, Literal) or not is_ranged(dtype):
        return literal(ctx.choices, dtype, 1, min(100, dtype.limits[1]))
    return Ranged(call("max", value.expr, number(dtype, 1)), 1, max(1, value.high))
