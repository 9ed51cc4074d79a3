"""For each known bug that gives wrong values, or rejects what is valid, a rewrite that keeps clear of it.

A rewrite changes nothing of what a kernel computes.  So a kernel that fails, and passes once it is rewritten,
fails because of a known bug; and the rewritten kernel can be searched for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from kernelfuzz.findings.messages import own_names
from kernelfuzz.findings.rewrite import FreshNames, map_expressions, map_statements
from kernelfuzz.findings.shape import outlives
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Expr,
    For,
    Function,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Place,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.operators import unary_result
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Array, Matrix, Scalar, Tile, Transform
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


def negated_zero(kernel: Kernel) -> Kernel:
    """``x * -1.0`` instead of ``-x`` and ``wp.neg(x)`` of a scalar or a tile."""

    def change(node: Expr) -> Expr:
        match node:
            case Unary(op="-", operand=operand, type=Scalar(is_float=True) as dtype):
                pass
            case Unary(op="-", operand=operand, type=Tile(dtype=dtype)):
                pass
            case Call(name="neg", args=(operand,), type=Scalar(is_float=True) as dtype):
                pass
            case _:
                return node
        if isinstance(operand, Literal) and (operand.value or operand.type == FLOAT32):
            return node  # Warp negates a constant itself
        return Binary("*", operand, Unary("-", Literal(1.0, dtype), dtype), node.type)

    return map_expressions(kernel, change)


def element_is_read_late(kernel: Kernel) -> Kernel:
    """``+a[i] + f(a)``: an operator loads the element before a later operand writes it."""

    def change(node: Expr) -> Expr:
        match node:
            case Binary(left=left, right=right):
                left, right = _read_early((left, right))
                return replace(node, left=left, right=right)
            case Compare(left=left, comparators=comparators):
                left, *others = _read_early((left, *comparators))
                return replace(node, left=left, comparators=tuple(others))
            case Call(args=args) | CallFunction(args=args) | Construct(args=args):
                return replace(node, args=_read_early(args))
            case _:
                return node

    def change_statement(node: Stmt, function: Function | Kernel) -> Block:
        match node:
            case AugAssign(target=Index(indices=indices) as target, op=op, value=value):
                simple = all(isinstance(index, (Name, Literal)) for index in indices)
                if op in _NOT_ATOMIC and simple and _is_element(target) and _writes(value):
                    return (Assign(target, Binary(op, own_value(target), value, target.type)),)
            case For(bounds=bounds):
                return (replace(node, bounds=_read_early(bounds)),)
            case Return(values=values):
                return (Return(_read_early(values)),)
            case _:
                pass
        return (node,)

    return map_statements(map_expressions(kernel, change), change_statement)


# An augmented assignment of an array element by any other operator is one atomic operation.
_NOT_ATOMIC = frozenset(("*", "/", "//", "%", "<<", ">>", "**"))


def _read_early(operands: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The operands; those that are elements, and have one that may write behind them, are loaded."""
    return tuple(
        [
            own_value(node) if _is_element(node) and any(map(_writes, operands[number + 1 :])) else node
            for number, node in enumerate(operands)
        ]
    )


def _is_element(node: Expr) -> bool:
    return isinstance(node, (Index, Attribute)) and not isinstance(node.type, Array) and not _is_local(node)


def _writes(node: Expr) -> bool:
    """Whether an expression may write an array."""
    return any(
        (isinstance(each, Call) and each.name.startswith("atomic_"))
        or (isinstance(each, CallFunction) and any(isinstance(arg.type, Array) for arg in each.args))
        for each in walk(node)
    )


def chained_comparison_is_eager(kernel: Kernel) -> Kernel:
    """``a < b and b < f(c)`` instead of ``a < b < f(c)``, where nothing in between has to be kept."""

    def change(node: Expr) -> Expr:
        if not isinstance(node, Compare) or not any(map(_writes, node.comparators[1:])):
            return node
        if not all(isinstance(each, (Name, Literal)) for each in node.comparators[:-1]):
            return node
        sides = (node.left, *node.comparators)
        links = zip(sides[:-1], node.ops, sides[1:], strict=True)
        return BoolOp("and", tuple([Compare(left, (op,), (right,)) for left, op, right in links]))

    return map_expressions(kernel, change)


# ---------------------------------------------------------------------------------------- statements


def tuple_assignment_of_an_element(kernel: Kernel) -> Kernel:
    """``x, y = +a[i], e`` where ``x`` is any other variable too."""

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, Unpack) or len(node.values) < 2:
            return (node,)
        values = [
            _loaded(value) if _is_bound_again(name, function) else value
            for name, value in zip(node.names, node.values, strict=True)
        ]
        return (Unpack(node.names, tuple(values)),)

    return map_statements(kernel, change)


def _is_bound_again(name: str, function: Function | Kernel) -> bool:
    """Whether a name is bound in several places, or in one that a loop comes to several times."""
    bound = sum(param.name == name for param in function.params)
    for node in walk(*function.body):
        match node:
            case Assign(target=Name(id=id_)) | AugAssign(target=Name(id=id_)) | For(name=id_):
                bound += id_ == name
            case Unpack(names=names):
                bound += name in names
            case _:
                pass
        if isinstance(node, (For, While)):
            bound += any(isinstance(each, Unpack) and name in each.names for each in walk(*node.body))
    return bound > 1


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
    "negated-zero": negated_zero,
    "element-is-read-late": element_is_read_late,
    "chained-comparison-is-eager": chained_comparison_is_eager,
    # Before the aliases, whose rewrite splits every tuple assignment.
    "tuple-assignment-of-an-element": tuple_assignment_of_an_element,
    "tuple-assignment-aliases": tuple_assignment_aliases,
    "empty-loop-loses-the-counter": empty_loop_loses_the_counter,
    "store-into-a-part-of-a-part": store_into_a_part_of_a_part,
}
