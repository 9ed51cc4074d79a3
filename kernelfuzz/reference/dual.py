"""Dual numbers: a float64 value with its derivative in every direction of the input at once.

A ``Dual`` has a ``value`` and a ``tangent``: the derivatives of the value in K directions (float64, of shape
``(K,)``).
Where an operation has no derivative in a direction that is not zero it raises ``NotSmooth`` (``Corner`` where it
has one on either side); so does what comes so near to such a point (``Dual.near``) that a rounded computation may
stand on the other side of it.
A number without a tangent (a float, or a Dual whose tangent is all zero) may stand anywhere, except that a
Dual may not stand where the derivative is infinite: ``sqrt(x - x)`` has one, but no chain rule gives it.

The derivative rules are those of any table of derivatives.  numpy calls the methods of the same name for
arrays of objects (``numpy.sin`` of an array of Duals), so such arrays work like arrays of floats.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeAlias

import numpy as np

from kernelfuzz.reference.undefined import Corner, NotSmooth

Tangent: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Number: TypeAlias = "Dual | float | np.floating[Any]"

# How near to a point without a derivative is too near (``Dual.near``): far above what rounding moves a value by
# (1e-16 each step), far below the distances that random inputs have.
NEAR = 1e-9

KINK = "kink"
JUMP = "jump"
COMPARISON = "comparison of nearly equal values"
POLE = "pole"
NOT_FINITE = "a value that is not finite"


class Scale:
    """An observer that keeps the largest derivative that any number has, and whether all are ``finite``.

    The last component of a tangent is no derivative but a mark (``smooth.Smooth``).
    """

    def __init__(self) -> None:
        self.largest: float = 0.0
        self.finite: bool = True

    def __call__(self, number: Dual) -> None:
        largest = float(np.abs(number.tangent[:-1]).max(initial=0.0))
        if math.isfinite(largest):
            self.largest = max(self.largest, largest)
        else:
            self.finite = False


class Dual:
    """A number and its derivatives: ``value`` a numpy float64, ``tangent`` float64 of shape (K,).

    Within ``observed`` an observer is called with every number that is made, and may change it; ``near`` is how
    near to a point without a derivative is too near.
    """

    __slots__ = ("tangent", "value")
    observer: ClassVar[Callable[[Dual], None] | None] = None
    near: ClassVar[float] = NEAR

    def __init__(self, value: float | np.floating[Any], tangent: Tangent) -> None:
        self.value: np.float64 = np.float64(value)
        self.tangent: Tangent = tangent
        if Dual.observer is not None:
            Dual.observer(self)
        if not math.isfinite(self.value) and tangent.any():
            # Comparisons with it hold by convention only, and zero times its derivative is no number.
            raise NotSmooth(NOT_FINITE)

    def __repr__(self) -> str:
        return f"Dual({self.value}, {self.tangent})"

    @property
    def moves(self) -> bool:
        """Whether the value depends on any input, as far as first derivatives tell."""
        return bool(self.tangent.any())

    # ------------------------------------------------------------------ arithmetic

    def __add__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.tangent + other.tangent)
        return Dual(self.value + other, self.tangent)

    def __sub__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value - other.value, self.tangent - other.tangent)
        return Dual(self.value - other, self.tangent)

    def __mul__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value * other.value, self.tangent * other.value + other.tangent * self.value)
        return Dual(self.value * other, self.tangent * other)

    def __truediv__(self, other: Number) -> Dual:
        if not isinstance(other, Dual):
            return self._divided_by_constant(np.float64(other))
        if abs(other.value) < Dual.near:
            raise NotSmooth(POLE)
        quotient = self.value / other.value
        return Dual(quotient, (self.tangent - other.tangent * quotient) / other.value)

    def _divided_by_constant(self, divisor: np.float64) -> Dual:
        if divisor == 0:
            raise NotSmooth(POLE)
        return Dual(self.value / divisor, self.tangent / divisor)

    def __radd__(self, other: float) -> Dual:
        return Dual(other + self.value, self.tangent)

    def __rsub__(self, other: float) -> Dual:
        return Dual(other - self.value, -self.tangent)

    def __rmul__(self, other: float) -> Dual:
        return Dual(other * self.value, self.tangent * other)

    def __rtruediv__(self, other: float) -> Dual:
        return constant(other, self) / self

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.tangent)

    def __pos__(self) -> Dual:
        return self

    def __mod__(self, other: Number) -> Dual:
        """C's fmod: the remainder of the truncated quotient; it jumps where the quotient is whole."""
        right = lift(other, self)
        quotient = self / right
        whole = quotient.trunc()
        return Dual(np.fmod(self.value, right.value), self.tangent - right.tangent * whole.value)

    def __rmod__(self, other: float) -> Dual:
        return constant(other, self) % self

    def __floordiv__(self, other: Number) -> Dual:
        return (self / other).floor()

    def __rfloordiv__(self, other: float) -> Dual:
        return (other / self).floor()

    def __pow__(self, other: Number) -> Dual:
        return power(self, other)

    def __rpow__(self, other: float) -> Dual:
        return power(constant(other, self), self)

    def __abs__(self) -> Dual:
        self.away_from(0.0, KINK)
        return Dual(abs(self.value), self.tangent * np.sign(self.value))

    # ----------------------------------------------------------------- comparisons

    def decides(self, other: Number) -> None:
        """Raises Corner where a small change of the inputs may change the order of the two."""
        difference = self - other
        if difference.moves and abs(difference.value) < Dual.near * max(1.0, abs(self.value)):
            raise Corner(COMPARISON)

    def __lt__(self, other: Number) -> bool:
        self.decides(other)
        return bool(self.value < value_of(other))

    def __le__(self, other: Number) -> bool:
        self.decides(other)
        return bool(self.value <= value_of(other))

    def __gt__(self, other: Number) -> bool:
        self.decides(other)
        return bool(self.value > value_of(other))

    def __ge__(self, other: Number) -> bool:
        self.decides(other)
        return bool(self.value >= value_of(other))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Dual, int, float, np.floating)):
            return NotImplemented
        self.decides(other)
        return bool(self.value == value_of(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        raise TypeError("a Dual has no hash: its equality may raise")

    def __bool__(self) -> bool:
        return self != 0.0

    # --------------------------------------------------------------- smooth functions

    def away_from(self, point: float, reason: str) -> None:
        """Raises Corner where the value moves and is at the point, or very near to it."""
        if abs(self.value - point) < Dual.near and self.moves:
            raise Corner(reason)

    def chain(self, value: float, derivative: float) -> Dual:
        """A function of this number, by the chain rule."""
        if not self.moves:
            return Dual(value, self.tangent)
        return Dual(value, self.tangent * derivative)

    def sqrt(self) -> Dual:
        if self.value < Dual.near:
            raise NotSmooth(KINK)
        root = np.sqrt(self.value)
        return self.chain(root, 0.5 / root)

    def cbrt(self) -> Dual:
        if abs(self.value) < Dual.near:
            raise NotSmooth(KINK)
        root = np.cbrt(self.value)
        return self.chain(root, 1.0 / (3.0 * root * root))

    def sin(self) -> Dual:
        return self.chain(np.sin(self.value), np.cos(self.value))

    def cos(self) -> Dual:
        return self.chain(np.cos(self.value), -np.sin(self.value))

    def tan(self) -> Dual:
        cosine = np.cos(self.value)
        if abs(cosine) < Dual.near:
            raise NotSmooth(POLE)
        return self.chain(np.tan(self.value), 1.0 / (cosine * cosine))

    def _inverse_sine(self) -> float:
        """The derivative of arcsin.  Warp clamps the argument: it is constant outside of -1 to 1."""
        if abs(abs(self.value) - 1.0) < Dual.near:
            raise NotSmooth(KINK)
        return 1.0 / math.sqrt(1.0 - self.value * self.value) if abs(self.value) < 1.0 else 0.0

    def arcsin(self) -> Dual:
        derivative = self._inverse_sine()
        return self.chain(np.arcsin(np.clip(self.value, -1.0, 1.0)), derivative)

    def arccos(self) -> Dual:
        derivative = self._inverse_sine()
        return self.chain(np.arccos(np.clip(self.value, -1.0, 1.0)), -derivative)

    def arctan(self) -> Dual:
        return self.chain(np.arctan(self.value), 1.0 / (1.0 + self.value * self.value))

    def sinh(self) -> Dual:
        return self.chain(np.sinh(self.value), np.cosh(self.value))

    def cosh(self) -> Dual:
        return self.chain(np.cosh(self.value), np.sinh(self.value))

    def tanh(self) -> Dual:
        hyperbolic = np.tanh(self.value)
        return self.chain(hyperbolic, 1.0 / np.cosh(self.value) ** 2)

    def exp(self) -> Dual:
        exponential = np.exp(self.value)
        return self.chain(exponential, exponential)

    def _logarithm(self, function: Callable[[Any], Any], base: float) -> Dual:
        if self.value < Dual.near:
            raise NotSmooth(POLE)
        with np.errstate(all="ignore"):
            return self.chain(function(self.value), 1.0 / (self.value * base))

    def log(self) -> Dual:
        return self._logarithm(np.log, 1.0)

    def log2(self) -> Dual:
        return self._logarithm(np.log2, math.log(2.0))

    def log10(self) -> Dual:
        return self._logarithm(np.log10, math.log(10.0))

    def erf(self) -> Dual:
        return self.chain(math.erf(self.value), 2.0 / math.sqrt(math.pi) * np.exp(-self.value * self.value))

    def erfc(self) -> Dual:
        return self.chain(math.erfc(self.value), -2.0 / math.sqrt(math.pi) * np.exp(-self.value * self.value))

    def inverse_of(self, inverse: float, derivative: float) -> Dual:
        """An inverse function: its value, and the derivative of the function that it inverts there."""
        return self.chain(inverse, 1.0 / derivative)

    # ------------------------------------------------------------- piecewise functions

    def _whole(self, function: Callable[[Any], Any]) -> Dual:
        """A step function that jumps at (a shift of) the integers: its derivative is zero elsewhere."""
        below, above = function(self.value - Dual.near), function(self.value + Dual.near)
        if below != above and self.moves:
            raise Corner(JUMP)
        return Dual(function(self.value), np.zeros_like(self.tangent))

    def floor(self) -> Dual:
        return self._whole(np.floor)

    def ceil(self) -> Dual:
        return self._whole(np.ceil)

    def trunc(self) -> Dual:
        return self._whole(np.trunc)

    def rint(self) -> Dual:
        return self._whole(np.rint)

    def round_away(self) -> Dual:
        return self._whole(lambda value: np.trunc(value + np.copysign(0.5, value)))

    def copysign(self, other: Number) -> Dual:
        sign = lift(other, self)
        if self.moves:
            self.away_from(0.0, KINK)
        sign.away_from(0.0, JUMP)
        value = np.copysign(self.value, sign.value)
        return Dual(value, self.tangent if (self.value < 0) == (value < 0) else -self.tangent)


@contextlib.contextmanager
def observed(observer: Callable[[Dual], None], near: float = NEAR) -> Iterator[None]:
    """Have every Dual that is made inside of the ``with`` go through an observer."""
    Dual.observer, Dual.near = observer, near
    try:
        yield
    finally:
        Dual.observer, Dual.near = None, NEAR


# ------------------------------------------------------------------- of several numbers


def constant(value: float | np.floating[Any], like: Dual) -> Dual:
    """A number that depends on no input, with as many directions as another one."""
    return Dual(value, np.zeros_like(like.tangent))


def lift(number: Number, like: Dual) -> Dual:
    """A number as a Dual with as many directions as another one."""
    return number if isinstance(number, Dual) else constant(number, like)


def value_of(number: Any) -> float:
    """The value of a Dual, or the number itself."""
    return number.value if isinstance(number, Dual) else number


def power(base: Number, exponent: Number) -> Dual:
    """``base ** exponent``; of a negative base only where the exponent is constant."""
    like = base if isinstance(base, Dual) else exponent
    assert isinstance(like, Dual)
    left, right = lift(base, like), lift(exponent, like)
    if isinstance(base, Dual) and abs(left.value) < Dual.near:
        raise NotSmooth(POLE)
    if isinstance(exponent, Dual) and left.value < Dual.near:
        raise NotSmooth(POLE)
    with np.errstate(all="ignore"):
        value = np.power(left.value, right.value)
        tangent = np.zeros_like(like.tangent)
        if left.moves:
            tangent = tangent + left.tangent * (right.value * np.power(left.value, right.value - 1.0))
        if right.moves:
            tangent = tangent + right.tangent * (value * np.log(left.value))
    return Dual(value, tangent)


def arctan2(y: Number, x: Number) -> Dual:
    """The angle of the point (x, y); it jumps across the negative x axis and has no derivative at zero."""
    like = y if isinstance(y, Dual) else x
    assert isinstance(like, Dual)
    up, along = lift(y, like), lift(x, like)
    squared = up.value * up.value + along.value * along.value
    if squared < Dual.near:
        raise NotSmooth(POLE)
    if along.value < 0 and (up.moves or along.moves):
        up.away_from(0.0, JUMP)
    tangent = (up.tangent * along.value - along.tangent * up.value) / squared
    return Dual(np.arctan2(up.value, along.value), tangent)
