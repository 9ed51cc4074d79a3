"""The zeros of types, as expressions."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t


def zero_of(type_: t.Type) -> n.Literal | n.Construct:
    """The zero of a type of values: a literal of a scalar, else a value with nothing given."""
    if not isinstance(type_, t.Scalar):
        return n.Construct(type_, ())
    return n.Literal(False if type_ == t.BOOL else 0.0 if type_.is_float else 0, type_)
