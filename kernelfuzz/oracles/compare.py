"""Two sets of outputs held against each other to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernelfuzz.ir.launch import Input, flattened
from kernelfuzz.oracles.verdict import Mismatch


def same(expected: np.ndarray[Any, Any], actual: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Where two arrays agree to the bit; NaN agrees with NaN, 0.0 does not agree with -0.0."""
    equal = expected == actual
    if expected.dtype.kind == "f":
        equal = equal & (np.signbit(expected) == np.signbit(actual))
        equal = equal | (np.isnan(expected) & np.isnan(actual))
    return equal


def first_mismatch(expected: Mapping[str, Input], actual: Mapping[str, Input]) -> Mismatch | None:
    """The first place, in the order of ``expected``, where the outputs differ.

    Raises ValueError where the two have other arrays or shapes.
    """
    got = flattened(actual)
    for path, wanted in flattened(expected).items():
        found = got[path]
        if wanted.shape != found.shape or wanted.dtype != found.dtype:
            raise ValueError(f"{path}: {wanted.dtype}{wanted.shape} against {found.dtype}{found.shape}")
        agree = same(wanted, found)
        if not agree.all():
            index = tuple(int(axis) for axis in np.argwhere(~agree)[0])
            return Mismatch(path, index, wanted[index].item(), found[index].item())
    return None
