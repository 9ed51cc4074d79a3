"""Numbers of Python's: ``wp.static(expression)``, evaluated when a kernel is declared, and module constants.

"Code Generation: Static Expressions" of Warp's user guide; the result becomes a constant of the node's type.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.reference.compiled import Module, Names
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.release import at_least
from kernelfuzz.reference.undefined import DIVISION_BY_ZERO, SIGNED_OVERFLOW, Undefined

_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
_UNARY: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos, "not": operator.not_}


def value(node: n.Static, module: Module) -> Value:
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


def unrounded(cast: n.Cast, names: Names) -> n.Cast:
    """``wp.float64(K)``, ``wp.int64(wp.static(2**40))``: a conversion to 64 bits is one of Python's number.

    That is the fix of GH-485, whose kernel is ``wp.float64(wp.PI)``; before 1.12.1 the number was rounded to
    float32 or cut to int32 first.
    """
    operand = cast.operand
    if cast.type not in (t.INT64, t.UINT64, t.FLOAT64) or not at_least(1, 12, 1):
        return cast
    match operand:
        case n.Static(type=type_):
            number = operand
        case n.Name(id=name, type=type_) if name not in names.places and name in names.module.constants:
            number = names.module.constants[name].value
        case _:
            return cast
    wide = _WIDE.get(type_)
    return cast if wide is None else replace(cast, operand=replace(number, type=wide))


# What holds all that a number of Python's may be, where the type is that of a number without a type.
_WIDE: dict[t.Type, t.Scalar] = {t.FLOAT32: t.FLOAT64, t.INT32: t.INT64}


def _evaluate(node: n.Expr, module: Module) -> Any:
    match node:
        case n.Literal(value=found):
            return found
        case n.Name(id=name):
            return module.constants[name].value.value
        case n.Unary(op=op, operand=operand):
            return _UNARY[op](_evaluate(operand, module))
        case n.Binary(op=op, left=left, right=right):
            return _OPERATORS[op](_evaluate(left, module), _evaluate(right, module))
        case n.Compare(left=left, ops=ops, comparators=comparators):
            values = [_evaluate(operand, module) for operand in (left, *comparators)]
            return all(_OPERATORS[op](*pair) for op, pair in zip(ops, zip(values, values[1:]), strict=True))  # noqa: B905, RUF007
        case n.BoolOp(op=op, values=values):
            found = [_evaluate(operand, module) for operand in values]
            return all(found) if op == "and" else any(found)
        case _:
            raise TypeError(f"{node} is no static expression")
