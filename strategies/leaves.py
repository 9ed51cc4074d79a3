"""Expressions with no operation in them: constants, names, and what can be read from somewhere."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Array, Scalar, Struct, Tile, Tuple, Type
from kernelfuzz.strategies import arrays
from kernelfuzz.strategies.components import held, holders
from kernelfuzz.strategies.context import MAX_GRID, Context
from kernelfuzz.strategies.literals import constant, literal
from kernelfuzz.strategies.production import Production, is_plain
from kernelfuzz.strategies.ranges import Ranged, binary_range, is_ranged

# A kernel asks for no more parameters than this (arrays not counted in).
MOST_PARAMS = 8


def _literal(ctx: Context, type_: Type, budget: int) -> Ranged:
    if isinstance(type_, Struct):
        return Ranged(n.Construct(type_, ()))
    assert not isinstance(type_, (Array, Tile, Tuple))
    if isinstance(type_, Scalar) and is_ranged(type_):
        return literal(ctx.choices, type_, -100, 100)
    return constant(ctx.choices, type_)


def _variable(ctx: Context, type_: Type, budget: int) -> Ranged:
    return ctx.use(ctx.choices.pick(ctx.visible(type_)))


def _parameter(ctx: Context, type_: Type, budget: int) -> Ranged:
    return ctx.use(ctx.scalar_param(type_))


def _thread_index(ctx: Context, type_: Type, budget: int) -> Ranged:
    return ctx.thread(ctx.choices.pick(ctx.axes()))


def _wide_literal(ctx: Context, type_: Type, budget: int) -> Ranged:
    assert isinstance(type_, Scalar)
    return literal(ctx.choices, type_)


def constant_name(ctx: Context, type_: Type, budget: int) -> Ranged:
    constants = [c for c in ctx.module.constants if c.value.type == type_]
    chosen = ctx.choices.pick([*constants, None] if len(ctx.module.constants) < 3 else constants)
    if chosen is None:
        assert isinstance(type_, Scalar)
        value = literal(ctx.choices, type_, -100, 100).expr
        assert isinstance(value, n.Literal)
        chosen = n.Constant(f"K{len(ctx.module.constants)}", value)
        ctx.module.constants.append(chosen)
    bound = 0 if chosen.value.type.is_float else int(chosen.value.value)
    return Ranged(n.Name(chosen.name, chosen.value.type), bound, bound)


def can_name_constant(ctx: Context, type_: Type) -> bool:
    if type_ not in (INT32, FLOAT32) or not ctx.allows("constant"):
        return False
    if ctx.allows("closure") and not ctx.in_kernel:
        return False  # a captured value is in sight of the kernel only
    return len(ctx.module.constants) < 3 or any(c.value.type == type_ for c in ctx.module.constants)


def _static(ctx: Context, type_: Type, budget: int) -> Ranged:
    """``wp.static`` of an operation on two literals or constants, as Python evaluates it."""
    assert isinstance(type_, Scalar)
    left, right = (_static_operand(ctx, type_) for _ in range(2))
    op = ctx.choices.pick(("+", "-", "*"))
    result = n.Binary(op, left.expr, right.expr, type_)
    low, high = binary_range(op, left, right) if type_.is_integer else (0, 0)
    return Ranged(n.Static(result, type_), low, high)


def _static_operand(ctx: Context, type_: Scalar) -> Ranged:
    if ctx.choices.chance(0.3) and can_name_constant(ctx, type_):
        return constant_name(ctx, type_, 0)
    return literal(ctx.choices, type_, -100, 100)


def _array_shape(ctx: Context, type_: Type, budget: int) -> Ranged:
    buffer = ctx.choices.pick(ctx.buffers)
    axis = ctx.choices.integer(0, buffer.array.ndim - 1)
    return Ranged(n.ArrayShape(buffer.name, axis), 1, MAX_GRID)


def _is_index(ctx: Context, type_: Type) -> bool:
    return type_ == INT32


def _is_default_number(ctx: Context, type_: Type) -> bool:
    return type_ in (INT32, FLOAT32)


def _is_ranged_scalar(ctx: Context, type_: Type) -> bool:
    return isinstance(type_, Scalar) and is_ranged(type_)


def _can_be_parameter(ctx: Context, type_: Type) -> bool:
    return is_plain(ctx, type_) and (type_ != BOOL or ctx.allows("bool_data"))


def _has_room(ctx: Context, type_: Type) -> bool:
    return ctx.in_kernel and len(ctx.params) < MOST_PARAMS


LEAVES: tuple[Production, ...] = (
    Production("literal", is_plain, _literal, 3),
    Production("element", arrays.can_hold, arrays.read, 6, ready=arrays.can_read),
    Production("variable", is_plain, _variable, 12, ready=lambda ctx, t: bool(ctx.visible(t))),
    Production("thread", _is_index, _thread_index, 2, ready=lambda ctx, t: bool(ctx.axes())),
    Production("held", is_plain, held, 4, ready=lambda ctx, t: bool(holders(ctx, t))),
    Production("parameter", _can_be_parameter, _parameter, 2, "scalar_param", _has_room),
    Production("array_shape", _is_index, _array_shape, 1, "array_shape", lambda ctx, t: bool(ctx.buffers)),
    Production("constant", _is_default_number, constant_name, 1, "constant", can_name_constant),
    Production("static", _is_default_number, _static, 1, "static"),
    Production("wide_literal", _is_ranged_scalar, _wide_literal, 1),
)
