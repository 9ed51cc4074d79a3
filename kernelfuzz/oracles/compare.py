"""Two sets of outputs held against each other to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kernelfuzz.ir.launch import Input
from kernelfuzz.oracles.verdict import Mismatch


def leaves(name: str, value: Input) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """The numpy arrays inside a value, each by its path (``out0``, ``out0.position``)."""
    if isinstance(value, np.ndarray):
        yield name, value
    else:
        for field, inner in value.items():
            yield from leaves(f"{name}.{field}", inner)


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
    for name, value in expected.items():
        other = dict(leaves(name, actual[name]))
        for path, wanted in leaves(name, value):
            got = other[path]
            if wanted.shape != got.shape or wanted.dtype != got.dtype:
                raise ValueError(f"{path}: {wanted.dtype}{wanted.shape} against {got.dtype}{got.shape}")
            agree = same(wanted, got)
            if not agree.all():
                index = tuple(int(axis) for axis in np.argwhere(~agree)[0])
                return Mismatch(path, index, wanted[index].item(), got[index].item())
    return None
