"""Operators, comparisons and choices, with operands made safe where the operation could be undefined."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from kernelfuzz.ir.nodes import (
    Attribute,
    Binary,
    BoolOp,
    Call,
    Compare,
    Construct,
    Expr,
    IfExp,
    Index,
    Literal,
    Unary,
)  # fmt: skip
from kernelfuzz.ir.types import BOOL, INT32, Matrix, Scalar, Type, Vector
from kernelfuzz.strategies.builtin_safety import FEATURE_OF_OPERATOR, FEATURE_OF_TYPE
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.dtypes import comparable_type
from kernelfuzz.strategies.knots import draw
from kernelfuzz.strategies.literals import literal
from kernelfuzz.strategies.production import share
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
from kernelfuzz.strategies.wrap_operand import fit, nonzero
from kernelfuzz.typecheck.operators import binary_operands, unary_operands


def condition(ctx: Context, budget: int) -> Expr:
    """A bool expression that is no constant: a branch on a constant is decided when Warp compiles."""
    value = draw(ctx, BOOL, max(1, budget)).expr
    if isinstance(value, Literal):
        return Compare(Literal(0, INT32), ("<",), (Literal(int(value.value), INT32),))
    return value


def operators_for(ctx: Context, type_: Type) -> list[tuple[str, Type, Type]]:
    """Every ``(op, left, right)`` that gives the type and may be drawn."""
    return ctx.once(_operators_for, type_)


def _operators_for(ctx: Context, type_: Type) -> list[tuple[str, Type, Type]]:
    return [operation for needs, operation in _with_needs(type_) if needs <= ctx.features]


@functools.lru_cache(maxsize=4096)
def _with_needs(type_: Type) -> tuple[tuple[frozenset[str], tuple[str, Type, Type]], ...]:
    """Every operation that gives the type, with the features that it needs."""
    rows: list[tuple[frozenset[str], tuple[str, Type, Type]]] = []
    for op, left, right in binary_operands(type_):
        needs = frozenset((FEATURE_OF_OPERATOR.get(op, "arithmetic"), _feature_of(left), _feature_of(right)))
        rows.append((needs, (op, left, right)))
    return tuple(rows)


def _feature_of(operand: Type) -> str:
    return FEATURE_OF_TYPE.get(type(operand), "arithmetic")


def binary(ctx: Context, type_: Type, budget: int) -> Ranged:
    op, left_type, right_type = ctx.choices.pick(operators_for(ctx, type_))
    first, second = share(ctx, budget, 2)
    left = draw(ctx, left_type, first)
    right = draw(ctx, right_type, second)
    return combine(ctx, op, left, right, type_)


def combine(ctx: Context, op: str, left: Ranged, right: Ranged, type_: Type) -> Ranged:
    """``left op right``, with an operand made safe where the operation would be undefined."""
    scalar = component_of(type_)
    assert scalar is not None
    if not scalar.is_integer:
        return Ranged(Binary(op, left.expr, right.expr, type_))
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
        return Ranged(Binary(op, left.expr, right.expr, type_), *full_range(type_))
    low, high = binary_range(op, left, right, terms)
    if op in ("+", "-", "*", "@", "<<") and not fits(type_, low, high):
        left, right = fit(ctx, left, -1000, 1000), fit(ctx, right, -1000, 1000)
        low, high = binary_range(op, left, right, terms)
    return Ranged(Binary(op, left.expr, right.expr, type_), *clipped(type_, low, high))


def _divisor(ctx: Context, value: Ranged) -> Ranged:
    scalar = component_of(value.expr.type)
    assert scalar is not None
    if isinstance(value.expr.type, Scalar):
        return nonzero(ctx, value, scalar)
    fill = literal(ctx.choices, scalar, 1, 100)
    return Ranged(Construct(value.expr.type, (fill.expr,)), *fill.range)


def _terms(left: Type, right: Type) -> int:
    """How many products one component of the result sums."""
    if isinstance(left, Matrix) and isinstance(right, (Matrix, Vector)):
        return left.columns
    if isinstance(left, Vector) and isinstance(right, Matrix):
        return left.length
    return 1


def unary(ctx: Context, type_: Type, budget: int) -> Ranged:
    op, operand_type = ctx.choices.pick(unary_operators_for(ctx, type_))
    operand = draw(ctx, operand_type, budget - 1)
    if op == "-" and isinstance(operand.expr, Literal):
        return operand  # a negative literal is a literal
    scalar = component_of(type_)
    if scalar is None or not is_ranged(type_):
        return Ranged(Unary(op, operand.expr, type_), *full_range(type_))
    low, high = operand.range
    if op == "-":
        operand = fit(ctx, operand, *ARITHMETIC_BOUNDS[scalar])
        low, high = -operand.high, -operand.low
    elif op == "~":
        low, high = -high - 1, -low - 1
    return Ranged(Unary(op, operand.expr, type_), *clipped(type_, low, high))


def unary_operators_for(ctx: Context, type_: Type) -> list[tuple[str, Type]]:
    """Every ``(op, operand)`` that gives the type and may be drawn; ``not`` is a production of its own."""
    return [
        (op, operand)
        for op, operand in unary_operands(type_)
        if op != "not" and ctx.allows(FEATURE_OF_OPERATOR.get(op))
    ]


def negation(ctx: Context, type_: Type, budget: int) -> Ranged:
    return Ranged(Unary("not", draw(ctx, BOOL, budget - 1).expr, BOOL))


def compare(ctx: Context, type_: Type, budget: int) -> Ranged:
    operand_type = comparable_type(ctx)
    equality_only = operand_type == BOOL or not isinstance(operand_type, Scalar)
    ops = ("==", "!=") if equality_only else ("<", ">", "<=", ">=", "==", "!=")
    count = 2 if not equality_only and ctx.allows("chained") and ctx.choices.chance(0.08) else 1
    shares = share(ctx, budget, count + 1)
    first, *others = (draw(ctx, operand_type, part).expr for part in shares)
    if count > 1:
        first, *others = (loaded(value) for value in (first, *others))
    return Ranged(Compare(first, tuple(ctx.choices.pick(ops) for _ in others), tuple(others)))


def loaded(value: Expr) -> Expr:
    """A value that Warp does not hold by reference: it refuses to chain a comparison over an array's element
    or a struct's field (notes/findings/chained-comparison-of-references.md)."""
    return Unary("+", value, value.type) if isinstance(value, (Index, Attribute)) else value


def bool_op(ctx: Context, type_: Type, budget: int) -> Ranged:
    op = ctx.choices.pick(("and", "or"))
    count = 3 if ctx.choices.chance(0.15) else 2
    values = tuple(condition(ctx, part) for part in share(ctx, budget, count))
    return Ranged(BoolOp(op, values))


def _hull(a: Ranged, b: Ranged) -> tuple[int, int]:
    return min(a.low, b.low), max(a.high, b.high)


def either(ctx: Context, form: str, type_: Type, budgets: Sequence[int]) -> Ranged:
    """One of two values by a condition, as a ``ternary`` or by ``where``; a budget for each part."""
    test = condition(ctx, budgets[0])
    body, orelse = draw(ctx, type_, budgets[1]), draw(ctx, type_, budgets[2])
    parts = (test, body.expr, orelse.expr)
    made = IfExp(*parts, type_) if form == "ternary" else Call("where", parts, type_)
    return Ranged(made, *_hull(body, orelse))


def ternary(ctx: Context, type_: Type, budget: int) -> Ranged:
    return either(ctx, "ternary", type_, share(ctx, budget, 3))


def where(ctx: Context, type_: Type, budget: int) -> Ranged:
    return either(ctx, "where", type_, share(ctx, budget, 3))
