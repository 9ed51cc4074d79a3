"""Comparisons of a value with a number of another type: ``x > 0`` of a float, ``i < 2.5`` of an integer.

Warp converts no operands ("Runtime: Type Conversions") and takes two values of different types all the same
(notes/findings/comparison-of-unequal-types).  Of a literal whose number both types have, or that C++'s conversion of
the other side cannot pass, every reading gives one answer: that of the numbers themselves.
"""

from __future__ import annotations

import struct

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.typecheck.operators import EQUALITY, ORDER


def mixed_operands(op: str, left: n.Expr, right: n.Expr) -> tuple[n.Expr, n.Expr] | None:
    """The sides of a comparison of unequal types, with the literal as what its number is beside the other's.

    None where there is no literal, or where its number and the other type do not go together.
    """
    for literal, other, swapped in ((right, left, False), (left, right, True)):
        if isinstance(literal, n.Literal) and isinstance(other.type, t.Scalar):
            made = _beside(op, literal, other.type)
            if made is not None:
                return (made, other) if swapped else (other, made)
    return None


def _beside(op: str, literal: n.Literal, other: t.Scalar) -> n.Literal | None:
    """A literal where a value of the ``other`` type is compared with it."""
    value, own = literal.value, literal.type
    if own == other or t.FLOAT16 in (own, other) or op not in (*EQUALITY, *ORDER):
        return None
    if other == t.BOOL:
        return n.Literal(bool(value), t.BOOL) if op in EQUALITY and own.is_integer and value in (0, 1) else None
    if other.is_integer and not own.is_float:
        low, high = other.limits
        return n.Literal(int(value), other) if low <= value <= high else None
    if other.is_integer:
        # The integer is rounded to a float, which keeps its order towards every number that is an integer of few bits.
        return literal if abs(value) <= 2**t.FLOAT32.precision else None
    exact = abs(value) <= 2**other.precision if not own.is_float else _is_single(float(value))
    return n.Literal(float(value), other) if exact else None


def _is_single(value: float) -> bool:
    """Whether a float32 has the number."""
    return abs(value) <= t.FLOAT32.largest and struct.unpack("f", struct.pack("f", value))[0] == value
