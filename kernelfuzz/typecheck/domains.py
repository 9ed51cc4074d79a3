"""The domains of arguments that the table of builtins names: the values for which a call is defined.

One table for the generator, which clamps or wraps a risky operand into the domain, and for the
reference interpreter, which calls an execution undefined outside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

from kernelfuzz.ir.types import FLOATS, Scalar

# A bound that is away from zero in every float type: 2**-14, the smallest normal float16.
TINY = max(scalar.smallest_normal for scalar in FLOATS)

Bound = Callable[[Scalar], "int | float | None"]


@dataclass(frozen=True, slots=True)
class Domain:
    """An interval, closed on both sides; None is the limit of the type (and infinity for floats).

    ``gap`` is the distance from zero that a float keeps; an integer with a gap is not zero.
    ``required`` is False where a value outside is defined, but rarely useful (it overflows, or gives NaN).
    """

    meaning: str
    low: Bound
    high: Bound
    gap: float = 0.0
    required: bool = True


def _nothing(_: Scalar) -> None:
    return None


def _fixed(value: float) -> Bound:
    return lambda scalar: value if scalar.is_float else int(value)


def _negated(bound: Bound) -> Bound:
    def negated(scalar: Scalar) -> int | float | None:
        value = bound(scalar)
        if value is None:
            return None
        return 0 if scalar.kind == "uint" else -value

    return negated


def _integer(bound: Callable[[int], int]) -> Bound:
    """A bound on integers from the type's largest value; floats have none."""
    return lambda scalar: bound(scalar.limits[1]) if scalar.is_integer else None


def _largest_factor(largest: int) -> int:
    return isqrt(largest // 8)


_FACTOR = _integer(_largest_factor)
_TERM = _integer(lambda largest: largest // 8)
_LARGEST = _integer(lambda largest: largest)

DOMAINS: dict[str, Domain] = {
    "any": Domain("every value", _nothing, _nothing),
    "positive": Domain("greater than zero", _fixed(TINY), _nothing, gap=TINY, required=False),
    "nonnegative": Domain("zero or greater", _fixed(0), _nothing, required=False),
    "nonzero": Domain("not zero", _nothing, _nothing, gap=TINY),
    "unit": Domain("-1 to 1", _fixed(-1), _fixed(1), required=False),
    "open_unit": Domain("between -1 and 1", _fixed(-0.9375), _fixed(0.9375), required=False),
    "erfc_value": Domain("between 0 and 2", _fixed(0.0625), _fixed(1.9375), required=False),
    "small": Domain("-8 to 8", _fixed(-8), _fixed(8), required=False),
    "negatable": Domain("its negative is in range", _negated(_LARGEST), _LARGEST),
    "term": Domain("a sum of eight is in range", _negated(_TERM), _TERM),
    "factor": Domain("a sum of eight products of two is in range", _negated(_FACTOR), _FACTOR),
    "divisor": Domain("greater than zero, so that no quotient overflows", _fixed(1), _nothing, gap=TINY),
    "below": Domain("at most 0: a lower end", _negated(_fixed(64)), _fixed(0)),
    "above": Domain("at least 1: an upper end", _fixed(1), _fixed(64)),
    "shift": Domain("0 to the number of bits - 1", _fixed(0), lambda scalar: scalar.bits - 1),
    "shifted": Domain(
        "zero or greater and in range after the shift",
        _fixed(0),
        lambda scalar: 0 if scalar.kind == "int" else None,
    ),
    "index": Domain("0 to the size of the axis - 1", _fixed(0), _nothing),
    "array_begin": Domain("0 to the size of the array", _fixed(0), _nothing),
    "array_end": Domain("array_begin to the size of the array", _fixed(0), _nothing),
    "axis": Domain("an axis, 0 to 2, other than the one before it", _fixed(0), _fixed(2)),
    "period": Domain("1 to 16: the period of a noise", _fixed(1), _fixed(16)),
    "octaves": Domain("1 to 3: a number of rounds", _fixed(1), _fixed(3)),
    "rotation": Domain("orthonormal, with the determinant +1", _nothing, _nothing),
    "scaled": Domain("a rotation whose columns are scaled: they are orthogonal", _nothing, _nothing),
    "rate": Domain("0 to 8: the mean of a Poisson distribution", _fixed(0), _fixed(8)),
}


def interval(domain: str, scalar: Scalar) -> tuple[int | float | None, int | float | None]:
    """The least and the greatest value of the domain in a scalar type; None is the limit of the type."""
    row = DOMAINS[domain]
    return _within(row.low(scalar), scalar), _within(row.high(scalar), scalar)


def _within(bound: int | float | None, scalar: Scalar) -> int | float | None:
    if bound is None or scalar.is_float:
        return bound
    least, most = scalar.limits
    return max(least, min(most, bound))
