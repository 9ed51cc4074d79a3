"""What Warp's operators take and give, as one table.

Warp never converts operands: both sides have one scalar type ("Basics: Type Conversions" of Warp's
documentation), and a shape other than the operands' comes only from the products of linear algebra.
The rows are what Warp 1.10, 1.14 and 1.19 all accept and what clang and NVRTC then compile, found by
building one kernel per row, dtype and release (tests/typecheck/test_operators.py does it again).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.typecheck.patterns import SignaturePattern, match_call, parse, solutions
from kernelfuzz.typecheck.tile_rules import COOPERATIVE, Keywords, TileRule, is_offset


@dataclass(frozen=True, slots=True)
class Rule:
    """One operator over one family of operands."""

    op: str
    signature: str
    where: tuple[tuple[str, str], ...] = ()

    @property
    def pattern(self) -> SignaturePattern:
        return parse(self.signature, "", self.where)


def _rules(ops: str, signature: str, **where: str) -> Iterator[Rule]:
    for op in ops.split():
        yield Rule(op, signature, tuple(where.items()))


# Simplest first: shrinking moves towards the first row that gives the type.
BINARY: tuple[Rule, ...] = (
    *_rules("+ - *", "(S, S) -> S"),
    *_rules("+ -", "(vec(n,S), vec(n,S)) -> vec(n,S)"),
    *_rules("+ -", "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)"),
    *_rules("+ -", "(quat(S), quat(S)) -> quat(S)", S="float"),
    *_rules("+ -", "(transform(S), transform(S)) -> transform(S)", S="float"),
    *_rules("/ // %", "(S, S) -> S"),
    *_rules("& | ^ << >>", "(S, S) -> S", S="int"),
    *_rules("**", "(S, S) -> S", S="float"),
    *_rules("* /", "(vec(n,S), S) -> vec(n,S)"),
    *_rules("* /", "(S, vec(n,S)) -> vec(n,S)"),
    *_rules("%", "(vec(n,S), vec(n,S)) -> vec(n,S)"),
    *_rules("& | ^ << >>", "(vec(n,S), vec(n,S)) -> vec(n,S)", S="int"),
    *_rules("* /", "(mat(r,c,S), S) -> mat(r,c,S)"),
    *_rules("* /", "(S, mat(r,c,S)) -> mat(r,c,S)"),
    *_rules("& | ^ << >>", "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", S="int"),
    *_rules("* @", "(mat(r,k,S), vec(k,S)) -> vec(r,S)"),
    *_rules("* @", "(vec(k,S), mat(k,c,S)) -> vec(c,S)"),
    *_rules("* @", "(mat(r,k,S), mat(k,c,S)) -> mat(r,c,S)"),
    *_rules("* /", "(quat(S), S) -> quat(S)", S="float"),
    *_rules("* /", "(S, quat(S)) -> quat(S)", S="float"),
    *_rules("*", "(quat(S), quat(S)) -> quat(S)", S="float"),
    *_rules("*", "(transform(S), transform(S)) -> transform(S)", S="float"),
    *_rules("*", "(transform(S), S) -> transform(S)", S="float"),
    *_rules("*", "(S, transform(S)) -> transform(S)", S="float"),
)

UNARY: tuple[Rule, ...] = (
    *_rules("- +", "(S) -> S"),
    *_rules("~", "(S) -> S", S="int"),
    *_rules("not", "(S) -> bool", S="logical"),
    *_rules("- +", "(vec(n,S)) -> vec(n,S)"),
    *_rules("~", "(vec(n,S)) -> vec(n,S)", S="int"),
    *_rules("- +", "(mat(r,c,S)) -> mat(r,c,S)"),
    *_rules("~", "(mat(r,c,S)) -> mat(r,c,S)", S="int"),
    *_rules("- +", "(quat(S)) -> quat(S)", S="float"),
)

EQUALITY = ("==", "!=")
ORDER = ("<", "<=", ">", ">=")


def _result(rules: tuple[Rule, ...], op: str, operands: tuple[t.Type, ...]) -> t.Type | None:
    for rule in rules:
        if rule.op == op and (found := match_call(rule.pattern, operands)) is not None:
            return found.result
    return None


@cache
def binary_result(op: str, left: t.Type, right: t.Type) -> t.Type | None:
    """The type of ``left op right``, or None where Warp has no such operation."""
    if isinstance(left, t.Tile) or isinstance(right, t.Tile):
        return tile_operator(op, left, right)
    return _result(BINARY, op, (left, right))


@cache
def unary_result(op: str, operand: t.Type) -> t.Type | None:
    """The type of ``op operand``, or None where Warp has no such operation."""
    if isinstance(operand, t.Tile):
        return operand if op == "-" else None
    if isinstance(operand, t.Array):
        return t.BOOL if op == "not" else None
    return _result(UNARY, op, (operand,))


# Where a value stands for whether it is true ("Built-Ins Reference", unot: "falsy (False, zero, or an empty/null
# array)"), and what 1.10, 1.14 and 1.19 all take there: integers everywhere; float16 and composites nowhere.  A float
# is no condition of a choice between values, which generated code makes with ``where``.
_ARRAY_IS_TESTED = frozenset({"if", "ternary", "operand"})
_FLOAT_IS_TESTED = frozenset({"if", "while", "operand"})


def is_tested(type_: t.Type, role: str) -> bool:
    """Whether a value may stand for its truth: as the test of an ``if``, a ``while`` or a ``ternary``, or as an
    ``operand`` of ``and`` and ``or``."""
    if isinstance(type_, t.Array):
        return role in _ARRAY_IS_TESTED
    if not isinstance(type_, t.Scalar):
        return False
    return not type_.is_float or (type_ != t.FLOAT16 and role in _FLOAT_IS_TESTED)


def compare_allowed(op: str, left: t.Type, right: t.Type) -> bool:
    """Whether ``left op right`` is a comparison that gives a bool."""
    if left != right:
        return False
    if isinstance(left, t.Scalar):
        return op in EQUALITY or (op in ORDER and left != t.BOOL)
    # Warp generates code for != and < of these as well, which then does not compile.
    return op == "==" and isinstance(left, (t.Vector, t.Matrix, t.Quaternion, t.Transform))


@cache
def binary_operands(result: t.Type) -> tuple[tuple[str, t.Type, t.Type], ...]:
    """Every ``(op, left, right)`` that gives the type, simplest first."""
    return tuple(
        (rule.op, solution.params[0], solution.params[1])
        for rule in BINARY
        for solution in solutions(rule.pattern, result)
    )


@cache
def unary_operands(result: t.Type) -> tuple[tuple[str, t.Type], ...]:
    """Every ``(op, operand)`` that gives the type, simplest first."""
    return tuple((rule.op, solution.params[0]) for rule in UNARY for solution in solutions(rule.pattern, result))


def augmented_allowed(op: str, target: t.Type, value: t.Type) -> bool:
    """Whether ``target op= value`` keeps the target's type."""
    return binary_result(op, target, value) == target


