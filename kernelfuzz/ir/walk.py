"""Reading a tree: its children, every node below it, and the counts that describe a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.exhaustive import assert_never


def _none(node: n.Node) -> tuple[n.Node, ...]:
    return ()


# What is directly below a node, by its class.  A table and no ``match``: every node of every kernel is asked
# many times, and going through the cases took half of a walk.  A test holds it to the union of all nodes.
_CHILDREN: dict[type[n.Node], Callable[[Any], tuple[n.Node, ...]]] = {
    n.Name: _none,
    n.Literal: _none,
    n.Binary: attrgetter("left", "right"),
    n.Index: lambda node: (node.value, *node.indices),
    n.Assign: attrgetter("target", "value"),
    n.AugAssign: attrgetter("target", "value"),
    n.Call: attrgetter("args"),
    n.CallFunction: attrgetter("args"),
    n.Construct: attrgetter("args"),
    n.Unary: lambda node: (node.operand,),
    n.Cast: lambda node: (node.operand,),
    n.Attribute: lambda node: (node.value,),
    n.Static: lambda node: (node.value,),
    n.ExprStmt: lambda node: (node.value,),
    n.Compare: lambda node: (node.left, *node.comparators),
    n.BoolOp: attrgetter("values"),
    n.Return: attrgetter("values"),
    n.Unpack: attrgetter("values"),
    n.If: lambda node: (node.test, *node.body, *node.orelse),
    n.For: lambda node: (*node.bounds, *node.body),
    n.While: lambda node: (node.test, *node.body),
    n.IfExp: attrgetter("body", "test", "orelse"),
    n.ArrayShape: lambda node: (node.array,),
    n.Slice: _none,
    n.Break: _none,
    n.Continue: _none,
    n.Pass: _none,
    n.Param: _none,
    n.Constant: lambda node: (node.value,),
    n.Function: lambda node: (*node.params, *node.body),
    n.Kernel: lambda node: (*node.constants, *node.functions, *node.params, *node.body),
}


def children(node: n.Node) -> tuple[n.Node, ...]:
    """The nodes directly below ``node``, in the order in which the source text has them."""
    return _CHILDREN[type(node)](node)


# Half of all nodes: asking each for its children would cost more than asking whether it is one of these.
LEAVES = frozenset({n.Name, n.Literal})


def walk(*roots: n.Node) -> Iterator[n.Node]:
    """The roots and every node below them: parents before children, in source order."""
    waiting: list[n.Node] = [*reversed(roots)]
    while waiting:
        current = waiting.pop()
        yield current
        kind = type(current)
        if kind not in LEAVES:
            waiting.extend(reversed(_CHILDREN[kind](current)))


def count_nodes(node: n.Node) -> int:
    """How many nodes there are in a tree, its root included."""
    return sum(1 for _ in walk(node))


def builtins_used(node: n.Node) -> frozenset[str]:
    """The names of the Warp builtins that a tree calls."""
    return frozenset(found.name for found in walk(node) if isinstance(found, n.Call))


def literal_text(literal: n.Literal) -> str:
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


def bound_names(block: n.Block) -> frozenset[str]:
    """The names that a block assigns: by ``=``, ``op=``, unpacking or as the variable of a ``for``."""
    names: set[str] = set()
    waiting = list(block)
    while waiting:
        statement = waiting.pop()
        match statement:
            case n.Assign(target=n.Name(id=name)) | n.AugAssign(target=n.Name(id=name)):
                names.add(name)
            case n.Unpack():
                names.update(statement.names)
            case n.If():
                waiting += (*statement.body, *statement.orelse)
            case n.For():
                names.add(statement.name)
                waiting += statement.body
            case n.While():
                waiting += statement.body
            case n.Assign() | n.AugAssign() | n.Break() | n.Continue() | n.Pass() | n.Return() | n.ExprStmt():
                pass
            case _:
                return assert_never(statement)
    return frozenset(names)


def nesting(body: n.Kernel | n.Block) -> int:
    """How deeply ``if``, ``for`` and ``while`` are nested; an ``elif`` is as deep as its ``if``."""
    block = body.body if isinstance(body, n.Kernel) else body
    return max((_statement_nesting(statement) for statement in block), default=0)


def _statement_nesting(statement: n.Stmt) -> int:
    match statement:
        case n.If(body=body, orelse=(n.If() as elif_,)):
            return max(1 + nesting(body), _statement_nesting(elif_))
        case n.If(body=body, orelse=orelse):
            return 1 + max(nesting(body), nesting(orelse))
        case n.For(body=body) | n.While(body=body):
            return 1 + nesting(body)
        case n.Assign() | n.Unpack() | n.AugAssign() | n.Break() | n.Continue() | n.Pass() | n.Return() | n.ExprStmt():
            return 0
        case _:
            return assert_never(statement)


def num_lines(kernel: n.Kernel) -> int:
    """The lines of the kernel function as rendered: its ``def`` and its body, without the decorator."""
    return 1 + _block_lines(kernel.body)


def _block_lines(block: n.Block) -> int:
    # An empty block is one ``pass``.
    return sum(_statement_lines(statement) for statement in block) or 1


def _statement_lines(statement: n.Stmt) -> int:
    match statement:
        case n.If(body=body, orelse=()):
            return 1 + _block_lines(body)
        case n.If(body=body, orelse=(n.If() as elif_,)):
            return 1 + _block_lines(body) + _statement_lines(elif_)
        case n.If(body=body, orelse=orelse):
            return 2 + _block_lines(body) + _block_lines(orelse)
        case n.For(body=body) | n.While(body=body):
            return 1 + _block_lines(body)
        case n.Assign() | n.Unpack() | n.AugAssign() | n.Break() | n.Continue() | n.Pass() | n.Return() | n.ExprStmt():
            return 1
        case _:
            return assert_never(statement)
