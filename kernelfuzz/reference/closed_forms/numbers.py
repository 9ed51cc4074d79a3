"""Functions of one or two numbers, for whatever the number is: the closed forms are written with these.

A number is a Python int, a numpy float of any precision, or a ``Dual``.  Each function takes and gives the
same kind; a float keeps its precision.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.reference import dual
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.typecheck.builtins import at_least

Number: TypeAlias = Any
Components: TypeAlias = "np.ndarray[Any, Any]"
Function: TypeAlias = Callable[[Number], Number]


# What stands for numpy's function of a name over plain floats, within ``replaced``.
_REPLACED: dict[str, Callable[..., Number]] = {}


@contextlib.contextmanager
def replaced(functions: Mapping[str, Callable[..., Number]]) -> Iterator[None]:
    """Have sines, arc tangents and the like of plain floats computed by other functions than numpy's, by their names.

    A form that is exact but for its sines is exact with those that Warp takes.
    """
    _REPLACED.update(functions)
    try:
        yield
    finally:
        _REPLACED.clear()


def _function(name: str) -> Function:
    of_float = getattr(np, name)

    def function(x: Number) -> Number:
        if isinstance(x, Dual):
            return getattr(x, name)()
        with np.errstate(all="ignore"):
            return (_REPLACED.get(name) or of_float)(x)

    return function


sin: Function = _function("sin")
cos: Function = _function("cos")
tan: Function = _function("tan")
arctan: Function = _function("arctan")
sinh: Function = _function("sinh")
cosh: Function = _function("cosh")
tanh: Function = _function("tanh")
exp: Function = _function("exp")
log: Function = _function("log")
log2: Function = _function("log2")
log10: Function = _function("log10")
sqrt: Function = _function("sqrt")
cbrt: Function = _function("cbrt")
floor: Function = _function("floor")
ceil: Function = _function("ceil")
trunc: Function = _function("trunc")
rint: Function = _function("rint")


def _clamped(name: str) -> Function:
    of_float = getattr(np, name)

    def function(x: Number) -> Number:
        if isinstance(x, Dual):
            return getattr(x, name)()
        return _REPLACED[name](x) if name in _REPLACED else of_float(np.clip(x, -1, 1))

    return function


# "Inputs are automatically clamped to [-1.0, 1.0]" (Built-ins, asin and acos).
arcsin: Function = _clamped("arcsin")
arccos: Function = _clamped("arccos")


def arctan2(y: Number, x: Number) -> Number:
    if isinstance(y, Dual) or isinstance(x, Dual):
        return dual.arctan2(y, x)
    return _REPLACED.get("arctan2", np.arctan2)(y, x)


def power(x: Number, y: Number) -> Number:
    if isinstance(x, Dual) or isinstance(y, Dual):
        return dual.power(x, y)
    with np.errstate(all="ignore"):
        return np.power(x, y)


def round_away(x: Number) -> Number:
    """To the nearest whole number, halves away from zero."""
    if isinstance(x, Dual):
        return x.round_away()
    # Not the floor of x + 0.5: that sum rounds up for the largest float below 0.5.
    whole = np.trunc(x)
    return np.copysign(whole + np.copysign(1, x) if abs(x - whole) >= 0.5 else whole, x).astype(type(x))


def copysign(x: Number, y: Number) -> Number:
    if isinstance(x, Dual) or isinstance(y, Dual):
        like = x if isinstance(x, Dual) else y
        return dual.lift(x, like).copysign(y)
    return np.copysign(x, y)


def is_integer(x: Number) -> bool:
    """Whether the number is one of an integer type: a Python int."""
    return isinstance(x, int)


def divide(x: Number, y: Number) -> Number:
    """The quotient; of two integers truncated towards zero."""
    if isinstance(x, int) and isinstance(y, int):
        quotient = abs(x) // abs(y)
        return quotient if (x < 0) == (y < 0) else -quotient
    if isinstance(x, Dual) or isinstance(y, Dual):
        return x / y
    with np.errstate(all="ignore"):
        # An array of objects may hold Python's floats, which raise at a division by zero.
        return (np.float64(x) if type(x) is float else x) / y


def remainder(x: Number, y: Number) -> Number:
    """The remainder of the truncated quotient: it has the sign of x."""
    if isinstance(x, int) and isinstance(y, int):
        return x - y * divide(x, y)
    if isinstance(x, Dual) or isinstance(y, Dual):
        return x % y
    with np.errstate(all="ignore"):
        return np.fmod(x, y)


def smaller(x: Number, y: Number) -> Number:
    """C's fmin: NaN counts as missing.  Which of two zeros C leaves open; Warp keeps the first.

    Before 1.14 (GH-1376) the second number where one is NaN, and of two zeros.
    """
    if at_least(1, 14):
        return y if y < x or x != x else x
    return x if x < y else y


def larger(x: Number, y: Number) -> Number:
    """C's fmax, likewise."""
    if at_least(1, 14):
        return y if y > x or x != x else x
    return x if x > y else y


def like(x: Number, value: int) -> Number:
    """A small whole number of the same kind as ``x``, constant."""
    if isinstance(x, Dual):
        return dual.constant(value, x)
    return value if isinstance(x, int) else type(x)(value)


