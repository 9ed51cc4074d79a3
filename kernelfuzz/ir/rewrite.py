"""Trees made from other trees: children replaced, nodes replaced at paths, and a function mapped over all.

Nodes are frozen: a rewritten tree shares with the old one everything that did not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias, TypeVar

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.walk import LEAVES, children

# A place in a tree: at each level the position among the children, as ``walk.children`` lists them.
Path: TypeAlias = tuple[int, ...]

# What comes in place of one child: usually one node; where a list may grow or shrink, any number.
Part: TypeAlias = "tuple[n.Node, ...]"

N = TypeVar("N", bound=n.Node)


def rebuild(node: N, parts: Sequence[Part]) -> N:
    """The node with each of its children replaced: ``parts`` has one entry per child.

    An entry may hold none or several nodes where the child stands in a list (a block, arguments,
    parameters, constants, functions).  A body that must not be empty gets a ``pass``.
    """
    # What stands where is known from ``children``; the checker cannot see it.
    rebuilt: Any = _rebuild(node, parts)
    return rebuilt


def _rebuild(node: n.Node, parts: Sequence[tuple[Any, ...]]) -> n.Node:
    match node:
        case n.Name() | n.Literal() | n.Slice() | n.Break() | n.Continue() | n.Pass() | n.Param():
            return node
        case n.Binary():
            return n.Binary(node.op, _one(parts[0]), _one(parts[1]), node.type)
        case n.Index():
            return n.Index(_one(parts[0]), _flat(parts[1:]), node.type)
        case n.Assign():
            return n.Assign(_one(parts[0]), _one(parts[1]))
        case n.AugAssign():
            return n.AugAssign(_one(parts[0]), node.op, _one(parts[1]))
        case n.Call():
            return n.Call(node.name, _flat(parts), node.type, node.keywords)
        case n.CallFunction():
            return n.CallFunction(node.name, _flat(parts), node.type)
        case n.Construct():
            return n.Construct(node.type, _flat(parts))
        case n.Unary():
            return n.Unary(node.op, _one(parts[0]), node.type)
        case n.Cast():
            return n.Cast(node.type, _one(parts[0]))
        case n.Attribute():
            return n.Attribute(_one(parts[0]), node.name, node.type)
        case n.Static():
            return n.Static(_one(parts[0]), node.type)
        case n.ExprStmt():
            return n.ExprStmt(_one(parts[0]))
        case n.Compare():
            return n.Compare(_one(parts[0]), node.ops, _flat(parts[1:]), node.type)
        case n.BoolOp():
            return n.BoolOp(node.op, _flat(parts), node.type)
        case n.Return():
            return n.Return(_flat(parts))
        case n.Unpack():
            return n.Unpack(node.names, _flat(parts))
        case n.If():
            middle = 1 + len(node.body)
            return n.If(_one(parts[0]), _filled(parts[1:middle]), _flat(parts[middle:]))
        case n.For():
            count = len(node.bounds)
            return n.For(node.name, _flat(parts[:count]), _filled(parts[count:]))
        case n.While():
            return n.While(_one(parts[0]), _filled(parts[1:]))
        case n.IfExp():
            return n.IfExp(body=_one(parts[0]), test=_one(parts[1]), orelse=_one(parts[2]), type=node.type)
        case n.ArrayShape():
            return n.ArrayShape(_one(parts[0]), node.axis, node.type)
        case n.Constant():
            return n.Constant(node.name, _one(parts[0]))
        case n.Function():
            count = len(node.params)
            return n.Function(node.name, _flat(parts[:count]), node.returns, _flat(parts[count:]))
        case n.Kernel():
            constants = len(node.constants)
            functions = constants + len(node.functions)
            params = functions + len(node.params)
            return n.Kernel(
                name=node.name,
                params=_flat(parts[functions:params]),
                body=_flat(parts[params:]),
                functions=_flat(parts[constants:functions]),
                structs=node.structs,
                constants=_flat(parts[:constants]),
                closure=node.closure,
            )
        case _:
            return assert_never(node)


def _one(part: tuple[Any, ...]) -> Any:
    (node,) = part
    return node


def _flat(parts: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(parts))


def _filled(parts: Sequence[tuple[Any, ...]]) -> n.Block:
    return _flat(parts) or (n.Pass(),)


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


def places(root: n.Node, path: Path = ()) -> Iterator[tuple[Path, n.Node]]:
    """Every node below ``root`` with its path, parents before children, in source order."""
    for position, child in enumerate(children(root)):
        here = (*path, position)
        yield here, child
        yield from places(child, here)


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
