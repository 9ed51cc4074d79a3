"""What the rewrites have in common: values of their own, and questions about places."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import BOOL, Array, Transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.operators import unary_result


def own_value(node: n.Expr) -> n.Expr:
    """The value of a name, an element or a part in a variable of its own, where an operator can do that."""
    if not isinstance(node, (n.Name, n.Index, n.Attribute)):
        return node
    if node.type == BOOL:
        return n.Unary("not", n.Unary("not", node, BOOL), BOOL)
    if unary_result("+", node.type) == node.type:
        return n.Unary("+", node, node.type)
    if isinstance(node.type, Transform):
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
        or (isinstance(each, n.CallFunction) and any(isinstance(arg.type, Array) for arg in each.args))
        for each in walk(node)
    )


def moved(place: n.Index | n.Attribute, value: n.Name) -> n.Index | n.Attribute:
    """The same part of another value."""
    if isinstance(place, n.Attribute):
        return n.Attribute(value, place.name, place.type)
    return n.Index(value, place.indices, place.type)


def is_bound_again(name: str, function: n.Function | n.Kernel) -> bool:
    """Whether a name is bound in several places, or in one that a loop comes to several times."""
    bound = sum(param.name == name for param in function.params)
    for node in walk(*function.body):
        match node:
            case n.Assign(target=n.Name(id=id_)) | n.AugAssign(target=n.Name(id=id_)) | n.For(name=id_):
                bound += id_ == name
            case n.Unpack(names=names):
                bound += name in names
            case _:
                pass
        if isinstance(node, (n.For, n.While)):
            bound += any(isinstance(each, n.Unpack) and name in each.names for each in walk(*node.body))
    return bound > 1
