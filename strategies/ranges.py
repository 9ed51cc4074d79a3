"""Integer ranges: how the grammar keeps signed arithmetic defined.

In the C++ that Warp generates, signed overflow of int32 and int64 is undefined (Warp's integer arithmetic is
C++'s).  The narrower types are promoted to int and wrap when stored; the unsigned ones wrap.  So
the grammar carries a range for every int32 and int64 value, and draws an operation only where its result
fits; all other integers have their whole range.
"""

from __future__ import annotations

from typing import NamedTuple

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Expr

# What a launch passes for int32 and int64 where a parameter says nothing else.
DEFAULT_BOUNDS = (-100, 100)

# Mutable variables keep within these whatever a loop does to them.
MUTABLE_BOUNDS = (-10_000, 10_000)

# The range in which arithmetic may move; well inside the type, so that Warp's own helpers
# (a floor division that adds one, an absolute value) stay inside it too.
ARITHMETIC_BOUNDS = {t.INT32: (-(2**30), 2**30), t.INT64: (-(2**62), 2**62)}


def clipped(type_: t.Type, low: int, high: int) -> tuple[int, int]:
    """A range without what the type cannot hold (an outer bound may reach beyond it)."""
    least, most = full_range(type_)
    return max(low, least), min(high, most)


class Ranged(NamedTuple):
    """An expression and the range of its integer components (0, 0 where it has none that matters)."""

    expr: Expr
    low: int = 0
    high: int = 0

    @property
    def range(self) -> tuple[int, int]:
        return self.low, self.high


def component_of(type_: t.Type) -> t.Scalar | None:
    """The scalar type that a value is made of, or None for structs, arrays and tuples."""
    if isinstance(type_, t.Scalar):
        return type_
    return None if isinstance(type_, (t.Struct, t.Array, t.Tuple)) else type_.dtype


def is_ranged(type_: t.Type) -> bool:
    """Whether overflow of this type's components would be undefined, so that ranges are tracked."""
    return not isinstance(type_, t.Tile) and component_of(type_) in ARITHMETIC_BOUNDS


def full_range(type_: t.Type) -> tuple[int, int]:
    """The range of a value of the type of which nothing else is known."""
    scalar = component_of(type_)
    return scalar.limits if scalar is not None and (scalar.is_integer or scalar.kind == "bool") else (0, 0)


def input_range(type_: t.Type) -> tuple[int, int]:
    """The range of an input of the type that has no bounds of its own."""
    return DEFAULT_BOUNDS if is_ranged(type_) else full_range(type_)


def fits(type_: t.Type, low: int, high: int) -> bool:
    """Whether arithmetic on the type may reach the range ``low..high``."""
    if not is_ranged(type_):
        return True
    least, most = ARITHMETIC_BOUNDS[component_of(type_)]  # pyright: ignore[reportArgumentType]
    return least <= low and high <= most


def _envelope(*values: int) -> tuple[int, int]:
    """The smallest range of the form -2**k..2**k - 1 (or 0..2**k - 1) that holds the values."""
    bits = max((value if value >= 0 else ~value).bit_length() for value in values)
    return (-(1 << bits) if min(values) < 0 else 0), (1 << bits) - 1


def binary_range(op: str, a: Ranged, b: Ranged, terms: int = 1) -> tuple[int, int]:
    """The range of ``a op b`` over mathematical integers.

    ``terms`` is the number of products that are summed (the inner dimension of a matrix product).
    Division and remainder are bounded for both conventions, floored and truncated.
    """
    match op:
        case "+":
            return a.low + b.low, a.high + b.high
        case "-":
            return a.low - b.high, a.high - b.low
        case "*" | "@":
            corners = [x * y * terms for x in a.range for y in b.range]
            return min(corners), max(corners)
        case "/" | "//":
            most = max(abs(a.low), abs(a.high)) + 1
            return (0 if a.low >= 0 and b.low >= 0 else -most), most
        case "%":
            most = max(abs(b.low), abs(b.high))
            return (0 if a.low >= 0 and b.low >= 0 else -most), most
        case "&" | "|" | "^":
            return _envelope(a.low, a.high, b.low, b.high)
        case "<<":
            return min(a.low << b.high, a.low), max(a.high << b.high, a.high)
        case ">>":
            return min(a.low, 0), max(a.high, 0)
        case _:
            pass
    raise ValueError(f"no range rule for the operator {op}")
