"""Comparisons, ``and``, ``or`` and conditional expressions that Python evaluates before a kernel runs."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from kernelfuzz.ir.nodes import Literal
from kernelfuzz.syntax.parse.bindings import Known
from kernelfuzz.syntax.parse.errors import error, text_of

_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_ANY: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip


def choice(node: ast.Compare | ast.BoolOp | ast.IfExp, evaluate: Callable[[ast.expr], Known]) -> Known:
    """The value of a comparison, of ``and`` and ``or``, of ``x if test else y``; only what decides is evaluated."""
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return evaluate(body if _truth(evaluate(test)) else orelse)
        case ast.BoolOp(op=op, values=values):
            for value in values[:-1]:
                found = evaluate(value)
                if _truth(found) is isinstance(op, ast.Or):
                    return found
            return evaluate(values[-1])
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            first = evaluate(left)
            for op, comparator in zip(ops, comparators, strict=True):
                second = evaluate(comparator)
                if not _holds(op, first, second, node):
                    return False
                first = second
            return True


def _truth(value: Known) -> bool:
    return bool(value.value if isinstance(value, Literal) else value)


def _holds(op: ast.cmpop, first: Known, second: Known, node: ast.expr) -> bool:
    numbers = isinstance(first, (int, float)) and isinstance(second, (int, float))
    if type(op) in _ORDER and numbers:
        return _ORDER[type(op)](first, second)
    if type(op) in _ANY:
        return _ANY[type(op)](first, second)
    if isinstance(op, (ast.In, ast.NotIn)) and isinstance(second, tuple):
        return (first in second) is isinstance(op, ast.In)
    raise error(f"the value of {text_of(node)} cannot be told from the text", node)
