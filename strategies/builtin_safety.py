"""Which builtins the grammar may call, with which arguments, and what range their integer results have."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernelfuzz.ir.nodes import Binary, Call, Construct, Literal
from kernelfuzz.ir.types import (
    BOOL,
    INT32,
    UINT32,
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
    shape,
)
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.literals import call, number
from kernelfuzz.strategies.ranges import Ranged, binary_range, clipped, component_of, full_range, is_ranged
from kernelfuzz.strategies.wrap_operand import fit
from kernelfuzz.typecheck.builtins import Signature, producing
from kernelfuzz.typecheck.domains import DOMAINS, interval

# The feature that a group of builtins counts for.  Groups that are not here have productions of
# their own (where, decompositions, atomics) or take arrays.
FEATURE_OF_GROUP = {
    "scalar": "math",
    "rounding": "math",
    "trigonometry": "math",
    "exponential": "math",
    "predicate": "math",
    "operator": "arithmetic",
    "bits": "bitwise",
    "size": "vector",
    "vector": "vector",
    "geometry": "vector",
    "matrix": "matrix",
    "quaternion": "quaternion",
    "transform": "transform",
    "spatial": "spatial",
    "random": "random",
    "noise": "random",
}

# The feature that a kernel needs for a value of the type.
FEATURE_OF_TYPE: dict[type, str] = {
    Vector: "vector",
    Matrix: "matrix",
    Quaternion: "quaternion",
    Transform: "transform",
}

FEATURE_OF_OPERATOR = {
    "**": "power", "&": "bitwise", "|": "bitwise", "^": "bitwise", "~": "bitwise",
    "<<": "shift", ">>": "shift",
    "+": "arithmetic", "-": "arithmetic", "*": "arithmetic", "/": "arithmetic", "//": "arithmetic",
    "%": "arithmetic",
}  # fmt: skip

Rule = Callable[[Signature, Sequence[Ranged]], tuple[int, int]]


def _hull(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    return min(a.low for a in args), max(a.high for a in args)


def _with_zero(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    low, high = _hull(_, args)
    return min(low, 0), max(high, 0)


def _magnitude(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    most = max(max(abs(a.low), abs(a.high)) for a in args)
    return -most, most


def _abs(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    return 0, _magnitude(_, args)[1]


def _fixed(low: int, high: int) -> Rule:
    return lambda _, __: (low, high)


def _operator(op: str) -> Rule:
    return lambda _, args: binary_range(op, args[0], args[-1])


def _products(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    """A sum of as many products as the first argument has components: an outer bound for all of them."""
    first = _.params[0]
    terms = 1
    if isinstance(first, (Vector, Matrix)):
        for size in shape(first):
            terms *= size
    return binary_range("*", args[0], args[-1], terms)


def _sum(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    return 16 * min(args[0].low, 0), 16 * max(args[0].high, 0)


def _whole(signature: Signature, _: Sequence[Ranged]) -> tuple[int, int]:
    return full_range(signature.result)


def _inverted(_: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    return -args[0].high - 1, -args[0].low - 1


def _randi(signature: Signature, args: Sequence[Ranged]) -> tuple[int, int]:
    return _hull(signature, args[1:]) if len(args) > 1 else full_range(signature.result)


# What the result's components may be, given the arguments': only for int32 and int64.
RESULT_RANGES: dict[str, Rule] = {
    "abs": _abs, "min": _hull, "max": _hull, "clamp": _hull, "sign": _fixed(-1, 1), "step": _fixed(0, 1),
    "nonzero": _fixed(0, 1), "add": _operator("+"), "sub": _operator("-"), "mul": _products,
    "div": _operator("/"), "floordiv": _operator("//"), "mod": _operator("%"), "neg": _magnitude,
    "pos": _hull, "bit_and": _operator("&"), "bit_or": _operator("|"), "bit_xor": _operator("^"),
    "invert": _inverted,
    "rshift": _operator(">>"), "cast": _whole, "len": _fixed(2, 16), "dot": _products, "length_sq": _products,
    "cw_mul": _operator("*"), "cw_div": _operator("/"), "cross": _products, "vector": _hull, "trace": _sum,
    "ddot": _products, "get_diag": _hull, "transpose": _hull, "identity": _fixed(0, 1), "diag": _with_zero,
    "skew": _magnitude, "outer": _operator("*"), "matrix_from_rows": _hull, "matrix_from_cols": _hull,
    "matrix": _hull, "randi": _randi, "intersect_tri_tri": _fixed(0, 1),
}  # fmt: skip

# Domains that keep defined what wraps around in unsigned and narrow integers anyway.
_ONLY_RANGED = frozenset({"negatable", "term", "factor"})


@dataclass(frozen=True, slots=True)
class Needs:
    """What a kernel must have for a signature to be called in it."""

    features: frozenset[str]
    scalars: frozenset[Scalar]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The calls that give a type: of builtins with a feature, over values, with a result of known range.

    Many calls need the same: ``signatures`` has each with the place of its needs in ``needs``.
    """

    needs: tuple[Needs, ...]
    signatures: tuple[tuple[Signature, int], ...]


