"""Atomic updates of shared memory, with a result that no order of the threads can change.

One array is updated by one commuting operation only, and is never read.  What is summed is small and whole,
so that every partial sum is exact in every type.
"""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.arrays import new_shared, place
from kernelfuzz.strategies.calls import cast
from kernelfuzz.strategies.context import Buffer, Context
from kernelfuzz.strategies.dtypes import numeric_dtype
from kernelfuzz.strategies.literals import number
from kernelfuzz.strategies.production import draw_in

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


def update(ctx: Context) -> list[n.Stmt]:
    """One atomic update, as a call or where there is one as an augmented assignment."""
    known = [b for b in ctx.buffers if b.role == "shared"]
    buffer = ctx.choices.pick([*known, None] if len(known) < MOST_SHARED else known) or _new_buffer(ctx)
    name, operator = ctx.choices.pick(FAMILIES[buffer.op])
    indices = tuple(place(ctx, extent).expr for extent in buffer.param.shape if isinstance(extent, int))
    value = _value(ctx, buffer.array.dtype)
    if operator in ("&", "|", "^") and not ctx.allows("bitwise"):
        operator = None
    if operator and ctx.allows("augmented") and ctx.choices.chance(0.25):
        return [n.AugAssign(n.Index(buffer.name, indices, buffer.array.dtype), operator, value)]
    return [n.ExprStmt(n.Call(name, (buffer.name, *indices, value), buffer.array.dtype))]


def _new_buffer(ctx: Context) -> Buffer:
    family = ctx.choices.weighted((("sum", 6), ("min", 1), ("max", 1), ("and", 1), ("or", 1), ("xor", 1)))
    dtype = numeric_dtype(ctx)
    if family in BITS:
        return new_shared(ctx, dtype if dtype.is_integer and dtype.bits >= 32 else t.INT32, family)
    if not can_sum(dtype) or (family != "sum" and dtype.bits < 32):
        dtype = ctx.choices.pick([d for d in (t.FLOAT32, t.INT32) if d in ctx.dtypes] or [t.INT32])
    if family == "sum" and ctx.allows("vector") and ctx.choices.chance(0.2):
        return new_shared(ctx, t.Vector(ctx.choices.pick((3, 2)), dtype), family)
    return new_shared(ctx, dtype, family)


def _value(ctx: Context, type_: t.Type) -> n.Expr:
    """A small whole number of the type (or a vector or matrix filled with one)."""
    if isinstance(type_, (t.Vector, t.Matrix)):
        return n.Construct(type_, (_value(ctx, type_.dtype),))
    assert isinstance(type_, t.Scalar)
    low, high = SUMMAND_BOUNDS
    whole = draw_in(ctx, t.INT32, ctx.choices.integer(0, 2), 0 if type_.kind == "uint" else low, high)
    widths_differ = type_.is_integer and type_.bits != 32
    convertible = ctx.allows("cast") and (ctx.allows("mixed_widths") or not widths_differ)
    if isinstance(whole.expr, n.Literal) or (type_ != t.INT32 and not convertible):
        return number(type_, max(low, whole.low) if type_.kind != "uint" else max(0, whole.low))
    return whole.expr if type_ == t.INT32 else cast(ctx, whole, type_).expr
