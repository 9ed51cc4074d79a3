"""Calls that tell something, with the text that they have: ``print``, ``wp.printf``, ``wp.expect_eq``, ``assert``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import Matrix, Scalar, Tuple, Vector
from kernelfuzz.syntax.parse.errors import error, text_of
from kernelfuzz.syntax.parse.unit import Reader
from kernelfuzz.typecheck.messages import TEXT

# The default of wp.expect_near ("Built-Ins Reference").
_TOLERANCE = 1.0e-6


def told(name: str, node: ast.Call, reader: Reader, read: Callable[[ast.expr, Reader], n.Expr]) -> n.Call:
    """The call of ``print`` and its like; a text is its first argument."""
    given = list(node.args)
    names = {"expect_near": ("a", "b", "tolerance")}.get(name, ("a", "b"))
    by_name = {each.arg: each.value for each in node.keywords}
    given += [by_name.pop(each) for each in names[len(given) :] if each in by_name]
    if by_name:
        raise error(f"{name} is called with arguments by name: {', '.join(map(str, by_name))}", node)
    keywords: tuple[tuple[str, n.Keyword], ...] = ()
    match given[:1]:
        case [ast.Constant(value=str() as text)]:
            keywords, given = ((TEXT, text),), given[1:]
        case _:
            pass
    made = [read(each, reader) for each in given]
    if name == "expect_near" and len(made) == 2:
        type_ = made[0].type
        dtype = type_.dtype if isinstance(type_, (Vector, Matrix)) else type_
        made += [n.Literal(_TOLERANCE, dtype)] if isinstance(dtype, Scalar) and dtype.is_float else []
    return n.Call(name, tuple(made), Tuple(()), keywords)


def asserted(test: n.Expr, message: ast.expr | None, node: ast.Assert) -> n.Call:
    """``assert test, "message"``."""
    match message:
        case None:
            return n.Call("assert", (test,), Tuple(()))
        case ast.Constant(value=str() as text):
            return n.Call("assert", (test,), Tuple(()), ((TEXT, text),))
        case _:
            raise error(f"the message of {text_of(node)} is no text", node)
