"""Which fields of each node class hold nodes, read once off the annotations of the dataclasses.

Everything that goes through a tree without a meaning of its own (children, rebuilding, paths, renaming,
fingerprints) reads this table, so that a new node class needs no line there.  For each class the functions
that list its children and rebuild it are generated at import, as ``dataclasses`` generates ``__init__``:
they run for every node of every kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from operator import attrgetter
from types import UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t

NODES: frozenset[type[n.Node]] = frozenset(get_args(n.Node))
STATEMENTS: frozenset[type[n.Node]] = frozenset(get_args(n.Stmt))
EXPRESSIONS: frozenset[type[n.Node]] = frozenset(get_args(n.Expr))

Children: TypeAlias = Callable[[Any], tuple[n.Node, ...]]
Rebuild: TypeAlias = Callable[[Any, Sequence[tuple[Any, ...]]], Any]


@dataclass(frozen=True, slots=True)
class ChildField:
    """A field that holds a node, or with ``many`` a tuple of nodes; ``block``: a tuple of statements."""

    name: str
    many: bool
    block: bool


# Where the source text does not have the fields in the order in which the class declares them.
_TEXT_ORDER: dict[type[n.Node], tuple[str, ...]] = {
    n.IfExp: ("body", "test", "orelse"),
    n.Kernel: ("constants", "functions", "params", "body"),
}


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _child_fields(class_: type[n.Node]) -> tuple[ChildField, ...]:
    hints = get_type_hints(class_)
    found: list[ChildField] = []
    for name in _TEXT_ORDER.get(class_, [field.name for field in fields(class_)]):
        many = get_origin(hints[name]) is tuple
        held = _alternatives(get_args(hints[name])[0] if many else hints[name])
        if NODES.issuperset(held):
            found.append(ChildField(name, many, many and STATEMENTS.issuperset(held)))
    return tuple(found)


# The fields of each class that hold nodes, in the order of the source text.
CHILD_FIELDS: dict[type[n.Node], tuple[ChildField, ...]] = {
    class_: _child_fields(class_) for class_ in get_args(n.Node)
}


def _children(class_: type[n.Node]) -> Children:
    found = CHILD_FIELDS[class_]
    many = [field.many for field in found]
    if many == [True] or (len(many) > 1 and not any(many)):
        return attrgetter(*[field.name for field in found])  # nothing is faster
    listed = "".join([f"*node.{field.name}, " if field.many else f"node.{field.name}, " for field in found])
    return eval(f"lambda node: ({listed})")


def _flat(parts: Iterable[tuple[n.Node, ...]]) -> tuple[n.Node, ...]:
    return tuple(chain.from_iterable(parts))


def _rebuild(class_: type[n.Node]) -> Rebuild:
    """A function of a node and of one tuple of nodes for each child, as if written by hand:

    def rebuild(node, parts):
        (test,) = parts[0]
        body = flat(parts[1:1 + len(node.body)]) or filler
        orelse = flat(parts[1 + len(node.body):])
        return If(test, body, orelse)
    """
    found = CHILD_FIELDS[class_]
    if not found:
        return lambda node, parts: node
    lines: list[str] = []
    start = "0"
    for field in found:
        if not field.many:
            lines.append(f"({field.name},) = parts[{start}]")
            start = f"{start} + 1"
            continue
        end = "" if field is found[-1] else f"{start} + len(node.{field.name})"
        # The body of a statement must not be empty.
        filler = " or filler" if field.block and field.name == "body" and class_ in STATEMENTS else ""
        lines.append(f"{field.name} = flat(parts[{start}:{end}]){filler}")
        start = end
    own = {field.name for field in found}
    values = [field.name if field.name in own else f"node.{field.name}" for field in fields(class_)]
    lines.append(f"return class_({', '.join(values)})")
    names: dict[str, Any] = {"class_": class_, "flat": _flat, "filler": (n.Pass(),)}
    exec("def rebuild(node, parts):\n    " + "\n    ".join(lines), names)
    return names["rebuild"]


CHILDREN: dict[type[n.Node], Children] = {class_: _children(class_) for class_ in CHILD_FIELDS}
REBUILD: dict[type[n.Node], Rebuild] = {class_: _rebuild(class_) for class_ in CHILD_FIELDS}

# The fields that hold blocks: of ``if`` and loops, of functions and of the kernel.
BLOCKS: dict[type[n.Node], tuple[str, ...]] = {
    class_: tuple([each.name for each in found if each.block])
    for class_, found in CHILD_FIELDS.items()
    if any(each.block for each in found)
}


def _mapped(class_: type[Any]) -> Callable[[Any, Callable[[Any], Any]], Any]:
    """A function that makes a node or a type again, with a change of each field that holds nodes or types:

    def mapped(node, change):
        return Binary(node.op, change(node.left), change(node.right), change(node.type))
    """
    hints, held = get_type_hints(class_), {*NODES, *get_args(t.Type)}
    changed = {field.name for field in fields(class_) if _mentions(hints[field.name], held)}
    if not changed:
        return lambda node, change: node
    names = [field.name for field in fields(class_)]
    values = [f"change(node.{name})" if name in changed else f"node.{name}" for name in names]
    return eval(f"lambda node, change: class_({', '.join(values)})", {"class_": class_})


def _mentions(hint: Any, classes: set[Any]) -> bool:
    return hint in classes or any(_mentions(inner, classes) for inner in get_args(hint))


_MAPPED = {class_: _mapped(class_) for class_ in (*get_args(n.Node), *get_args(t.Type))}

V = TypeVar("V")


def map_fields(value: V, change: Callable[[Any], Any]) -> V:
    """A node or a type made again, with ``change`` of each field that holds nodes or types.

    ``change`` gets what the field holds, tuples too, in the order in which the class declares its fields.
    Anything else than a node or a type is returned as it is.
    """
    made = _MAPPED.get(type(value))
    return value if made is None else made(value, change)
