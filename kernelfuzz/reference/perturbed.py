"""The domain of values that are off as far as a CUDA device may be: what shows which results depend on it.

On a device the functions of CUDA's mathematical library are another implementation than the CPU's, within
the bound of their row (``ulp`` in ``kernelfuzz.typecheck.builtin_rows``); and a block reduces a tile in
another order. All else gives the same bits.  The reference is run several times, each time with other errors
of that size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir.types import FLOAT16, FLOAT64, Scalar, Type
from kernelfuzz.reference.builtin_values import component
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.memory import commutes
from kernelfuzz.typecheck.builtins import Signature, resolve

# The error of the CPU's own result, which the exact run has, in units in the last place (measured against numpy):
# the bound of a row is against the true value.
CPU_ULP = 3

# For the number of a component: the direction of its error, and the size of one that nobody bounds.
Errors: TypeAlias = Callable[[int], "tuple[int, float]"]


@dataclass(frozen=True, slots=True)
class Perturbed(Exact):
    """``Exact`` with errors of the size that a CUDA device may make.

    ``direction`` is that of every error: 1 up, -1 down, 0 either, by ``seed``.  A function has the same error
    wherever it gets the same arguments, as a function on a device has.  What nobody states a bound for
    is changed so much that everything that depends on it shows.
    """

    direction: int = 0
    seed: int = 0

    def binary(self, op: str, left: Type, right: Type) -> Callable[[Value, Value], Value]:
        exact = Exact.binary(self, op, left, right)
        if op != "**":
            return exact
        signature = resolve("pow", (left, right))
        assert signature is not None, (left, right)
        call = self._off(signature, lambda arguments: exact(*arguments))
        return lambda base, exponent: call((base, exponent))

    def call(self, signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
        return self._off(signature, Exact.call(self, signature))

    def reduction(self, name: str, dtype: Scalar) -> Callable[[list[Value]], Value]:
        exact = Exact.reduction(self, name, dtype)
        if not dtype.is_float:
            return exact

        def reduced(numbers: list[Value]) -> Value:
            value = exact(numbers)
            if commutes("sum" if name == "add" else name, numbers):
                return value
            up = self._errors(name, tuple(numbers))(0)[0]
            return _summed(value, numbers, up) if name == "add" else _picked(value, numbers, up)

        return reduced

    def _off(
        self, signature: Signature, exact: Callable[[tuple[Value, ...]], Value]
    ) -> Callable[[tuple[Value, ...]], Value]:
        ulp = signature.builtin.ulp
        if ulp == 0:
            return exact
        units = None if ulp is None else ulp + _cpu_ulp(signature)
        # What counts draws of the state leaves another state where it counts more.
        counted = isinstance(signature.result, Scalar) and signature.result.is_integer

        def call(arguments: tuple[Value, ...]) -> Value:
            value = exact(arguments)
            errors = self._errors(signature.name, arguments)
            if not signature.builtin.mutates:
                return _moved(value, units, errors, 0)
            value, state = value
            return _moved(value, units, errors, 0), (state ^ 1 if counted else state)

        return call

    def _errors(self, name: str, arguments: tuple[Value, ...]) -> Errors:
        """The errors of one call; both are functions of the arguments and the seed."""
        told = b"".join(np.asarray(argument).tobytes() for argument in arguments)
        key = hashlib.blake2b(f"{self.seed} {name} ".encode() + told).digest()

        def error(number: int) -> tuple[int, float]:
            byte = key[number % len(key)]
            return self.direction or (1 if byte & 1 else -1), 0.5 + byte / 256

        return error


def _cpu_ulp(signature: Signature) -> int:
    """The bound on the error of the CPU's result, in units in the last place."""
    scalar = component(signature)
    if scalar == FLOAT16:
        return 0  # computed in float32: the rounding to float16 is all that can differ
    return max(signature.builtin.cpu_ulp, CPU_ULP) if scalar == FLOAT64 else CPU_ULP


def _moved(value: Value, units: int | None, errors: Errors, number: int) -> Value:
    """The value with an error in each component; ``number`` is that of the first."""
    if isinstance(value, tuple):
        made: list[Value] = []
        for part in value:
            made.append(_moved(part, units, errors, number))
            number += np.size(part)
        return tuple(made)
    if isinstance(value, np.ndarray):
        flat = [_moved(part, units, errors, number + at) for at, part in enumerate(value.reshape(-1))]
        return np.array(flat, dtype=value.dtype).reshape(value.shape)
    up, size = errors(number)
    if isinstance(value, np.floating):
        return _float(value, units, up, size)
    assert units is None, "a bound in units in the last place is for floats"
    return value + 1 + int(4 * size)


def _float(value: np.floating[Any], units: int | None, up: int, size: float) -> np.floating[Any]:
    if not np.isfinite(value):
        return value
    kind = type(value)
    with np.errstate(all="ignore"):
        if units is None:
            return kind(float(value) + up * size * (abs(float(value)) + 1.0))
        return kind(value + kind(up * units) * np.spacing(abs(value)))


def _summed(value: np.floating[Any], numbers: list[Value], up: int) -> np.floating[Any]:
    """The sum in another order: each addition rounds by half a unit at most, of no more than all together."""
    if not all(np.isfinite(number) for number in numbers):
        return value
    limits, total = np.finfo(value.dtype), sum(abs(float(number)) for number in numbers)
    error = len(numbers) * float(limits.eps) * total if total < float(limits.max) else float("inf")
    with np.errstate(all="ignore"):
        return type(value)(float(value) + up * error)


def _picked(value: np.floating[Any], numbers: list[Value], up: int) -> np.floating[Any]:
    """The smallest or largest in another order: of two zeros either, of NaNs and a number either."""
    if any(np.isnan(number) for number in numbers):
        return value if up > 0 else type(value)("nan")
    return type(value)(np.copysign(value, up))
