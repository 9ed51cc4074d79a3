"""Arrays: which element a thread may read, which slots it may write, and what all threads update.

A thread writes its own slots.  A shared array is updated by one commuting atomic operation only, and is never
read, so that no order of the threads can change the result.  What is summed is small and whole, so that every
partial sum is exact in every type.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.builtin_calls import cast, state_argument
from kernelfuzz.strategies.context import Buffer, Context
from kernelfuzz.strategies.operands import call, draw_in, fit, number, place
from kernelfuzz.strategies.parts import changed, has_inside, inner_place
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS, Ranged, full_range, input_range, is_ranged
from kernelfuzz.strategies.value_types import numeric_dtype, value_type

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
    return can_hold(ctx, type_) and (_has_room(ctx) or bool(_readable(ctx, type_)))


def _readable(ctx: Context, type_: t.Type) -> list[Buffer | None]:
    """The arrays that a value of the type can be read from; None stands for a new one."""
    fresh = [None] * _has_room(ctx)
    return [*[b for b in reversed(ctx.buffers) if b.role != "shared" and b.array.dtype == type_], *fresh]


def _has_room(ctx: Context) -> bool:
    """Whether the kernel may have one more array."""
    return ctx.in_kernel and len(ctx.buffers) < MOST_BUFFERS


def read(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """An element of an array that the thread may read, of a new array where there is none."""
    return element(ctx, ctx.choices.pick(_readable(ctx, type_)) or new_input(ctx, type_))


def element(ctx: Context, buffer: Buffer) -> Ranged:
    """An element that the thread may read: any of an input, its own of an output."""
    dtype, written = buffer.array.dtype, buffer.role == "out"
    bounds = buffer.param.bounds or (full_range(dtype) if written else input_range(dtype))
    indices = own_slot(ctx, buffer) if written else _any_slot(ctx, buffer)
    return Ranged(subscript(ctx, buffer.name, indices), *bounds)


def subscript(ctx: Context, array: n.Name | n.Attribute, indices: Sequence[n.Expr]) -> n.Index:
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


def new_sorted(ctx: Context, dtype: t.Scalar) -> Buffer:
    """An input array of one dimension whose elements are in ascending order."""
    shape = (ctx.choices.pick(SIZES),)
    return ctx.buffer(t.Array(dtype), "in", shape, bounds=input_range(dtype), ascending=True)


def can_search(ctx: Context, type_: t.Type) -> bool:
    """Whether there is a sorted array, or room for one."""
    return ctx.in_kernel and (len(ctx.buffers) < MOST_BUFFERS or bool(_sorted(ctx)))


def _sorted(ctx: Context) -> list[Buffer]:
    return [buffer for buffer in reversed(ctx.buffers) if buffer.param.ascending]


def search(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """``wp.lower_bound(a, x)``, in a part of the array too, or ``wp.sample_cdf(state, a)``: an index of the array."""
    known = _sorted(ctx)
    buffer = ctx.choices.pick(known if known and len(ctx.buffers) >= MOST_BUFFERS else [*known, None])
    buffer = buffer or new_sorted(ctx, numeric_dtype(ctx))
    dtype, (size,) = buffer.array.dtype, buffer.param.shape
    assert isinstance(size, int)
    if dtype == t.FLOAT32 and ctx.allows("random") and ctx.choices.chance(0.3):
        made = n.Call("sample_cdf", (state_argument(ctx).expr, buffer.name), t.INT32)
        return Ranged(made, 0, size - 1)
    ends: tuple[n.Expr, ...] = ()
    if ctx.choices.chance(0.3):
        begin = ctx.choices.integer(0, size - 1)
        ends = (n.Literal(begin, t.INT32), n.Literal(ctx.choices.integer(begin + 1, size), t.INT32))
    sought = ctx.draw(dtype, budget - 1).expr
    return Ranged(n.Call("lower_bound", (buffer.name, *ends, sought), t.INT32), 0, size - 1)


def new_output(ctx: Context, type_: t.Type) -> Buffer:
    """An output array: the axes of the grid, and where allowed some of a fixed size behind them."""
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
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


# ----------------------------------------------------------------------- stores


MOST_OUTPUTS = 5


def outputs(ctx: Context) -> list[Buffer]:
    return [b for b in ctx.buffers if b.role == "out"]


def store(ctx: Context) -> list[n.Stmt]:
    known = outputs(ctx)
    fresh = ctx.in_kernel and len(known) < MOST_OUTPUTS
    buffer = ctx.choices.pick([*known, None] if fresh else known)
    if buffer is None:
        type_ = value_type(ctx)
        buffer = new_output(ctx, type_ if can_hold(ctx, type_) else t.INT32)
    return store_into(ctx, buffer)


def store_into(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``out[i] = expression``."""
    return _assign(ctx, buffer, ctx.draw(buffer.array.dtype, ctx.operations()).expr)


