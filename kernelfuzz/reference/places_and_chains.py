"""Stores that are lost or go elsewhere, subscripts and searches of another place, and chains: rules of deviations."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import execution
from kernelfuzz.reference.aliases import after, keep
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.undefined import INDEX_OUT_OF_RANGE, NOT_CONTIGUOUS, Undefined
from kernelfuzz.reference.value_parts import subscript


def lost_counter(node: n.For, names: c.Names) -> c.Execute | None:
    """The counter of a dynamic loop has no value after a loop that ran zero times."""
    if not names.is_dynamic(node):
        return None
    steps: list[c.Execute] = []
    bounds = tuple([keep(bound, names, steps) for bound in node.bounds])
    counter = names.place(node.name)
    loop = execution.for_loop(n.For(node.name, bounds, node.body), names)

    def execute(frame: c.Frame) -> int:
        frame[counter] = c.UNBOUND
        return loop(frame)

    return after(steps, execute)


def negative_component(node: n.Assign | n.AugAssign, names: c.Names) -> c.Execute | None:
    """``a[i][-1] = e``: a negative subscript of a component of an element is not counted from the end."""
    target = node.target
    if not isinstance(target, n.Index) or isinstance(target.value.type, t.Array) or is_local(target):
        return None
    at = [each for each in target.indices if not isinstance(each, n.Slice)]
    if all(isinstance(each, n.Literal) or (isinstance(each, n.Name) and each.id in names.temporaries) for each in at):
        return None if all(map(_counts_from_the_start, at)) else _left_open(node)
    steps: list[c.Execute] = []
    kept = tuple([each if isinstance(each, n.Slice) else keep(each, names, steps) for each in target.indices])
    reads = [names.expression(each) for each in kept if not isinstance(each, n.Slice)]
    # With temporaries it comes here again, and is stored as it is.
    store = execution.statement(replace(node, target=replace(target, indices=kept)), names)

    def execute(frame: c.Frame) -> int:
        if any(read(frame) < 0 for read in reads):
            raise Undefined(INDEX_OUT_OF_RANGE, node)
        return store(frame)

    return after(steps, execute)


def _counts_from_the_start(index: n.Expr) -> bool:
    return not isinstance(index, n.Literal) or index.value >= 0


def _left_open(node: n.Stmt) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        raise Undefined(INDEX_OUT_OF_RANGE, node)

    return execute


def searched(node: n.Call, names: c.Names) -> c.Evaluate | None:
    """What a search of an array takes for elements lies between them."""
    if node.name not in ("lower_bound", "sample_cdf"):
        return None

    def evaluate(frame: c.Frame) -> Value:
        raise Undefined(NOT_CONTIGUOUS, node)

    return evaluate


def chain(node: n.Compare, names: c.Names) -> c.Evaluate | None:
    """``a < b < f(c)``: every operand is evaluated before the first comparison."""
    if len(node.ops) < 2:
        return None
    steps: list[c.Execute] = []
    first, *rest = [keep(operand, names, steps) for operand in (node.left, *node.comparators)]
    pairs = zip((first, *rest), node.ops, rest, strict=False)
    # One comparison after another: as a chain it would come here again.
    links = [names.expression(n.Compare(left, (op,), (right,))) for left, op, right in pairs]
    return after(steps, lambda frame: all(link(frame) for link in links))


def column(node: n.Index, names: c.Names) -> c.Evaluate | None:
    """``m[:][0]``: the subscripts of a slice and of its element are taken as one, ``m[:, 0]``."""
    inner = node.value
    if not isinstance(inner, n.Index) or not isinstance(inner.value.type, t.Matrix) or len(node.indices) != 1:
        return None
    (rows,), (at,) = inner.indices, node.indices
    if not isinstance(rows, n.Slice) or isinstance(at, n.Slice):
        return None
    matrix, place, part = names.expression(inner.value), names.expression(at), slice(rows.start, rows.stop, rows.step)

    def evaluate(frame: c.Frame) -> Value:
        whole, index = matrix(frame), place(frame)
        found = whole[part, index]
        return found.copy()

    return evaluate


def dropped(node: n.Assign | n.AugAssign, names: c.Names) -> c.Execute | None:
    """``t.p.x = e``, ``m[0].x = e`` of a local: the store goes into a copy of the part, and is lost."""
    if not is_local(node.target) or isinstance(node.target, n.Name):
        return None
    base: n.Expr = node.target.value
    if not isinstance(base, (n.Index, n.Attribute)) or isinstance(base.value.type, (t.Struct, t.Array)):
        return None
    if isinstance(node.target, n.Index) and isinstance(base, n.Index):
        return None  # m[0][1] is m[0, 1]
    return lost(node, names)


def dropped_row(node: n.AugAssign, names: c.Names) -> c.Execute | None:
    """``a[i][1] += w`` of a matrix: the sum goes into the row of a copy."""
    target = node.target
    if isinstance(target, n.Name) or is_local(target):
        return None
    row = isinstance(target.value.type, t.Matrix) and isinstance(target.type, t.Vector)
    return lost(node, names) if row else None


def into_itself(node: n.Assign, names: c.Names) -> c.Execute | None:
    """``v[::-1] = v``: one component is stored after another, of a value that changes on the way."""
    target, value = node.target, node.value
    if not isinstance(target, n.Index) or not isinstance(value, n.Name) or target.value != value:
        return None
    if isinstance(value.type, (t.Scalar, t.Struct, t.Array, t.Tile, t.Tuple)):
        return None
    step, place, change = subscript(target, names), names.place(value.id), names.module.change
    numbers = np.arange(prod(t.shape(value.type))).reshape(t.shape(value.type))

    def execute(frame: c.Frame) -> int:
        stored = frame[place].copy()
        flat = stored.reshape(-1)
        for source, number in enumerate(numbers[step.key(frame)].reshape(-1)):
            flat[number] = flat[source]
        change(frame, place, stored)
        return c.NORMAL

    return execute


def lost(node: n.Assign | n.AugAssign, names: c.Names) -> c.Execute:
    """The statement without its store."""
    value = names.expression(node.value)

    def execute(frame: c.Frame) -> int:
        value(frame)
        return c.NORMAL

    return execute
