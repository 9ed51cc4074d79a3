"""Statements of which the adjoint does not know whether, or how often, they ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from kernelfuzz.analysis.effects import changed_locals, written_parameters
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import root_of
from kernelfuzz.ir.walk import blocks, subscripts, walk
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference.lost_values import CONDITION, Watch, is_kept_in
from kernelfuzz.reference.memory import View
from kernelfuzz.reference.undefined import Lost


class Region:
    """A block: the locals that it changes, the arrays of floats that it stores into, and what it leaves."""

    __slots__ = ("_block", "_changed", "_names", "_watch", "places")

    def __init__(self, block: n.Block, names: c.Names, watch: Watch, counter: str = "") -> None:
        self._changed = changed_locals(block) | {counter}
        self.places: list[int] = [names.place(name) for name in sorted(self._changed - {""})]
        self._block = block
        self._names = names
        self._watch = watch

    def doubt(self, frame: c.Frame, node: n.Stmt) -> None:
        """The adjoint may run what did not run, or not what did: raise Lost where that cannot be kept apart."""
        jumps = set(_jumps(self._block))
        if n.Return in jumps:
            raise Lost(CONDITION, node)
        for array, indices in _stores(self._block, self._watch.kernel):
            root = root_of(array)
            if not isinstance(root, n.Name) or root.id in self._changed or not all(map(self._is_kept_in, indices)):
                raise Lost(CONDITION, node)
            value = frame[self._names.place(root.id)]
            self._watch.strays.update(view.shadow.path for view in _views(value, _fields(array)))
        if jumps and isinstance(node, n.If):
            self._watch.loops[-1].doubt(frame, 1)

    def _is_kept_in(self, index: n.Expr) -> bool:
        return is_kept_in(index) or (isinstance(index, n.Name) and index.id not in self._changed)

    def spoil(self, frame: c.Frame, lost: int) -> None:
        """What the statements change is lost, if it is ``lost`` whether they ran."""
        if lost:
            for place in self.places:
                self._watch.spoil(frame, place, lost)


def _fields(array: n.Expr) -> list[str]:
    """The fields that lead from the local or the parameter to an array in it."""
    found: list[str] = []
    while isinstance(array, (n.Index, n.Attribute)):
        if isinstance(array, n.Attribute):
            found.insert(0, array.name)
        array = array.value
    return found


def _views(value: Any, fields: Sequence[str]) -> Iterator[View]:
    """The arrays in a value, behind fields of it."""
    for name in fields:
        value = value[name]
    if isinstance(value, View):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            yield from _views(inner, ())


def _jumps(block: Sequence[n.Stmt]) -> Iterator[type[n.Stmt]]:
    """What leaves the block: a return, and a break or continue of the loop around it."""
    for each in block:
        if isinstance(each, (n.Return, n.Break, n.Continue)):
            yield type(each)
        inside = [jump for inner in blocks(each) for jump in _jumps(inner)]
        yield from (jump for jump in inside if jump is n.Return or not isinstance(each, (n.For, n.While)))


def _stores(block: n.Block, kernel: n.Kernel) -> Iterator[tuple[n.Expr, Sequence[n.Expr]]]:
    """The arrays of floats that anything in a block stores into, each with the indices of the element."""
    written = written_parameters(kernel)
    unknown: tuple[n.Expr, ...] = (n.Call("unknown", (), t.INT32),)
    for node in walk(*block):
        match node:
            case n.Assign(target=target) | n.AugAssign(target=target):
                yield from _stored(target)
            case n.Call(name=name, args=(array, *rest)) if name.startswith("atomic_") and _of_floats(array):
                assert isinstance(array.type, t.Array)
                yield array, rest[: array.type.ndim]
            case n.Call(name="tile_store", args=(array, *_)) if _of_floats(array):
                yield array, unknown
            case n.CallFunction(name=name, args=args):
                yield from ((args[at], unknown) for at in written[name] if _holds_floats(args[at]))
            case _:
                pass


def _stored(place: n.Expr) -> Iterator[tuple[n.Expr, Sequence[n.Expr]]]:
    indices: list[n.Expr] = []
    while isinstance(place, (n.Index, n.Attribute)):
        if isinstance(place, n.Index):
            indices += subscripts(place)
        place = place.value
        if _of_floats(place):
            yield place, [*indices, *_view_indices(place)]
            return


def _view_indices(array: n.Expr) -> list[n.Expr]:
    """The indices of the view that an array is."""
    found: list[n.Expr] = []
    while isinstance(array, n.Index):
        found += subscripts(array)
        array = array.value
    return found


def _of_floats(array: n.Expr) -> bool:
    return isinstance(array.type, t.Array) and t.has_floats(array.type)


def _holds_floats(value: n.Expr) -> bool:
    """Whether a value is an array of floats, or a struct that holds arrays and floats."""
    return t.holds_array(value.type) and t.has_floats(value.type)
