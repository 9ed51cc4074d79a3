"""Calls of builtins: those that touch memory, the thread index, random states, tiles, and all others by value.

A tile is a numpy array; the one thread of a block does the work of all ("Tiles" of Warp's user guide: on the
CPU a block has one thread).  Reductions go from the first element to the last (observed); what a load finds
outside of its array is zero ("Tiles: Loads", bounds-checked zero-padding).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Call, Name
from kernelfuzz.reference.compiled import THREAD, UNBOUND, Evaluate, Frame, Names, at_node, located
from kernelfuzz.reference.domain import Domain, Value
from kernelfuzz.reference.memory import Access, View, components, reader, writer
from kernelfuzz.reference.undefined import (
    COOPERATION,
    INDEX_OUT_OF_RANGE,
    NOT_SORTED,
    OUTSIDE_DOMAIN,
    OWN_ARRAY,
    SIZE_OF_BLOCKS,
    UNINITIALISED_READ,
    Undefined,
)
from kernelfuzz.typecheck.builtins import Signature, resolve
from kernelfuzz.typecheck.local_arrays import LOCAL_ARRAYS
from kernelfuzz.typecheck.messages import MESSAGES
from kernelfuzz.typecheck.operators import TILE_CALLS
from kernelfuzz.typecheck.tile_rules import COOPERATIVE

# Builtins that are an operator by its name ("Built-ins: Operators").
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "mod": "%", "bit_and": "&",
    "bit_or": "|", "bit_xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
UNARY_OPERATORS = {"neg": "-", "pos": "+", "invert": "~", "unot": "not"}


def builtin(node: Call, names: Names, *, used: bool) -> Evaluate:
    """The function that evaluates a call; ``used``: something else than the call's effect is wanted."""
    name, domain = node.name, names.module.domain
    if name == "tid":
        return _thread_index(node)
    if name in TILE_CALLS:
        return _tile_call(node, names)
    if name in LOCAL_ARRAYS:
        return _not_computed(node, OWN_ARRAY)
    if name.startswith("atomic_"):
        return _atomic(node, names, used)
    if name in MESSAGES:
        return _message(node, names)
    if name == "block_dim":
        return _size_of_blocks(node)
    types = tuple(argument.type for argument in node.args)
    arguments = [names.expression(argument) for argument in node.args]
    if name in OPERATORS:
        return located(node, domain.binary(OPERATORS[name], *types), *arguments)
    if name in UNARY_OPERATORS:
        return located(node, domain.unary(UNARY_OPERATORS[name], *types), *arguments)
    if name == "where":
        # A function: both values are evaluated ("Built-ins", where), of any type.
        return located(node, lambda condition, left, right: left if condition else right, *arguments)
    if name == "len" and isinstance(types[0], t.Array):
        (array,) = arguments
        return lambda frame: array(frame).shape[0]
    if name == "lower_bound":
        return _lower_bound(node, arguments)
    signature = resolve(name, types, node.keywords)
    assert signature is not None, node
    if signature.builtin.mutates:
        return _mutating(node, signature, arguments, names)
    function = domain.call(signature)
    return located(node, lambda *values: function(values), *arguments)


def _thread_index(node: Call) -> Evaluate:
    """``wp.tid()``: the place in the grid, whose last axis varies fastest ("Built-ins", tid)."""
    several = isinstance(node.type, t.Tuple)
    axes = len(node.type.elements) if isinstance(node.type, t.Tuple) else 1

    def index(frame: Frame) -> Value:
        found: tuple[int, ...] = frame[THREAD].index
        if len(found) != axes:
            raise ValueError(f"a grid of {len(found)} dimensions for a kernel that asks for {axes}")
        return found if several else found[0]

    return index


def _size_of_blocks(node: Call) -> Evaluate:
    """``wp.block_dim()``: a matter of the device and of the options of a launch, which the reference knows not."""

    def size(frame: Frame) -> Value:
        raise Undefined(SIZE_OF_BLOCKS, node)

    return size


def _message(node: Call, names: Names) -> Evaluate:
    """A call that tells something: its arguments are evaluated.  What a failed check tells changes no value."""
    arguments = [names.expression(argument) for argument in node.args]

    def tell(frame: Frame) -> Value:
        for argument in arguments:
            argument(frame)
        return ()

    return tell


# ---------------------------------------------------------------------- searched arrays


