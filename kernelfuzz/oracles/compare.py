"""Compare outputs with what they must be: to the bit, or as far as a device's library lets it be known.

For the latter the reference is run again with errors of the size that the device's library may make
(``kernelfuzz.reference.perturbed``).  What they do not change must agree to the bit.  Where they change a
float by little, the device's is to be as near; where they change it by much, or change an integer or a bool,
the element is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernelfuzz.analysis.effects import written_arrays
from kernelfuzz.ir.launch import Case, Input, flattened
from kernelfuzz.oracles.verdict import Mismatch
from kernelfuzz.reference import Undefined
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.perturbed import Perturbed

# All errors up, all down, and each in a direction of its own.
RUNS = (
    Perturbed(direction=1),
    Perturbed(direction=-1),
    Perturbed(seed=1),
    Perturbed(seed=2),
    Perturbed(seed=3),
    Perturbed(seed=4),
)
# Errors that add up in the one way that no run has: this many times what the worst run shows is let pass.
WIDER = 4.0
# A result that the bounds leave open by more than this part of itself is ill-conditioned.
ILL_CONDITIONED = 1e-2

Array = np.ndarray[Any, Any]


def same(expected: Array, actual: Array) -> Array:
    """Return where two arrays agree to the bit; NaN agrees with NaN, 0.0 does not agree with -0.0."""
    equal = expected == actual
    if expected.dtype.kind == "f":
        equal = equal & (np.signbit(expected) == np.signbit(actual))
        equal = equal | (np.isnan(expected) & np.isnan(actual))
    return equal


def first_mismatch(expected: Mapping[str, Input], actual: Mapping[str, Input]) -> Mismatch | None:
    """Return the first place, in the order of ``expected``, where the outputs differ.

    Raises ValueError where the two have other arrays or shapes.
    """
    got = flattened(actual)
    for path, wanted in flattened(expected).items():
        found = got[path]
        if wanted.shape != found.shape or wanted.dtype != found.dtype:
            raise ValueError(f"{path}: {wanted.dtype}{wanted.shape} against {found.dtype}{found.shape}")
        if (mismatch := first_at(path, same(wanted, found), wanted, found)) is not None:
            return mismatch
    return None


def first_at(path: str, agree: Array, expected: Array, actual: Array) -> Mismatch | None:
    """Return the first place of an array, in row-major order, that is false in ``agree``."""
    if agree.all():
        return None
    index = tuple(int(axis) for axis in np.argwhere(~agree)[0])
    return Mismatch(path, index, expected[index].item(), actual[index].item())


# ------------------------------------------------------------------------------------ on a device


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is let pass in one array, element by element; each field has the shape of the array.

    ``judged``: whether the element is compared at all; ``exact``: whether to the bit; ``radius`` (float64):
    else how far it may be from what is expected.
    """

    judged: Array
    exact: Array
    radius: Array

    def passes(self, expected: Array, actual: Array) -> Array:
        """Return which elements of ``actual`` are as near to ``expected`` as they must be."""
        agree = same(expected, actual)
        if expected.dtype.kind != "f":
            return agree | ~self.judged
        with np.errstate(all="ignore"):
            near = np.abs(expected.astype(np.float64) - actual.astype(np.float64)) <= self.radius
        return agree | ~self.judged | (near & ~self.exact)


Tolerances = dict[str, Tolerance]


def tolerances(case: Case, expected: Mapping[str, Input]) -> Tolerances | None:
    """Return what is let pass in each output, by its path; None where no output can be judged.

    ``expected`` is what the reference computes for the case.
    """
    runs: list[dict[str, Array]] = []
    for domain in RUNS:
        try:
            runs.append(flattened(execute(case.kernel, case.launch, domain)))
        except Undefined:
            return None
    found = {path: _tolerance(wanted, [run[path] for run in runs]) for path, wanted in flattened(expected).items()}
    written = written_arrays(case.kernel)
    if not any(each.judged.any() for path, each in found.items() if path.partition(".")[0] in written):
        return None
    return found


def _tolerance(expected: Array, runs: list[Array]) -> Tolerance:
    exact = np.logical_and.reduce([same(expected, run) for run in runs])
    if expected.dtype.kind != "f":
        return Tolerance(exact, exact, np.zeros(expected.shape))
    center = expected.astype(np.float64)
    radius = np.zeros(expected.shape)
    finite = np.isfinite(expected)
    with np.errstate(all="ignore"):
        for run in runs:
            finite = finite & np.isfinite(run)
            radius = np.maximum(radius, np.abs(run.astype(np.float64) - center))
        size = np.maximum(np.abs(center), float(np.finfo(expected.dtype).tiny))
        judged = exact | (finite & (radius <= ILL_CONDITIONED * size))
    return Tolerance(judged, exact, WIDER * radius)


def first_outside(expected: Mapping[str, Input], actual: Mapping[str, Input], allowed: Tolerances) -> Mismatch | None:
    """Return the first place, in the order of ``expected``, that is farther off than is let pass.

    Raises KeyError where the two have other arrays, ValueError where they have other shapes.
    """
    got = flattened({name: actual[name] for name in expected})
    for path, wanted in flattened(expected).items():
        passes = allowed[path].passes(wanted, got[path])
        if (mismatch := first_at(path, passes, wanted, got[path])) is not None:
            return mismatch
    return None


def relative(mismatch: Mismatch, allowed: Tolerances) -> float:
    """Return what is let pass at the place of a mismatch, as a part of what is expected; 0.0: nothing."""
    here = allowed[mismatch.output]
    if here.exact[mismatch.index] or not mismatch.expected:
        return 0.0
    return float(here.radius[mismatch.index]) / abs(mismatch.expected)
