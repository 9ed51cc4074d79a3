"""What operations on tiles take and give ("Tiles" in Warp's documentation): one row each.

The rows are what Warp 1.10, 1.14 and 1.19 all accept on both devices, with their adjoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.ir.types import INT32, Array, Scalar, Tile, Tuple, Type

Keywords = Mapping[str, Keyword]
Rule = Callable[[tuple[Type, ...], Keywords], "Type | None"]


def _shape(keywords: Keywords) -> tuple[int, ...] | None:
    """The shape that a call asks for: a number or a tuple of them."""
    value = keywords.get("shape")
    sizes = (value,) if type(value) is int else value
    if not isinstance(sizes, tuple) or not all(type(size) is int and size > 0 for size in sizes):
        return None
    return sizes if 1 <= len(sizes) <= 4 else None


def _load(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types, _shape(keywords):
        case (Array(dtype=Scalar() as dtype, ndim=ndim),), (*sizes,) if len(sizes) == ndim:
            return Tile(dtype, tuple(sizes))
        case _:
            pass
    return None


def _filled(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    dtype, sizes = keywords.get("dtype"), _shape(keywords)
    return Tile(dtype, sizes) if not types and sizes and isinstance(dtype, Scalar) else None


def _reduced(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types:
        case (Tile(dtype=dtype),) if not keywords:
            return Tile(dtype, (1,))
        case _:
            pass
    return None


def _converted(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types, keywords.get("dtype"):
        case (Tile(shape=shape),), Scalar() as dtype:
            return Tile(dtype, shape)
        case _:
            pass
    return None


def _reshaped(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types, _shape(keywords):
        case (Tile(dtype=dtype, shape=shape),), (*sizes,) if prod(sizes) == prod(shape):
            return Tile(dtype, tuple(sizes))
        case _:
            pass
    return None


def _transposed(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types:
        case (Tile(dtype=dtype, shape=(rows, columns)),) if not keywords:
            return Tile(dtype, (columns, rows))
        case _:
            pass
    return None


def _broadcast(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types, _shape(keywords):
        case (Tile(dtype=dtype, shape=(1,)),), (*sizes,):
            return Tile(dtype, tuple(sizes))
        case _:
            pass
    return None


def _extracted(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types:
        case (Tile(dtype=dtype, shape=shape), *indices) if indices == [INT32] * len(shape) and not keywords:
            return dtype
        case _:
            pass
    return None


def _stored(types: tuple[Type, ...], keywords: Keywords) -> Type | None:
    match types:
        case (Array(dtype=dtype, ndim=ndim), Tile() as tile) if (
            tile.dtype == dtype and len(tile.shape) == ndim
        ):
            return Tuple(()) if not keywords else None
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


def tile_call(name: str, types: tuple[Type, ...], keywords: tuple[tuple[str, Keyword], ...]) -> Type | None:
    """The type that a call of a tile builtin gives, or None where there is no such call."""
    return TILE_CALLS[name](types, dict(keywords))


def tile_operator(op: str, left: Type, right: Type) -> Type | None:
    """The type of ``left op right`` where one side is a tile: sums, differences, products with a scalar."""
    if op in ("+", "-") and left == right:
        return left
    for tile, scalar in ((left, right), (right, left)):
        if op == "*" and isinstance(tile, Tile) and scalar == tile.dtype:
            return tile
    return None
