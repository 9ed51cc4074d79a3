"""The numbers that the interpreter computes with: the interface between it and exact values or dual numbers.

The interpreter does control flow, names, memory and structure; every operation on a number goes through a
``Domain``.  ``kernelfuzz.reference.exact`` has the values that Warp computes, to the bit.  Another domain may
replace the floats by something else (dual numbers over float64); bools and integers are always Python's.

Values, in every domain:

- bool: Python's; integer: a Python int in the range of its type; float: whatever the domain makes.
- Vector, Matrix, Quaternion, Transform: a numpy array of shape ``types.shape(type)`` and dtype
  ``storage(component)``.  It is never changed once it is a value.
- Struct: a dict by field.  Tuple: a Python tuple.  Tile: a numpy array of dtype ``storage(dtype)``.
- Array: a ``kernelfuzz.reference.memory.View``; an operation on numbers never sees one, except ``call``.

The methods are called once for each node, when a kernel is compiled, and return the function that is called at
each evaluation.  Those functions raise a ``Stopped`` without a node where there is no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from kernelfuzz.ir.types import Scalar, Type
from kernelfuzz.typecheck.builtins import Signature

Value: TypeAlias = Any
Leaf: TypeAlias = "np.ndarray[Any, Any]"


class Domain(Protocol):
    """The operations on numbers that the interpreter needs."""

    def storage(self, scalar: Scalar) -> np.dtype[Any]:
        """The dtype of numpy arrays that hold components of a scalar type: of composites and of memory."""
        ...

    def literal(self, scalar: Scalar, value: int | float | bool) -> Value:
        """A constant of the scalar type; also the zero that ``wp.vec3()`` is made of."""
        ...

    def enter(self, path: tuple[str, ...], scalar: Scalar, values: Leaf) -> Leaf:
        """The components of a parameter (``path``: its name and the fields below it) as a new leaf.

        ``values`` has the numpy dtype of the scalar type; the result its ``storage`` dtype, same shape.
        """
        ...

    def leave(self, path: tuple[str, ...], scalar: Scalar, values: Leaf) -> Leaf:
        """The contents of an array as the launch reports them: the inverse of ``enter``."""
        ...

    def cast(self, source: Scalar, target: Scalar) -> Callable[[Value], Value]:
        """``float(x)``, ``wp.int8(x)``."""
        ...

    def unary(self, op: str, operand: Type) -> Callable[[Value], Value]:
        """``- + ~ not`` over the scalars, composites and tiles of ``ir.operators.UNARY``."""
        ...

    def binary(self, op: str, left: Type, right: Type) -> Callable[[Value, Value], Value]:
        """Every operator of ``ir.operators.BINARY`` and of tiles."""
        ...

    def compare(self, op: str, operand: Type) -> Callable[[Value, Value], bool]:
        """``== != < <= > >=`` of two scalars, ``==`` of two composites: a Python bool."""
        ...

    def call(self, signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
        """A builtin over values.  Of one that mutates an argument the result is ``(value, new state)``.

        Never called for atomics, tiles, arrays, nor for the operators by name (``wp.add``).
        """
        ...

    def atomic(self, name: str, dtype: Type) -> Callable[[Value, Value], Value]:
        """The function ``f(old, operand)``, componentwise, for what an atomic other than exch and cas stores.

        ``name`` is ``add``, ``sub``, ``min``, ``max``, ``and``, ``or`` or ``xor``.
        """
        ...

    def reduction(self, name: str, dtype: Scalar) -> Callable[[list[Value]], Value]:
        """The reduction ``add``, ``min`` or ``max`` of a tile, given its elements in row-major order."""
        ...
