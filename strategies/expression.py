"""How an expression of a given type is drawn.

``draw`` takes a type and a budget, the number of operations to place.  With no budget left it draws a leaf;
otherwise it picks an operation that gives the type and shares the rest of the budget among the operands.
Each production is one row of ``LEAVES`` or of ``OPERATIONS``, simplest first: to add one is to add a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies import buffers, builtin_calls, captured_values, safe_operators, user_functions
from kernelfuzz.strategies.context import MAX_GRID, Context, Variable
from kernelfuzz.strategies.operands import component, constant, literal, part_slice, position, unsliced
from kernelfuzz.strategies.ranges import Ranged, binary_range, component_of, full_range, is_ranged


@dataclass(frozen=True, slots=True)
class Production:
    """One way to make an expression: for which types, with which feature, how often, and how."""

    name: str
    makes: Callable[[Context, t.Type], bool]
    """Whether it gives the type: a matter of the kernel's features and dtypes only."""
    draw: Callable[[Context, t.Type, int], Ranged]
    weight: int
    feature: str | None = None
    ready: Callable[[Context, t.Type], bool] = lambda ctx, type_: True
    """Whether it can be drawn just now: a matter of what is in scope."""


def is_plain(ctx: Context, type_: t.Type) -> bool:
    """Whether there are values of the type: no array, no tile, no tuple."""
    return not isinstance(type_, (t.Array, t.Tile, t.Tuple))


def is_number(type_: t.Type) -> bool:
    return isinstance(type_, t.Scalar) and type_ != t.BOOL


def _only(*types: t.Scalar) -> Callable[[Context, t.Type], bool]:
    return lambda _, type_: type_ in types


def _any(options: Callable[[Context, t.Type], Sized]) -> Callable[[Context, t.Type], bool]:
    return lambda ctx, type_: len(options(ctx, type_)) > 0


