"""What the rewrites have in common: values of their own, and questions about places."""

from __future__ import annotations

from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Call,
    CallFunction,
    Expr,
    For,
    Function,
    Index,
    Kernel,
    Literal,
    Name,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.types import BOOL, Array, Transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.operators import unary_result


def own_value(node: Expr) -> Expr:
    """The value of a name, an element or a part in a variable of its own, where an operator can do that."""
    if not isinstance(node, (Name, Index, Attribute)):
        return node
    if node.type == BOOL:
        return Unary("not", Unary("not", node, BOOL), BOOL)
    if unary_result("+", node.type) == node.type:
        return Unary("+", node, node.type)
    if isinstance(node.type, Transform):
        # It has no unary plus; a product by one has the same bits.
        return Binary("*", node, Literal(1.0, node.type.dtype), node.type)
    return node


def loaded(node: Expr) -> Expr:
    """The value of an element or a part in a variable of its own; a name stays."""
    return node if isinstance(node, Name) else own_value(node)


def writes(node: Expr) -> bool:
    """Whether an expression may write an array."""
    return any(
        (isinstance(each, Call) and each.name.startswith("atomic_"))
        or (isinstance(each, CallFunction) and any(isinstance(arg.type, Array) for arg in each.args))
        for each in walk(node)
    )


def moved(place: Index | Attribute, value: Name) -> Index | Attribute:
    """The same part of another value."""
    if isinstance(place, Attribute):
        return Attribute(value, place.name, place.type)
    return Index(value, place.indices, place.type)


def is_bound_again(name: str, function: Function | Kernel) -> bool:
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
