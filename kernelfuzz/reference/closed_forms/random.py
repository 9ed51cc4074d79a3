"""Warp's random numbers in closed form: what advances a state, and how many draws a builtin takes.

The generator is the PCG hash of Jarzynski and Olano, "Hash Functions for GPU Rendering", Journal of Computer
Graphics Techniques 9(3), 2020 ("Built-ins, Random": Warp's states are seeds of PCG).
"""

from __future__ import annotations

import numpy as np

from kernelfuzz.reference.closed_forms.form import Form

_MASK = 0xFFFFFFFF


def advanced(state: int) -> int:
    """The state after one draw; it is also the 32 random bits that were drawn."""
    b = (state * 747796405 + 2891336453) & _MASK
    c = (((b >> ((b >> 28) + 4)) ^ b) * 277803737) & _MASK
    return (c >> 22) ^ c


def _signed(bits: int) -> int:
    return bits - (1 << 32) if bits >> 31 else bits


def _init(seed: int, offset: int | None = None) -> int:
    first = seed & _MASK
    return advanced(first if offset is None else (first + advanced(offset & _MASK)) & _MASK)


def _integer(state: int, *ends: int) -> int:
    bits = advanced(state)
    if not ends:
        return _signed(bits)
    low, high = ends
    return _signed((bits % (high - low) + low) & _MASK)


def _unsigned(state: int, *ends: int) -> int:
    bits = advanced(state)
    if not ends:
        return bits
    low, high = ends
    return bits % (high - low) + low


def uniform(state: int) -> np.float32:
    """One of the 2**24 multiples of 2**-24 in [0, 1), from the upper 24 bits."""
    return np.float32(advanced(state) >> 8) * np.float32(2.0**-24)


def _real(state: int, *ends: np.float32) -> np.float32:
    if not ends:
        return uniform(state)
    low, high = ends
    return (high - low) * uniform(state) + low


# How many draws each builtin takes of its state, after which the state stands (poisson: below).
DRAWS: dict[str, int] = {
    "randi": 1,
    "randu": 1,
    "randf": 1,
    "randn": 2,
    "sample_triangle": 2,
    "sample_unit_square": 2,
    "sample_unit_cube": 3,
    "sample_unit_ring": 1,
    "sample_unit_disk": 2,
    "sample_unit_sphere_surface": 2,
    "sample_unit_sphere": 3,
    "sample_unit_hemisphere_surface": 2,
    "sample_unit_hemisphere": 3,
    "sample_cdf": 1,
}


def state_after(name: str, state: int, value: int, rate: float = 0.0) -> int:
    """The state after a builtin of group "random" that gave ``value``.

    ``poisson`` multiplies uniform numbers until the product is at most exp(-rate) (Knuth's method): it takes
    one more than its result, and none for the rate 0.
    """
    draws = DRAWS[name] if name != "poisson" else value + 1 if rate > 0 else 0
    for _ in range(draws):
        state = advanced(state)
    return state


FORMS: dict[str, Form] = {
    "rand_init": Form(_init, "Built-ins, rand_init", exact=True),
    "randi": Form(_integer, "Built-ins, randi", exact=True),
    "randu": Form(_unsigned, "Built-ins, randu", exact=True),
    "randf": Form(_real, "Built-ins, randf", exact=True),
}
