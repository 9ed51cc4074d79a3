"""The derivative of a builtin that no formula is written for: by central differences of what it gives.

Each float of the arguments is moved by h and by h/2, and the two slopes are extrapolated (Richardson); their
disagreement says how good that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.reference.dual import Dual, value_of

Value: TypeAlias = Any
Function: TypeAlias = Callable[[tuple[Value, ...]], Value]

# The fifth root of the rounding error, where truncation and rounding are about as large.
STEP = float(np.finfo(np.float64).eps ** 0.2)
# How well the slopes must agree, as a part of the largest: far below the error that a gradient is allowed.
AGREEMENT = 1e-8


def differentiated(function: Function, arguments: tuple[Value, ...]) -> Value | None:
    """``function`` of arguments that hold Duals, as Duals; None where it has no derivative that shows.

    ``function`` takes and gives numpy's float64, in arrays or not, and tuples of such.
    """
    plain = tuple([_plain(argument) for argument in arguments])
    value = function(plain)
    tangents = [np.zeros_like(next(_duals(arguments)).tangent) for _ in _floats(value)]
    largest, error = 0.0, 0.0
    for number, argument in enumerate(arguments):
        for at, each in enumerate(np.asarray(argument, dtype=object).reshape(-1)):
            if not isinstance(each, Dual) or not each.moves:
                continue
            slopes, off = _slopes(function, plain, number, at)
            largest, error = max(largest, float(np.abs(slopes).max(initial=0.0))), max(error, off)
            tangents = [tangent + slope * each.tangent for tangent, slope in zip(tangents, slopes, strict=True)]
    if not error <= AGREEMENT * max(largest, 1.0):
        return None
    return _with(value, iter(tangents))


def _slopes(
    function: Function, plain: Sequence[Value], number: int, at: int
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    """The slopes of all floats of the result by one float of the arguments, and about how far they are off."""

    def at_offset(offset: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        moved = np.array(plain[number], dtype=np.float64)
        moved.reshape(-1)[at] += offset
        shifted = [moved if which == number else each for which, each in enumerate(plain)]
        shifted[number] = moved if moved.shape else moved[()]
        return np.array(list(_floats(function(tuple(shifted)))))

    step = STEP * max(1.0, abs(float(np.asarray(plain[number]).reshape(-1)[at])))
    coarse = (at_offset(step) - at_offset(-step)) / (2 * step)
    fine = (at_offset(step / 2) - at_offset(-step / 2)) / step
    extrapolated = fine + (fine - coarse) / 3
    return extrapolated, float(np.abs(extrapolated - fine).max(initial=0.0)) / 64


def _plain(value: Value) -> Value:
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.array([value_of(each) for each in value.reshape(-1)], dtype=np.float64).reshape(value.shape)
    return np.float64(value_of(value)) if isinstance(value, Dual) else value


def _duals(arguments: Sequence[Value]) -> Iterator[Dual]:
    for argument in arguments:
        yield from (each for each in np.asarray(argument, dtype=object).reshape(-1) if isinstance(each, Dual))


def _floats(value: Value) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _floats(part)
    else:
        yield from np.asarray(value).reshape(-1).tolist()


def _with(value: Value, tangents: Iterator[np.ndarray[Any, Any]]) -> Value:
    """The value with a tangent for each of its floats."""
    if isinstance(value, tuple):
        return tuple([_with(part, tangents) for part in value])
    if not isinstance(value, np.ndarray):
        return Dual(value, next(tangents))
    made = np.empty(value.size, dtype=object)
    made[:] = [Dual(number, next(tangents)) for number in value.reshape(-1)]
    return made.reshape(value.shape)
