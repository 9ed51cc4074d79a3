"""Tiles: what a block of threads loads, computes and stores together.

A kernel with tiles is launched with one block for each point of the grid (``wp.launch_tiled``), so every
thread of a block has the same indices, and runs the same statements: it must not update shared memory, which
each thread of the block would do.  Tile operations stand outside of branches and loops.
"""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.context import Buffer, Context
from kernelfuzz.strategies.ranges import Ranged

SIZES = (4, 8, 2, 16)


def possible(ctx: Context) -> bool:
    """Whether tile operations can stand here: in a kernel, outside of any branch or loop."""
    return ctx.in_kernel and ctx.ndim < 4 and ctx.depth == 0


def block(ctx: Context) -> list[n.Stmt]:
    """Load a row, do a few operations on it, store it or use one of its numbers."""
    dtype = ctx.choices.pick(tuple(d for d in (t.FLOAT32, t.FLOAT64) if d in ctx.dtypes) or (t.FLOAT32,))
    size = ctx.choices.pick(SIZES)
    loaded = n.Call("tile_load", (_row(ctx, "in", dtype, size),), t.Tile(dtype, (size,)), (("shape", size),))
    made, tile = _local(ctx, loaded)
    for _ in range(ctx.choices.integer(0, 3)):
        statements, tile = _operation(ctx, tile)
        made += statements
    return [*made, *_result(ctx, tile)]


def _local(ctx: Context, value: n.Call | n.Binary | n.Unary) -> tuple[list[n.Stmt], n.Name]:
    variable = ctx.declare(value.type, Ranged(value), mutable=False)
    ctx.read_names.add(variable.name)
    name = n.Name(variable.name, value.type)
    return [n.Assign(name, value)], name


def _row(ctx: Context, role: str, dtype: t.Scalar, size: int) -> n.Index:
    """The row of an array that belongs to the block: ``a[i]``."""
    grid = ctx.axes()
    shape = (*grid, size)
    known = [
        b for b in ctx.buffers if not b.view and b.role == role and b.array.dtype == dtype and b.param.shape == shape
    ]
    buffer: Buffer = ctx.choices.pick([*known, None]) or ctx.buffer(t.Array(dtype, len(shape)), role, shape)
    indices = tuple(ctx.thread(axis).expr for axis in grid)
    return n.Index(buffer.name, indices, t.Array(dtype, 1))


def _operation(ctx: Context, tile: n.Name) -> tuple[list[n.Stmt], n.Name]:
    """One operation on a vector of a tile, which leaves a vector of a tile."""
    type_ = tile.type
    assert isinstance(type_, t.Tile)
    dtype, (size,) = type_.dtype, type_.shape
    others = [v for v in ctx.visible(type_) if v.name != tile.id]
    match ctx.choices.pick(("scale", "negate", "constant", "sum", "reduce", "convert", "reshape")):
        case "scale":
            factor = ctx.draw(dtype, ctx.choices.integer(0, 2)).expr
            return _local(ctx, n.Binary("*", tile, factor, type_))
        case "negate":
            return _local(ctx, n.Unary("-", tile, type_))
        case "sum" if others:
            other = n.Name(ctx.choices.pick(others).name, type_)
            return _local(ctx, n.Binary(ctx.choices.pick(("+", "-")), tile, other, type_))
        case "reduce":
            name = ctx.choices.pick(("tile_sum", "tile_min", "tile_max"))
            first, one = _local(ctx, n.Call(name, (tile,), t.Tile(dtype, (1,))))
            second, view = _local(ctx, n.Call("tile_broadcast", (one,), type_, (("shape", (size,)),)))
            third, wide = _copied(ctx, view)
            return first + second + third, wide
        case "convert" if {t.FLOAT32, t.FLOAT64} <= {*ctx.dtypes}:
            target = t.FLOAT64 if dtype == t.FLOAT32 else t.FLOAT32
            return _local(ctx, n.Call("tile_astype", (tile,), t.Tile(target, (size,)), (("dtype", target),)))
        case "reshape" if size > 2:
            folded = t.Tile(dtype, (2, size // 2))
            first, two = _local(ctx, n.Call("tile_reshape", (tile,), folded, (("shape", folded.shape),)))
            turned = t.Tile(dtype, folded.shape[::-1])
            second, view = _local(ctx, n.Call("tile_transpose", (two,), turned))
            third, three = _copied(ctx, view)
            fourth, flat = _local(ctx, n.Call("tile_reshape", (three,), type_, (("shape", (size,)),)))
            return first + second + third + fourth, flat
        case _:
            name = ctx.choices.pick(("tile_ones", "tile_zeros"))
            filled = n.Call(name, (), type_, (("shape", size), ("dtype", dtype)))
            return _local(ctx, n.Binary("+", tile, filled, type_))


def _copied(ctx: Context, view: n.Name) -> tuple[list[n.Stmt], n.Name]:
    """A tile that lies in memory as it reads: views cannot be reshaped."""
    assert isinstance(view.type, t.Tile)
    return _local(ctx, n.Binary("*", view, n.Literal(1.0, view.type.dtype), view.type))


def _result(ctx: Context, tile: n.Name) -> list[n.Stmt]:
    """``wp.tile_store(out[i], tile)``, or a local that holds one of the tile's numbers."""
    type_: t.Type = tile.type
    assert isinstance(type_, t.Tile)
    (size,) = type_.shape
    if ctx.choices.chance(0.3):
        place = n.Literal(ctx.choices.integer(0, size - 1), t.INT32)
        value = n.Call("tile_extract", (tile, place), type_.dtype)
        variable = ctx.declare(type_.dtype, Ranged(value), mutable=True)
        return [n.Assign(n.Name(variable.name, type_.dtype), value)]
    row = _row(ctx, "out", type_.dtype, size)
    return [n.ExprStmt(n.Call("tile_store", (row, tile), t.Tuple(())))]
