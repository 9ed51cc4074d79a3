"""Structs that hold arrays, given by a launch: their arrays are read and stored into where they are, as fields."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies import buffers
from kernelfuzz.strategies.context import Buffer, Context, Variable
from kernelfuzz.strategies.local_variables import declare
from kernelfuzz.strategies.value_types import FIELD_NAMES, MOST_STRUCTS, field_type, numeric_dtype, value_type

# A struct has one array or more, and other fields between them.
_MOST_FIELDS = 4


def possible(ctx: Context) -> bool:
    """Whether a kernel may have one more such parameter."""
    room = len(ctx.module.structs) <= MOST_STRUCTS and len(ctx.buffers) < buffers.MOST_BUFFERS
    return ctx.in_kernel and room and not any(buffer.owner for buffer in ctx.buffers)


def use(ctx: Context) -> list[n.Stmt]:
    """A new parameter that is a struct with arrays, and a use of one of these."""
    buffer = ctx.choices.pick(new_struct(ctx))
    if buffer.role == "out":
        return buffers.store_into(ctx, buffer)
    return declare(ctx, buffers.element(ctx, buffer))


def new_struct(ctx: Context) -> list[Buffer]:
    """A parameter with such a struct of its own; its arrays.

    Their contract is that of no contract: they are as long as the axes of the grid.
    """
    made: list[tuple[t.Array, str]] = [_array(ctx)]
    made += [_array(ctx) for _ in range(ctx.choices.integer(0, 1))]
    kinds: list[tuple[t.Type, str]] = [*made]
    for _ in range(ctx.choices.integer(0, _MOST_FIELDS - len(kinds))):
        kinds.insert(ctx.choices.integer(0, len(kinds)), (field_type(ctx, allow_struct=True), ""))
    fields = [(name, type_, role) for name, (type_, role) in zip(FIELD_NAMES, kinds, strict=False)]
    struct = t.Struct(f"S{len(ctx.module.structs)}", tuple([(name, type_) for name, type_, _ in fields]))
    ctx.module.structs.append(struct)
    param = ctx.add_param(struct, prefix="p")
    # Nothing may be assigned to it as a whole: what there is of the type has no arrays.
    ctx.variables.insert(0, Variable(param.name, struct))
    found = [
        Buffer(n.Param(name, type_, shape=_axes(ctx, type_)), role, owner=n.Name(param.name, struct))
        for name, type_, role in fields
        if isinstance(type_, t.Array)
    ]
    ctx.buffers += found
    return found


def _array(ctx: Context) -> tuple[t.Array, str]:
    """The type of an array, and what a thread may do with it."""
    type_ = value_type(ctx)
    if not buffers.can_hold(ctx, type_):
        type_ = numeric_dtype(ctx)
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    role = ctx.choices.weighted((("in", 3), ("out", 2)))
    axes = len(ctx.axes())
    return t.Array(type_, axes if role == "out" else ctx.choices.pick((1, axes))), role


def _axes(ctx: Context, type_: t.Array) -> tuple[int | str, ...]:
    return ctx.axes()[: type_.ndim]
