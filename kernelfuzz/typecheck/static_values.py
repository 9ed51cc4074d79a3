"""How ``wp.static`` and the constants of a module are evaluated: by Python, when a kernel is declared."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from kernelfuzz.ir import nodes as n

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNARY: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos, "not": operator.not_}


def static_value(node: n.Expr, constants: Mapping[str, n.Constant]) -> int | float | bool:
    """The value of an expression over literals and constants.  Raises ValueError at any other node."""
    match node:
        case n.Literal(value=value):
            return value
        case n.Name(id=name) if name in constants and (number := constants[name].number) is not None:
            return number.value
        case n.Unary(op=op, operand=operand) if op in _UNARY:
            return _UNARY[op](static_value(operand, constants))
        case n.Binary(op=op, left=left, right=right) if op in _OPERATORS:
            return _OPERATORS[op](static_value(left, constants), static_value(right, constants))
        case n.Compare(left=left, ops=ops, comparators=comparators):
            operands = [static_value(each, constants) for each in (left, *comparators)]
            pairs = zip(operands, ops, operands[1:], strict=False)
            return all(_OPERATORS[op](one, other) for one, op, other in pairs)
        case n.BoolOp(op=op, values=values):
            return (all if op == "and" else any)(static_value(each, constants) for each in values)
        case _:
            raise ValueError(f"not static: {type(node).__name__}")


def known_truth(node: n.Expr, constants: Mapping[str, n.Constant]) -> bool | None:
    """Whether a condition holds that Warp knows while it generates code, which it then generates one branch for.

    None where it does not know: also ``not wp.static(x)`` is computed by the kernel.  ``constants`` are those that no
    local hides.
    """
    match node:
        case n.Literal(value=value):
            return bool(value)
        case n.Static(value=value):
            try:
                return bool(static_value(value, constants))
            except (ValueError, ArithmeticError):  # it reads the counter of a loop, or has no value
                return None
        case n.Name(id=name) if name in constants and (number := constants[name].number) is not None:
            return bool(number.value)
        case _:
            return None
