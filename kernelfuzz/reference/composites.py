"""Operators over vectors, matrices, quaternions, transforms and tiles, built from an operator on scalars.

Sums of products are added in the order of their index, from the first product on ("Basics: Vectors,
Matrices" of Warp's user guide says what is summed, not in which order; the order was observed).  The floats
of the products that Warp has as a builtin (``wp.mul`` of two matrices, ...) come from that builtin instead:
see ``kernelfuzz.reference.exact``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir.types import Matrix, Scalar, Vector

Components: TypeAlias = "np.ndarray[Any, Any]"
Operation: TypeAlias = Callable[..., Any]


def elementwise(scalar: Scalar, operation: Operation) -> Operation:
    """``operation`` on each component; a scalar operand is used for every component."""
    if scalar.is_float:
        return operation  # numpy's arrays compute like its scalars, and arrays of objects one by one
    dtype = np.dtype(scalar.name)

    def unary_or_binary(*operands: Any) -> Components:
        arrays = [np.asarray(operand, dtype=dtype) for operand in operands]
        whole = max(arrays, key=np.ndim)
        columns = [each.ravel().tolist() if each.ndim else [each.item()] * whole.size for each in arrays]
        return np.array([operation(*each) for each in zip(*columns, strict=True)], dtype=dtype).reshape(whole.shape)

    return unary_or_binary


def product(left: Vector | Matrix, right: Vector | Matrix, add: Operation, multiply: Operation) -> Operation:
    """``left @ right`` of linear algebra, with the operations on components."""

    def multiplied(a: Components, b: Components) -> Components:
        rows = _numbers(a.reshape(1, -1) if isinstance(left, Vector) else a)
        columns = _numbers(b.reshape(1, -1) if isinstance(right, Vector) else b.T)
        result = np.empty((len(rows), len(columns)), dtype=a.dtype)
        for at, row in enumerate(rows):
            for across, column in enumerate(columns):
                terms = [multiply(one, other) for one, other in zip(row, column, strict=True)]
                result[at, across] = reduce(add, terms)
        if isinstance(left, Matrix) and isinstance(right, Matrix):
            return result
        return result.reshape(-1)

    return multiplied


def _numbers(rows: Components) -> list[list[Any]]:
    """The components as what operations on scalars take: of floats numpy's, else Python's."""
    return [list(row) for row in rows] if rows.dtype.kind in "fO" else rows.tolist()
