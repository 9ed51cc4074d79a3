"""Operators, comparisons and choices, with operands made safe where the operation could be undefined."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from kernelfuzz.ir import nodes as n  # fmt: skip
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.builtin_calls import FEATURE_OF_OPERATOR, FEATURE_OF_TYPE
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.operands import fit, literal, nonzero, number
from kernelfuzz.strategies.ranges import (
    ARITHMETIC_BOUNDS,
    Ranged,
    binary_range,
    clipped,
    component_of,
    fits,
    full_range,
    is_ranged,
)  # fmt: skip
from kernelfuzz.strategies.value_types import comparable_type
from kernelfuzz.typecheck.operators import binary_operands, is_tested, unary_operands


def condition(ctx: Context, budget: int, role: str = "ternary") -> n.Expr:
    """A condition that is no constant: a branch on a constant is decided when Warp compiles.

    A bool, or in its ``role`` (of ``typecheck.operators.is_tested``) something that stands for its truth.
    """
    if ctx.allows("truth") and ctx.choices.chance(0.12):
        return tested(ctx, budget, role)
    return compared(ctx, budget)


def compared(ctx: Context, budget: int) -> n.Expr:
    """A bool expression that is no constant."""
    value = ctx.draw(t.BOOL, max(1, budget)).expr
    if isinstance(value, n.Literal):
        return n.Compare(n.Literal(0, t.INT32), ("<",), (n.Literal(int(value.value), t.INT32),))
    return value


def tested(ctx: Context, budget: int, role: str) -> n.Expr:
    """A number or an array that stands for its truth: ``flags & 4``, ``n``, ``a``."""
    arrays = [buffer.name for buffer in reversed(ctx.buffers) if is_tested(buffer.param.type, role)]
    if ctx.allows("optional_array") and arrays and ctx.choices.chance(0.3):
        return ctx.choices.pick(arrays)
    # What becomes of a condition that is a float depends on what the branch assigns.
    dtypes = [d for d in ctx.dtypes if d.is_integer or (role == "operand" and is_tested(d, role))] or [t.INT32]
    dtype = ctx.choices.pick(dtypes)
    if dtype.is_integer and ctx.allows("bitwise") and ctx.choices.chance(0.5):
        mask = number(dtype, ctx.choices.pick((1, 2, 4, 6)))
        return n.Binary("&", ctx.draw(dtype, budget).expr, mask, dtype)
    return _computed(ctx.draw(dtype, budget).expr)


def _computed(value: n.Expr) -> n.Expr:
    """The value as something that Warp does not compute when it compiles."""
    known = isinstance(value, n.Call) and value.name == "len"
    if not known and isinstance(value, (n.Binary, n.Call, n.CallFunction, n.Cast, n.Index, n.Attribute)):
        return value
    return n.Unary("+", value, value.type)


def operators_for(ctx: Context, type_: t.Type) -> list[tuple[str, t.Type, t.Type]]:
    """Every ``(op, left, right)`` that gives the type and may be drawn."""
    return ctx.once(_operators_for, type_)


def _operators_for(ctx: Context, type_: t.Type) -> list[tuple[str, t.Type, t.Type]]:
    return [operation for needs, operation in _with_needs(type_) if needs <= ctx.features]


@functools.lru_cache(maxsize=4096)
def _with_needs(type_: t.Type) -> tuple[tuple[frozenset[str], tuple[str, t.Type, t.Type]], ...]:
    """Every operation that gives the type, with the features that it needs."""
    rows: list[tuple[frozenset[str], tuple[str, t.Type, t.Type]]] = []
    for op, left, right in binary_operands(type_):
        of_operands = (FEATURE_OF_TYPE.get(type(operand), "arithmetic") for operand in (left, right))
        rows.append((frozenset((FEATURE_OF_OPERATOR.get(op, "arithmetic"), *of_operands)), (op, left, right)))
    return tuple(rows)


def binary(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    op, left_type, right_type = ctx.choices.pick(operators_for(ctx, type_))
    first, second = ctx.share(budget, 2)
    left = ctx.draw(left_type, first)
    right = ctx.draw(right_type, second)
    made = combine(ctx, op, left, right, type_)
    if op == "<<" and isinstance(type_, t.Scalar) and isinstance(made.expr, n.Binary) and ctx.choices.chance(0.15):
        # What may be shifted how far is more than the ranges of two arguments: the operator's operands will do.
        return Ranged(n.Call("lshift", (made.expr.left, made.expr.right), type_), *made.range)
    return made


def combine(ctx: Context, op: str, left: Ranged, right: Ranged, type_: t.Type) -> Ranged:
    """``left op right``, with an operand made safe where the operation would be undefined."""
    scalar = component_of(type_)
    assert scalar is not None
    if not scalar.is_integer:
        return Ranged(n.Binary(op, left.expr, right.expr, type_))
    if op in ("/", "//", "%"):
        right = _divisor(ctx, right)
    elif op in ("<<", ">>"):
        right = fit(ctx, right, 0, 4 if op == "<<" else min(scalar.bits - 1, 31))
        if op == "<<" and scalar.kind == "int":
            left = fit(ctx, left, 0, min(255, scalar.limits[1]))
    terms = _terms(left.expr.type, right.expr.type)
    if not is_ranged(type_):
        if op in ("*", "@") and scalar.bits == 16 and scalar.kind == "uint":
            left = fit(ctx, left, 0, 255)  # the product of two uint16 is a signed int in C++
            right = fit(ctx, right, 0, 255)
        return Ranged(n.Binary(op, left.expr, right.expr, type_), *full_range(type_))
    low, high = binary_range(op, left, right, terms)
    if op in ("+", "-", "*", "@", "<<") and not fits(type_, low, high):
        left, right = fit(ctx, left, -1000, 1000), fit(ctx, right, -1000, 1000)
        low, high = binary_range(op, left, right, terms)
    return Ranged(n.Binary(op, left.expr, right.expr, type_), *clipped(type_, low, high))


def _divisor(ctx: Context, value: Ranged) -> Ranged:
    scalar = component_of(value.expr.type)
    assert scalar is not None
    if isinstance(value.expr.type, t.Scalar):
        return nonzero(ctx, value, scalar)
    fill = literal(ctx.choices, scalar, 1, 100)
    return Ranged(n.Construct(value.expr.type, (fill.expr,)), *fill.range)


def _terms(left: t.Type, right: t.Type) -> int:
    """How many products one component of the result sums."""
    if isinstance(left, t.Matrix) and isinstance(right, (t.Matrix, t.Vector)):
        return left.columns
    if isinstance(left, t.Vector) and isinstance(right, t.Matrix):
        return left.length
    return 1


def unary(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    op, operand_type = ctx.choices.pick(unary_operators_for(ctx, type_))
    operand = ctx.draw(operand_type, budget - 1)
    if op == "-" and isinstance(operand.expr, n.Literal):
        return operand  # a negative literal is a literal
    scalar = component_of(type_)
    if scalar is None or not is_ranged(type_):
        return Ranged(n.Unary(op, operand.expr, type_), *full_range(type_))
    low, high = operand.range
    if op == "-":
        operand = fit(ctx, operand, *ARITHMETIC_BOUNDS[scalar])
        low, high = -operand.high, -operand.low
    elif op == "~":
        low, high = -high - 1, -low - 1
    return Ranged(n.Unary(op, operand.expr, type_), *clipped(type_, low, high))


def unary_operators_for(ctx: Context, type_: t.Type) -> list[tuple[str, t.Type]]:
    """Every ``(op, operand)`` that gives the type and may be drawn; ``not`` is a production of its own."""
    return [
        (op, operand)
        for op, operand in unary_operands(type_)
        if op != "not" and ctx.allows(FEATURE_OF_OPERATOR.get(op))
    ]


def negation(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    # What takes a condition of a choice between values takes ``not`` as well.
    return Ranged(n.Unary("not", condition(ctx, budget - 1), t.BOOL))


def compare(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    operand_type = comparable_type(ctx)
    equality_only = operand_type == t.BOOL or not isinstance(operand_type, t.Scalar)
    ops = ("==", "!=") if equality_only else ("<", ">", "<=", ">=", "==", "!=")
    count = 2 if not equality_only and ctx.allows("chained") and ctx.choices.chance(0.08) else 1
    shares = ctx.share(budget, count + 1)
    first, *others = (ctx.draw(operand_type, part).expr for part in shares)
    if count > 1:
        first, *others = (loaded(value) for value in (first, *others))
    return Ranged(n.Compare(first, tuple(ctx.choices.pick(ops) for _ in others), tuple(others)))


def loaded(value: n.Expr) -> n.Expr:
    """A value that Warp does not hold by reference: it refuses to chain a comparison over an array's element
    or a struct's field (notes/findings/chained-comparison-of-references.md)."""
    return n.Unary("+", value, value.type) if isinstance(value, (n.Index, n.Attribute)) else value


def bool_op(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    op = ctx.choices.pick(("and", "or"))
    count = 3 if ctx.choices.chance(0.15) else 2
    values = tuple(condition(ctx, part, "operand") for part in ctx.share(budget, count))
    return Ranged(n.BoolOp(op, values))


def either(ctx: Context, form: str, type_: t.Type, budgets: Sequence[int]) -> Ranged:
    """One of two values by a condition, as a ``ternary`` or by ``where``; a budget for each part."""
    test = condition(ctx, budgets[0]) if form == "ternary" else compared(ctx, budgets[0])
    body, orelse = ctx.draw(type_, budgets[1]), ctx.draw(type_, budgets[2])
    parts = (test, body.expr, orelse.expr)
    made = n.IfExp(*parts, type_) if form == "ternary" else n.Call("where", parts, type_)
    return Ranged(made, min(body.low, orelse.low), max(body.high, orelse.high))


def ternary(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return either(ctx, "ternary", type_, ctx.share(budget, 3))


def where(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    return either(ctx, "where", type_, ctx.share(budget, 3))
