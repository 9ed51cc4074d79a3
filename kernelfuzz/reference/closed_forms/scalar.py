"""Closed forms over scalars, and of random numbers: what advances a state, and what is drawn from it.

The generator is the PCG hash of Jarzynski and Olano, "Hash Functions for GPU Rendering", Journal of Computer
Graphics Techniques 9(3), 2020 ("Built-ins, Random": Warp's states are seeds of PCG).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kernelfuzz.ir.types import Scalar
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.dual import value_of
from kernelfuzz.typecheck.builtin_columns import Builtin
from kernelfuzz.typecheck.builtins import Signature


def clamp(x: Any, low: Any, high: Any) -> Any:
    return numbers.smaller(numbers.larger(low, x), high)


def sign(x: Any) -> Any:
    return numbers.like(x, -1 if x < 0 else 1)


def step(x: Any) -> Any:
    return numbers.like(x, 1 if x < 0 else 0)


def nonzero(x: Any) -> Any:
    return numbers.like(x, 1 if x != 0 else 0)


def fraction(x: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return x - numbers.trunc(x)


def lerp(a: Any, b: Any, t: Any) -> Any:
    return a * (1 - t) + b * t


def smoothstep(a: Any, b: Any, x: Any) -> Any:
    t = clamp(numbers.divide(x - a, b - a), numbers.like(x, 0), numbers.like(x, 1))
    return t * t * (3 - 2 * t)


def degrees(x: Any) -> Any:
    return x * (180.0 / math.pi)


def radians(x: Any) -> Any:
    return x * (math.pi / 180.0)


def where(condition: bool, if_true: Any, if_false: Any) -> Any:
    return if_true if condition else if_false


def is_finite(x: Any) -> bool:
    return bool(np.isfinite(value_of(x)))


def is_nan(x: Any) -> bool:
    return bool(np.isnan(value_of(x)))


def is_infinite(x: Any) -> bool:
    return bool(np.isinf(value_of(x)))


def floor_divide(x: Any, y: Any) -> Any:
    return x // y if numbers.is_integer(x) else numbers.floor(numbers.divide(x, y))


def bit_count(signature: Signature, x: int) -> int:
    (scalar,) = signature.params
    assert isinstance(scalar, Scalar)
    return (x & ((1 << scalar.bits) - 1)).bit_count()


# ----------------------------------------------------------------------- random numbers

_MASK = 0xFFFFFFFF


def advanced(state: int) -> int:
    """The state after one draw; it is also the 32 random bits that were drawn."""
    b = (state * 747796405 + 2891336453) & _MASK
    c = (((b >> ((b >> 28) + 4)) ^ b) * 277803737) & _MASK
    return (c >> 22) ^ c


def _signed(bits: int) -> int:
    return bits - (1 << 32) if bits >> 31 else bits


def random_state(seed: int, offset: int | None = None) -> int:
    first = seed & _MASK
    return advanced(first if offset is None else (first + advanced(offset & _MASK)) & _MASK)


def random_int(state: int, *ends: int) -> int:
    bits = advanced(state)
    if not ends:
        return _signed(bits)
    low, high = ends
    return _signed((bits % (high - low) + low) & _MASK)


def random_uint(state: int, *ends: int) -> int:
    bits = advanced(state)
    if not ends:
        return bits
    low, high = ends
    return bits % (high - low) + low


def uniform(state: int) -> np.float32:
    """One of the 2**24 multiples of 2**-24 in [0, 1), from the upper 24 bits."""
    return np.float32(advanced(state) >> 8) * np.float32(2.0**-24)


def random_float(state: int, *ends: np.float32) -> np.float32:
    if not ends:
        return uniform(state)
    low, high = ends
    return (high - low) * uniform(state) + low


def state_after(builtin: Builtin, state: int, value: int, rate: float = 0.0) -> int:
    """The state after a builtin of group "random" that gave ``value``.

    ``poisson`` multiplies uniform numbers until the product is at most exp(-rate) (Knuth's method): it takes
    one more than its result, and none for the rate 0.
    """
    draws = builtin.draws
    if draws is None:
        draws = value + 1 if rate > 0 else 0
    for _ in range(draws):
        state = advanced(state)
    return state