def _assign(ctx: Context, buffer: Buffer, value: n.Expr) -> list[n.Stmt]:
    return [n.Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]


def store_value(ctx: Context, value: n.Expr) -> list[n.Stmt]:
    """Make a value observable: ``out[i] = value``."""
    type_ = value.type
    for buffer in outputs(ctx):
        if buffer.array.dtype == type_ and ctx.choices.chance(0.5):
            return _assign(ctx, buffer, value)
    return _assign(ctx, new_output(ctx, type_), value) if can_hold(ctx, type_) else []


def augmented_store(ctx: Context) -> list[n.Stmt]:
    """``out[i] += expression``: an atomic in the code that Warp generates."""
    buffer = ctx.choices.pick([b for b in outputs(ctx) if can_augment(b)])
    dtype = buffer.array.dtype
    scalar = dtype if isinstance(dtype, t.Scalar) else None
    ops = ("+", "-", "&", "|", "^") if scalar and scalar.is_integer and ctx.allows("bitwise") else ("+", "-")
    op = ctx.choices.pick(ops)
    value = ctx.draw(dtype, ctx.operations())
    if is_ranged(dtype):
        value = fit(ctx, value, *MUTABLE_BOUNDS)
    return [n.AugAssign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), op, value.expr)]


def can_exchange(buffer: Buffer) -> bool:
    """Whether Warp has an atomic exchange over the array's elements."""
    dtype = buffer.array.dtype
    return isinstance(dtype, t.Scalar) and dtype.kind != "bool" and dtype.bits >= 32


def exchange(ctx: Context) -> list[n.Stmt]:
    """``wp.atomic_exch(out, i, value)`` or ``wp.atomic_cas(out, i, old, value)`` at the thread's own slot.

    Nobody else touches the slot, so what it holds afterwards does not depend on the order of the threads.
    """
    buffer = ctx.choices.pick([b for b in outputs(ctx) if can_exchange(b)])
    dtype = buffer.array.dtype
    name, values = ctx.choices.pick((("atomic_exch", 1), ("atomic_cas", 2)))
    slot = own_slot(ctx, buffer)
    arguments = tuple(ctx.draw(dtype, ctx.operations()).expr for _ in range(values))
    return [n.ExprStmt(n.Call(name, (buffer.name, *slot, *arguments), dtype))]


def can_augment(buffer: Buffer) -> bool:
    """Sums of outputs stay in range only for types that wrap around or are floats."""
    return can_sum(buffer.array.dtype) and not is_ranged(buffer.array.dtype)


def element_component_store(ctx: Context) -> list[n.Stmt]:
    buffer = ctx.choices.pick([b for b in outputs(ctx) if can_store_component(b)])
    return store_component(ctx, buffer)


def can_store_component(buffer: Buffer) -> bool:
    """Whether an element has parts that can be assigned."""
    return has_inside(buffer.array.dtype)


