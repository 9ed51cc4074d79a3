"""Operators over vectors, matrices, quaternions, transforms and tiles, built from an operator on scalars.

Sums of products are added in the order of their index, from the first product on ("Basics: Vectors,
Matrices" of Warp's user guide says what is summed, not in which order; the order was observed).  The floats
of the products that Warp has as a builtin (``wp.mul`` of two matrices, ...) come from that builtin instead:
see ``kernelfuzz.reference.exact``.
"""

from __future__ import annotations

from collections.abc import Callable
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
        arrays = np.broadcast_arrays(*[np.asarray(operand, dtype=dtype) for operand in operands])
        columns = [array.reshape(-1).tolist() for array in arrays]
        values = [operation(*numbers) for numbers in zip(*columns, strict=True)]
        return np.array(values, dtype=dtype).reshape(arrays[0].shape)

    return unary_or_binary


def product(left: Vector | Matrix, right: Vector | Matrix, add: Operation, multiply: Operation) -> Operation:
    """``left @ right`` of linear algebra, with the operations on components."""

    def multiplied(a: Components, b: Components) -> Components:
        rows = a.reshape(1, -1) if isinstance(left, Vector) else a
        columns = b.reshape(-1, 1) if isinstance(right, Vector) else b
        result = np.empty((rows.shape[0], columns.shape[1]), dtype=a.dtype)
        for at in np.ndindex(result.shape):
            terms = [
                multiply(rows[at[0], k], columns[k, at[1]])
                if a.dtype.kind in "fO"
                else multiply(rows.item(at[0], k), columns.item(k, at[1]))
                for k in range(rows.shape[1])
            ]
            total = terms[0]
            for term in terms[1:]:
                total = add(total, term)
            result[at] = total
        if isinstance(left, Matrix) and isinstance(right, Matrix):
            return result
        return result.reshape(-1)

    return multiplied
