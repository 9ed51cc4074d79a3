"""What Warp's operators take and give, as one table.

Warp never converts operands: both sides have one scalar type ("Basics: Type Conversions" of Warp's
documentation), and a shape other than the operands' comes only from the products of linear algebra.
The rows are what Warp 1.10, 1.14 and 1.19 all accept and what clang and NVRTC then compile, found by
building one kernel per row, dtype and release (tests/ir/test_operators.py does it again).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from kernelfuzz.ir import types as t
from kernelfuzz.typecheck.patterns import SignaturePattern, match_call, parse, solutions
from kernelfuzz.typecheck.tiles import tile_operator


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
    return _result(UNARY, op, (operand,))


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
