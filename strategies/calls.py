"""Calls: of builtins, of constructors, of conversions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeAlias

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Call, Cast, Construct, Name, Unary
from kernelfuzz.strategies.builtin_safety import candidates, result_range, safe_argument, state_argument
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.dtypes import numeric_dtype
from kernelfuzz.strategies.knots import draw
from kernelfuzz.strategies.production import share
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.strategies.wrap_operand import integer_of_float
from kernelfuzz.typecheck.builtins import Signature

_Groups: TypeAlias = "tuple[tuple[Signature, ...], ...]"


def builtin_choices(ctx: Context, type_: t.Type) -> _Groups:
    """The builtins that give a type, grouped by name: each name is as likely as any other."""
    return ctx.once(_allowed, type_)


def _allowed(ctx: Context, type_: t.Type) -> _Groups:
    scalars = frozenset(ctx.dtypes)
    met = [each.features <= ctx.features and each.scalars <= scalars for each in candidates(type_).needs]
    return _by_name(type_, tuple(met))


@functools.lru_cache(maxsize=4096)
def _by_name(type_: t.Type, met: tuple[bool, ...]) -> _Groups:
    groups: dict[str, list[Signature]] = {}
    for signature, needs in candidates(type_).signatures:
        if met[needs]:
            groups.setdefault(signature.name, []).append(signature)
    return tuple(map(tuple, groups.values()))


def builtin(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    group = ctx.choices.pick(builtin_choices(ctx, type_))
    return call_builtin(ctx, ctx.choices.pick(group), budget)


def call_builtin(ctx: Context, signature: Signature, budget: int) -> Ranged:
    """A call with arguments that the builtin is defined for."""
    arguments: list[Ranged] = []
    for at, part in enumerate(share(ctx, budget, len(signature.params))):
        if at in signature.builtin.mutates:
            arguments.append(state_argument(ctx))
        else:
            arguments.append(safe_argument(ctx, signature, at, draw(ctx, signature.params[at], part)))
    call = Call(signature.name, tuple(a.expr for a in arguments), signature.result, signature.keywords)
    return Ranged(call, *result_range(signature, arguments))


def construct(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    match type_:
        case t.Vector(length=length, dtype=dtype):
            parts: Sequence[t.Type] = [dtype] * length
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            parts = [dtype] * (rows * columns)
        case t.Quaternion(dtype=dtype):
            parts = [dtype] * 4
        case t.Transform(dtype=dtype):
            parts = [t.Vector(3, dtype), t.Quaternion(dtype)]
        case t.Struct(fields=fields):
            parts = [field for _, field in fields]
        case _:
            raise AssertionError(f"{type_} has no constructor")
    values = [
        draw(ctx, part, part_budget) for part, part_budget in zip(parts, share(ctx, budget, len(parts)), strict=True)
    ]
    low, high = min(v.low for v in values), max(v.high for v in values)
    return Ranged(Construct(type_, tuple(v.expr for v in values)), low, high)


def conversion(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    assert isinstance(type_, t.Scalar)
    source = numeric_dtype(ctx)
    if not ctx.allows("mixed_widths") and type_.is_integer and source.is_integer and source.bits != type_.bits:
        source = next((d for d in ctx.dtypes if d.is_float), type_)
    return cast(ctx, draw(ctx, source, budget - 1), type_)


def cast(ctx: Context, value: Ranged, target: t.Scalar) -> Ranged:
    """The value converted to another scalar type, kept in a range that the target holds."""
    source = value.expr.type
    assert isinstance(source, t.Scalar)
    if isinstance(value.expr, Name) and ctx.is_fixed(value.expr.id):
        # The conversion would change the type of the constant itself
        # (notes/findings/conversion-retypes-a-constant.md).
        value = Ranged(Unary("+", value.expr, source), *value.range)
    if not target.is_integer:
        return Ranged(Cast(target, value.expr))
    if source.is_float:
        inner, low, high = integer_of_float(value.expr, target)
        return Ranged(Cast(target, inner), low, high)
    least, most = target.limits
    low, high = value.range if source.kind != "bool" else (0, 1)
    if not (least <= low and high <= most):
        low, high = target.limits
    return Ranged(Cast(target, value.expr), low, high)