# --------------------------------------------------------------- the error functions


def _in_double(function: Callable[[float], float]) -> Function:
    """A function that Python has for doubles only; narrower floats are rounded from it."""

    def of_float(x: Number) -> Number:
        return type(x)(function(float(x)))

    return of_float


_erf, _erfc = _in_double(math.erf), _in_double(math.erfc)


def erf(x: Number) -> Number:
    return x.erf() if isinstance(x, Dual) else _erf(x)


def erfc(x: Number) -> Number:
    return x.erfc() if isinstance(x, Dual) else _erfc(x)


def _slope(x: float) -> float:
    """The derivative of the error function."""
    return 2.0 / math.sqrt(math.pi) * math.exp(-x * x)


def _inverse(function: Callable[[float], float], slope: float, y: float) -> float:
    """Where a monotonous function on -6 to 6 has the value ``y``: bisection, then Newton's method."""
    low, high = -6.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) < y) == (slope > 0):
            low = middle
        else:
            high = middle
    x = (low + high) / 2
    for _ in range(2):
        x -= (function(x) - y) / (slope * _slope(x))
    return x


def erfinv(y: Number) -> Number:
    """The inverse of erf.  Outside of -1 to 1 it is NaN, at the ends infinite."""
    value = float(value_of(y))
    if not abs(value) < 1:
        special = math.copysign(math.inf, value) if abs(value) == 1 else math.nan
        return dual.constant(special, y) if isinstance(y, Dual) else type(y)(special)
    # Near the ends 1 - erf(x) loses its digits; erfc keeps them.
    x = _inverse(math.erf, 1.0, value)
    if abs(value) > 0.5:
        x = math.copysign(_inverse(math.erfc, -1.0, 1.0 - abs(value)), value)
    return y.inverse_of(x, _slope(x)) if isinstance(y, Dual) else type(y)(x)


def erfcinv(y: Number) -> Number:
    """The inverse of erfc.  Outside of 0 to 2 it is NaN, at the ends infinite."""
    value = float(value_of(y))
    if not 0 < value < 2:
        special = math.inf if value == 0 else -math.inf if value == 2 else math.nan
        return dual.constant(special, y) if isinstance(y, Dual) else type(y)(special)
    x = _inverse(math.erfc, -1.0, value)
    return y.inverse_of(x, -_slope(x)) if isinstance(y, Dual) else type(y)(x)


def _is_plain(*values: Number) -> bool:
    """Whether not all of the numbers are float32 or all float64."""
    return not (
        all(type(value) is np.float32 for value in values) or all(type(value) is np.float64 for value in values)
    )


def fused(x: Number, y: Number, z: Number) -> Number:
    """``x * y + z`` rounded once, as C's fma; of anything but float32 and float64 the plain operations."""
    if type(x) is np.float32 and type(y) is np.float32 and type(z) is np.float32:
        return _fused_singles(x, y, z)
    if _is_plain(x, y, z):
        return x * y + z
    if not (np.isfinite(x) and np.isfinite(y)):
        return x * y + z
    if not np.isfinite(z):
        return z
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if exact == 0:
        return x * y + z if z == 0 else type(x)(0)  # the sign of a zero
    return _rounded(exact, type(x))


def _fused_singles(x: np.float32, y: np.float32, z: np.float32) -> np.float32:
    """``fused`` by way of float64, where the product is exact and the sum has bits to spare.

    The sum is rounded to odd, after which rounding once more is harmless (S. Boldo and G. Melquiond,
    "Emulation of a FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd", 2008).
    """
    product, term = float(x) * float(y), float(z)
    total = product + term
    if not math.isfinite(total):
        return z if math.isfinite(product) else x * y + z
    if total == 0:
        return x * y + z if z == 0 else np.float32(0)  # the sign of a zero
    # What the sum lost (D. Knuth's TwoSum).
    rest = total - product
    lost = (product - (total - rest)) + (term - rest)
    if lost and not int(math.ldexp(math.frexp(total)[0], 53)) & 1:
        total = math.nextafter(total, math.copysign(math.inf, lost))
    return np.float32(total)


def _rounded(exact: Fraction, kind: Any) -> Number:
    """The nearest float32 or float64 to a number that is not zero."""
    try:
        near = kind(exact.numerator / exact.denominator)  # Python rounds the quotient correctly
    except OverflowError:
        return kind(math.inf if exact > 0 else -math.inf)
    if kind is np.float64:
        return near
    # Rounded twice, which is wrong next to a double half way between two float32: ask the neighbours.
    below, above = np.nextafter(near, kind(-math.inf)), np.nextafter(near, kind(math.inf))
    if not (np.isfinite(below) and np.isfinite(near) and np.isfinite(above)):
        return near
    return min((near, below, above), key=lambda each: abs(Fraction(float(each)) - exact))


# ------------------------------------------------------------------------ sums


def total(terms: list[Number]) -> Number:
    """The sum, from the first term on."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def array_of(values: list[Any], example: Components) -> Components:
    """The numbers as an array of the dtype of another one (an array of objects for ints and Duals)."""
    plain = all(isinstance(value, np.floating) for value in values)
    result = np.empty(len(values), dtype=example.dtype if plain else object)
    result[:] = values
    return result
