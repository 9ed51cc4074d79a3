"""Arrays: which element a thread may read, and which slots are its own to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.context import Buffer, Context
from kernelfuzz.strategies.literals import call
from kernelfuzz.strategies.ranges import Ranged, full_range, input_range, is_ranged
from kernelfuzz.strategies.wrap_operand import fit

Draw = Callable[[Context, t.Type, int], Ranged]

MOST_BUFFERS = 7
SIZES = (4, 3, 8, 2)


def can_hold(ctx: Context, type_: t.Type) -> bool:
    """Whether an array of the type is allowed."""
    if isinstance(type_, (t.Array, t.Tile, t.Tuple)):
        return False
    if isinstance(type_, t.Struct):
        return ctx.allows("struct_array")
    return type_ != t.BOOL or ctx.allows("bool_data")


def can_read(ctx: Context, type_: t.Type) -> bool:
    """Whether an element of the type can be read here."""
    if not can_hold(ctx, type_):
        return False
    return bool(_readable(ctx, type_)) or (ctx.in_kernel and len(ctx.buffers) < MOST_BUFFERS)


def _readable(ctx: Context, type_: t.Type) -> list[Buffer]:
    return [b for b in reversed(ctx.buffers) if b.role != "shared" and b.array.dtype == type_]


def read(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """An element of an array that the thread may read, of a new array where there is none."""
    known = _readable(ctx, type_)
    fresh = ctx.in_kernel and len(ctx.buffers) < MOST_BUFFERS
    buffer = ctx.choices.pick([*known, None] if fresh else known) or new_input(ctx, type_)
    return element(ctx, buffer)


def element(ctx: Context, buffer: Buffer) -> Ranged:
    """An element that the thread may read: any of an input, its own of an output."""
    bounds = _element_range(ctx, buffer)
    indices = own_slot(ctx, buffer) if buffer.role == "out" else _any_slot(ctx, buffer)
    return Ranged(subscript(ctx, buffer.name, indices), *bounds)


def _element_range(ctx: Context, buffer: Buffer) -> tuple[int, int]:
    dtype = buffer.array.dtype
    return buffer.param.bounds or (full_range(dtype) if buffer.role == "out" else input_range(dtype))


def subscript(ctx: Context, array: n.Name, indices: Sequence[n.Expr]) -> n.Index:
    """``a[i, j]``, or now and then ``a[i][j]`` through a view."""
    assert isinstance(array.type, t.Array)
    if len(indices) > 1 and ctx.allows("view") and ctx.choices.chance(0.15):
        row = n.Index(array, (indices[0],), t.Array(array.type.dtype, array.type.ndim - 1))
        return n.Index(row, tuple(indices[1:]), array.type.dtype)
    return n.Index(array, tuple(indices), array.type.dtype)


def own_slot(ctx: Context, buffer: Buffer) -> tuple[n.Expr, ...]:
    """Indices of a slot that belongs to the thread: its grid axes, and any place along the others."""
    return tuple(
        ctx.thread(extent).expr if isinstance(extent, str) else place(ctx, extent).expr for extent in buffer.param.shape
    )


def _any_slot(ctx: Context, buffer: Buffer) -> tuple[n.Expr, ...]:
    return tuple(
        _along_grid(ctx, buffer, axis, extent) if isinstance(extent, str) else place(ctx, extent).expr
        for axis, extent in enumerate(buffer.param.shape)
    )


def _along_grid(ctx: Context, buffer: Buffer, axis: int, extent: str) -> n.Expr:
    """An index along an axis as long as the grid: the thread's own place or a neighbour's."""
    if extent not in ctx.axes():
        return n.Literal(0, t.INT32)
    here = ctx.thread(extent).expr
    kinds = [("own", 20), ("previous", 1), ("first", 1)]
    match ctx.choices.weighted(kinds + [("next", 1), ("around", 1)] * ctx.allows("array_shape")):
        case "next":
            last = n.Binary("-", n.ArrayShape(buffer.name, axis), n.Literal(1, t.INT32), t.INT32)
            return call("min", n.Binary("+", here, n.Literal(1, t.INT32), t.INT32), last)
        case "previous":
            return call("max", n.Binary("-", here, n.Literal(1, t.INT32), t.INT32), n.Literal(0, t.INT32))
        case "first":
            return n.Literal(0, t.INT32)
        case "around":
            step = n.Literal(ctx.choices.integer(1, 5), t.INT32)
            return n.Binary("%", n.Binary("+", here, step, t.INT32), n.ArrayShape(buffer.name, axis), t.INT32)
        case _:
            return here


def place(ctx: Context, size: int) -> Ranged:
    """An index along an axis of fixed size: a variable that is in range, a constant, or a wrapped one."""
    ready = [v for v in reversed(ctx.variables) if v.type == t.INT32 and v.low >= 0 and v.high < size]
    if ready and ctx.choices.chance(0.6):
        return ctx.use(ctx.choices.pick(ready))
    if ctx.choices.chance(0.3):
        wrapped = [v for v in reversed(ctx.variables) if v.type == t.INT32]
        if wrapped or ctx.axes():
            chosen = ctx.choices.pick([*wrapped, None] if ctx.axes() else wrapped)
            value = ctx.use(chosen) if chosen else ctx.thread(ctx.axes()[0])
            return fit_index(ctx, value, size)
    return Ranged(n.Literal(ctx.choices.integer(0, size - 1), t.INT32), 0, size - 1)


def within(ctx: Context, size: int, budget: int, draw: Draw) -> Ranged:
    """Any int32 expression, brought into ``0..size - 1``."""
    return fit_index(ctx, draw(ctx, t.INT32, budget), size)


def fit_index(ctx: Context, value: Ranged, size: int) -> Ranged:
    """``value`` as an index below ``size``."""
    if value.low >= 0 and value.high >= size:
        return Ranged(n.Binary("%", value.expr, n.Literal(size, t.INT32), t.INT32), 0, size - 1)
    return fit(ctx, value, 0, size - 1)


# ----------------------------------------------------------------- new arrays


def new_input(ctx: Context, type_: t.Type, ndim: int | None = None) -> Buffer:
    """An input array of one dimension or, where allowed, of several."""
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    ndim = ndim or _ndim(ctx, 1)
    along = ctx.choices.pick((*ctx.axes(), None))
    shape: list[int | str] = [along or ctx.choices.pick(SIZES)]
    shape += [ctx.choices.pick(SIZES) for _ in range(ndim - 1)]
    bounds = input_range(type_)
    if isinstance(type_, t.Scalar) and is_ranged(type_) and ctx.choices.chance(0.1):
        bounds = type_.limits
    return ctx.buffer(t.Array(type_, ndim), "in", tuple(shape), bounds=bounds)


def new_output(ctx: Context, type_: t.Value) -> Buffer:
    """An output array: the axes of the grid, and where allowed some of a fixed size behind them."""
    grid = ctx.axes()
    ndim = _ndim(ctx, len(grid))
    shape = (*grid, *(ctx.choices.pick(SIZES) for _ in range(ndim - len(grid))))
    return ctx.buffer(t.Array(type_, ndim), "out", shape)


def new_shared(ctx: Context, type_: t.Value, op: str) -> Buffer:
    """An array that all threads update with one atomic operation."""
    ndim = _ndim(ctx, 1)
    shape = tuple(ctx.choices.pick((1, *SIZES)) for _ in range(ndim))
    return ctx.buffer(t.Array(type_, ndim), "shared", shape, op)


def _ndim(ctx: Context, least: int) -> int:
    """How many dimensions a new array has, ``least`` or more."""
    if not ctx.allows("array_nd"):
        return least
    ndim = ctx.choices.weighted(ctx.ndims)
    return max(least, min(ndim, 4 if ctx.allows("array_3d") else 2))
