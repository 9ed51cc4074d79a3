"""Stores into arrays: whole elements, parts of them, and what an atomic adds to them."""

from __future__ import annotations

from kernelfuzz.analysis.writes import is_local
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies import atomics
from kernelfuzz.strategies.arrays import can_hold, new_output, own_slot, subscript
from kernelfuzz.strategies.components import position
from kernelfuzz.strategies.context import Buffer, Context
from kernelfuzz.strategies.dtypes import value_type
from kernelfuzz.strategies.knots import draw
from kernelfuzz.strategies.production import operations
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS, is_ranged
from kernelfuzz.strategies.wrap_operand import fit

MOST_OUTPUTS = 5


def outputs(ctx: Context) -> list[Buffer]:
    return [b for b in ctx.buffers if b.role == "out"]


def store(ctx: Context) -> list[n.Stmt]:
    known = outputs(ctx)
    fresh = ctx.in_kernel and len(known) < MOST_OUTPUTS
    buffer = ctx.choices.pick([*known, None] if fresh else known)
    if buffer is None:
        type_ = value_type(ctx)
        buffer = new_output(ctx, type_) if can_hold(ctx, type_) else new_output(ctx, t.INT32)  # pyright: ignore
    return store_into(ctx, buffer)


def store_into(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``out[i] = expression``."""
    value = draw(ctx, buffer.array.dtype, operations(ctx)).expr
    return [n.Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]


def store_value(ctx: Context, value: n.Expr) -> list[n.Stmt]:
    """Make a value observable: ``out[i] = value``."""
    type_ = value.type
    for buffer in outputs(ctx):
        if buffer.array.dtype == type_ and ctx.choices.chance(0.5):
            return [n.Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]
    if not can_hold(ctx, type_):
        return []
    buffer = new_output(ctx, type_)  # pyright: ignore[reportArgumentType]
    return [n.Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]


def augmented_store(ctx: Context) -> list[n.Stmt]:
    """``out[i] += expression``: an atomic in the code that Warp generates."""
    buffer = ctx.choices.pick([b for b in outputs(ctx) if can_augment(b)])
    dtype = buffer.array.dtype
    scalar = dtype if isinstance(dtype, t.Scalar) else None
    ops = ("+", "-", "&", "|", "^") if scalar and scalar.is_integer and ctx.allows("bitwise") else ("+", "-")
    op = ctx.choices.pick(ops)
    value = draw(ctx, dtype, operations(ctx))
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
    arguments = tuple(draw(ctx, dtype, operations(ctx)).expr for _ in range(values))
    return [n.ExprStmt(n.Call(name, (buffer.name, *slot, *arguments), dtype))]


def can_augment(buffer: Buffer) -> bool:
    """Sums of outputs stay in range only for types that wrap around or are floats."""
    return atomics.can_sum(buffer.array.dtype) and not is_ranged(buffer.array.dtype)


def element_component_store(ctx: Context) -> list[n.Stmt]:
    buffer = ctx.choices.pick([b for b in outputs(ctx) if can_store_component(b)])
    return store_component(ctx, buffer)


def can_store_component(buffer: Buffer) -> bool:
    """Whether a part of an element can be assigned; Warp refuses that for the parts of a transform."""
    return not isinstance(buffer.array.dtype, (t.Scalar, t.Transform))


def store_component(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``out[i].x = expression``, ``out[i][1] += expression``, ``out[i].field = expression``."""
    element = n.Index(buffer.name, own_slot(ctx, buffer), buffer.array.dtype)
    target = inner_place(ctx, element)
    value = draw(ctx, target.type, operations(ctx))
    scalar = target.type if isinstance(target.type, t.Scalar) else None
    if (
        scalar
        and scalar.is_float
        and scalar.bits >= 32
        and isinstance(target, n.Attribute)  # before 1.19 Warp has a[i].x += 1, but no a[i][0] += 1
        and ctx.allows("augmented")
        and ctx.allows("atomic")
        and ctx.choices.chance(0.3)
    ):
        return [n.AugAssign(target, ctx.choices.pick(("+", "-")), value.expr)]
    return [n.Assign(target, value.expr)]


def inner_place(ctx: Context, value: n.Name | n.Index | n.Attribute) -> n.Place:
    """A component, a row or a field of a place."""
    type_ = value.type
    match type_:
        case t.Struct(fields=fields):
            name, field = ctx.choices.pick(fields)
            inner = n.Attribute(value, name, field)
            if isinstance(field, t.Struct) or (_goes_deeper(value, field) and ctx.choices.chance(0.4)):
                return inner_place(ctx, inner)
            return inner
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            if isinstance(value, n.Name) and dtype.is_float and ctx.choices.chance(0.2):
                return n.Index(value, (position(ctx, rows, 0),), t.Vector(columns, dtype))
            return n.Index(value, (position(ctx, rows, 0), position(ctx, columns, 0)), dtype)
        case t.Transform(dtype=dtype):
            return n.Attribute(value, *ctx.choices.pick((("p", t.Vector(3, dtype)), ("q", t.Quaternion(dtype)))))
        case t.Vector() | t.Quaternion():
            length = type_.length if isinstance(type_, t.Vector) else 4
            if length <= 4 and ctx.choices.chance(0.6):
                return n.Attribute(value, ctx.choices.pick("xyzw"[:length]), type_.dtype)
            return n.Index(value, (position(ctx, length, 0),), type_.dtype)
        case _:
            raise AssertionError(f"{type_} has no inside")


def _goes_deeper(value: n.Name | n.Index | n.Attribute, field: t.Type) -> bool:
    """Whether ``s.v.x = e`` can be said; before 1.19 Warp refuses that two structs deep in a local."""
    return isinstance(field, (t.Vector, t.Matrix)) and (not isinstance(value, n.Attribute) or not is_local(value))
