"""How far a derivative moves where every number on the way is rounded to a float narrower than float64.

An adjoint over float32 or float16 rounds each value, and each derivative that it multiplies by another.  How much
of that reaches the end depends on the kernel: so the reference, over float64, is run with a random error of that
size in every number ("Discrete stochastic arithmetic", Vignes 2004), and what moves is what rounding may move.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import numpy as np

from kernelfuzz.ir.launch import Input, Launch, flattened
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import Scalar
from kernelfuzz.reference.derivative import gradient
from kernelfuzz.reference.dual import Dual, observed
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth, Undefined

# Runs with errors of their own: two may agree by chance in one derivative, hardly in a way that matters (FACTOR).
RUNS = 2
# How far beyond what was seen in them a derivative may be: the sums of an adjoint have another order, and a
# mathematical function is off by more than one rounding.
FACTOR = 32.0
# A comparison of numbers so near to each other, in roundings, may come out either way.
NEAR = 128.0


def rounding_error(
    kernel: Kernel, launch: Launch, seeds: Mapping[str, Input], expected: Mapping[str, Input], scalar: Scalar
) -> dict[str, np.ndarray] | None:
    """Return how far each derivative may be off where floats are rounded to ``scalar``, by ``flattened`` name.

    All floats of the kernel are float64; ``expected`` are its derivatives for these seeds.  None where rounding may
    make the kernel do something else: take another branch, step past a corner, or overflow.
    """
    limits = np.finfo(scalar.name)
    unit, largest = float(limits.eps) / 2, float(limits.max)
    exact = flattened(expected)
    moved = {path: np.zeros(value.shape) for path, value in exact.items()}
    for seed in range(RUNS):
        try:
            with observed(_noise(unit, largest, seed), NEAR * unit):
                off = flattened(gradient(kernel, launch, seeds, strict=False))
        except (Undefined, NotSmooth, NotDifferentiable):
            return None
        for path, value in exact.items():
            moved[path] = np.maximum(moved[path], np.abs(off[path] - value))
    return {path: FACTOR * value for path, value in moved.items()}


def _noise(unit: float, largest: float, seed: int) -> Callable[[Dual], None]:
    """An observer that moves every number and its derivatives by up to ``unit`` of their size."""
    draw = random.Random(seed).uniform

    def move(number: Dual) -> None:
        if abs(number.value) > largest or np.fmax.reduce(np.abs(number.tangent), initial=0.0) > largest:
            raise NotSmooth("overflow")
        number.value = number.value * (1.0 + unit * draw(-1.0, 1.0))
        number.tangent = number.tangent * (1.0 + unit * draw(-1.0, 1.0))

    return move
