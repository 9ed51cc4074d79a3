"""An edit: one change of a case that can be asked about alone, or made together with others.

Most edits replace the nodes at some paths of the kernel; the others are functions of the whole case, which
name what they change (a parameter, an axis, a type), so that they mean the same after other edits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.rewrite import Part, Path, replace_at
from kernelfuzz.ir.walk import children
from kernelfuzz.reduce.defaults import mend
from kernelfuzz.reduce.measure import own_weight, weight_of

Change: TypeAlias = Callable[[Case], "Case | None"]


@dataclass(frozen=True, slots=True)
class Edit:
    """``gain`` is about how much lighter the case becomes: larger cuts are asked about first.

    ``label`` says what the edit does in terms that survive other edits; two edits with one label are
    taken for the same.  ``replacements`` are made all at once, then ``change`` is called; it gives None
    where it cannot be made.
    """

    gain: int
    label: Hashable
    replacements: tuple[tuple[Path, Part], ...] = ()
    change: Change | None = None


def apply(case: Case, edits: Iterable[Edit]) -> Case | None:
    """The case after all the edits, or None where none of them can be made.

    Of replacements at one path the first counts, of nested ones the outer one.
    """
    replacements: dict[Path, Part] = {}
    changes: list[Change] = []
    for edit in edits:
        for path, part in edit.replacements:
            replacements.setdefault(path, part)
        if edit.change is not None:
            changes.append(edit.change)
    made = bool(replacements)
    if replacements:
        case = replace(case, kernel=mend(replace_at(case.kernel, replacements)))
    for change in changes:
        changed = change(case)
        if changed is not None:
            made = True
            case = replace(changed, kernel=mend(changed.kernel))
    return with_inputs_of_params(case) if made else None


def with_inputs_of_params(case: Case) -> Case:
    """The case without inputs for parameters that are gone."""
    names = [param.name for param in case.kernel.params]
    inputs = case.launch.inputs
    if len(names) == len(inputs):
        return case
    kept = {name: inputs[name] for name in names if name in inputs}
    return replace(case, launch=replace(case.launch, inputs=kept))


@dataclass(frozen=True, slots=True)
class Site:
    """A node in its place: its path, the weight of its tree, its parent and the function it is in."""

    path: Path
    node: n.Node
    weight: int
    parent: n.Node
    function: n.Function | n.Kernel

    def is_in(self, path: Path) -> bool:
        """Whether it is the node at a path, or stands below it."""
        return self.path[: len(path)] == path


class Tree:
    """A case, taken apart once for all the passes that look for something to cut."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.kernel: n.Kernel = case.kernel
        self.sites: list[Site] = []
        self._collect(self.kernel, (), self.kernel)

    def _collect(self, node: n.Node, path: Path, function: n.Function | n.Kernel) -> int:
        weight = own_weight(node)
        for position, child in enumerate(children(node)):
            here = (*path, position)
            at = len(self.sites)
            owner = child if isinstance(child, n.Function) else function
            site = Site(here, child, 0, node, owner)
            self.sites.append(site)
            heavy = self._collect(child, here, owner)
            self.sites[at] = Site(here, child, heavy, node, owner)
            weight += heavy
        return weight

    @cached_property
    def weights(self) -> dict[Path, int]:
        """The weight of the tree at each path."""
        return {site.path: site.weight for site in self.sites}

    def blocks(self) -> Iterator[tuple[Path, int, n.Block]]:
        """Every block: the path of its owner, the position of its first statement there, its statements."""
        yield (), len(children(self.kernel)) - len(self.kernel.body), self.kernel.body
        for site in self.sites:
            match site.node:
                case n.If(body=body, orelse=orelse):
                    yield site.path, 1, body
                    if orelse:
                        yield site.path, 1 + len(body), orelse
                case n.For(bounds=bounds, body=body):
                    yield site.path, len(bounds), body
                case n.While(body=body):
                    yield site.path, 1, body
                case n.Function(params=params, body=body):
                    yield site.path, len(params), body
                case _:
                    pass


def at(site: Site, *new: n.Node) -> Edit:
    """The node of a site replaced by others."""
    return Edit(site.weight - weight_of(*new), (site.node, new), ((site.path, new),))
