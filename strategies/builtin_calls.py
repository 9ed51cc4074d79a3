"""Calls: which builtins the grammar may call, with which arguments, and the range of their integer results."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.operands import call, fit, integer_of_float, number
from kernelfuzz.strategies.ranges import Ranged, binary_range, clipped, component_of, full_range, is_ranged
from kernelfuzz.strategies.value_types import numeric_dtype
from kernelfuzz.typecheck.builtins import Signature, follows_table, producing
from kernelfuzz.typecheck.domains import DOMAINS, interval

# The feature that a group of builtins counts for.  Groups that are not here have productions of
# their own (where, decompositions, atomics).
FEATURE_OF_GROUP = {
    "scalar": "math", "rounding": "math", "trigonometry": "math", "exponential": "math", "predicate": "math",
    "operator": "arithmetic", "approximate": "arithmetic", "bits": "bitwise", "shift": "shift", "array": "search",
    "size": "vector", "vector": "vector", "geometry": "vector",
    "matrix": "matrix", "quaternion": "quaternion", "transform": "transform", "spatial": "spatial",
    "random": "random", "noise": "random",
}  # fmt: skip

# The feature that a kernel needs for a value of the type.
FEATURE_OF_TYPE: dict[type, str] = {
    t.Vector: "vector",
    t.Matrix: "matrix",
    t.Quaternion: "quaternion",
    t.Transform: "transform",
}

FEATURE_OF_OPERATOR = {
    "**": "power", "&": "bitwise", "|": "bitwise", "^": "bitwise", "~": "bitwise",
    "<<": "shift", ">>": "shift",
    "+": "arithmetic", "-": "arithmetic", "*": "arithmetic", "/": "arithmetic", "//": "arithmetic",
    "%": "arithmetic",
}  # fmt: skip

Rule = Callable[[Signature, Sequence[Ranged]], tuple[int, int]]


def _hull(args: Sequence[Ranged]) -> tuple[int, int]:
    return min(a.low for a in args), max(a.high for a in args)


def _most(args: Sequence[Ranged]) -> int:
    return max(max(abs(a.low), abs(a.high)) for a in args)


def _operator(op: str) -> Rule:
    return lambda _, args: binary_range(op, args[0], args[-1])


def _products(signature: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    """A sum of as many products as the first argument has components: an outer bound for all of them."""
    first = signature.params[0]
    terms = math.prod(t.shape(first)) if isinstance(first, (t.Vector, t.Matrix)) else 1
    return binary_range("*", args[0], args[-1], terms)


# The rules that the column ``range`` of the table of builtins names, beside intervals as in "0..64": what the
# components of a result may be, given those of the arguments.  Only for int32 and int64.
RULES: dict[str, Rule] = {
    "abs": lambda _, args: (0, _most(args)),
    "ends": lambda signature, args: _hull(args[1:]) if len(args) > 1 else full_range(signature.result),
    "hull": lambda _, args: _hull(args),
    "hull and 0": lambda _, args: (min(_hull(args)[0], 0), max(_hull(args)[1], 0)),
    "inverted": lambda _, args: (-args[0].high - 1, -args[0].low - 1),
    "magnitude": lambda _, args: (-_most(args), _most(args)),
    "products": _products,
    "sum": lambda _, args: (16 * min(args[0].low, 0), 16 * max(args[0].high, 0)),
    "whole": lambda signature, _: full_range(signature.result),
    **{op: _operator(op) for op in ("+", "-", "*", "/", "//", "%", "&", "|", "^", ">>")},
}

# Domains that keep defined what wraps around in unsigned and narrow integers anyway.
_ONLY_RANGED = frozenset({"negatable", "term", "factor"})


@dataclass(frozen=True, slots=True)
class Needs:
    """What a kernel must have for a signature to be called in it."""

    features: frozenset[str]
    scalars: frozenset[t.Scalar]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The calls that give a type: of builtins with a feature, over values.

    Many calls need the same: ``signatures`` has each with the place of its needs in ``needs``.
    """

    needs: tuple[Needs, ...]
    signatures: tuple[tuple[Signature, int], ...]


@follows_table(4096)
def candidates(type_: t.Type) -> Candidates:
    """The calls that the grammar can make for a value of the type."""
    needed = [(signature, _needs(signature)) for signature in producing(type_, newer=True) if _is_candidate(signature)]
    different = tuple(dict.fromkeys(needs for _, needs in needed))
    places = {needs: place for place, needs in enumerate(different)}
    return Candidates(different, tuple((signature, places[needs]) for signature, needs in needed))


def _is_candidate(signature: Signature) -> bool:
    if signature.builtin.group not in FEATURE_OF_GROUP or "shifted" in signature.domains:
        return False
    return not any(isinstance(type_, (t.Array, t.Tile, t.Tuple)) for type_ in (signature.result, *signature.params))


