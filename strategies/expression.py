"""How an expression of a given type is drawn.

``draw`` takes a type and a budget, the number of operations to place.  With no budget left it draws a leaf;
otherwise it picks an operation that gives the type and shares the rest of the budget among the operands.
Each production is one row of ``LEAVES`` (in ``leaves``) or of ``OPERATIONS`` here, simplest first: to add
one is to add a row.
"""

from __future__ import annotations

from typing import TypeAlias

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Attribute, Index, Slice
from kernelfuzz.strategies import calls, knots, operators
from kernelfuzz.strategies.components import component, position, unsliced
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.leaves import LEAVES
from kernelfuzz.strategies.production import Production, is_bool, is_number, is_plain
from kernelfuzz.strategies.ranges import Ranged, component_of


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


def _component(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A component of a composite expression."""
    assert isinstance(type_, t.Scalar)
    kinds: list[t.Type] = [t.Vector(3, type_), t.Vector(2, type_), t.Vector(4, type_)]
    if type_.is_float and ctx.allows("matrix"):
        kinds += [t.Matrix(3, 3, type_), t.Matrix(2, 2, type_)]
    if type_.is_float and ctx.allows("quaternion"):
        kinds.append(t.Quaternion(type_))
    value = knots.draw(ctx, ctx.choices.pick(kinds), budget - 1)
    return component(ctx, value, 0)


def _slice(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A slice of a longer vector, or a row of a matrix."""
    assert isinstance(type_, t.Vector)
    length = type_.length
    longest = max(length + 1, 4) if ctx.allows("spatial") else 4
    source_length = ctx.choices.integer(length, longest)
    value = unsliced(knots.draw(ctx, t.Vector(source_length, type_.dtype), budget - 1))
    start = ctx.choices.integer(0, source_length - length)
    stop = start + length
    part = Slice(start or None, None if stop == source_length and ctx.choices.chance(0.5) else stop)
    if start == 0 and source_length == length and ctx.choices.chance(0.5):
        part = Slice(None, None, -1)
    return Ranged(Index(value.expr, (part,), type_), *value.range)


def _row(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    assert isinstance(type_, t.Vector)
    rows = ctx.choices.integer(2, 4)
    value = unsliced(knots.draw(ctx, t.Matrix(rows, type_.length, type_.dtype), budget - 1))
    return Ranged(Index(value.expr, (position(ctx, rows, 0),), type_), *value.range)


def _part(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """``t.p`` and ``t.q``."""
    dtype = component_of(type_)
    assert dtype is not None
    value = knots.draw(ctx, t.Transform(dtype), budget - 1)
    return Ranged(Attribute(value.expr, "p" if isinstance(type_, t.Vector) else "q", type_))


def _has_operators(ctx: Context, type_: t.Type) -> bool:
    return bool(operators.operators_for(ctx, type_))


def _has_unary_operators(ctx: Context, type_: t.Type) -> bool:
    return bool(operators.unary_operators_for(ctx, type_))


def _has_builtins(ctx: Context, type_: t.Type) -> bool:
    return bool(calls.builtin_choices(ctx, type_))


def _has_constructor(ctx: Context, type_: t.Type) -> bool:
    return isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform, t.Struct))


def _is_component(ctx: Context, type_: t.Type) -> bool:
    return is_number(ctx, type_) and ctx.allows("vector")


def _is_short_vector(ctx: Context, type_: t.Type) -> bool:
    return isinstance(type_, t.Vector) and type_.length <= 4


def _is_row(ctx: Context, type_: t.Type) -> bool:
    return isinstance(type_, t.Vector) and type_.length <= 4 and type_.dtype.is_float


def _is_part(ctx: Context, type_: t.Type) -> bool:
    if isinstance(type_, t.Vector):
        return type_.length == 3 and type_.dtype.is_float
    return isinstance(type_, t.Quaternion)


def _leaf(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return draw(ctx, type_, 0)


OPERATIONS: tuple[Production, ...] = (
    # An operation that is none: what every other one shrinks to.
    Production("leaf", is_plain, _leaf, 3),
    Production("binary", _has_operators, operators.binary, 10, "arithmetic"),
    Production("compare", is_bool, operators.compare, 20),
    Production("unary", _has_unary_operators, operators.unary, 2, "arithmetic"),
    Production("not", is_bool, operators.negation, 2),
    Production("and_or", is_bool, operators.bool_op, 5, "and_or"),
    Production("builtin", _has_builtins, calls.builtin, 12),
    Production("construct", _has_constructor, calls.construct, 3),
    Production("cast", is_number, calls.conversion, 2, "cast"),
    Production("component", _is_component, _component, 2),
    Production("row", _is_row, _row, 1, "matrix"),
    Production("slice", _is_short_vector, _slice, 2, "slice"),
    Production("part", _is_part, _part, 1, "transform"),
    Production("where", is_plain, operators.where, 1, "where"),
    Production("ternary", is_plain, operators.ternary, 1, "ternary"),
    Production("function", is_plain, knots.call_function, 2, "function", knots.can_call),
    Production("effect", is_plain, knots.call_with_effect, 2, "effect", knots.can_have_effect),
)
