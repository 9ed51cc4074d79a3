"""How simple a case is: a strict order, so that taking only smaller candidates comes to an end.

``measure`` gives a tuple of natural numbers, compared one after the other: the weight of the tree, the types
in it, the literals in it, the launch grid with the sizes of the inputs, and the values of the inputs.  No
descent through such tuples is endless.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.launch import Case, Launch, leaves
from kernelfuzz.ir.walk import walk

Measure: TypeAlias = tuple[int, int, int, int, int]

# What a node weighs by itself.  A literal is simpler than a name, so that names give way to literals; a loop
# weighs as much as a few plain statements, so that running a short body twice beats a loop over it.
WEIGHT: dict[type[n.Node], int] = {
    n.Literal: 2, n.Construct: 2, n.Name: 3, n.Unary: 2, n.Binary: 2, n.Compare: 2, n.BoolOp: 2, n.IfExp: 6, n.Call: 3,
    n.CallFunction: 4, n.Cast: 2, n.Slice: 4, n.Index: 2, n.Attribute: 2, n.ArrayShape: 3, n.Static: 3,
    n.Assign: 2, n.Unpack: 3, n.AugAssign: 6, n.If: 8, n.For: 14, n.While: 20, n.Break: 3, n.Continue: 4, n.Pass: 1,
    n.Return: 2, n.ExprStmt: 2, n.Param: 6, n.Constant: 6, n.Function: 12, n.Kernel: 0,
}  # fmt: skip
_WEIGHED_BY_SIZE = frozenset({n.Literal, n.Unpack, n.Compare, n.Call, n.CallFunction})
STRUCT_WEIGHT = 8
FIELD_WEIGHT = 4
CLOSURE_WEIGHT = 4
# A name that an unpacking assigns: as heavy as an assignment of its own.
UNPACKED_WEIGHT = 6


def measure(case: Case) -> Measure:
    """The smaller, the simpler."""
    kernel, launch = case.kernel, case.launch
    weight = CLOSURE_WEIGHT * kernel.closure
    types = literals = 0
    for struct in kernel.structs:
        weight += STRUCT_WEIGHT + FIELD_WEIGHT * len(struct.fields)
        types += type_rank(struct)
    for node in walk(kernel):
        weight += own_weight(node)
        types += _types_in(node)
        if isinstance(node, n.Literal):
            literals += number_rank(node.value)
        elif isinstance(node, (n.Slice, n.Param)):
            literals += _contract_rank(node)
    grid, values = _launch_rank(launch)
    return weight, types, literals, grid, values


def own_weight(node: n.Node) -> int:
    """What a node weighs without its children."""
    weight = WEIGHT[type(node)]
    # This is called for every node of every candidate: most nodes have nothing to add.
    if type(node) not in _WEIGHED_BY_SIZE:
        return weight
    match node:
        case n.Literal(type=type_):
            # A literal of another dtype is a call: wp.int8(1).
            return weight if type_ in (t.INT32, t.FLOAT32, t.BOOL) else weight + 1
        case n.Unpack(names=names):
            return weight + UNPACKED_WEIGHT * len(names)
        case n.Compare(ops=ops):
            return weight * len(ops)
        case n.Call(keywords=keywords):
            return weight + 2 * len(keywords)
        case n.CallFunction(static=True):
            return weight + WEIGHT[n.Static]
        case _:
            return weight


def weight_of(*nodes: n.Node) -> int:
    """The weight of whole trees."""
    return sum(own_weight(node) for node in walk(*nodes))


# ---------------------------------------------------------------------- types

# 32 bits are what Warp's own names mean; bool has no simpler type.
_SCALAR_RANK = {t.BOOL: 0, t.FLOAT32: 0, t.INT32: 0} | {
    scalar: 2 + position for position, scalar in enumerate(t.NUMBERS) if scalar not in (t.FLOAT32, t.INT32)
}


@lru_cache(maxsize=4096)
def type_rank(type_: t.Type) -> int:
    """How far a type is from a 32-bit scalar."""
    match type_:
        case t.Scalar():
            return _SCALAR_RANK[type_]
        case t.Vector(length=length, dtype=dtype):
            return 4 + 4 * length + _SCALAR_RANK[dtype]
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            return 8 + 4 * rows * columns + _SCALAR_RANK[dtype]
        case t.Quaternion(dtype=dtype):
            return 24 + _SCALAR_RANK[dtype]
        case t.Transform(dtype=dtype):
            return 40 + _SCALAR_RANK[dtype]
        case t.Struct(fields=fields):
            return 60 + sum(2 + type_rank(field) for _, field in fields)
        case t.Array(dtype=dtype, ndim=ndim):
            return 10 * ndim + type_rank(dtype)
        case t.Tile(dtype=dtype, shape=shape):
            return 50 + math.prod(shape) + _SCALAR_RANK[dtype]
        case t.Tuple(elements=elements):
            return 10 + sum(type_rank(element) for element in elements)
        case _:
            return assert_never(type_)


def _types_in(node: n.Node) -> int:
    type_ = node.returns if isinstance(node, n.Function) else getattr(node, "type", None)
    return 0 if type_ is None else type_rank(type_)


# --------------------------------------------------------------------- values


@lru_cache(maxsize=65536)
def _float_rank(text: str) -> int:
    value = float(text)
    if not math.isfinite(value):
        return 5000
    if value.is_integer() and abs(value) < 2**53:
        return _integer_rank(int(value)) if text != "-0.0" else 900
    return 1000 + 20 * len(text)


def _integer_rank(value: int) -> int:
    size = abs(value)
    rank = 2 * size if size <= 16 else 30 + 8 * len(str(size)) + len(str(size).rstrip("0"))
    return rank + (value < 0)


def number_rank(value: Any) -> int:
    """How far a number is from zero, by how plain it is to read: 0, 1, -1, 2, 100, 0.5, 0.1, inf."""
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, np.integer)):
        return _integer_rank(int(value))
    return _float_rank(repr(float(value)))


def _contract_rank(node: n.Slice | n.Param) -> int:
    if isinstance(node, n.Slice):
        return sum(1 + abs(part) for part in (node.start, node.stop, node.step) if part is not None)
    return sum(size if isinstance(size, int) else 0 for size in node.shape)


@lru_cache(maxsize=4096)
def _array_rank(data: bytes, dtype: str) -> int:
    return sum(map(number_rank, np.frombuffer(data, dtype).tolist()))


def _launch_rank(launch: Launch) -> tuple[int, int]:
    arrays = [array for _, array in leaves(launch.inputs)]
    grid = 4 * math.prod(launch.dim) + 4 * len(launch.dim) + 8 * launch.tiled
    sizes = sum(array.size for array in arrays)
    return grid + sizes, sum(_array_rank(array.tobytes(), array.dtype.str) for array in arrays)
