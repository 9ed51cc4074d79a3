"""Operations on tiles that real kernels have and no drawn one does: their types.

The reference computes a load and a store at an offset, and none of the others: what they give depends on the size of
a block, or on a library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.typecheck.builtins import resolve

Types = tuple[t.Type, ...]
Keywords = Mapping[str, Keyword]
TileRule = Callable[[Types, Keywords], "t.Type | None"]

# The size of an axis that is as long as the block has threads.
BLOCK = 0

# How many arguments stand before those that are an offset, which is given by name.
BEFORE_OFFSET = {"tile_load": 1, "tile_store": 2, "tile_atomic_add": 2, "tile_view": 1, "tile_assign": 2}

# Calls whose last argument has a name, behind so many others.
FACTOR = "alpha"
BEFORE_FACTOR = {"tile_matmul": 3, "tile_matmul_transpose_update": 3, "tile_matmul_left_transpose_update": 3}

# The name of the operation that a call is given first.
OPERATION = "op"
WITH_OPERATION = frozenset({"tile_reduce", "tile_map"})


def is_offset(types: Types, rank: int) -> bool:
    """Whether these are no offset, or one for each axis."""
    return not types or (len(types) == rank and all(each == t.INT32 for each in types))


def _of_threads(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Scalar() as dtype,):
            return t.Tile(dtype, (BLOCK,))
        case _:
            return None


def _to_threads(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype, shape=(_,)),):
            return dtype
        case _:
            return None


def _reduced(types: Types, keywords: Keywords) -> t.Type | None:
    match types, keywords.get(OPERATION):
        case (t.Tile(dtype=dtype),), str() as op if resolve(op, (dtype, dtype)) is not None:
            return t.Tile(dtype, (1,))
        case _:
            return None


def _mapped(types: Types, keywords: Keywords) -> t.Type | None:
    op, tiles = keywords.get(OPERATION), [each for each in types if isinstance(each, t.Tile)]
    if not isinstance(op, str) or not tiles or len({tile.shape for tile in tiles}) != 1:
        return None
    found = resolve(op, tuple([each.dtype if isinstance(each, t.Tile) else each for each in types]))
    return t.Tile(found.result, tiles[0].shape) if found and isinstance(found.result, t.Scalar) else None


def _product(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=one, shape=(rows, inner)), t.Tile(dtype=two, shape=(same, columns)), *rest):
            made = t.Tile(one, (rows, columns))
            if one != two or inner != same or not one.is_float or keywords:
                return None
            return made if not rest else t.Tuple(()) if rest in ([made], [made, one]) else None
        case _:
            return None


def _updated(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype), t.Tile(), t.Tile(), *rest) if rest in ([], [dtype]) and not keywords:
            return t.Tuple(())
        case _:
            return None


def _like(position: int, count: int) -> TileRule:
    """The rule that so many tiles give one of the type of the argument at a position."""

    def rule(types: Types, keywords: Keywords) -> t.Type | None:
        tiles = len(types) == count and all(isinstance(each, t.Tile) for each in types)
        return types[position] if tiles else None

    return rule


def _in_place(count: int) -> TileRule:
    def rule(types: Types, keywords: Keywords) -> t.Type | None:
        return t.Tuple(()) if len(types) == count and all(isinstance(each, t.Tile) for each in types) else None

    return rule


def _place(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(),):
            return t.Tile(t.INT32, (1,))
        case _:
            return None


def _added(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Array(dtype=dtype, ndim=ndim), t.Tile() as tile, *rest) if tile.dtype == dtype:
            return tile if len(tile.shape) == ndim and is_offset(tuple(rest), ndim) else None
        case _:
            return None


def _viewed(types: Types, keywords: Keywords) -> t.Type | None:
    sizes = keywords.get("shape")
    match types, (sizes,) if type(sizes) is int else sizes:
        case (t.Tile(dtype=dtype, shape=shape), *offset), tuple() as part if len(part) == len(shape):
            return t.Tile(dtype, part) if is_offset(tuple(offset), len(shape)) else None
        case _:
            return None


def _assigned(types: Types, keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype, shape=shape), t.Tile() as part, *offset) if part.dtype == dtype:
            return t.Tuple(()) if is_offset(tuple(offset), len(shape)) else None
        case _:
            return None


# "Built-Ins Reference", Tile Primitives.
COOPERATIVE: dict[str, TileRule] = {
    "tile": _of_threads,
    "untile": _to_threads,
    "tile_reduce": _reduced,
    "tile_map": _mapped,
    "tile_matmul": _product,
    "tile_matmul_transpose_update": _updated,
    "tile_matmul_left_transpose_update": _updated,
    "tile_cholesky": _like(0, 1),
    "tile_cholesky_inplace": _in_place(1),
    "tile_cholesky_solve": _like(1, 2),
    "tile_cholesky_solve_inplace": _in_place(2),
    "tile_lower_solve": _like(1, 2),
    "tile_lower_solve_inplace": _in_place(2),
    "tile_upper_solve": _like(1, 2),
    "tile_upper_solve_inplace": _in_place(2),
    "tile_diag_add": _like(0, 2),
    "tile_sort": _in_place(2),
    "tile_scan_inclusive": _like(0, 1),
    "tile_scan_exclusive": _like(0, 1),
    "tile_argmin": _place,
    "tile_argmax": _place,
    "tile_atomic_add": _added,
    "tile_view": _viewed,
    "tile_assign": _assigned,
}

# What they take by name, besides shapes and types.
OPTIONS = frozenset({"storage", "bounds_check", "fill_mode", "preserve_type", "aligned"})
