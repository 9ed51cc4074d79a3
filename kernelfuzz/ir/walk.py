"""Reading a tree: its children, every node below it, and the counts that describe a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Constant,
    Construct,
    Continue,
    ExprStmt,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Param,
    Pass,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)


def _none(node: Node) -> tuple[Node, ...]:
    return ()


# What is directly below a node, by its class.  A table and no ``match``: every node of every kernel is asked
# many times, and going through the cases took half of a walk.  A test holds it to the union of all nodes.
_CHILDREN: dict[type[Node], Callable[[Any], tuple[Node, ...]]] = {
    Name: _none,
    Literal: _none,
    Binary: attrgetter("left", "right"),
    Index: lambda node: (node.value, *node.indices),
    Assign: attrgetter("target", "value"),
    AugAssign: attrgetter("target", "value"),
    Call: attrgetter("args"),
    CallFunction: attrgetter("args"),
    Construct: attrgetter("args"),
    Unary: lambda node: (node.operand,),
    Cast: lambda node: (node.operand,),
    Attribute: lambda node: (node.value,),
    Static: lambda node: (node.value,),
    ExprStmt: lambda node: (node.value,),
    Compare: lambda node: (node.left, *node.comparators),
    BoolOp: attrgetter("values"),
    Return: attrgetter("values"),
    Unpack: attrgetter("values"),
    If: lambda node: (node.test, *node.body, *node.orelse),
    For: lambda node: (*node.bounds, *node.body),
    While: lambda node: (node.test, *node.body),
    IfExp: attrgetter("body", "test", "orelse"),
    ArrayShape: lambda node: (node.array,),
    Slice: _none,
    Break: _none,
    Continue: _none,
    Pass: _none,
    Param: _none,
    Constant: lambda node: (node.value,),
    Function: lambda node: (*node.params, *node.body),
    Kernel: lambda node: (*node.constants, *node.functions, *node.params, *node.body),
}


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below ``node``, in the order in which the source text has them."""
    return _CHILDREN[type(node)](node)


# Half of all nodes: asking each for its children would cost more than asking whether it is one of these.
LEAVES = frozenset({Name, Literal})


def walk(*roots: Node) -> Iterator[Node]:
    """The roots and every node below them: parents before children, in source order."""
    waiting: list[Node] = [*reversed(roots)]
    while waiting:
        current = waiting.pop()
        yield current
        kind = type(current)
        if kind not in LEAVES:
            waiting.extend(reversed(_CHILDREN[kind](current)))


def count_nodes(node: Node) -> int:
    """How many nodes there are in a tree, its root included."""
    return sum(1 for _ in walk(node))


def builtins_used(node: Node) -> frozenset[str]:
    """The names of the Warp builtins that a tree calls."""
    return frozenset(found.name for found in walk(node) if isinstance(found, Call))


def literal_text(literal: Literal) -> str:
    """The value as Python writes it in the literal's type: equal exactly when the literals are.

    Python calls 1, 1.0 and True equal, and 0.0 and -0.0; a kernel tells them apart.
    """
    match literal.type.kind:
        case "float":
            return repr(float(literal.value))
        case "bool":
            return repr(bool(literal.value))
        case _:
            return repr(int(literal.value))


def bound_names(block: Block) -> frozenset[str]:
    """The names that a block assigns: by ``=``, ``op=``, unpacking or as the variable of a ``for``."""
    names: set[str] = set()
    waiting = list(block)
    while waiting:
        statement = waiting.pop()
        match statement:
            case Assign(target=Name(id=name)) | AugAssign(target=Name(id=name)):
                names.add(name)
            case Unpack():
                names.update(statement.names)
            case If():
                waiting += (*statement.body, *statement.orelse)
            case For():
                names.add(statement.name)
                waiting += statement.body
            case While():
                waiting += statement.body
            case Assign() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
                pass
            case _:
                return assert_never(statement)
    return frozenset(names)


def nesting(body: Kernel | Block) -> int:
    """How deeply ``if``, ``for`` and ``while`` are nested; an ``elif`` is as deep as its ``if``."""
    block = body.body if isinstance(body, Kernel) else body
    return max((_statement_nesting(statement) for statement in block), default=0)


def _statement_nesting(statement: Stmt) -> int:
    match statement:
        case If(body=body, orelse=(If() as elif_,)):
            return max(1 + nesting(body), _statement_nesting(elif_))
        case If(body=body, orelse=orelse):
            return 1 + max(nesting(body), nesting(orelse))
        case For(body=body) | While(body=body):
            return 1 + nesting(body)
        case Assign() | Unpack() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
            return 0
        case _:
            return assert_never(statement)


def num_lines(kernel: Kernel) -> int:
    """The lines of the kernel function as rendered: its ``def`` and its body, without the decorator."""
    return 1 + _block_lines(kernel.body)


def _block_lines(block: Block) -> int:
    # An empty block is one ``pass``.
    return sum(_statement_lines(statement) for statement in block) or 1


def _statement_lines(statement: Stmt) -> int:
    match statement:
        case If(body=body, orelse=()):
            return 1 + _block_lines(body)
        case If(body=body, orelse=(If() as elif_,)):
            return 1 + _block_lines(body) + _statement_lines(elif_)
        case If(body=body, orelse=orelse):
            return 2 + _block_lines(body) + _block_lines(orelse)
        case For(body=body) | While(body=body):
            return 1 + _block_lines(body)
        case Assign() | Unpack() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
            return 1
        case _:
            return assert_never(statement)
