"""Tile builtins: a tile is a numpy array; the one thread of a block does the work of all.

"Tiles" of Warp's user guide: on the CPU a block has one thread.  Reductions go from the first element to the
last (observed); what a load finds outside of its array is zero ("Tiles: Loads", bounds-checked zero-padding).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kernelfuzz.ir.nodes import Call
from kernelfuzz.ir.types import Tile, Type
from kernelfuzz.reference.compiled import THREAD, Evaluate, Frame, Names, located
from kernelfuzz.reference.domain import Domain, Value
from kernelfuzz.reference.memory import View
from kernelfuzz.reference.undefined import INDEX_OUT_OF_RANGE, Stopped, Undefined

Operation = Callable[..., Value]


def call(node: Call, names: Names) -> Evaluate:
    """The function that evaluates a call of a tile builtin."""
    arguments = [names.expression(argument) for argument in node.args]
    if node.name in ("tile_load", "tile_store"):
        return _transfer(node, arguments, names.module.domain)
    return located(node, _operation(node, names.module.domain), *arguments)


def _operation(node: Call, domain: Domain) -> Operation:
    types: list[Type] = [argument.type for argument in node.args]
    result: Type = node.type
    if node.name == "tile_extract":
        return _extract
    assert isinstance(result, Tile)
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
            assert isinstance(source, Tile)
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
    """Load a tile from the beginning of an array, or store one there."""
    loads = node.name == "tile_load"
    tile_type: Type = node.type if loads else node.args[1].type
    assert isinstance(tile_type, Tile)
    storage, zero = domain.storage(tile_type.dtype), domain.literal(tile_type.dtype, 0)
    sizes = tile_type.shape

    def load(view: View, thread: Value) -> Value:
        made = np.full(sizes, zero, dtype=storage)
        for at in np.ndindex(sizes):
            if all(index < size for index, size in zip(at, view.shape, strict=True)):
                flat = view.at(at)
                if thread.watched:
                    view.shadow.read(flat, thread.number)
                made[at] = view.leaves[flat]  # pyright: ignore  # a tile has no structs
        return made

    def store(view: View, tile: Value, thread: Value) -> Value:
        for at in np.ndindex(sizes):
            if all(index < size for index, size in zip(at, view.shape, strict=True)):
                flat = view.at(at)
                if thread.watched:
                    view.shadow.write(flat, thread.number)
                view.leaves[flat] = tile[at]  # pyright: ignore  # a tile has no structs
        return ()

    move: Operation = load if loads else store

    def transfer(frame: Frame) -> Value:
        values = [argument(frame) for argument in arguments]
        try:
            return move(*values, frame[THREAD])
        except Stopped as error:
            error.node = error.node or node
            raise

    return transfer
