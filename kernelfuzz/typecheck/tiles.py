"""What operations on tiles take and give ("Tiles" in Warp's documentation): one row each.

The rows are what Warp 1.10, 1.14 and 1.19 all accept on both devices, with their adjoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Keyword

Keywords = Mapping[str, Keyword]
Rule = Callable[[tuple[t.Type, ...], Keywords], "t.Type | None"]


def _shape(keywords: Keywords) -> tuple[int, ...] | None:
    """The shape that a call asks for: a number or a tuple of them."""
    value = keywords.get("shape")
    sizes = (value,) if type(value) is int else value
    if not isinstance(sizes, tuple) or not all(type(size) is int and size > 0 for size in sizes):
        return None
    return sizes if 1 <= len(sizes) <= 4 else None


def _load(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, _shape(keywords):
        case (t.Array(dtype=t.Scalar() as dtype, ndim=ndim),), (*sizes,) if len(sizes) == ndim:
            return t.Tile(dtype, tuple(sizes))
        case _:
            pass
    return None


def _filled(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    dtype, sizes = keywords.get("dtype"), _shape(keywords)
    return t.Tile(dtype, sizes) if not types and sizes and isinstance(dtype, t.Scalar) else None


def _reduced(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype),) if not keywords:
            return t.Tile(dtype, (1,))
        case _:
            pass
    return None


def _converted(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, keywords.get("dtype"):
        case (t.Tile(shape=shape),), t.Scalar() as dtype:
            return t.Tile(dtype, shape)
        case _:
            pass
    return None


def _reshaped(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, _shape(keywords):
        case (t.Tile(dtype=dtype, shape=shape),), (*sizes,) if prod(sizes) == prod(shape):
            return t.Tile(dtype, tuple(sizes))
        case _:
            pass
    return None


def _transposed(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype, shape=(rows, columns)),) if not keywords:
            return t.Tile(dtype, (columns, rows))
        case _:
            pass
    return None


def _broadcast(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, _shape(keywords):
        case (t.Tile(dtype=dtype, shape=(1,)),), (*sizes,):
            return t.Tile(dtype, tuple(sizes))
        case _:
            pass
    return None


def _extracted(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype, shape=shape), *indices) if indices == [t.INT32] * len(shape) and not keywords:
            return dtype
        case _:
            pass
    return None


def _stored(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Array(dtype=dtype, ndim=ndim), t.Tile() as tile) if tile.dtype == dtype and len(tile.shape) == ndim:
            return t.Tuple(()) if not keywords else None
        case _:
            pass
    return None


TILE_CALLS: dict[str, Rule] = {
    "tile_load": _load,
    "tile_zeros": _filled,
    "tile_ones": _filled,
    "tile_sum": _reduced,
    "tile_min": _reduced,
    "tile_max": _reduced,
    "tile_astype": _converted,
    "tile_reshape": _reshaped,
    "tile_transpose": _transposed,
    "tile_broadcast": _broadcast,
    "tile_extract": _extracted,
    "tile_store": _stored,
}


def tile_call(name: str, types: tuple[t.Type, ...], keywords: tuple[tuple[str, Keyword], ...]) -> t.Type | None:
    """The type that a call of a tile builtin gives, or None where there is no such call."""
    return TILE_CALLS[name](types, dict(keywords))


def tile_operator(op: str, left: t.Type, right: t.Type) -> t.Type | None:
    """The type of ``left op right`` where one side is a tile: sums, differences, products with a scalar."""
    if op in ("+", "-") and left == right:
        return left
    for tile, scalar in ((left, right), (right, left)):
        if op == "*" and isinstance(tile, t.Tile) and scalar == tile.dtype:
            return tile
    return None
