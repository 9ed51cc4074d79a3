"""What is inside a value: components of vectors and matrices, parts of transforms, fields of structs."""

from __future__ import annotations

import functools
from collections.abc import Callable

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Attribute, Expr, Index, Literal, Unary
from kernelfuzz.strategies import arrays, knots
from kernelfuzz.strategies.context import Context, Variable
from kernelfuzz.strategies.ranges import Ranged, full_range


def unsliced(value: Ranged) -> Ranged:
    """A value that can be subscripted: Warp merges the subscripts of ``v[1:3][0]`` and then fails
    (notes/findings/subscript-of-a-slice.md)."""
    expr = value.expr
    if isinstance(expr, Index) and not isinstance(expr.value.type, t.Array):
        return Ranged(Unary("+", expr, expr.type), *value.range)
    return value


def component(ctx: Context, value: Ranged, budget: int) -> Ranged:
    """One component of a vector, a matrix or a quaternion."""
    value = unsliced(value)
    type_ = value.expr.type
    if isinstance(type_, t.Matrix):
        places: tuple[Expr, ...] = (position(ctx, type_.rows, budget), position(ctx, type_.columns, 0))
        return Ranged(Index(value.expr, places, type_.dtype), *value.range)
    assert isinstance(type_, (t.Vector, t.Quaternion))
    length = type_.length if isinstance(type_, t.Vector) else 4
    if length <= 4 and not ctx.choices.chance(0.4):
        name = ctx.choices.pick("xyzw"[:length])
        return Ranged(Attribute(value.expr, name, type_.dtype), *value.range)
    return Ranged(Index(value.expr, (position(ctx, length, budget),), type_.dtype), *value.range)


def position(ctx: Context, length: int, budget: int) -> Expr:
    """An index of a component: a constant, now and then negative, or an integer in range."""
    if ctx.choices.chance(0.2):
        return arrays.fit_index(ctx, knots.draw(ctx, t.INT32, budget), length).expr
    return Literal(ctx.choices.pick((*range(length), -1)), t.INT32)


def holders(ctx: Context, type_: t.Type) -> list[tuple[Variable, Callable[[Context, Variable], Ranged]]]:
    """The variables that hold a value of the type inside: components, rows and fields."""
    found: list[tuple[Variable, Callable[[Context, Variable], Ranged]]] = []
    for variable in reversed(ctx.variables):
        held = variable.type
        if isinstance(held, t.Struct):
            if any(field == type_ for _, field in held.fields):
                found.append((variable, functools.partial(_field_of, type_)))
        elif isinstance(held, (t.Vector, t.Matrix, t.Quaternion)):
            if held.dtype == type_:
                found.append((variable, _component_of))
        elif isinstance(held, t.Transform) and type_ in (t.Vector(3, held.dtype), t.Quaternion(held.dtype)):
            found.append((variable, functools.partial(_part_of, type_)))
    return found


def _field_of(type_: t.Type, ctx: Context, variable: Variable) -> Ranged:
    value = ctx.use(variable).expr
    assert isinstance(variable.type, t.Struct)
    name = ctx.choices.pick([name for name, field in variable.type.fields if field == type_])
    return Ranged(Attribute(value, name, type_), *full_range(type_))


def _component_of(ctx: Context, variable: Variable) -> Ranged:
    value = ctx.use(variable)
    return component(ctx, value, 0)


def _part_of(type_: t.Type, ctx: Context, variable: Variable) -> Ranged:
    return Ranged(Attribute(ctx.use(variable).expr, "p" if isinstance(type_, t.Vector) else "q", type_))


def held(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    variable, read = ctx.choices.pick(holders(ctx, type_))
    return read(ctx, variable)