def _needs(signature: Signature) -> Needs:
    features = {FEATURE_OF_GROUP[signature.builtin.group]}
    if signature.builtin.since:
        features.add("newer")
    if "rotation" in signature.domains:  # it is made of these
        features |= {"quaternion", "vector", "transform"}
    features.update(FEATURE_OF_TYPE[type(each)] for each in signature.params if type(each) in FEATURE_OF_TYPE)
    scalars = {scalar for type_ in (signature.result, *signature.params) if (scalar := component_of(type_))}
    if t.UINT32 in scalars:  # an index or a random state, whatever the dtypes are
        features.add("unsigned")
    return Needs(frozenset(features), frozenset(scalars - {t.BOOL, t.INT32, t.UINT32}))


def result_range(signature: Signature, arguments: Sequence[Ranged]) -> tuple[int, int]:
    """The range of a call's integer components.  Raises KeyError where the row of the builtin names no rule."""
    if not is_ranged(signature.result):
        return full_range(signature.result)
    low, dots, high = signature.builtin.range.partition("..")
    bounds = (int(low), int(high)) if dots else RULES[low](signature, arguments)
    return clipped(signature.result, *bounds)


def safe_argument(ctx: Context, signature: Signature, at: int, value: Ranged) -> Ranged:
    """The argument, wrapped where it could be outside of what the builtin is defined for."""
    type_, domain = signature.params[at], signature.domains[at]
    scalar = component_of(type_)
    if domain == "any" or scalar is None:
        return value
    least, most = interval(domain, scalar)
    if scalar.is_float:
        return _safe_float(value, type_, least, most, DOMAINS[domain].gap)
    if domain in _ONLY_RANGED and not is_ranged(type_) and scalar.name != "uint16":
        return value
    low, high = scalar.limits
    low = low if least is None else max(low, int(least))
    high = high if most is None else min(high, int(most))
    if domain == "nonzero":
        low = 1
    if domain in ("divisor", "nonzero") and not isinstance(value.expr, n.Literal) and low > value.low:
        high = min(high, 100)
    return fit(ctx, value, low, high)


def _safe_float(
    value: Ranged, type_: t.Type, least: int | float | None, most: int | float | None, gap: float
) -> Ranged:
    """A float in a domain: an absolute value or a clamp around the operand (for vectors only a clamp)."""
    expr = value.expr
    if isinstance(type_, t.Vector) and least is not None and most is not None:
        low, high = (n.Construct(type_, (number(type_.dtype, bound),)) for bound in (least, most))
        return Ranged(call("min", call("max", expr, low), high))
    if not isinstance(type_, t.Scalar) or (least is None and most is None):
        return value
    if isinstance(expr, n.Literal):
        inside = (least is None or expr.value >= least) and (most is None or expr.value <= most)
        return value if inside else Ranged(number(type_, least or most or 0))
    if least is not None and most is not None:
        return Ranged(call("clamp", expr, number(type_, least), number(type_, most)))
    if least is None:
        return Ranged(call("min", expr, number(type_, most or 0)))
    magnitude = call("abs", expr)
    return Ranged(n.Binary("+", magnitude, number(type_, 0.5), type_) if gap else magnitude)


def state_argument(ctx: Context) -> Ranged:
    """A random state that a call may advance: a local that holds one, or a fresh one."""
    states = [v for v in ctx.visible(t.UINT32) if v.mutable]
    chosen = ctx.choices.pick([*states, None])
    if chosen is not None:
        return ctx.use(chosen)
    seed = n.Literal(ctx.choices.pick((0, 1, 42, 7, 123)), t.INT32)
    return Ranged(n.Call("rand_init", (seed,), t.UINT32), *full_range(t.UINT32))


