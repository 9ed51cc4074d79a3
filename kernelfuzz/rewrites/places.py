"""Where a rewrite may look, in which order, and how a change is made at one place or everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import UnionType
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from kernelfuzz.analysis.effects import has_tiles
from kernelfuzz.analysis.writes import changed_arguments
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.fields import EXPRESSIONS, STATEMENTS
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.names import FreshNames, own_names
from kernelfuzz.ir.rewrite import Part, Path, declared_children, node_at, replace_at, role, transform

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


def located(root: n.Node, path: Path = ()) -> Iterator[tuple[Path, n.Node]]:
    """The root and every node below it with its path: parents before children, fields as declared."""
    yield path, root
    for position, _, child in declared_children(root):
        yield from located(child, (*path, position))


def in_body(kernel: n.Kernel, path: Path) -> bool:
    """Whether a path leads into the kernel's own body, not into one of its functions."""
    return role(kernel, path[0])[0] == "body"


def statements(kernel: n.Kernel, *, functions: bool = True) -> Iterator[tuple[Path, n.Stmt]]:
    """Every statement with its path; without ``functions`` only those of the kernel itself."""
    for path, node in located(kernel):
        if type(node) in STATEMENTS and (functions or in_body(kernel, path)):
            yield path, cast("n.Stmt", node)


def values(kernel: n.Kernel, *, functions: bool = True) -> Iterator[tuple[Path, n.Expr]]:
    """Every expression that only gives a value, with its path.

    What is left out is the target of an assignment (its indices are in), what a call changes in place, and
    what ``wp.static`` evaluates.
    """
    for path, node in statements(kernel, functions=functions):
        for position, (field, _), child in declared_children(node):
            if type(child) in EXPRESSIONS:
                yield from _values(child, (*path, position), field == "target")


def _values(node: n.Node, path: Path, target: bool) -> Iterator[tuple[Path, n.Expr]]:
    if type(node) in EXPRESSIONS and not target:
        yield path, cast("n.Expr", node)
    if isinstance(node, n.Static):
        return
    changed = changed_arguments(node) if isinstance(node, n.Call) else ()
    for position, (field, index), child in declared_children(node):
        place = (target and field == "value") or (field == "args" and index in changed)
        yield from _values(child, (*path, position), place)


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