def draw(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """An expression of the type with about ``budget`` operations."""
    if budget > 0:
        return ctx.choices.span(lambda: _draw(ctx, type_, budget))
    return _draw(ctx, type_, 0)


def _draw(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    options = ctx.once(_leaves if budget <= 0 else _operations, type_)
    chosen = ctx.choices.possible(options, lambda production: production.ready(ctx, type_))
    return chosen.draw(ctx, type_, budget)


_Options: TypeAlias = "tuple[tuple[Production, int], ...]"


def _leaves(ctx: Context, type_: t.Type) -> _Options:
    return _options(LEAVES, ctx, type_)


def _operations(ctx: Context, type_: t.Type) -> _Options:
    return _options(OPERATIONS, ctx, type_)


def _options(table: tuple[Production, ...], ctx: Context, type_: t.Type) -> _Options:
    """The productions of a table that give the type under the kernel's features, with their weights."""
    return tuple(
        (production, production.weight)
        for production in table
        if ctx.allows(production.feature) and production.makes(ctx, type_)
    )


# ----------------------------------------------------------------------- leaves


def _holders(ctx: Context, type_: t.Type) -> list[Variable]:
    """The variables that hold a value of the type inside: components, rows and fields."""
    return [variable for variable in reversed(ctx.variables) if _holds(variable.type, type_)]


def _holds(outer: t.Type, type_: t.Type) -> bool:
    match outer:
        case t.Struct(fields=fields):
            return any(field == type_ for _, field in fields)
        case t.Transform(dtype=dtype):
            return type_ in (t.Vector(3, dtype), t.Quaternion(dtype))
        case t.Vector(dtype=dtype) | t.Matrix(dtype=dtype) | t.Quaternion(dtype=dtype):
            return dtype == type_
        case _:
            return False


def _held(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    variable = ctx.choices.pick(_holders(ctx, type_))
    value = ctx.use(variable)
    match variable.type:
        case t.Struct(fields=fields):
            name = ctx.choices.pick([name for name, field in fields if field == type_])
            return Ranged(n.Attribute(value.expr, name, type_), *full_range(type_))
        case t.Transform():
            return _part_of(value, type_)
        case _:
            return component(ctx, value, 0)


def _part_of(transform: Ranged, type_: t.Type) -> Ranged:
    """``t.p`` or ``t.q``."""
    return Ranged(n.Attribute(transform.expr, "p" if isinstance(type_, t.Vector) else "q", type_))


# A kernel has no more parameters than this (arrays not counted in).
MOST_PARAMS = 8


def _literal(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    if isinstance(type_, t.Struct):
        return Ranged(n.Construct(type_, ()))
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    if isinstance(type_, t.Scalar) and is_ranged(type_):
        return literal(ctx.choices, type_, -100, 100)
    return constant(ctx.choices, type_)


def _wide_literal(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    assert isinstance(type_, t.Scalar)
    return literal(ctx.choices, type_)


def _constant_name(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return captured_values.named(ctx, type_)


def _static(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """``wp.static`` of an operation on two literals or constants, as Python evaluates it."""
    assert isinstance(type_, t.Scalar)
    left, right = (_static_operand(ctx, type_) for _ in range(2))
    op = ctx.choices.pick(("+", "-", "*"))
    result = n.Binary(op, left.expr, right.expr, type_)
    low, high = binary_range(op, left, right) if type_.is_integer else (0, 0)
    return Ranged(n.Static(result, type_), low, high)


def _static_operand(ctx: Context, type_: t.Scalar) -> Ranged:
    if ctx.choices.chance(0.3) and captured_values.can_name(ctx, type_):
        return captured_values.named(ctx, type_)
    return literal(ctx.choices, type_, -100, 100)


def _array_shape(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    buffer = ctx.choices.pick(ctx.buffers)
    axis = ctx.choices.integer(0, buffer.array.ndim - 1)
    return Ranged(n.ArrayShape(buffer.name, axis), 1, MAX_GRID)


def _variable(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return ctx.use(ctx.choices.pick(ctx.visible(type_)))


def _parameter(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return ctx.use(ctx.scalar_param(type_))


def _thread_index(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return ctx.thread(ctx.choices.pick(ctx.axes()))


def _can_be_parameter(ctx: Context, type_: t.Type) -> bool:
    return is_plain(ctx, type_) and (type_ != t.BOOL or ctx.allows("bool_data"))


def _has_room(ctx: Context, type_: t.Type) -> bool:
    return ctx.in_kernel and len(ctx.params) < MOST_PARAMS


LEAVES: tuple[Production, ...] = (
    Production("literal", is_plain, _literal, 3),
    Production("element", buffers.can_hold, buffers.read, 6, ready=buffers.can_read),
    Production("variable", is_plain, _variable, 12, ready=lambda ctx, type_: bool(ctx.visible(type_))),
    Production("thread", _only(t.INT32), _thread_index, 2, ready=lambda ctx, _: bool(ctx.axes())),
    Production("held", is_plain, _held, 4, ready=lambda ctx, type_: bool(_holders(ctx, type_))),
    Production("parameter", _can_be_parameter, _parameter, 2, "scalar_param", _has_room),
    Production("array_shape", _only(t.INT32), _array_shape, 1, "array_shape", lambda ctx, _: bool(ctx.buffers)),
    Production(
        "constant",
        lambda _, type_: is_number(type_) or isinstance(type_, t.Composite),
        _constant_name,
        1,
        "constant",
        captured_values.can_name,
    ),
    Production("static", _only(t.INT32, t.FLOAT32), _static, 1, "static"),
    Production("wide_literal", lambda _, type_: is_ranged(type_) and is_number(type_), _wide_literal, 1),
)


# ------------------------------------------------------------------- operations


def _component(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A component of a composite expression."""
    assert isinstance(type_, t.Scalar)
    kinds: list[t.Type] = [t.Vector(3, type_), t.Vector(2, type_), t.Vector(4, type_)]
    if type_.is_float and ctx.allows("matrix"):
        kinds += [t.Matrix(3, 3, type_), t.Matrix(2, 2, type_)]
    if type_.is_float and ctx.allows("quaternion"):
        kinds.append(t.Quaternion(type_))
    value = ctx.draw(ctx.choices.pick(kinds), budget - 1)
    return component(ctx, value, 0)


def _slice(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A slice of a longer vector, of a quaternion or a transform, of a row or a column; a block of a matrix."""
    if isinstance(type_, t.Matrix):
        return _block(ctx, type_, budget)
    assert isinstance(type_, t.Vector)
    length, dtype = type_.length, type_.dtype
    sources: list[t.Composite] = [
        t.Vector(ctx.choices.integer(length, max(length + 1, 4) if ctx.allows("spatial") else 4), dtype)
    ]
    if dtype.is_float and length <= 4:
        sources += [t.Matrix(4, 4, dtype)] * ctx.allows("matrix") + [t.Quaternion(dtype)] * ctx.allows("quaternion")
        sources += [t.Transform(dtype)] * ctx.allows("transform")
    source = ctx.choices.pick(sources)
    value = unsliced(ctx.draw(source, budget - 1))
    parts: tuple[n.Expr | n.Slice, ...] = (part_slice(ctx, t.shape(source)[0], length),)
    if isinstance(source, t.Matrix):
        parts = (*parts, position(ctx, 4, 0))
        parts = parts if ctx.choices.chance(0.5) else parts[::-1]
    return Ranged(n.Index(value.expr, parts, type_), *value.range)


def _block(ctx: Context, type_: t.Matrix, budget: int) -> Ranged:
    """``m[0:2, 1:3]``, or some rows of a matrix."""
    rows = ctx.choices.integer(type_.rows, 4)
    columns = ctx.choices.integer(type_.columns, 4)
    value = unsliced(ctx.draw(t.Matrix(rows, columns, type_.dtype), budget - 1))
    parts = (part_slice(ctx, rows, type_.rows), part_slice(ctx, columns, type_.columns))
    if columns == type_.columns and ctx.choices.chance(0.5):
        parts = parts[:1]
    return Ranged(n.Index(value.expr, parts, type_), *value.range)


def _row(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    assert isinstance(type_, t.Vector)
    rows = ctx.choices.integer(2, 4)
    value = unsliced(ctx.draw(t.Matrix(rows, type_.length, type_.dtype), budget - 1))
    return Ranged(n.Index(value.expr, (position(ctx, rows, 0),), type_), *value.range)


def _part(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    dtype = component_of(type_)
    assert dtype is not None
    return _part_of(ctx.draw(t.Transform(dtype), budget - 1), type_)


_COMPOSITES = (t.Vector, t.Matrix, t.Quaternion, t.Transform, t.Struct)


def _is_short_vector(type_: t.Type) -> bool:
    return isinstance(type_, t.Vector) and type_.length <= 4


def _is_sliced(ctx: Context, type_: t.Type) -> bool:
    block = (
        isinstance(type_, t.Matrix) and max(t.shape(type_)) <= 4 and min(t.shape(type_)) >= 2 and ctx.allows("matrix")
    )
    return block or _is_short_vector(type_)


def _is_row(ctx: Context, type_: t.Type) -> bool:
    return isinstance(type_, t.Vector) and type_.length <= 4 and type_.dtype.is_float


def _is_part(ctx: Context, type_: t.Type) -> bool:
    if isinstance(type_, t.Vector):
        return type_.length == 3 and type_.dtype.is_float
    return isinstance(type_, t.Quaternion)


OPERATIONS: tuple[Production, ...] = (
    # An operation that is none: what every other one shrinks to.
    Production("leaf", is_plain, lambda ctx, type_, _: draw(ctx, type_, 0), 3),
    Production("binary", _any(safe_operators.operators_for), safe_operators.binary, 10, "arithmetic"),
    Production("compare", _only(t.BOOL), safe_operators.compare, 20),
    Production("unary", _any(safe_operators.unary_operators_for), safe_operators.unary, 2, "arithmetic"),
    Production("not", _only(t.BOOL), safe_operators.negation, 2),
    Production("and_or", _only(t.BOOL), safe_operators.bool_op, 5, "and_or"),
    Production("builtin", _any(builtin_calls.builtin_choices), builtin_calls.builtin, 12),
    Production("construct", lambda _, type_: isinstance(type_, _COMPOSITES), builtin_calls.construct, 3),
    Production("cast", lambda _, type_: is_number(type_), builtin_calls.conversion, 2, "cast"),
    Production("component", lambda ctx, type_: is_number(type_) and ctx.allows("vector"), _component, 2),
    Production("row", _is_row, _row, 1, "matrix"),
    Production("slice", _is_sliced, _slice, 2, "slice"),
    Production("part", _is_part, _part, 1, "transform"),
    Production("search", _only(t.INT32), buffers.search, 1, "search", buffers.can_search),
    Production("where", is_plain, safe_operators.where, 1, "where"),
    Production("ternary", is_plain, safe_operators.ternary, 1, "ternary"),
    Production("function", is_plain, user_functions.call_function, 2, "function", user_functions.can_call),
    Production("effect", is_plain, user_functions.call_with_effect, 2, "effect", user_functions.can_have_effect),
)
