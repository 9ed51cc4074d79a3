"""Workarounds for bugs that give wrong gradients."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from kernelfuzz.analysis.effects import constant_component, is_bound_again
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames, is_local, root_name
from kernelfuzz.ir.rewrite import map_expressions, map_statements, transform
from kernelfuzz.ir.walk import blocks, walk
from kernelfuzz.rewrites.loads import Unit
from kernelfuzz.rewrites.places import fresh_names
from kernelfuzz.typecheck.operators import unary_result

_LETTERS = "xyzw"

# ------------------------------------------------------------------ components


def constructed_again(node: n.Assign) -> n.Assign | None:
    """``whole = wp.vec3(e, whole.y, whole.z)`` for ``whole.x = e``; None where that is not known."""
    target = node.target
    assert isinstance(target, (n.Attribute, n.Index))
    whole = target.value
    if not isinstance(whole, (n.Name, n.Index, n.Attribute)):
        return None
    at = constant_component(target)
    parts: list[n.Expr]
    match whole.type:
        case t.Vector(length=length, dtype=dtype) if isinstance(at, int):
            parts = [_component(whole, (index,), dtype) for index in range(length)]
        case t.Quaternion(dtype=dtype) if isinstance(at, int):
            parts = [_component(whole, (index,), dtype) for index in range(4)]
        case t.Matrix(rows=rows, columns=columns, dtype=dtype) if isinstance(at, tuple):
            row, column = at
            parts = [_component(whole, (r, c), dtype) for r in range(rows) for c in range(columns)]
            at = row * columns + column
        case t.Transform() if isinstance(target, n.Attribute) and target.name in ("p", "q"):
            at = ("p", "q").index(target.name)
            vector, rotation = t.Vector(3, whole.type.dtype), t.Quaternion(whole.type.dtype)
            parts = [n.Attribute(whole, "p", vector), n.Attribute(whole, "q", rotation)]
        case _:
            return None
    if at >= len(parts):
        return None
    parts[at] = node.value
    return n.Assign(whole, n.Construct(whole.type, tuple(parts)))


def _component(whole: n.Expr, indices: tuple[int, ...], dtype: t.Scalar) -> n.Expr:
    return n.Index(whole, tuple([n.Literal(index, t.INT32) for index in indices]), dtype)


def component_sum(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """``v[1] += e`` instead of ``v.y += e``; of a transform, ``t = wp.transform(t.p + e, t.q)``."""
    match node:
        case n.AugAssign(target=n.Attribute(value=whole, name=name) as target, op="+" | "-" as op) if is_local(target):
            pass
        case _:
            return (node,)
    match whole.type:
        case t.Vector() | t.Quaternion():
            at = n.Literal(_LETTERS.index(name), t.INT32)
            return (replace(node, target=n.Index(whole, (at,), target.type)),)
        case t.Transform():
            made = constructed_again(n.Assign(target, n.Binary(op, target, node.value, target.type)))
            return (node,) if made is None else (made,)
        case _:
            return (node,)


def component_of_a_field(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """``s.v = wp.vec3(e, s.v.y, s.v.z)`` instead of ``s.v.x = e``; a sum is made in a copy."""
    if not isinstance(node, (n.Assign, n.AugAssign)) or not _is_component_of_a_field(node.target):
        return (node,)
    assert isinstance(node.target, (n.Index, n.Attribute))
    if isinstance(node, n.Assign):
        made = constructed_again(node)
        return (node,) if made is None else (made,)
    whole = node.target.value
    assert isinstance(whole, n.Attribute)
    copy = n.Name(fresh("part"), whole.type)
    place = replace(node.target, value=copy)
    if isinstance(place, n.Attribute) and not isinstance(whole.type, t.Transform):
        place = n.Index(copy, (n.Literal(_LETTERS.index(place.name), t.INT32),), place.type)
    return (n.Assign(copy, whole), replace(node, target=place), n.Assign(whole, copy))


def _is_component_of_a_field(place: n.Place) -> bool:
    """Whether the place is a component of a vector in a field of a local struct."""
    if isinstance(place, n.Name) or not isinstance(place.value, n.Attribute) or not is_local(place):
        return False
    return isinstance(place.value.value.type, t.Struct) and not isinstance(place.value.type, t.Struct)


# ------------------------------------------------------------------- remainders


def remainder(kernel: n.Kernel) -> n.Kernel:
    """``a - b * wp.trunc(a / b)``, in a function, instead of ``a % b`` and ``wp.mod(a, b)`` of floats.

    That is the same up to rounding.
    """
    fresh = fresh_names(kernel)
    made: dict[t.Type, n.Function] = {}

    def call(left: n.Expr, right: n.Expr, type_: t.Scalar) -> n.CallFunction:
        if type_ not in made:
            made[type_] = _remainder_of(fresh("remainder"), type_)
        return n.CallFunction(made[type_].name, (left, right), type_)

    def change(node: n.Expr) -> n.Expr:
        match node:
            case (
                n.Binary(op="%", left=left, right=right, type=t.Scalar(is_float=True) as type_)
                | n.Call(name="mod", args=(left, right), type=t.Scalar(is_float=True) as type_)
            ):
                return call(left, right, type_)
            case _:
                return node

    def change_statement(node: n.Stmt, unit: Unit) -> n.Block:
        match node:
            case n.AugAssign(target=n.Name(type=t.Scalar(is_float=True) as type_) as target, op="%", value=value):
                return (n.Assign(target, call(target, value, type_)),)
            case _:
                return (node,)

    kernel = map_statements(map_expressions(kernel, change), change_statement)
    return replace(kernel, functions=(*made.values(), *kernel.functions))


def _remainder_of(name: str, type_: t.Scalar) -> n.Function:
    a, b = n.Name("a", type_), n.Name("b", type_)
    quotient = n.Call("trunc", (n.Binary("/", a, b, type_),), type_)
    value = n.Binary("-", a, n.Binary("*", b, quotient, type_), type_)
    return n.Function(name, (n.Param("a", type_), n.Param("b", type_)), type_, (n.Return((value,)),))


# ------------------------------------------------------- variables that a sum changes


def summed_in_place(kernel: n.Kernel) -> n.Kernel:
    """``x = +f(y)`` where ``x`` is bound again, and ``v = +v`` before ``v[i] += e``.

    So the adjoint of ``f``, and those of what has read ``v``, find a variable that no sum changes.  ``e``
    reads the variable that ``v`` was before.
    """
    inside = [block for node in walk(kernel) for block in blocks(node)]
    done = {
        id(node)
        for block in inside
        for before, node in pairwise(block)
        if isinstance(node, n.AugAssign) and before == _copy_before(node)
    }
    copies = [_copy_before(node) for block in inside for node in block if isinstance(node, n.AugAssign)]
    summed_in_part = {root_name(copy.target) for copy in copies if copy is not None}
    fresh = fresh_names(kernel)

    def change(node: n.Stmt, unit: Unit) -> n.Block:
        match node:
            case n.AugAssign(target=n.Index(value=whole)):
                copy = None if id(node) in done else _copy_before(node)
                if copy is None:
                    return (node,)
                if whole not in walk(node.value):
                    return (copy, node)
                held = n.Name(fresh("held"), whole.type)
                value = transform(node.value, lambda each: held if each == whole else each)
                return (n.Assign(held, whole), copy, replace(node, value=value))
            case n.Assign(target=n.Name(id=name) as target, value=(n.Call() | n.CallFunction() | n.Binary()) as value):
                changed = is_bound_again(name, unit) or name in summed_in_part
                if not changed or (copied := _copied(value)) is None:
                    return (node,)
                return (n.Assign(target, copied),)
            case _:
                return (node,)

    return map_statements(kernel, change)


def _copy_before(node: n.AugAssign) -> n.Assign | None:
    """``v = +v`` for ``v[i] += e``."""
    match node:
        case n.AugAssign(target=n.Index(value=n.Name(type=type_) as whole), op="+" | "-") if not isinstance(
            type_, t.Array
        ):
            copied = _copied(whole)
            return None if copied is None else n.Assign(whole, copied)
        case _:
            return None


def _copied(value: n.Expr) -> n.Expr | None:
    """A value of floats in a variable of its own; None where no operator does that."""
    if not t.has_floats(value.type):
        return None
    return n.Unary("+", value, value.type) if unary_result("+", value.type) == value.type else None
