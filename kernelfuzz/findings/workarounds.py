"""For each known bug that gives wrong values, or rejects what is valid, a rewrite that keeps clear of it.

A rewrite changes nothing of what a kernel computes.  So a kernel that fails, and passes once it is rewritten,
fails because of a known bug; and the rewritten kernel can be searched for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from kernelfuzz.findings.messages import own_names
from kernelfuzz.findings.rewrite import FreshNames, map_expressions, map_statements
from kernelfuzz.findings.shape import outlives
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Block,
    Call,
    CallFunction,
    Cast,
    Compare,
    Expr,
    For,
    Function,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Place,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
)
from kernelfuzz.ir.operators import unary_result
from kernelfuzz.ir.types import BOOL, INT32, Array, Matrix, Transform
from kernelfuzz.ir.verify import VerifyError, verify
from kernelfuzz.ir.walk import walk

Workaround: TypeAlias = Callable[[Kernel], Kernel]


def worked_around(kernel: Kernel, slugs: Iterable[str] | None = None) -> Kernel:
    """The kernel rewritten to keep clear of the bugs in ``slugs`` (all that are in ``WORKAROUNDS``).

    A rewrite that would not verify (a name that Warp holds for a constant, say) is left out.  Raises KeyError
    at a slug that has no workaround.
    """
    for slug in WORKAROUNDS if slugs is None else slugs:
        rewritten = WORKAROUNDS[slug](kernel)
        try:
            verify(rewritten)
        except VerifyError:
            continue
        kernel = rewritten
    return kernel


# --------------------------------------------------------------------------------------- expressions


def own_value(node: Expr) -> Expr:
    """The value of a name, an element or a part in a variable of its own, where an operator can do that."""
    if not isinstance(node, (Name, Index, Attribute)):
        return node
    if node.type == BOOL:
        return Unary("not", Unary("not", node, BOOL), BOOL)
    return Unary("+", node, node.type) if unary_result("+", node.type) == node.type else node


def constant_ternary_aliases(kernel: Kernel) -> Kernel:
    """The sides of a conditional expression get variables of their own where Warp may know its condition."""

    def change(node: Expr) -> Expr:
        if not isinstance(node, IfExp) or not _may_be_constant(node.test):
            return node
        return IfExp(node.test, own_value(node.body), own_value(node.orelse), node.type)

    return map_expressions(kernel, change)


def _may_be_constant(test: Expr) -> bool:
    return not any(isinstance(node, (Index, Attribute, Call, CallFunction)) for node in walk(test))


def conversion_retypes_a_constant(kernel: Kernel) -> Kernel:
    """A 64-bit conversion takes ``+n`` instead of the name itself."""

    def change(node: Expr) -> Expr:
        if isinstance(node, Cast) and node.type.bits == 64 and isinstance(node.operand, Name):
            return Cast(node.type, own_value(node.operand))
        return node

    return map_expressions(kernel, change)


def subscript_of_a_slice(kernel: Kernel) -> Kernel:
    """``(+v[1:3])[0]``: an operator between the two subscripts."""

    def change(node: Expr) -> Expr:
        if isinstance(node, Index) and isinstance(node.value, Index) and _is_slice(node.value):
            return Index(own_value(node.value), node.indices, node.type)
        return node

    return map_expressions(kernel, change, targets=False)


def _is_slice(node: Index) -> bool:
    return any(isinstance(index, Slice) for index in node.indices)


def chained_comparison_of_references(kernel: Kernel) -> Kernel:
    """The elements and fields that a chain compares get variables of their own."""

    def change(node: Expr) -> Expr:
        if not isinstance(node, Compare) or len(node.ops) < 2:
            return node
        return Compare(_loaded(node.left), node.ops, tuple(map(_loaded, node.comparators)), node.type)

    return map_expressions(kernel, change)


def _loaded(node: Expr) -> Expr:
    return node if isinstance(node, Name) else own_value(node)


# ---------------------------------------------------------------------------------------- statements


def tuple_assignment_aliases(kernel: Kernel) -> Kernel:
    """``a, b = b, a`` becomes single assignments through temporaries: Warp copies what those bind."""
    fresh = FreshNames(own_names(kernel), "copy")

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
    fresh = FreshNames(own_names(kernel), "count")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, For) or not outlives(node.name, function):
            return (node,)
        counter = fresh()
        kept = Assign(Name(node.name, INT32), Name(counter, INT32))
        return (For(counter, node.bounds, (kept, *node.body)),)

    return map_statements(kernel, change)


def store_into_a_part_of_a_part(kernel: Kernel) -> Kernel:
    """The part is copied out, changed, and stored back as a whole."""
    fresh = FreshNames(own_names(kernel), "part")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, (Assign, AugAssign)) or not _is_lost(node.target):
            return (node,)
        assert isinstance(node.target, (Index, Attribute))
        inner = node.target.value
        assert isinstance(inner, (Index, Attribute))
        copy = Name(fresh(), inner.type)
        place = _moved(node.target, copy)
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
    return (row or half) and _is_local(part) and not any(isinstance(n, CallFunction) for n in walk(target))


def _is_local(place: Expr) -> bool:
    while isinstance(place, (Index, Attribute)):
        place = place.value
        if isinstance(place.type, Array):
            return False
    return isinstance(place, Name)


def _store(place: Index | Attribute, value: Expr, fresh: FreshNames) -> Block:
    """``place = value``; a transform that is no local name itself is copied out first."""
    whole = place.value
    if isinstance(whole.type, Transform) and isinstance(whole, (Index, Attribute)):
        copy = Name(fresh(), whole.type)
        return (Assign(copy, whole), Assign(_moved(place, copy), value), *_store(whole, copy, fresh))
    return (Assign(place, value),)


def _moved(place: Index | Attribute, value: Name) -> Index | Attribute:
    """The same part of another value."""
    if isinstance(place, Attribute):
        return Attribute(value, place.name, place.type)
    return Index(value, place.indices, place.type)


# By the names of the pages in notes/findings.
WORKAROUNDS: Mapping[str, Workaround] = {
    "constant-ternary-aliases": constant_ternary_aliases,
    "conversion-retypes-a-constant": conversion_retypes_a_constant,
    "subscript-of-a-slice": subscript_of_a_slice,
    "chained-comparison-of-references": chained_comparison_of_references,
    "tuple-assignment-aliases": tuple_assignment_aliases,
    "empty-loop-loses-the-counter": empty_loop_loses_the_counter,
    "store-into-a-part-of-a-part": store_into_a_part_of_a_part,
}