def rotation(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A matrix that rotates: of four rows, one that moves too."""
    assert isinstance(type_, t.Matrix)
    quaternion = t.Quaternion(type_.dtype)
    unit = n.Call("normalize", (ctx.draw(quaternion, max(budget - 2, 0)).expr,), quaternion)
    if type_.rows == 3:
        return Ranged(n.Call("quat_to_matrix", (unit,), type_))
    move = n.Construct(t.Transform(type_.dtype), (ctx.draw(t.Vector(3, type_.dtype), 0).expr, unit))
    return Ranged(n.Call("transform_to_matrix", (move,), type_))


# Powers of two, which leave the directions of the columns as they are, and others.
_SCALES = (1.0, 2.0, 0.5, 4.0, 3.0, 1.5)


def scaled_rotation(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A matrix of four rows that moves, rotates and scales; seldom by numbers that may be zero or negative."""
    assert isinstance(type_, t.Matrix)
    quaternion, vector = t.Quaternion(type_.dtype), t.Vector(3, type_.dtype)
    unit = n.Call("normalize", (ctx.draw(quaternion, max(budget - 2, 0)).expr,), quaternion)
    move = ctx.draw(vector, 0).expr
    scale = ctx.draw(vector, 0).expr
    if ctx.choices.chance(0.75):
        scale = n.Construct(vector, tuple(n.Literal(ctx.choices.pick(_SCALES), type_.dtype) for _ in range(3)))
    return Ranged(n.Call("transform_compose", (move, unit, scale), type_))


def axis_argument(ctx: Context, before: n.Expr) -> Ranged:
    """An axis that is not the one before it in a sequence of axes."""
    axes = (n.Literal(axis, t.INT32) for axis in range(3))
    axis = ctx.choices.pick([axis for axis in axes if axis != before])
    return Ranged(axis, 0, 2)


# ------------------------------------------------------------------------ calls


_Groups: TypeAlias = "tuple[tuple[Signature, ...], ...]"


def builtin_choices(ctx: Context, type_: t.Type) -> _Groups:
    """The builtins that give a type, grouped by name: each name is as likely as any other."""
    return ctx.once(_allowed, type_)


def _allowed(ctx: Context, type_: t.Type) -> _Groups:
    scalars = frozenset(ctx.dtypes)
    met = [each.features <= ctx.features and each.scalars <= scalars for each in candidates(type_).needs]
    return _by_name(type_, tuple(met))


@follows_table(4096)
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
    for at, part in enumerate(ctx.share(budget, len(signature.params))):
        if at in signature.builtin.mutates:
            arguments.append(state_argument(ctx))
        elif signature.domains[at] == "rotation":
            arguments.append(rotation(ctx, signature.params[at], part))
        elif signature.domains[at] == "scaled":
            arguments.append(scaled_rotation(ctx, signature.params[at], part))
        elif signature.domains[at] == "axis":
            arguments.append(axis_argument(ctx, arguments[-1].expr))
        else:
            arguments.append(safe_argument(ctx, signature, at, ctx.draw(signature.params[at], part)))
    made = n.Call(signature.name, tuple(a.expr for a in arguments), signature.result, signature.keywords)
    return Ranged(made, *result_range(signature, arguments))


def construct(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A value made of its components, of its parts, of one number, or of a value of its shape."""
    forms = _constructors(ctx, type_)
    parts = forms[0] if len(forms) == 1 or ctx.choices.chance(0.7) else ctx.choices.pick(forms[1:])
    values = [
        ctx.draw(part, part_budget) for part, part_budget in zip(parts, ctx.share(budget, len(parts)), strict=True)
    ]
    low, high = min(v.low for v in values), max(v.high for v in values)
    return Ranged(n.Construct(type_, tuple(v.expr for v in values)), low, high)


def _constructors(ctx: Context, type_: t.Type) -> list[Sequence[t.Type]]:
    """The types of the arguments of each constructor, that of all components first."""
    match type_:
        case t.Struct(fields=fields):
            return [[field for _, field in fields]]
        case t.Vector() | t.Matrix():
            others = [d for d in ctx.dtypes if d.is_float and d != type_.dtype] if type_.dtype.is_float else []
            copies = [[replace(type_, dtype=dtype)] for dtype in others if ctx.allows("cast")]
            # wp.spatial_vector takes components only: of that name there is a builtin as well
            filled = [[type_.dtype]] if t.shape(type_) != (6,) else []
            return [[type_.dtype] * prod(t.shape(type_)), *filled, *(copies if filled else [])]
        case t.Quaternion(dtype=dtype):
            return [[dtype] * 4, [t.Vector(3, dtype), dtype], [type_]]
        case t.Transform(dtype=dtype):
            newer: list[Sequence[t.Type]] = [[dtype], [type_]] if ctx.allows("newer") else []
            return [[t.Vector(3, dtype), t.Quaternion(dtype)], [dtype] * 7, *newer]
        case _:
            raise AssertionError(f"{type_} has no constructor")


def conversion(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    assert isinstance(type_, t.Scalar)
    source = numeric_dtype(ctx)
    if not ctx.allows("mixed_widths") and type_.is_integer and source.is_integer and source.bits != type_.bits:
        source = next((d for d in ctx.dtypes if d.is_float), type_)
    return cast(ctx, ctx.draw(source, budget - 1), type_)


def cast(ctx: Context, value: Ranged, target: t.Scalar) -> Ranged:
    """The value converted to another scalar type, kept in a range that the target holds."""
    source = value.expr.type
    assert isinstance(source, t.Scalar)
    if isinstance(value.expr, n.Name) and ctx.is_fixed(value.expr.id):
        # The conversion would change the type of the constant itself
        # (notes/findings/conversion-retypes-a-constant.md).
        value = Ranged(n.Unary("+", value.expr, source), *value.range)
    if not target.is_integer:
        return Ranged(n.Cast(target, value.expr))
    if source.is_float:
        inner, low, high = integer_of_float(value.expr, target)
        return Ranged(n.Cast(target, inner), low, high)
    least, most = target.limits
    low, high = value.range if source.kind != "bool" else (0, 1)
    if not (least <= low and high <= most):
        low, high = target.limits
    return Ranged(n.Cast(target, value.expr), low, high)
