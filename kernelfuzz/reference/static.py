"""``wp.static(expression)``: evaluated by Python, on Python's int, float and bool, when a kernel is declared.

"Code Generation: Static Expressions" of Warp's user guide; the result becomes a constant of the node's type.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from kernelfuzz.ir.nodes import Binary, BoolOp, Compare, Expr, Literal, Name, Static, Unary
from kernelfuzz.reference.compiled import Module
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.undefined import DIVISION_BY_ZERO, SIGNED_OVERFLOW, Undefined

_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
_UNARY: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos, "not": operator.not_}


def value(node: Static, module: Module) -> Value:
    """The constant that a static expression is; Undefined where Python raises, or where it does not fit."""
    try:
        found = _evaluate(node.value, module)
    except ZeroDivisionError:
        raise Undefined(DIVISION_BY_ZERO, node) from None
    if node.type.is_integer:
        low, high = node.type.limits
        if not low <= found <= high:
            raise Undefined(SIGNED_OVERFLOW, node)
    return module.domain.literal(node.type, found)


def _evaluate(node: Expr, module: Module) -> Any:
    match node:
        case Literal(value=found):
            return found
        case Name(id=name):
            return module.constants[name].value.value
        case Unary(op=op, operand=operand):
            return _UNARY[op](_evaluate(operand, module))
        case Binary(op=op, left=left, right=right):
            return _OPERATORS[op](_evaluate(left, module), _evaluate(right, module))
        case Compare(left=left, ops=ops, comparators=comparators):
            values = [_evaluate(operand, module) for operand in (left, *comparators)]
            return all(_OPERATORS[op](*pair) for op, pair in zip(ops, zip(values, values[1:]), strict=True))  # noqa: B905, RUF007
        case BoolOp(op=op, values=values):
            found = [_evaluate(operand, module) for operand in values]
            return all(found) if op == "and" else any(found)
        case _:
            raise TypeError(f"{node} is no static expression")
