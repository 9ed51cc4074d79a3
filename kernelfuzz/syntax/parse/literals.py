"""Numbers that Python computes before a kernel runs, and the literals that they are in the kernel."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from kernelfuzz.ir.nodes import Construct, Expr, Literal
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Scalar
from kernelfuzz.syntax.parse.errors import error, fail, text_of
from kernelfuzz.syntax.parse.names import Known

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
    ast.LShift: lambda a, b: a << b,
    ast.RShift: lambda a, b: a >> b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitXor: lambda a, b: a ^ b,
}


def computed(compute: Callable[..., Any], values: tuple[Any, ...], node: ast.expr) -> int | float:
    """The number that Python gives; ParseError where it raises or gives something else."""
    try:
        result = compute(*values)
    except (ArithmeticError, TypeError, ValueError) as failure:
        raise error(f"{text_of(node)} has no value: {failure}", node) from failure
    return result if isinstance(result, (int, float)) else fail(f"{text_of(node)} is no number", node)


def component(value: Known, dtype: Scalar, node: ast.expr) -> Expr:
    """An argument of a constructor: a number as a literal of the components' type."""
    return value if isinstance(value, (Construct, Literal)) else _literal(value, dtype, node)


def typed(value: float, type_: Scalar, node: ast.expr) -> Known:
    """``wp.int8(3)`` as a literal; of the types that Python's numbers have, a number."""
    literal = _literal(value, type_, node)
    return literal.value if type_ in (INT32, FLOAT32, BOOL) else literal


def _literal(value: Known, type_: Scalar, node: ast.expr) -> Literal:
    if isinstance(value, (int, float)):
        if type_ == BOOL:
            return Literal(bool(value), type_)
        if type_.is_float:
            return Literal(float(value), type_)
        if float(value).is_integer():
            low, high = type_.limits
            if low <= value <= high:
                return Literal(int(value), type_)
    raise error(f"{text_of(node)} is no value of {type_}", node)


def number_literal(value: float) -> Literal:
    """The literal that a number of Python is in a kernel."""
    if isinstance(value, bool):
        return Literal(value, BOOL)
    return Literal(value, INT32) if isinstance(value, int) else Literal(value, FLOAT32)
