"""Closed forms over scalars."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kernelfuzz.ir.types import Scalar
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.reference.dual import value_of
from kernelfuzz.typecheck.builtins import Signature


def _clamp(x: Any, low: Any, high: Any) -> Any:
    return numbers.smaller(numbers.larger(low, x), high)


def _sign(x: Any) -> Any:
    return numbers.like(x, -1 if x < 0 else 1)


def _step(x: Any) -> Any:
    return numbers.like(x, 1 if x < 0 else 0)


def _nonzero(x: Any) -> Any:
    return numbers.like(x, 1 if x != 0 else 0)


def _fraction(x: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return x - numbers.trunc(x)


def _lerp(a: Any, b: Any, t: Any) -> Any:
    return a * (1 - t) + b * t


def _smoothstep(a: Any, b: Any, x: Any) -> Any:
    t = _clamp(numbers.divide(x - a, b - a), numbers.like(x, 0), numbers.like(x, 1))
    return t * t * (3 - 2 * t)


def _degrees(x: Any) -> Any:
    return x * (180.0 / math.pi)


def _radians(x: Any) -> Any:
    return x * (math.pi / 180.0)


def _where(condition: bool, if_true: Any, if_false: Any) -> Any:
    return if_true if condition else if_false


def _is_finite(x: Any) -> bool:
    return bool(np.isfinite(value_of(x)))


def _is_nan(x: Any) -> bool:
    return bool(np.isnan(value_of(x)))


def _is_infinite(x: Any) -> bool:
    return bool(np.isinf(value_of(x)))


def _floor_divide(x: Any, y: Any) -> Any:
    return x // y if numbers.is_integer(x) else numbers.floor(numbers.divide(x, y))


def _bit_count(signature: Signature, x: int) -> int:
    (scalar,) = signature.params
    assert isinstance(scalar, Scalar)
    return (x & ((1 << scalar.bits) - 1)).bit_count()


_OPERATOR = "the operator of the same name; Limitations, Modulus Operator"
_MATHEMATICS = "Built-ins; the mathematical function"

FORMS: dict[str, Form] = {
    "abs": Form(abs, "Built-ins, abs", exact=True),
    "min": Form(numbers.smaller, "Built-ins, min: C's fmin"),
    "max": Form(numbers.larger, "Built-ins, max: C's fmax"),
    "clamp": Form(_clamp, "Built-ins, clamp: min(max(low, x), high)"),
    "sign": Form(_sign, "Built-ins, sign: -1 if x < 0 and 1 otherwise", exact=True),
    "step": Form(_step, "Built-ins, step: 1.0 if x < 0.0, otherwise 0.0", exact=True),
    "nonzero": Form(_nonzero, "Built-ins, nonzero", exact=True),
    "floor": Form(numbers.floor, "Built-ins, floor", exact=True),
    "ceil": Form(numbers.ceil, "Built-ins, ceil", exact=True),
    "trunc": Form(numbers.trunc, "Built-ins, trunc", exact=True),
    "round": Form(numbers.round_away, "Built-ins, round: halfway cases away from zero", exact=True),
    "rint": Form(numbers.rint, "Built-ins, rint: halfway cases to the nearest even integer", exact=True),
    "frac": Form(_fraction, "Built-ins, frac: x - trunc(x)", exact=True),
    "sqrt": Form(numbers.sqrt, "Built-ins, sqrt; IEEE 754 rounds it correctly", exact=True),
    "cbrt": Form(numbers.cbrt, _MATHEMATICS),
    "degrees": Form(_degrees, "Built-ins, degrees"),
    "radians": Form(_radians, "Built-ins, radians"),
    "lerp": Form(_lerp, "Built-ins, lerp: a*(1-t) + b*t", exact=True),
    "smoothstep": Form(_smoothstep, "Built-ins, smoothstep: cubic Hermite interpolation after clamping", exact=True),
    "sin": Form(numbers.sin, _MATHEMATICS),
    "cos": Form(numbers.cos, _MATHEMATICS),
    "tan": Form(numbers.tan, _MATHEMATICS),
    "asin": Form(numbers.arcsin, "Built-ins, asin: of the argument clamped to [-1, 1]"),
    "acos": Form(numbers.arccos, "Built-ins, acos: of the argument clamped to [-1, 1]"),
    "atan": Form(numbers.arctan, _MATHEMATICS),
    "atan2": Form(numbers.arctan2, _MATHEMATICS),
    "sinh": Form(numbers.sinh, _MATHEMATICS),
    "cosh": Form(numbers.cosh, _MATHEMATICS),
    "tanh": Form(numbers.tanh, _MATHEMATICS),
    "exp": Form(numbers.exp, _MATHEMATICS),
    "log": Form(numbers.log, _MATHEMATICS),
    "log2": Form(numbers.log2, _MATHEMATICS),
    "log10": Form(numbers.log10, _MATHEMATICS),
    "pow": Form(numbers.power, _MATHEMATICS),
    "erf": Form(numbers.erf, _MATHEMATICS),
    "erfc": Form(numbers.erfc, _MATHEMATICS),
    "erfinv": Form(numbers.erfinv, _MATHEMATICS),
    "erfcinv": Form(numbers.erfcinv, _MATHEMATICS),
    "copysign": Form(numbers.copysign, "Built-ins, copysign", exact=True),
    "isfinite": Form(_is_finite, "Built-ins, isfinite", exact=True),
    "isnan": Form(_is_nan, "Built-ins, isnan", exact=True),
    "isinf": Form(_is_infinite, "Built-ins, isinf", exact=True),
    "where": Form(_where, "Built-ins, where", exact=True),
    "add": Form(lambda a, b: a + b, _OPERATOR, exact=True),
    "sub": Form(lambda a, b: a - b, _OPERATOR, exact=True),
    "mul": Form(lambda a, b: a * b, _OPERATOR, exact=True),
    "div": Form(numbers.divide, _OPERATOR, exact=True),
    "floordiv": Form(_floor_divide, "Built-ins, floordiv: the floor of the quotient", exact=True),
    "mod": Form(numbers.remainder, _OPERATOR, exact=True),
    "neg": Form(lambda a: -a, _OPERATOR, exact=True),
    "pos": Form(lambda a: a, _OPERATOR, exact=True),
    "bit_and": Form(lambda a, b: a & b, _OPERATOR, exact=True),
    "bit_or": Form(lambda a, b: a | b, _OPERATOR, exact=True),
    "bit_xor": Form(lambda a, b: a ^ b, _OPERATOR, exact=True),
    "invert": Form(lambda a: ~a, _OPERATOR, exact=True),
    "lshift": Form(lambda a, b: a << b, _OPERATOR, exact=True),
    "rshift": Form(lambda a, b: a >> b, _OPERATOR, exact=True),
    "unot": Form(lambda a: not a, "Built-ins, unot: True if a is falsy", exact=True),
    "bit_count": Form(_bit_count, "Built-ins, bit_count: in two's complement", exact=True, typed=True),
}
