"""The one tree of a text that has several: the one that ``kernelfuzz.syntax.parse`` reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32
from kernelfuzz.typecheck.inference import is_value

N = TypeVar("N", bound=n.Node)


def canonical(node: N) -> N:
    """The tree that has the same text and is what the text is read as."""
    made: Any = _canonical(transform(node, _canonical))
    return made


def _canonical(node: n.Node) -> n.Node:
    match node:
        case n.Name():  # most of the nodes
            return node
        case n.If() | n.For() | n.While() | n.Function() | n.Kernel() if not node.body:
            return replace(node, body=(n.Pass(),))
        case n.Unary(op="-", operand=n.Literal(value=number, type=dtype)) if dtype in (INT32, FLOAT32):
            # The text of -(-3) has two signs, and -0 is no literal.
            plain = str(number)[0] not in "-n" and not (dtype == INT32 and number == 0)
            return n.Literal(-number, dtype) if plain else node
        case n.Cast(type=dtype, operand=n.Literal(value=number, type=source)):
            same = source == (FLOAT32 if dtype.is_float else INT32)
            fits = same and dtype not in (INT32, FLOAT32, BOOL) and is_value(number, dtype)
            return n.Literal(number, dtype) if fits else node
        case _:
            return node
