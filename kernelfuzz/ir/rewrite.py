"""Trees made from other trees: children replaced, nodes replaced at paths, and a function mapped over all.

Nodes are frozen: a rewritten tree shares with the old one everything that did not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import TypeAlias, TypeVar, cast

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.fields import BLOCKS, CHILD_FIELDS, EXPRESSIONS, REBUILD, STATEMENTS
from kernelfuzz.ir.walk import LEAVES, children

# A place in a tree: at each level the position among the children, as ``walk.children`` lists them.
Path: TypeAlias = tuple[int, ...]

# What a child is to its parent: the name of the field, and the position in it where it is a tuple.
Role: TypeAlias = tuple[str, "int | None"]

# What comes in place of one child: usually one node; where a list may grow or shrink, any number.
Part: TypeAlias = "tuple[n.Node, ...]"

N = TypeVar("N", bound=n.Node)


def rebuild(node: N, parts: Sequence[Part]) -> N:
    """The node with each of its children replaced: ``parts`` has one entry per child.

    An entry may hold none or several nodes where the child stands in a list (a block, arguments,
    parameters, constants, functions).  A body that must not be empty gets a ``pass``.
    """
    return REBUILD[type(node)](node, parts)


def transform(node: N, change: Callable[[n.Node], n.Node | Part]) -> N:
    """The tree with ``change`` applied to every node below the root, children first.

    ``change`` gives a node, or for what stands in a list any number of them.
    """
    below = children(node)
    if not below:
        return node
    parts: list[Part] = []
    same = True
    for child in below:
        new = change(child if type(child) in LEAVES else transform(child, change))
        same = same and new is child
        parts.append(new if isinstance(new, tuple) else (new,))
    return node if same else rebuild(node, parts)


# ----------------------------------------------------------------------- paths


def roles(node: n.Node) -> tuple[Role, ...]:
    """The role of each child, in the order of ``children``."""
    found: list[Role] = []
    for field in CHILD_FIELDS[type(node)]:
        if field.many:
            found += [(field.name, index) for index in range(len(getattr(node, field.name)))]
        else:
            found.append((field.name, None))
    return tuple(found)


def role(node: n.Node, position: int) -> Role:
    """The role of the child at a position.  Raises IndexError where there is none."""
    return roles(node)[position]


def places(root: n.Node, path: Path = ()) -> Iterator[tuple[Path, n.Node]]:
    """Every node below ``root`` with its path, parents before children, in source order."""
    for position, child in enumerate(children(root)):
        here = (*path, position)
        yield here, child
        yield from places(child, here)


def node_at(root: n.Node, path: Path) -> n.Node:
    """The node at the end of a path.  Raises IndexError where there is none."""
    for position in path:
        root = children(root)[position]
    return root


def block_at(root: n.Node, path: Path) -> tuple[n.Block, int]:
    """The block that the statement at the end of a path stands in, and the position in it."""
    owner = node_at(root, path[:-1])
    name, index = role(owner, path[-1])
    if index is None:
        raise ValueError(f"{type(owner).__name__}.{name} is no block")
    return getattr(owner, name), index


def replaced(root: N, path: Path, new: n.Node) -> N:
    """The tree with ``new`` at the end of the path."""
    return replace_at(root, {path: (new,)}) if path else cast("N", new)


def spliced(root: N, path: Path, part: Part, count: int = 1) -> N:
    """The tree with ``part`` in place of ``count`` nodes of a list, from the end of the path on.

    ``count`` 0 inserts in front of the node there.
    """
    if count == 0:
        return replace_at(root, {path: (*part, node_at(root, path))})
    *above, first = path
    removed: dict[Path, Part] = {(*above, first + offset): () for offset in range(1, count)}
    return replace_at(root, {path: part, **removed})


def replace_at(root: N, replacements: Mapping[Path, Part]) -> N:
    """The tree with the nodes at some paths replaced, all at once.

    Where one path lies below another, only the outer one counts.
    """
    inner: dict[int, dict[Path, Part]] = {}
    parts: dict[int, Part] = {}
    for path, part in replacements.items():
        if len(path) == 1:
            parts[path[0]] = part
        else:
            inner.setdefault(path[0], {})[path[1:]] = part
    below = children(root)
    for position, deeper in inner.items():
        if position not in parts:
            parts[position] = (replace_at(below[position], deeper),)
    return rebuild(root, [parts.get(position, (child,)) for position, child in enumerate(below)])


# ---------------------------------------------------- every expression or statement


def map_expressions(kernel: n.Kernel, change: Callable[[n.Expr], n.Expr], *, targets: bool = True) -> n.Kernel:
    """The kernel with ``change`` applied to every expression of every body, the inner ones first.

    A target stays a place, whose indices are changed; ``targets=False`` leaves targets alone altogether.
    A static expression is Python's: it keeps its form.
    """

    def changed(node: n.Node) -> n.Node:
        kind = type(node)
        if kind is n.Static or kind is n.Slice:
            return node
        below = children(node)
        if not below:
            new = node
        elif isinstance(node, (n.Assign, n.AugAssign)):
            new = _with_children(node, below, [place(node.target), changed(node.value)])
        else:
            new = _with_children(node, below, [changed(child) for child in below])
        return change(cast("n.Expr", new)) if kind in EXPRESSIONS else new

    def place(node: n.Expr) -> n.Expr:
        if not targets or not isinstance(node, (n.Index, n.Attribute)):
            return node
        value, *indices = children(node)
        return _with_children(node, (value, *indices), [place(node.value), *map(changed, indices)])

    return _with_bodies(kernel, lambda function: tuple([cast("n.Stmt", changed(node)) for node in function.body]))


def map_statements(kernel: n.Kernel, change: Callable[[n.Stmt, n.Function | n.Kernel], n.Block]) -> n.Kernel:
    """The kernel with every statement replaced by what ``change`` makes of it, the inner ones first."""

    def changed(node: n.Node, function: n.Function | n.Kernel) -> n.Block:
        if type(node) not in STATEMENTS:
            return cast("n.Block", (node,))  # a condition or a bound
        if type(node) in BLOCKS:
            node = rebuild(node, [changed(child, function) for child in children(node)])
        return change(cast("n.Stmt", node), function)

    def body(function: n.Function | n.Kernel) -> n.Block:
        return tuple([new for node in function.body for new in changed(node, function)])

    return _with_bodies(kernel, body)


def _with_children(node: N, below: Sequence[n.Node], new: Sequence[n.Node]) -> N:
    return node if all(map(is_, below, new)) else rebuild(node, [(each,) for each in new])


def _with_bodies(kernel: n.Kernel, body: Callable[[n.Function | n.Kernel], n.Block]) -> n.Kernel:
    functions = tuple([replace(function, body=body(function)) for function in kernel.functions])
    return replace(kernel, body=body(kernel), functions=functions)