def _search(view: View, begin: int, end: int, sought: Value, thread: Value) -> int:
    """The place of the first element that is not less, among those from ``begin`` to before ``end``.

    "Search a sorted array for the closest value greater than or equal to value" ("Built-ins", lower_bound);
    where there is none, the last place (observed).
    """
    if not 0 <= begin < end <= view.shape[0]:
        raise Undefined(OUTSIDE_DOMAIN)
    flats = [view.at((at,)) for at in range(begin, end)]
    if thread.watched:
        for flat in flats:
            view.shadow.read(flat, thread.number)
    leaf = view.leaves
    assert not isinstance(leaf, dict)
    found = [leaf[flat] for flat in flats]
    if not all(left <= right for left, right in zip(found, found[1:])):  # noqa: B905, RUF007  # one shorter
        raise Undefined(NOT_SORTED)
    return begin + min(bisect_left(found, sought), len(found) - 1)


def _lower_bound(node: Call, arguments: list[Evaluate]) -> Evaluate:
    array, *bounds, sought = arguments

    def call(frame: Frame) -> int:
        view: View = array(frame)
        begin, end = [bound(frame) for bound in bounds] or (0, view.shape[0])
        return _search(view, begin, end, sought(frame), frame[THREAD])

    return at_node(node, call)


# ------------------------------------------------------------------------ random states


def _mutating(node: Call, signature: Signature, arguments: list[Evaluate], names: Names) -> Evaluate:
    """A call that advances the random state that it is given: by reference where that is a local."""
    first = node.args[0]
    place = names.place(first.id) if isinstance(first, Name) else None
    state, *rest = arguments
    from_array = signature.name == "sample_cdf"
    drawn = resolve("randf", (t.UINT32,)) if from_array else signature
    assert drawn is not None
    function, change = names.module.domain.call(drawn), names.module.change

    def call(frame: Frame) -> Value:
        before = state(frame)
        values = [argument(frame) for argument in rest]
        if place is not None:
            before = frame[place]  # what an argument's own call has left of it
            if before is UNBOUND:
                raise Undefined(UNINITIALISED_READ, first)
        value, after = function((before,) if from_array else (before, *values))
        if from_array:
            value = _search(values[0], 0, values[0].shape[0], value, frame[THREAD])
        if place is not None:
            change(frame, place, after)
        return value

    return at_node(node, call)


# ------------------------------------------------------------------------------ atomics


def _atomic(node: Call, names: Names, used: bool) -> Evaluate:
    """``wp.atomic_add(a, i, x)``: returns what the element held before."""
    kind = node.name.removeprefix("atomic_")
    array_type: t.Type = node.args[0].type
    assert isinstance(array_type, t.Array)
    dtype = array_type.dtype
    last = 1 + array_type.ndim
    array = names.expression(node.args[0])
    indices = [names.expression(index) for index in node.args[1:last]]
    operands = [names.expression(operand) for operand in node.args[last:]]
    read, write = reader(dtype), writer(dtype)
    combine = None if kind in ("exch", "cas") else names.module.domain.atomic(kind, dtype)

    def call(frame: Frame) -> Value:
        view: View = array(frame)
        at = tuple([index(frame) for index in indices])
        values = [operand(frame) for operand in operands]
        thread = frame[THREAD]
        flat = view.at(at)
        old = read(view.leaves, flat)
        if thread.watched:
            access = Access(kind, components(old, ()), old, values[-1], used, node)
            view.shadow.atomic(flat, thread.number, access)
        if combine is not None:
            write(view.leaves, flat, combine(old, values[0]))
        elif kind == "exch" or old == values[0]:
            write(view.leaves, flat, values[-1])
        return old

    return at_node(node, call)


def can_be_atomic(op: str, part: t.Type) -> bool:
    """Whether ``a[i] op= x`` is an atomic on a part of this type.

    "+= and -= invoke atomic_add and atomic_sub" (Changelog, 1.7.2); &=, |= and ^= likewise (observed).
    """
    name = {"+": "atomic_add", "-": "atomic_sub", "&": "atomic_and", "|": "atomic_or", "^": "atomic_xor"}.get(op)
    if name is None or isinstance(part, (t.Struct, t.Array, t.Tile, t.Tuple)):
        return False
    return resolve(name, (t.Array(part), t.INT32, part)) is not None


# --------------------------------------------------------------------------------- tiles

Operation: TypeAlias = Callable[..., Value]


