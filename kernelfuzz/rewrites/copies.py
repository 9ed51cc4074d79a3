"""Rewrites of statements, for bugs that give wrong values."""

from __future__ import annotations

from kernelfuzz.analysis.effects import is_bound_again, outlives
from kernelfuzz.analysis.writes import is_local
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Block,
    Call,
    CallFunction,
    Expr,
    For,
    Function,
    Index,
    Kernel,
    Literal,
    Name,
    Place,
    Static,
    Stmt,
    Unary,
    Unpack,
)
from kernelfuzz.ir.types import INT32, Matrix, Transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.rewrites.everywhere import FreshNames, identifiers, map_statements
from kernelfuzz.rewrites.parts import loaded, moved


def tuple_assignment_of_an_element(kernel: Kernel) -> Kernel:
    """``x, y = +a[i], e`` where ``x`` is any other variable too."""

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, Unpack) or len(node.values) < 2:
            return (node,)
        values = [
            loaded(value) if is_bound_again(name, function) else value
            for name, value in zip(node.names, node.values, strict=True)
        ]
        return (Unpack(node.names, tuple(values)),)

    return map_statements(kernel, change)


def tuple_assignment_aliases(kernel: Kernel) -> Kernel:
    """``a, b = b, a`` becomes single assignments through temporaries: Warp copies what those bind."""
    fresh = FreshNames(identifiers(kernel), "copy")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, Unpack) or len(node.values) < 2:
            return (node,)
        before: list[Stmt] = []
        after: list[Stmt] = []
        for name, value in zip(node.names, node.values, strict=True):
            kept = value
            if not _is_constant(value):
                kept = Name(fresh(), value.type)
                before.append(Assign(kept, value))
            after.append(Assign(Name(name, value.type), kept))
        return (*before, *after)

    return map_statements(kernel, change)


def _is_constant(value: Expr) -> bool:
    """What no temporary is needed for; Warp would take that for a constant, which no loop may change."""
    match value:
        case Literal() | Static() | Unary(op="-", operand=Literal()) | Call(name="len"):
            return True
        case _:
            return False


def empty_loop_loses_the_counter(kernel: Kernel) -> Kernel:
    """A counter that is a variable outside of its loop too is counted by another name."""
    fresh = FreshNames(identifiers(kernel), "count")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, For) or not outlives(node.name, function):
            return (node,)
        counter = fresh()
        kept = Assign(Name(node.name, INT32), Name(counter, INT32))
        return (For(counter, node.bounds, (kept, *node.body)),)

    return map_statements(kernel, change)


def store_into_a_part_of_a_part(kernel: Kernel) -> Kernel:
    """The part is copied out, changed, and stored back as a whole."""
    fresh = FreshNames(identifiers(kernel), "part")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, (Assign, AugAssign)) or not _is_lost(node.target):
            return (node,)
        assert isinstance(node.target, (Index, Attribute))
        inner = node.target.value
        assert isinstance(inner, (Index, Attribute))
        copy = Name(fresh(), inner.type)
        place = moved(node.target, copy)
        if isinstance(node, Assign):
            stored: Stmt = Assign(place, node.value)
        else:
            stored = AugAssign(place, node.op, node.value)
        return (Assign(copy, inner), stored, *_store(inner, copy, fresh))

    return map_statements(kernel, change)


def _is_lost(target: Place) -> bool:
    """Whether Warp stores into a copy: a component of a part of a local transform, of a row by its letter."""
    if isinstance(target, Name) or not isinstance(target.value, (Index, Attribute)):
        return False
    part = target.value
    owner = part.value.type
    row = isinstance(owner, Matrix) and isinstance(part, Index) and isinstance(target, Attribute)
    half = isinstance(owner, Transform) and isinstance(part, Attribute)
    return (row or half) and is_local(part) and not any(isinstance(n, CallFunction) for n in walk(target))


def _store(place: Index | Attribute, value: Expr, fresh: FreshNames) -> Block:
    """``place = value``; a transform that is no local name itself is copied out first."""
    whole = place.value
    if isinstance(whole.type, Transform) and isinstance(whole, (Index, Attribute)):
        copy = Name(fresh(), whole.type)
        return (Assign(copy, whole), Assign(moved(place, copy), value), *_store(whole, copy, fresh))
    return (Assign(place, value),)
