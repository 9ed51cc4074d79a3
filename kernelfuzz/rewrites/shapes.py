"""Sizes of arrays that no adjoint of the array hears of."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.rewrite import map_expressions


def lengths_for_shapes(kernel: n.Kernel) -> n.Kernel:
    """``len(a[0])`` instead of ``a.shape[1]``, of arrays that have a gradient.

    The adjoint of the attribute empties the array that holds the gradient (shape-empties-a-gradient).
    """

    def change(node: n.Expr) -> n.Expr:
        match node:
            case n.ArrayShape(array=array, axis=axis) if isinstance(array.type, t.Array) and t.has_floats(array.type):
                return n.Call("len", (_first(array, array.type, axis),), t.INT32)
            case _:
                return node

    return map_expressions(kernel, change)


def _first(array: n.Expr, type_: t.Array, axis: int) -> n.Expr:
    """The array, or of one of more dimensions the first view whose first axis is ``axis``."""
    if not axis:
        return array
    return n.Index(array, (n.Literal(0, t.INT32),) * axis, t.Array(type_.dtype, type_.ndim - axis))