@functools.lru_cache(maxsize=4096)
def candidates(type_: Type) -> Candidates:
    """The calls that the grammar can make for a value of the type."""
    needed = [(signature, _needs(signature)) for signature in producing(type_) if _is_candidate(signature)]
    different = tuple(dict.fromkeys(needs for _, needs in needed))
    places = {needs: place for place, needs in enumerate(different)}
    return Candidates(different, tuple((signature, places[needs]) for signature, needs in needed))


def _is_candidate(signature: Signature) -> bool:
    if signature.builtin.group not in FEATURE_OF_GROUP or "shifted" in signature.domains:
        return False
    if any(isinstance(t, (Array, Tile, Tuple)) for t in (signature.result, *signature.params)):
        return False
    return signature.name in RESULT_RANGES or not is_ranged(signature.result)


def _needs(signature: Signature) -> Needs:
    features = {FEATURE_OF_GROUP[signature.builtin.group]}
    features.update(FEATURE_OF_TYPE[type(t)] for t in signature.params if type(t) in FEATURE_OF_TYPE)
    scalars = {scalar for t in (signature.result, *signature.params) if (scalar := component_of(t))}
    if UINT32 in scalars:  # an index or a random state, whatever the dtypes are
        features.add("unsigned")
    return Needs(frozenset(features), frozenset(scalars - {BOOL, INT32, UINT32}))


def result_range(signature: Signature, arguments: Sequence[Ranged]) -> tuple[int, int]:
    """The range of a call's integer components."""
    if not is_ranged(signature.result):
        return full_range(signature.result)
    return clipped(signature.result, *RESULT_RANGES[signature.name](signature, arguments))


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
    if domain in ("divisor", "nonzero") and not isinstance(value.expr, Literal) and low > value.low:
        high = min(high, 100)
    return fit(ctx, value, low, high)


def _safe_float(value: Ranged, type_: Type, least: int | float | None, most: int | float | None, gap: float) -> Ranged:
    """A float in a domain: an absolute value or a clamp around the operand (for vectors only a clamp)."""
    expr = value.expr
    if isinstance(type_, Vector) and least is not None and most is not None:
        low, high = (Construct(type_, (number(type_.dtype, bound),)) for bound in (least, most))
        return Ranged(call("min", call("max", expr, low), high))
    if not isinstance(type_, Scalar) or (least is None and most is None):
        return value
    if isinstance(expr, Literal):
        inside = (least is None or expr.value >= least) and (most is None or expr.value <= most)
        return value if inside else Ranged(number(type_, least or most or 0))
    if least is not None and most is not None:
        return Ranged(call("clamp", expr, number(type_, least), number(type_, most)))
    if least is None:
        return Ranged(call("min", expr, number(type_, most or 0)))
    magnitude = call("abs", expr)
    return Ranged(Binary("+", magnitude, number(type_, 0.5), type_) if gap else magnitude)


def state_argument(ctx: Context) -> Ranged:
    """A random state that a call may advance: a local that holds one, or a fresh one."""
    states = [v for v in ctx.visible(UINT32) if v.mutable]
    chosen = ctx.choices.pick([*states, None])
    if chosen is not None:
        return ctx.use(chosen)
    seed = Literal(ctx.choices.pick((0, 1, 42, 7, 123)), INT32)
    return Ranged(Call("rand_init", (seed,), UINT32), *full_range(UINT32))
