"""What the rewrites have in common: values of their own, and questions about places."""

from __future__ import annotations

from kernelfuzz.analysis.effects import constant_component
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.operators import unary_result


def own_value(node: n.Expr) -> n.Expr:
    """The value of a name, an element or a part in a variable of its own, where an operator can do that."""
    if not isinstance(node, (n.Name, n.Index, n.Attribute)):
        return node
    if node.type == t.BOOL:
        return n.Unary("not", n.Unary("not", node, t.BOOL), t.BOOL)
    if unary_result("+", node.type) == node.type:
        return n.Unary("+", node, node.type)
    if isinstance(node.type, t.Transform):
        # It has no unary plus; a product by one has the same bits.
        return n.Binary("*", node, n.Literal(1.0, node.type.dtype), node.type)
    return node


def loaded(node: n.Expr) -> n.Expr:
    """The value of an element or a part in a variable of its own; a name stays."""
    return node if isinstance(node, n.Name) else own_value(node)


def writes(node: n.Expr) -> bool:
    """Whether an expression may write an array."""
    return any(
        (isinstance(each, n.Call) and each.name.startswith("atomic_"))
        or (isinstance(each, n.CallFunction) and any(isinstance(arg.type, t.Array) for arg in each.args))
        for each in walk(node)
    )


def moved(place: n.Index | n.Attribute, value: n.Name) -> n.Index | n.Attribute:
    """The same part of another value."""
    if isinstance(place, n.Attribute):
        return n.Attribute(value, place.name, place.type)
    return n.Index(value, place.indices, place.type)


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