def store_component(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``out[i].x = expression``, ``out[i][1] += expression``, ``out[i].field = expression``."""
    element = n.Index(buffer.name, own_slot(ctx, buffer), buffer.array.dtype)
    target = inner_place(ctx, element)
    value = ctx.draw(target.type, ctx.operations())
    return [changed(ctx, target, value) if ctx.allows("atomic") else n.Assign(target, value.expr)]


# --------------------------------------------------------------- atomic updates


# The operations of each family commute with each other; a family's own operators, if Python has them.
FAMILIES: dict[str, tuple[tuple[str, str | None], ...]] = {
    "sum": (("atomic_add", "+"), ("atomic_sub", "-")),
    "min": (("atomic_min", None),),
    "max": (("atomic_max", None),),
    "and": (("atomic_and", "&"),),
    "or": (("atomic_or", "|"),),
    "xor": (("atomic_xor", "^"),),
}
BITS = ("and", "or", "xor")
MOST_SHARED = 3

# What one update may add: a few hundred thousand updates stay exact in float32 and defined in int32,
# and a few hundred in float16.
SUMMAND_BOUNDS = (-4, 4)


def can_sum(type_: t.Type) -> bool:
    """Whether Warp has an atomic sum over the type."""
    scalar = type_ if isinstance(type_, t.Scalar) else getattr(type_, "dtype", None)
    return isinstance(scalar, t.Scalar) and (scalar.is_float or (scalar.is_integer and scalar.bits >= 32))


def atomic_update(ctx: Context) -> list[n.Stmt]:
    """One atomic update, as a call or where there is one as an augmented assignment."""
    known = [b for b in ctx.buffers if b.role == "shared"]
    buffer = ctx.choices.pick([*known, None] if len(known) < MOST_SHARED else known) or _shared_buffer(ctx)
    name, operator = ctx.choices.pick(FAMILIES[buffer.op])
    indices = tuple(place(ctx, extent).expr for extent in buffer.param.shape if isinstance(extent, int))
    value = _summand(ctx, buffer.array.dtype)
    if operator in ("&", "|", "^") and not ctx.allows("bitwise"):
        operator = None
    if operator and ctx.allows("augmented") and ctx.choices.chance(0.25):
        return [n.AugAssign(n.Index(buffer.name, indices, buffer.array.dtype), operator, value)]
    return [n.ExprStmt(n.Call(name, (buffer.name, *indices, value), buffer.array.dtype))]


def _shared_buffer(ctx: Context) -> Buffer:
    family = ctx.choices.weighted((("sum", 6), ("min", 1), ("max", 1), ("and", 1), ("or", 1), ("xor", 1)))
    dtype = numeric_dtype(ctx)
    if family in BITS:
        return new_shared(ctx, dtype if dtype.is_integer and dtype.bits >= 32 else t.INT32, family)
    if not can_sum(dtype) or (family != "sum" and dtype.bits < 32):
        dtype = ctx.choices.pick([d for d in (t.FLOAT32, t.INT32) if d in ctx.dtypes] or [t.INT32])
    if family == "sum" and ctx.allows("vector") and ctx.choices.chance(0.2):
        return new_shared(ctx, t.Vector(ctx.choices.pick((3, 2)), dtype), family)
    return new_shared(ctx, dtype, family)


def _summand(ctx: Context, type_: t.Type) -> n.Expr:
    """A small whole number of the type (or a vector or matrix filled with one)."""
    if isinstance(type_, (t.Vector, t.Matrix)):
        return n.Construct(type_, (_summand(ctx, type_.dtype),))
    assert isinstance(type_, t.Scalar)
    low, high = SUMMAND_BOUNDS
    whole = draw_in(ctx, t.INT32, ctx.choices.integer(0, 2), 0 if type_.kind == "uint" else low, high)
    widths_differ = type_.is_integer and type_.bits != 32
    convertible = ctx.allows("cast") and (ctx.allows("mixed_widths") or not widths_differ)
    if isinstance(whole.expr, n.Literal) or (type_ != t.INT32 and not convertible):
        return number(type_, max(low, whole.low) if type_.kind != "uint" else max(0, whole.low))
    return whole.expr if type_ == t.INT32 else cast(ctx, whole, type_).expr
