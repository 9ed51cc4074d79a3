"""Where a rewrite may look, in which order, and how a change is made at one place or everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import UnionType
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from kernelfuzz.analysis.effects import changed_arguments, has_tiles
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.fields import BLOCKS, EXPRESSIONS, STATEMENTS
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.names import FreshNames, own_names
from kernelfuzz.ir.rewrite import Part, Path, node_at, replace_at, transform
from kernelfuzz.ir.walk import children

T = TypeVar("T")
N = TypeVar("N", bound=n.Node)


class Picks(Protocol):
    """Where the decisions of a rewrite come from, as ``kernelfuzz.strategies.choices.Choices``."""

    def integer(self, low: int, high: int) -> int:
        """An integer in ``low..high``, both included."""
        ...

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        ...

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        ...


# Paths to the nodes of a kernel that a change is worth trying at, from what is cheap to see.
Places: TypeAlias = Callable[[n.Kernel], Sequence[Path]]

# The case changed at one of them; None where a closer look forbids it.
Change: TypeAlias = Callable[[Case, Path, Picks], "Case | None"]

# ------------------------------------------------------------------ nodes with paths


def statements(kernel: n.Kernel, *, functions: bool = True) -> Iterator[tuple[Path, n.Stmt]]:
    """Every statement with its path: those of the kernel itself, then, with ``functions``, those of its functions."""
    yield from _statements(kernel, ())
    if functions:
        for position, child in enumerate(children(kernel)):
            if isinstance(child, n.Function):
                yield from _statements(child, (position,))


def _statements(owner: n.Node, path: Path) -> Iterator[tuple[Path, n.Stmt]]:
    for position, child in enumerate(children(owner)):
        if type(child) in STATEMENTS:
            here = (*path, position)
            yield here, cast("n.Stmt", child)
            if type(child) in BLOCKS:
                yield from _statements(child, here)


def function_at(kernel: n.Kernel, path: Path) -> n.Function | None:
    """The function that a path leads into, or None where it leads into the kernel's own body."""
    first = node_at(kernel, path[:1])
    return first if isinstance(first, n.Function) else None


def values(kernel: n.Kernel, *, functions: bool = True) -> Iterator[tuple[Path, n.Expr]]:
    """Every expression that only gives a value, with its path: parents first, operands as they are evaluated.

    What is left out is the target of an assignment (its indices are in), what a call changes in place, and
    what ``wp.static`` evaluates.
    """
    for path, node in statements(kernel, functions=functions):
        targets = (0,) if isinstance(node, (n.Assign, n.AugAssign)) else ()
        for position, child in enumerate(children(node)):
            if type(child) in EXPRESSIONS:
                yield from _values(child, (*path, position), position in targets)


def _values(node: n.Node, path: Path, is_place: bool) -> Iterator[tuple[Path, n.Expr]]:
    if type(node) in EXPRESSIONS and not is_place:
        yield path, cast("n.Expr", node)
    places: tuple[int, ...] = ()
    match node:
        case n.Static():
            return
        case n.Call():
            places = changed_arguments(node)
        case n.Index() | n.Attribute() if is_place:
            places = (0,)
        case _:
            pass
    below = list(enumerate(children(node)))
    if isinstance(node, n.IfExp):
        body, test, orelse = below
        below = [test, body, orelse]
    for position, child in below:
        yield from _values(child, (*path, position), position in places)


# ------------------------------------------------------- the two halves of a row: where and what


def always(node: n.Node, kernel: n.Kernel) -> bool:
    """True: every node of the class is a place."""
    return True


def each_statement(
    class_: type[N] | UnionType, wanted: Callable[[N, n.Kernel], bool] = always, *, tiles: bool = True
) -> Places:
    """The statements of a class that are wanted; without ``tiles`` none of a kernel that works on tiles."""

    def places(kernel: n.Kernel) -> list[Path]:
        if not tiles and has_tiles(kernel):
            return []
        found = statements(kernel)
        return [path for path, node in found if isinstance(node, class_) and wanted(cast("N", node), kernel)]

    return places


def each_value(
    class_: type[N] | UnionType, wanted: Callable[[N, n.Kernel], bool] = always, *, functions: bool = True
) -> Places:
    """The expressions of a class that only give a value and are wanted."""

    def places(kernel: n.Kernel) -> list[Path]:
        found = values(kernel, functions=functions)
        return [path for path, node in found if isinstance(node, class_) and wanted(cast("N", node), kernel)]

    return places


def whole(wanted: Callable[[n.Kernel], bool]) -> Places:
    """One place, the kernel itself, where it is wanted."""
    return lambda kernel: [()] if wanted(kernel) else []


def at_node(change: Callable[[Any, n.Kernel], n.Node | Part | None]) -> Change:
    """A change that replaces the node at the place and leaves all else, the launch too, as it is.

    ``change`` gets the node and its kernel.  It gives a node, for a statement any number of them, or None.
    """

    def rewrite(case: Case, path: Path, picks: Picks) -> Case | None:
        new = change(node_at(case.kernel, path), case.kernel)
        if new is None:
            return None
        part = new if isinstance(new, tuple) else (new,)
        return replace(case, kernel=replace_at(case.kernel, {path: part}))

    return rewrite


# -------------------------------------------------------------------------- names


def new_name(kernel: n.Kernel, prefix: str) -> str:
    """A name that the kernel's module does not have: the prefix and a number."""
    return fresh_names(kernel)(prefix)


def fresh_names(kernel: n.Kernel) -> FreshNames:
    """Names that the kernel's module does not have, each given once."""
    return FreshNames(own_names(kernel))


def with_names(root: N, given: Mapping[str, n.Expr]) -> N:
    """The tree, its root included, with expressions in place of the names in ``given``."""

    def change(node: n.Node) -> n.Node:
        return given.get(node.id, node) if isinstance(node, n.Name) else node

    return cast("N", change(transform(root, change)))
