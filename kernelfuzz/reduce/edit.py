"""An edit: one change of a case that can be asked about alone, or made together with others.

Most edits replace the nodes at some paths of the kernel; the others are functions of the whole case, which
name what they change (a parameter, an axis, a type), so that they mean the same after other edits.  A cut may
leave reads of names and calls of functions that are gone: ``mend`` gives each of them the default of its type,
or drops what cannot do without, so that nearly every cut leaves a kernel that is well typed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.fields import BLOCKS, STATEMENTS
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.names import root_of
from kernelfuzz.ir.rewrite import Part, Path, rebuild, replace_at
from kernelfuzz.ir.walk import blocks, bound_names, children, walk
from kernelfuzz.ir.zeros import zero_of
from kernelfuzz.reduce.measure import own_weight, weight_of

N = TypeVar("N", bound=n.Node)
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
    if not made:
        return None
    inputs = {param.name: case.launch.inputs[param.name] for param in case.kernel.params}
    return case if len(inputs) == len(case.launch.inputs) else with_inputs(case, inputs)


def with_inputs(case: Case, inputs: dict[str, Input], kernel: n.Kernel | None = None) -> Case:
    """Return the case with other inputs, and with another kernel if one is given."""
    return Case(kernel or case.kernel, replace(case.launch, inputs=inputs))


def with_param(case: Case, new: n.Param, value: Input) -> Case:
    """Return the case with another parameter of the same name and another input for it."""
    params = tuple([new if param.name == new.name else param for param in case.kernel.params])
    return with_inputs(case, {**case.launch.inputs, new.name: value}, replace(case.kernel, params=params))


def without(values: tuple[Any, ...], position: int) -> tuple[Any, ...]:
    """Return the values without the one at a position."""
    return (*values[:position], *values[position + 1 :])


# ------------------------------------------------------------------------------- trees


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

    def of(self, *kinds: type[N]) -> Iterator[tuple[Site, N]]:
        """The sites of nodes of some kinds with their nodes, in the order of the text."""
        for site in self.sites:
            if isinstance(site.node, kinds):
                yield site, site.node

    @cached_property
    def weights(self) -> dict[Path, int]:
        """The weight of the tree at each path."""
        return {site.path: site.weight for site in self.sites}

    def edit(self, label: Hashable, replacements: Sequence[tuple[Path, Part]], change: Change | None = None) -> Edit:
        """An edit whose gain is the difference in weight of what its replacements replace."""
        gain = sum(self.weights[path] - weight_of(*part) for path, part in replacements)
        return Edit(gain, label, tuple(replacements), change)

    def blocks(self) -> Iterator[tuple[Path, int, n.Block]]:
        """Every block: the path of its owner, the position of its first statement there, its statements."""
        owners = [(site.path, site.node) for site in self.sites if type(site.node) in BLOCKS]
        for path, owner in [((), self.kernel), *owners]:
            position = len(children(owner)) - sum(map(len, blocks(owner)))
            for block in blocks(owner):
                yield path, position, block
                position += len(block)


def at(site: Site, *new: n.Node) -> Edit:
    """The node of a site replaced by others."""
    return Edit(site.weight - weight_of(*new), (site.node, new), ((site.path, new),))


# --------------------------------------------------------------------------- defaults


def number(type_: t.Scalar, value: int) -> n.Literal:
    """The number as a literal of the type."""
    if type_ == t.BOOL:
        return n.Literal(bool(value), type_)
    return n.Literal(float(value) if type_.is_float else value, type_)


def default(type_: t.Type) -> n.Expr | None:
    """The simplest value of a type, or None where no expression makes one."""
    match type_:
        case t.Scalar() | t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Struct():
            return zero_of(type_)
        case t.Array() | t.Tile() | t.Tuple():
            return None


def unpacked(pairs: Sequence[tuple[str, n.Expr]]) -> n.Stmt | None:
    """``a, b = x, y`` for any number of pairs."""
    match pairs:
        case []:
            return None
        case [(name, value)]:
            return n.Assign(n.Name(name, value.type), value)
        case _:
            return n.Unpack(tuple([name for name, _ in pairs]), tuple([value for _, value in pairs]))


def mend(kernel: n.Kernel) -> n.Kernel:
    """The kernel without reads of names and calls of functions that nothing declares."""
    constants = {constant.name for constant in kernel.constants}
    declared: set[str] = set()
    functions: list[n.Function] = []
    changed = False
    for function in kernel.functions:
        mended = _mended(function, constants, declared)
        changed = changed or mended is not function.body
        functions.append(replace(function, body=mended))
        declared.add(function.name)
    body = _mended(kernel, constants, declared)
    if not changed and body is kernel.body:
        return kernel
    return replace(kernel, functions=tuple(functions), body=body)


def _mended(function: n.Function | n.Kernel, constants: AbstractSet[str], declared: AbstractSet[str]) -> n.Block:
    known = bound_names(function.body) | {param.name for param in function.params} | constants

    def lost(node: n.Node) -> bool:
        if isinstance(node, n.Name):
            return node.id not in known
        return isinstance(node, n.CallFunction) and node.name not in declared

    if any(map(lost, walk(*function.body))):
        return _block(function.body, lost)
    # An empty body has the text of a pass: one tree for one text.
    return () if function.body == (n.Pass(),) else function.body


def _block(block: n.Block, lost: Callable[[n.Node], bool]) -> n.Block:
    mended = [_statement(statement, lost) for statement in block]
    return tuple([statement for statement in mended if statement is not None])


def _statement(node: n.Stmt, lost: Callable[[n.Node], bool]) -> n.Stmt | None:
    match node:
        case n.Assign() | n.AugAssign():
            if lost(root_of(node.target)):
                return None
            target, new = _expression(node.target, lost), _expression(node.value, lost)
            if new is None or not isinstance(target, (n.Name, n.Index, n.Attribute)):
                return None
            return replace(node, target=target, value=new)
        case n.Unpack(names=names, values=[_, _, *_] as values):
            pairs = [(name, _expression(each, lost)) for name, each in zip(names, values, strict=True)]
            return unpacked([(name, new) for name, new in pairs if new is not None])
        case n.Unpack(names=names, values=values):
            new = _expression(values[0], lost)
            return None if new is None else n.Unpack(names, (new,))
        case n.ExprStmt():
            new = _expression(node.value, lost)
            return n.ExprStmt(new) if isinstance(new, (n.Call, n.CallFunction)) else None
        case _:
            parts: list[Part] = []
            for child in children(node):
                if type(child) in STATEMENTS:
                    parts.append(_block((child,), lost))  # pyright: ignore[reportArgumentType]
                else:
                    new = _expression(child, lost)
                    # A condition may be an array, which has no default; false does as well.
                    if new is None and isinstance(node, (n.If, n.While)):
                        new = default(t.BOOL)
                    parts.append(() if new is None else (new,))
            return rebuild(node, parts)


def _expression(node: Any, lost: Callable[[n.Node], bool]) -> n.Expr | None:
    """The expression with defaults in place of what is lost; None where there is no default."""
    if lost(node):
        return default(node.type)
    parts: list[Part] = []
    same = True
    for child in children(node):
        new = child if isinstance(child, n.Slice) else _expression(child, lost)
        whole = not parts and isinstance(node, (n.Index, n.Attribute, n.ArrayShape))
        if new is None or (whole and new is not child and isinstance(new, (n.Literal, n.Construct))):
            # Nothing is left to take a part of.
            return default(node.type)
        same = same and new is child
        parts.append((new,))
    return node if same else rebuild(node, parts)
