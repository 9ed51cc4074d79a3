"""Closed forms over matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernelfuzz.ir.types import Matrix
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.reference.closed_forms.numbers import Components, array_of, total
from kernelfuzz.reference.closed_forms.scalar import FORMS as SCALAR
from kernelfuzz.reference.closed_forms.vector import (
    PREDICATES,
    componentwise,
    cross,
    dot,
    lerp,
    on_components,
)
from kernelfuzz.typecheck.builtins import Signature


def _filled(shape: tuple[int, int], values: list[Any], example: Components) -> Components:
    return array_of(values, example).reshape(shape)


def multiply(a: Components, b: Components) -> Components:
    """A matrix times a matrix: sums of products in the order of the index, fused (observed)."""
    sums = [_fused_dot(row, column) for row in a for column in b.T]
    return _filled((a.shape[0], b.shape[1]), sums, a)


def apply(a: Components, v: Components) -> Components:
    """A matrix times a vector: a sum of scaled columns, in the order of the index."""
    return array_of([total([row[k] * v[k] for k in range(len(v))]) for row in a], a)


def _product(a: Components, b: Components) -> Components:
    return apply(a, b) if b.ndim == 1 else multiply(a, b)


def _fused_dot(a: Components, b: Components) -> Any:
    result = numbers.like(a[0], 0)
    for x, y in zip(a, b, strict=True):
        result = numbers.fused(x, y, result)
    return result


def _double_dot(a: Components, b: Components) -> Any:
    return _fused_dot(a.reshape(-1), b.reshape(-1))


def _trace(a: Components) -> Any:
    return total([a[i, i] for i in range(len(a))])


def _get_diagonal(a: Components) -> Components:
    return array_of([a[i, i] for i in range(len(a))], a)


def _transpose(a: Components) -> Components:
    return a.T.copy()


def _diagonal(a: Components) -> Components:
    size = len(a)
    zero = numbers.like(a[0], 0)
    return _filled((size, size), [a[i] if i == j else zero for i in range(size) for j in range(size)], a)


def _skew(a: Components) -> Components:
    zero = numbers.like(a[0], 0)
    x, y, z = a
    return _filled((3, 3), [zero, -z, y, z, zero, -x, -y, x, zero], a)


def _outer(a: Components, b: Components) -> Components:
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


def _inverse(a: Components) -> Components:
    """The adjugate divided by the determinant."""
    size = len(a)
    whole = determinant(a)
    if size == 2:
        cofactors = [a[1, 1], -a[0, 1], -a[1, 0], a[0, 0]]
    else:
        cofactors = [determinant(minor(a, j, i)) * (-1) ** (i + j) for i in range(size) for j in range(size)]
    return _filled(a.shape, [numbers.divide(cofactor, whole) for cofactor in cofactors], a)


def _identity(signature: Signature) -> Components:
    result = signature.result
    assert isinstance(result, Matrix)
    return np.eye(result.rows, dtype=result.dtype.name)


def _matrix(signature: Signature, *values: Any) -> Components:
    result = signature.result
    assert isinstance(result, Matrix)
    plain = all(isinstance(value, np.floating) for value in values)
    dtype = values[0].dtype if plain else object
    count = result.rows * result.columns
    return np.array(list(values) * (count // len(values)), dtype=dtype).reshape(result.rows, result.columns)


def _from_rows(*rows: Components) -> Components:
    return np.array(rows, dtype=rows[0].dtype)


def _from_columns(*columns: Components) -> Components:
    return _from_rows(*columns).T.copy()


FORMS: dict[str, Form] = {
    "trace": Form(_trace, "Built-ins, trace", exact=True),
    "determinant": Form(determinant, "Built-ins, determinant"),
    "ddot": Form(_double_dot, "Built-ins, ddot", exact=True),
    "get_diag": Form(_get_diagonal, "Built-ins, get_diag", exact=True),
    "transpose": Form(_transpose, "Built-ins, transpose", exact=True),
    "identity": Form(_identity, "Built-ins, identity", exact=True, typed=True),
    "diag": Form(_diagonal, "Built-ins, diag", exact=True),
    "skew": Form(_skew, "Built-ins, skew: skew(a) @ b is cross(a, b)", exact=True),
    "outer": Form(_outer, "Built-ins, outer: a*b^T", exact=True),
    "cw_mul": on_components("mul"),
    "cw_div": on_components("div"),
    "inverse": Form(_inverse, "Built-ins, inverse"),
    "inverse_approx": Form(_inverse, "Built-ins, inverse_approx"),
    "lerp": Form(lerp, "Built-ins, lerp: a*(1-t) + b*t", exact=True),
    "matrix_from_rows": Form(_from_rows, "Built-ins, matrix_from_rows", exact=True),
    "matrix_from_cols": Form(_from_columns, "Built-ins, matrix_from_cols", exact=True),
    "matrix": Form(_matrix, "Built-ins, matrix", exact=True, typed=True),
    **PREDICATES,
    "where": SCALAR["where"],
    "len": Form(len, "Built-ins, len: the number of rows", exact=True),
    "add": on_components("add"),
    "sub": on_components("sub"),
    "mul": Form(_product, "a matrix times a vector or a matrix", exact=True),
    "negated": Form(componentwise(lambda x: -x), "the operator", exact=True),
}