def _tile_call(node: Call, names: Names) -> Evaluate:
    """The function that evaluates a call of a tile builtin."""
    if node.name in COOPERATIVE:
        return _not_computed(node, COOPERATION)
    arguments = [names.expression(argument) for argument in node.args]
    if node.name in ("tile_load", "tile_store"):
        return _transfer(node, arguments, names.module.domain)
    return located(node, _operation(node, names.module.domain), *arguments)


def _not_computed(node: Call, reason: str) -> Evaluate:
    """What the reference says nothing of: what depends on how many threads a block has, on a library, on an address."""

    def call(frame: Frame) -> Value:
        raise Undefined(reason, node)

    return call


def _operation(node: Call, domain: Domain) -> Operation:
    types: list[t.Type] = [argument.type for argument in node.args]
    result: t.Type = node.type
    if node.name == "tile_extract":
        return _extract
    assert isinstance(result, t.Tile)
    storage = domain.storage(result.dtype)
    match node.name:
        case "tile_zeros" | "tile_ones":
            value = domain.literal(result.dtype, 1 if node.name == "tile_ones" else 0)
            return lambda: np.full(result.shape, value, dtype=storage)
        case "tile_sum" | "tile_min" | "tile_max":
            reduced = domain.reduction(_REDUCTIONS[node.name], result.dtype)
            return lambda tile: np.array([reduced(_numbers(tile))], dtype=storage)
        case "tile_astype":
            source = types[0]
            assert isinstance(source, t.Tile)
            cast = domain.cast(source.dtype, result.dtype)
            return lambda tile: _filled([cast(number) for number in _numbers(tile)], result.shape, storage)
        case "tile_reshape":
            return lambda tile: tile.reshape(result.shape)
        case "tile_transpose":
            return lambda tile: tile.T.copy()
        case "tile_broadcast":
            return lambda tile: np.broadcast_to(tile, result.shape).copy()
        case _:
            raise TypeError(f"no tile builtin {node.name}")


_REDUCTIONS = {"tile_sum": "add", "tile_min": "min", "tile_max": "max"}


def _numbers(tile: np.ndarray[Any, Any]) -> list[Value]:
    """The elements in row-major order, as values."""
    return list(tile.reshape(-1)) if tile.dtype.kind in "fO" else tile.reshape(-1).tolist()


def _filled(numbers: list[Value], shape: tuple[int, ...], storage: np.dtype[Any]) -> np.ndarray[Any, Any]:
    made = np.empty(shape, dtype=storage)
    made.reshape(-1)[:] = numbers
    return made


def _extract(tile: np.ndarray[Any, Any], *indices: int) -> Value:
    if not all(0 <= index < size for index, size in zip(indices, tile.shape, strict=True)):
        raise Undefined(INDEX_OUT_OF_RANGE)
    return tile[indices] if tile.dtype.kind in "fO" else tile.item(indices)


def _transfer(node: Call, arguments: list[Evaluate], domain: Domain) -> Evaluate:
    """Load a tile from an array, or store one there, from its beginning or from an offset on."""
    loads = node.name == "tile_load"
    tile_type: t.Type = node.type if loads else node.args[1].type
    assert isinstance(tile_type, t.Tile)
    storage, zero = domain.storage(tile_type.dtype), domain.literal(tile_type.dtype, 0)
    sizes, checked = tile_type.shape, dict(node.keywords).get("bounds_check", True)

    def places(view: View, offset: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], int]]:
        """Each place of the tile that the array has, with the place there."""
        for at in np.ndindex(sizes):
            there = tuple(map(sum, zip(at, offset, strict=True))) if offset else at
            if all(0 <= index < size for index, size in zip(there, view.shape, strict=True)):
                yield at, view.at(there)
            elif not checked:
                raise Undefined(INDEX_OUT_OF_RANGE)

    def load(view: View, *rest: Value) -> Value:
        made, thread = np.full(sizes, zero, dtype=storage), rest[-1]
        for at, flat in places(view, rest[:-1]):
            if thread.watched:
                view.shadow.read(flat, thread.number)
            made[at] = view.leaves[flat]  # pyright: ignore  # a tile has no structs
        return made

    def store(view: View, tile: Value, *rest: Value) -> Value:
        thread = rest[-1]
        for at, flat in places(view, rest[:-1]):
            if thread.watched:
                view.shadow.write(flat, thread.number)
            view.leaves[flat] = tile[at]  # pyright: ignore  # a tile has no structs
        return ()

    move: Operation = load if loads else store

    return at_node(node, lambda frame: move(*[argument(frame) for argument in arguments], frame[THREAD]))
