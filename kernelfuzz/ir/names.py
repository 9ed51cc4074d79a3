"""The names of a kernel: which it has, which are free, and which name a place belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import bound_names


class FreshNames:
    """Names that are not taken, each given once: ``fresh("copy")`` is ``copy0``, then ``copy1``, ..."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def __call__(self, prefix: str) -> str:
        number = self._next.get(prefix, 0)
        while (name := f"{prefix}{number}") in self._taken:
            number += 1
        self._next[prefix] = number + 1
        self._taken.add(name)
        return name


def own_names(kernel: n.Kernel) -> frozenset[str]:
    """Every name that the author of a kernel chose, wherever in its module."""
    names = {constant.name for constant in kernel.constants}
    for function in (*kernel.functions, kernel):
        names.add(function.name)
        names.update(param.name for param in function.params)
        names |= bound_names(function.body)
    for struct in kernel.structs:
        names.add(struct.name)
        names.update(field for field, _ in struct.fields)
    return frozenset(names)


def root_of(place: n.Expr) -> n.Expr:
    """What a place or a view starts from: the expression without its indices and attributes."""
    while isinstance(place, (n.Index, n.Attribute)):
        place = place.value
    return place


def root_name(place: n.Expr) -> str:
    """The name that a place or a view starts from; empty where it starts from no name."""
    root = root_of(place)
    return root.id if isinstance(root, n.Name) else ""


def is_local(place: n.Expr) -> bool:
    """Whether this is a local or a part of one, not of an array."""
    while isinstance(place, (n.Index, n.Attribute)):
        place = place.value
        if isinstance(place.type, Array):
            return False
    return isinstance(place, n.Name)
