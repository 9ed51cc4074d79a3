"""Places in a kernel by field: which block a statement stands in, and which role an expression has.

``kernelfuzz.ir.rewrite`` numbers the children of a node; here a step also says what the child is to its
parent, because a transformation must tell a target from a value and a body from an else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast, get_args

from kernelfuzz.analysis.writes import changed_arguments
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.nodes import Block, Expr, Node, Stmt
from kernelfuzz.ir.rewrite import transform

N = TypeVar("N", bound=Node)

# A field of a dataclass, and the position in it where it is a tuple.
Step: TypeAlias = tuple[str, "int | None"]
Path: TypeAlias = tuple[Step, ...]

_NODES: tuple[type, ...] = get_args(Node)


@cache
def _fields(class_: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(class_))


def steps(node: Node) -> Iterator[tuple[Step, Node]]:
    """The nodes directly below ``node`` with the step that leads to each, in the order of the fields."""
    for name in _fields(type(node)):
        value: Any = getattr(node, name)
        if isinstance(value, _NODES):
            yield (name, None), cast("Node", value)
        elif isinstance(value, tuple):
            for position, element in enumerate(cast("tuple[Any, ...]", value)):
                if isinstance(element, _NODES):
                    yield (name, position), cast("Node", element)


def located(root: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """The root and every node below it with its path; parents before children."""
    yield path, root
    for step, child in steps(root):
        yield from located(child, (*path, step))


def node_at(root: Node, path: Path) -> Node:
    """The node at the end of the path.  Raises IndexError behind the end of a block."""
    node: Any = root
    for name, position in path:
        node = getattr(node, name)
        if position is not None:
            node = node[position]
    return node


def expression_at(root: Node, path: Path) -> Expr:
    """The expression at the end of a path that leads to one."""
    return cast("Expr", node_at(root, path))


def statement_at(root: Node, path: Path) -> Stmt:
    """The statement at the end of a path that leads to one.  Raises IndexError behind the end of a block."""
    return cast("Stmt", node_at(root, path))


def block_at(root: Node, path: Path) -> tuple[Block, int]:
    """The block that the path ends in, and the position in it."""
    *above, (name, position) = path
    if position is None:
        raise ValueError(f"{name} is no block")
    return getattr(node_at(root, tuple(above)), name), position


def replaced(root: N, path: Path, new: Node) -> N:
    """The tree with ``new`` at the end of the path."""
    if not path:
        return cast("N", new)
    (name, position), *rest = path
    value: Any = getattr(root, name)
    if position is None:
        return replace(root, **{name: replaced(value, tuple(rest), new)})
    changed = replaced(value[position], tuple(rest), new)
    return replace(root, **{name: (*value[:position], changed, *value[position + 1 :])})


def spliced(root: N, path: Path, statements: Block, count: int = 1) -> N:
    """The tree with ``statements`` where ``count`` statements stood from the end of the path on.

    ``count`` 0 inserts in front of the statement there.
    """
    block, position = block_at(root, path)
    *above, (name, _) = path
    new: Block = (*block[:position], *statements, *block[position + count :])
    owner = node_at(root, tuple(above))
    return replaced(root, tuple(above), replace(owner, **cast("dict[str, Any]", {name: new})))


def changed_everywhere(root: N, change: Callable[[Node], Node]) -> N:
    """The tree with ``change`` applied to every node, the root too, children first."""
    return cast("N", change(transform(root, change)))


STATEMENTS: tuple[type, ...] = get_args(Stmt)
EXPRESSIONS: tuple[type, ...] = get_args(Expr)

# Where paths into the kernel's own body start, as opposed to those into its functions.
KERNEL_BODY = "body"


def statements(kernel: n.Kernel, *, functions: bool = True) -> Iterator[tuple[Path, n.Stmt]]:
    """Every statement with its path; without ``functions`` only those of the kernel itself."""
    for path, node in located(kernel):
        if isinstance(node, STATEMENTS) and (functions or path[0][0] == KERNEL_BODY):
            yield path, node  # pyright: ignore[reportReturnType]


def values(kernel: n.Kernel) -> Iterator[tuple[Path, n.Expr]]:
    """Every expression that only gives a value, with its path.

    What is left out is the target of an assignment (its indices are in), what a call changes in place, and
    what ``wp.static`` evaluates.
    """
    for path, node in statements(kernel):
        for step, child in steps(node):
            if isinstance(child, STATEMENTS):
                continue
            target = isinstance(node, (n.Assign, n.AugAssign)) and step[0] == "target"
            yield from _values(child, (*path, step), target)


def _values(node: n.Node, path: Path, target: bool) -> Iterator[tuple[Path, n.Expr]]:
    if isinstance(node, EXPRESSIONS) and not target:
        yield path, node  # pyright: ignore[reportReturnType]
    if isinstance(node, n.Static):
        return
    changed = changed_arguments(node) if isinstance(node, n.Call) else ()
    for step, child in steps(node):
        inner = target and step[0] == "value"
        yield from _values(child, (*path, step), inner or (step[0] == "args" and step[1] in changed))


def next_statement(path: Path) -> Path:
    """The place behind a statement in its block."""
    *above, (name, position) = path
    assert position is not None
    return (*above, (name, position + 1))
