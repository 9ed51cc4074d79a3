"""Closed forms over vectors and matrices, and over what is treated like one (the components of any composite)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kernelfuzz.ir.types import Matrix, Vector
from kernelfuzz.reference.closed_forms import numbers, scalar
from kernelfuzz.reference.closed_forms.numbers import Components, array_of, total
from kernelfuzz.reference.dual import value_of
from kernelfuzz.typecheck.builtins import Signature


def componentwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of scalars on each component of composites of one shape."""

    def apply(*composites: Components) -> Components:
        result = np.empty(composites[0].shape, dtype=composites[0].dtype)
        for at in np.ndindex(result.shape):
            result[at] = function(*[composite[at] for composite in composites])
        return result

    return apply


def dot(a: Components, b: Components) -> Any:
    """The sum of the products of components, in order."""
    return total([x * y for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True)])


def length_squared(a: Components) -> Any:
    return dot(a, a)


def length(a: Components) -> Any:
    return numbers.sqrt(dot(a, a))


def cross(a: Components, b: Components) -> Components:
    (a0, a1, a2), (b0, b1, b2) = a, b
    return array_of([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], a)


def normalize(a: Components) -> Components:
    size = length(a)
    return a / size if value_of(size) > 0 else array_of([numbers.like(x, 0) for x in a], a)


def smallest(a: Components) -> Any:
    result = a[0]
    for x in a[1:]:
        result = numbers.smaller(result, x)
    return result


def largest(a: Components) -> Any:
    result = a[0]
    for x in a[1:]:
        result = numbers.larger(result, x)
    return result


def _position(a: Components, best: Any) -> int:
    found = [at for at, x in enumerate(a) if value_of(x) == value_of(best)]
    return found[0] if found else 0


def argmin(a: Components) -> int:
    return _position(a, smallest(a))


def argmax(a: Components) -> int:
    return _position(a, largest(a))


def lerp(a: Components, b: Components, t: Any) -> Components:
    return a * (1 - t) + b * t


def norm_l1(a: Components) -> Any:
    return total([abs(x) for x in a])


def norm_huber(a: Components, delta: Any) -> Any:
    squared = dot(a, a)
    if squared <= delta * delta:
        return squared * 0.5
    return delta * (numbers.sqrt(squared) - delta * 0.5)


def norm_pseudo_huber(a: Components, delta: Any) -> Any:
    return delta * numbers.sqrt(1 + numbers.divide(dot(a, a), delta * delta))


def smooth_normalize(a: Components, delta: Any) -> Components:
    return scaled_down(a, norm_pseudo_huber(a, delta))


def scaled_down(a: Components, divisor: Any) -> Components:
    """Each component divided by a number."""
    return componentwise(lambda x: numbers.divide(x, divisor))(a)


def divided_among(number: Any, a: Components) -> Components:
    """A number divided by each component."""
    return componentwise(lambda x: numbers.divide(number, x))(a)


def vector(signature: Signature, *values: Any) -> Components:
    result = signature.result
    assert isinstance(result, Vector)
    return np.array(list(values) * (result.length // len(values)), dtype=_dtype(values))


def _dtype(values: tuple[Any, ...]) -> Any:
    return values[0].dtype if all(isinstance(value, np.floating) for value in values) else object


def count(a: Components) -> int:
    return len(a)


def is_finite(a: Components) -> bool:
    return all(scalar.is_finite(x) for x in a.reshape(-1))


def is_nan(a: Components) -> bool:
    return any(scalar.is_nan(x) for x in a.reshape(-1))


def is_infinite(a: Components) -> bool:
    return any(scalar.is_infinite(x) for x in a.reshape(-1))


def scaled(a: Components, factor: Any) -> Components:
    """Each component times a number."""
    return componentwise(lambda x: x * factor)(a)


# ---------------------------------------------------------------------------- matrices


def _filled(shape: tuple[int, int], values: list[Any], example: Components) -> Components:
    return array_of(values, example).reshape(shape)


def multiply(a: Components, b: Components) -> Components:
    """A matrix times a matrix: sums of products in the order of the index, fused (observed)."""
    sums = [_fused_dot(row, column) for row in a for column in b.T]
    return _filled((a.shape[0], b.shape[1]), sums, a)


def apply(a: Components, v: Components) -> Components:
    """A matrix times a vector: a sum of scaled columns, in the order of the index."""
    return array_of([total([row[k] * v[k] for k in range(len(v))]) for row in a], a)


def _fused_dot(a: Components, b: Components) -> Any:
    result = numbers.like(a[0], 0)
    for x, y in zip(a, b, strict=True):
        result = numbers.fused(x, y, result)
    return result


def double_dot(a: Components, b: Components) -> Any:
    return _fused_dot(a.reshape(-1), b.reshape(-1))


def trace(a: Components) -> Any:
    return total([a[i, i] for i in range(len(a))])


def get_diagonal(a: Components) -> Components:
    return array_of([a[i, i] for i in range(len(a))], a)


def transpose(a: Components) -> Components:
    return a.T.copy()


def diagonal(a: Components) -> Components:
    size = len(a)
    zero = numbers.like(a[0], 0)
    return _filled((size, size), [a[i] if i == j else zero for i in range(size) for j in range(size)], a)


def skew(a: Components) -> Components:
    zero = numbers.like(a[0], 0)
    x, y, z = a
    return _filled((3, 3), [zero, -z, y, z, zero, -x, -y, x, zero], a)


def outer(a: Components, b: Components) -> Components:
    return _filled((len(a), len(b)), [x * y for x in a for y in b], a)


def minor(a: Components, row: int, column: int) -> Components:
    """The matrix without one row and one column."""
    return np.delete(np.delete(a, row, axis=0), column, axis=1)


def determinant(a: Components) -> Any:
    """Of 2x2 the difference of two products, of 3x3 a triple product, of 4x4 along the first row."""
    if len(a) == 2:
        return a[0, 0] * a[1, 1] - a[1, 0] * a[0, 1]
    if len(a) == 3:
        return dot(a[0], cross(a[1], a[2]))
    return total([a[0, j] * determinant(minor(a, 0, j)) * (-1) ** j for j in range(len(a))])


def inverse(a: Components) -> Components:
    """The adjugate divided by the determinant."""
    size = len(a)
    whole = determinant(a)
    if size == 2:
        cofactors = [a[1, 1], -a[0, 1], -a[1, 0], a[0, 0]]
    else:
        cofactors = [determinant(minor(a, j, i)) * (-1) ** (i + j) for i in range(size) for j in range(size)]
    return _filled(a.shape, [numbers.divide(cofactor, whole) for cofactor in cofactors], a)


def identity(signature: Signature) -> Components:
    result = signature.result
    assert isinstance(result, Matrix)
    return np.eye(result.rows, dtype=result.dtype.name)


def matrix(signature: Signature, *values: Any) -> Components:
    result = signature.result
    assert isinstance(result, Matrix)
    repeated = list(values) * (result.rows * result.columns // len(values))
    return np.array(repeated, dtype=_dtype(values)).reshape(result.rows, result.columns)


def from_rows(*rows: Components) -> Components:
    return np.array(rows, dtype=rows[0].dtype)


def from_columns(*columns: Components) -> Components:
    return from_rows(*columns).T.copy()
