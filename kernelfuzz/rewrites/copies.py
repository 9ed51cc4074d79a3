"""Workarounds in statements: a value is copied, changed as a copy, or stored back as a whole."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.analysis.effects import outlives
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames, is_local
from kernelfuzz.ir.types import INT32, Matrix, Transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.rewrites.loads import Unit


def tuple_assignment_aliases(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """``a, b = b, a`` becomes single assignments through temporaries: Warp copies what those bind."""
    if not isinstance(node, n.Unpack) or len(node.values) < 2:
        return (node,)
    before: list[n.Stmt] = []
    after: list[n.Stmt] = []
    for name, value in zip(node.names, node.values, strict=True):
        kept = value
        if not _is_constant(value):
            kept = n.Name(fresh("copy"), value.type)
            before.append(n.Assign(kept, value))
        after.append(n.Assign(n.Name(name, value.type), kept))
    return (*before, *after)


def _is_constant(value: n.Expr) -> bool:
    """What no temporary is needed for; Warp would take that for a constant, which no loop may change."""
    match value:
        case n.Literal() | n.Static() | n.Unary(op="-", operand=n.Literal()) | n.Call(name="len"):
            return True
        case _:
            return False


def empty_loop_loses_the_counter(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """A counter that is a variable outside of its loop too is counted by another name."""
    if not isinstance(node, n.For) or not outlives(node.name, unit):
        return (node,)
    counter = fresh("count")
    kept = n.Assign(n.Name(node.name, INT32), n.Name(counter, INT32))
    return (n.For(counter, node.bounds, (kept, *node.body)),)


def store_into_a_part_of_a_part(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """The part is copied out, changed, and stored back as a whole."""
    if not isinstance(node, (n.Assign, n.AugAssign)) or not _is_lost(node.target):
        return (node,)
    assert isinstance(node.target, (n.Index, n.Attribute))
    inner = node.target.value
    assert isinstance(inner, (n.Index, n.Attribute))
    copy = n.Name(fresh("part"), inner.type)
    stored = replace(node, target=replace(node.target, value=copy))
    return (n.Assign(copy, inner), stored, *_store(inner, copy, fresh))


def negative_component_of_an_element(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """``a[i][-1] = e`` of a vector of three becomes ``a[i][2] = e``."""
    if not isinstance(node, (n.Assign, n.AugAssign)):
        return (node,)
    target = node.target
    if not isinstance(target, n.Index) or isinstance(target.value.type, t.Array) or is_local(target):
        return (node,)
    assert isinstance(target.value.type, (t.Vector, t.Matrix, t.Quaternion, t.Transform))
    at = tuple([_from_the_start(*each) for each in zip(target.indices, t.shape(target.value.type), strict=False)])
    return (replace(node, target=replace(target, indices=at)),)


def _from_the_start(index: n.Expr | n.Slice, size: int) -> n.Expr | n.Slice:
    match index:
        case n.Slice() | n.Binary(op="%", left=n.Binary(op="+", right=n.Literal()), right=n.Literal()):
            return index
        case n.Literal(value=value, type=type_):
            return n.Literal(int(value) % size, type_)
        case n.Unary(op="-", operand=n.Literal(value=value, type=type_)):
            return n.Literal(-int(value) % size, type_)
        case _:
            assert isinstance(index.type, t.Scalar)
            length = n.Literal(size, index.type)
            return n.Binary("%", n.Binary("+", index, length, index.type), length, index.type)


def _is_lost(target: n.Place) -> bool:
    """Whether Warp stores into a copy: a component of a part of a local transform, of a row by its letter."""
    if isinstance(target, n.Name) or not isinstance(target.value, (n.Index, n.Attribute)):
        return False
    part = target.value
    owner = part.value.type
    row = isinstance(owner, Matrix) and isinstance(part, n.Index) and isinstance(target, n.Attribute)
    half = isinstance(owner, Transform) and isinstance(part, n.Attribute)
    return (row or half) and is_local(part) and not any(isinstance(each, n.CallFunction) for each in walk(target))


def _store(place: n.Index | n.Attribute, value: n.Expr, fresh: FreshNames) -> n.Block:
    """``place = value``; a transform that is no local name itself is copied out first."""
    whole = place.value
    if isinstance(whole.type, Transform) and isinstance(whole, (n.Index, n.Attribute)):
        copy = n.Name(fresh("part"), whole.type)
        return (n.Assign(copy, whole), n.Assign(replace(place, value=copy), value), *_store(whole, copy, fresh))
    return (n.Assign(place, value),)
