"""Rewrites for bugs that give wrong gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from kernelfuzz.analysis.writes import is_local
from kernelfuzz.findings.messages import own_names
from kernelfuzz.findings.rewrite import FreshNames, map_expressions, map_statements
from kernelfuzz.findings.workarounds.parts import is_bound_again, moved
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    Call,
    CallFunction,
    Expr,
    For,
    Function,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Param,
    Place,
    Return,
    Stmt,
    Unary,
    While,
)
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.types import (
    INT32,
    Array,
    Quaternion,
    Scalar,
    Struct,
    Transform,
    Type,
    Vector,
    has_floats,
)
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.oracles.differentiable import constructed_again
from kernelfuzz.typecheck.operators import unary_result

_LETTERS = "xyzw"


def component_sum(kernel: Kernel) -> Kernel:
    """``v[1] += e`` instead of ``v.y += e``; of a transform, ``t = wp.transform(t.p + e, t.q)``."""

    def change(node: Stmt, function: Function | Kernel) -> Block:
        match node:
            case AugAssign(target=Attribute(value=whole, name=name) as target, op="+" | "-" as op):
                pass
            case _:
                return (node,)
        if not is_local(target):
            return (node,)
        match whole.type:
            case Vector() | Quaternion():
                at = Literal(_LETTERS.index(name), INT32)
                return (replace(node, target=Index(whole, (at,), target.type)),)
            case Transform():
                made = constructed_again(Assign(target, Binary(op, target, node.value, target.type)))
                return (node,) if made is None else (made,)
            case _:
                return (node,)

    return map_statements(kernel, change)


def component_of_a_field(kernel: Kernel) -> Kernel:
    """``s.v = wp.vec3(e, s.v.y, s.v.z)`` instead of ``s.v.x = e``; a sum is made in a copy."""
    fresh = FreshNames(own_names(kernel), "part")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        if not isinstance(node, (Assign, AugAssign)) or not _is_component_of_a_field(node.target):
            return (node,)
        assert isinstance(node.target, (Index, Attribute))
        if isinstance(node, Assign):
            made = constructed_again(node)
            return (node,) if made is None else (made,)
        whole = node.target.value
        assert isinstance(whole, Attribute)
        copy = Name(fresh(), whole.type)
        place = moved(node.target, copy)
        if isinstance(place, Attribute) and not isinstance(whole.type, Transform):
            place = Index(copy, (Literal(_LETTERS.index(place.name), INT32),), place.type)
        return (Assign(copy, whole), AugAssign(place, node.op, node.value), Assign(whole, copy))

    return map_statements(kernel, change)


def _is_component_of_a_field(place: Place) -> bool:
    """Whether the place is a component of a vector in a field of a local struct."""
    if isinstance(place, Name) or not isinstance(place.value, Attribute) or not is_local(place):
        return False
    return isinstance(place.value.value.type, Struct) and not isinstance(place.value.type, Struct)


def remainder(kernel: Kernel) -> Kernel:
    """``a - b * wp.trunc(a / b)``, in a function, instead of ``a % b`` and ``wp.mod(a, b)`` of floats.

    That is the same up to rounding.
    """
    fresh = FreshNames(own_names(kernel), "remainder")
    made: dict[Type, Function] = {}

    def call(left: Expr, right: Expr, type_: Scalar) -> CallFunction:
        if type_ not in made:
            made[type_] = _remainder_of(fresh(), type_)
        return CallFunction(made[type_].name, (left, right), type_)

    def change(node: Expr) -> Expr:
        match node:
            case Binary(op="%", left=left, right=right, type=Scalar(is_float=True) as type_):
                return call(left, right, type_)
            case Call(name="mod", args=(left, right), type=Scalar(is_float=True) as type_):
                return call(left, right, type_)
            case _:
                return node

    def change_statement(node: Stmt, function: Function | Kernel) -> Block:
        match node:
            case AugAssign(target=Name(type=Scalar(is_float=True) as type_) as target, op="%", value=value):
                return (Assign(target, call(target, value, type_)),)
            case _:
                return (node,)

    kernel = map_statements(map_expressions(kernel, change), change_statement)
    return replace(kernel, functions=(*made.values(), *kernel.functions))


def _remainder_of(name: str, type_: Scalar) -> Function:
    a, b = Name("a", type_), Name("b", type_)
    quotient = Call("trunc", (Binary("/", a, b, type_),), type_)
    value = Binary("-", a, Binary("*", b, quotient, type_), type_)
    return Function(name, (Param("a", type_), Param("b", type_)), type_, (Return((value,)),))


def changed_in_place(kernel: Kernel) -> Kernel:
    """``x = +f(y)`` where ``x`` is bound again, and ``v = +v`` before ``v[i] += e``.

    So the adjoint of ``f``, and those of what has read ``v``, find a variable that no sum changes.  ``e``
    reads the variable that ``v`` was before.
    """
    done = {
        id(node)
        for block in _blocks(kernel)
        for before, node in pairwise(block)
        if isinstance(node, AugAssign) and before == _copy_before(node)
    }

    summed_in_part = {
        name
        for block in _blocks(kernel)
        for node in block
        if isinstance(node, AugAssign) and (copy := _copy_before(node)) is not None
        for name in bound_names((copy,))
    }

    fresh = FreshNames(own_names(kernel), "held")

    def change(node: Stmt, function: Function | Kernel) -> Block:
        match node:
            case AugAssign(target=Index(value=whole)):
                copy = None if id(node) in done else _copy_before(node)
                if copy is None:
                    return (node,)
                if whole not in walk(node.value):
                    return (copy, node)
                held = Name(fresh(), whole.type)
                value = transform(node.value, lambda each: held if each == whole else each)
                return (Assign(held, whole), copy, replace(node, value=value))
            case Assign(target=Name(id=name) as target, value=(Call() | CallFunction() | Binary()) as value):
                changed = is_bound_again(name, function) or name in summed_in_part
                if not changed or (copied := _copied(value)) is None:
                    return (node,)
                return (Assign(target, copied),)
            case _:
                return (node,)

    return map_statements(kernel, change)


def _copy_before(node: AugAssign) -> Assign | None:
    """``v = +v`` for ``v[i] += e``."""
    match node:
        case AugAssign(target=Index(value=Name(type=type_) as whole), op="+" | "-") if not isinstance(
            type_, Array
        ):
            copied = _copied(whole)
            return None if copied is None else Assign(whole, copied)
        case _:
            return None


def _copied(value: Expr) -> Expr | None:
    """A value of floats in a variable of its own; None where no operator does that."""
    if not has_floats(value.type):
        return None
    return Unary("+", value, value.type) if unary_result("+", value.type) == value.type else None


def _blocks(kernel: Kernel) -> Iterator[Block]:
    for unit in (kernel, *kernel.functions):
        yield unit.body
        for node in walk(*unit.body):
            if isinstance(node, (If, For, While)):
                yield node.body
            if isinstance(node, If):
                yield node.orelse