# ---------------------------------------------------------------------- tiles


def _shape(keywords: Keywords) -> tuple[int, ...] | None:
    """The shape that a call asks for: a number or a tuple of them."""
    value = keywords.get("shape")
    sizes = (value,) if type(value) is int else value
    if not isinstance(sizes, tuple) or not all(type(size) is int and size > 0 for size in sizes):
        return None
    return sizes if 1 <= len(sizes) <= 4 else None


def _load(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, _shape(keywords):
        case (t.Array(dtype=t.Scalar() as dtype, ndim=ndim), *offset), (*sizes,) if len(sizes) == ndim:
            return t.Tile(dtype, tuple(sizes)) if is_offset(tuple(offset), ndim) else None
        case _:
            return None


def _filled(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    dtype, sizes = keywords.get("dtype"), _shape(keywords)
    return t.Tile(dtype, sizes) if not types and sizes and isinstance(dtype, t.Scalar) else None


def _reduced(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype),) if not keywords:
            return t.Tile(dtype, (1,))
        case _:
            return None


def _converted(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, keywords.get("dtype"):
        case (t.Tile(shape=shape),), t.Scalar() as dtype:
            return t.Tile(dtype, shape)
        case _:
            return None


def _reshaped(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, _shape(keywords):
        case (t.Tile(dtype=dtype, shape=shape),), (*sizes,) if prod(sizes) == prod(shape):
            return t.Tile(dtype, tuple(sizes))
        case _:
            return None


def _transposed(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype, shape=(rows, columns)),) if not keywords:
            return t.Tile(dtype, (columns, rows))
        case _:
            return None


def _broadcast(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types, _shape(keywords):
        case (t.Tile(dtype=dtype, shape=(1,)),), (*sizes,):
            return t.Tile(dtype, tuple(sizes))
        case _:
            return None


def _extracted(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Tile(dtype=dtype, shape=shape), *indices) if indices == [t.INT32] * len(shape) and not keywords:
            return dtype
        case _:
            return None


def _stored(types: tuple[t.Type, ...], keywords: Keywords) -> t.Type | None:
    match types:
        case (t.Array(dtype=dtype, ndim=ndim), t.Tile() as tile, *offset) if tile.dtype == dtype:
            fits = len(tile.shape) == ndim and is_offset(tuple(offset), ndim)
            return t.Tuple(()) if fits and keywords.keys() <= {"bounds_check", "aligned"} else None
        case _:
            return None


# What operations on tiles take and give ("Tiles" in Warp's documentation).  The rows are what Warp 1.10, 1.14
# and 1.19 all accept on both devices, with their adjoints.
TILE_CALLS: dict[str, TileRule] = {
    "tile_load": _load,
    "tile_zeros": _filled,
    "tile_ones": _filled,
    "tile_sum": _reduced,
    "tile_min": _reduced,
    "tile_max": _reduced,
    "tile_astype": _converted,
    "tile_reshape": _reshaped,
    "tile_transpose": _transposed,
    "tile_broadcast": _broadcast,
    "tile_extract": _extracted,
    "tile_store": _stored,
    **COOPERATIVE,
}


def tile_call(name: str, types: tuple[t.Type, ...], keywords: tuple[tuple[str, Keyword], ...]) -> t.Type | None:
    """The type that a call of a tile builtin gives, or None where there is no such call."""
    return TILE_CALLS[name](types, dict(keywords))


def tile_operator(op: str, left: t.Type, right: t.Type) -> t.Type | None:
    """The type of ``left op right`` where one side is a tile: sums, differences, products with a scalar."""
    if op in ("+", "-") and left == right:
        return left
    for tile, scalar in ((left, right), (right, left)):
        if op == "*" and isinstance(tile, t.Tile) and scalar == tile.dtype:
            return tile
    return None
