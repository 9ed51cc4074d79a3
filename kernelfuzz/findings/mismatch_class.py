"""How a number is wrong: reduction keeps that, so that one defect does not become another on the way."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.verdict import Mismatch

# From the mildest on; ``""`` is anything else.
MismatchClass: TypeAlias = Literal["the sign of a zero", "the last bits", "NaN or a number", ""]
CLASSES: tuple[MismatchClass, ...] = get_args(MismatchClass)

# So many units in the last place are its last bits.
_LAST_BITS = 4


def mismatch_class(mismatch: Mismatch | None, kernel: Kernel) -> MismatchClass:
    """Return how an output of the kernel is wrong."""
    if mismatch is None or not isinstance(mismatch.expected, float):
        return ""
    expected, actual = mismatch.expected, float(mismatch.actual)
    if expected == actual:
        return "the sign of a zero"
    if math.isnan(expected) or math.isnan(actual):
        return "NaN or a number"
    scalar = _scalar_of(mismatch.output, kernel)
    if scalar is None or not scalar.precision or math.isinf(expected) or math.isinf(actual):
        return ""
    unit = 2.0 ** (1 - scalar.precision) * max(abs(expected), abs(actual))
    return "the last bits" if abs(expected - actual) <= _LAST_BITS * unit else ""


def _scalar_of(output: str, kernel: Kernel) -> t.Scalar | None:
    """The scalar type of an array parameter, or of a field of its elements (``out0.field``)."""
    name, *fields = output.split(".")
    type_ = next((param.type for param in kernel.params if param.name == name), None)
    if isinstance(type_, t.Array):
        type_ = type_.dtype
    for field in fields:
        type_ = dict(type_.fields).get(field) if isinstance(type_, t.Struct) else None
    if isinstance(type_, t.Scalar):
        return type_
    return type_.dtype if isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform)) else None
