"""What the locals of a kernel say before it runs: the types that they have, and the numbers that stay what they are.

``x.dtype`` and ``x.length`` of a local are a type and a number of its type.  A name that is assigned once, to a static
expression or a plain number, may stand where Warp wants a constant, and in later static expressions.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Matrix, Quaternion, Transform, Vector, shape
from kernelfuzz.syntax.parse.bindings import Known
from kernelfuzz.syntax.parse.unit import Reader
from kernelfuzz.syntax.parse.values import evaluate
from kernelfuzz.typecheck.static_values import static_value


def assigned_once(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that one place of a body assigns, outside of every loop."""
    times: Counter[str] = Counter()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                times[node.id] += 1
            elif isinstance(node, (ast.For, ast.While)):
                times.update(2 * [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and _stored(each)])
    return frozenset([name for name, count in times.items() if count == 1])


def _stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def note(name: str, value: n.Expr, reader: Reader) -> None:
    """Remember the number of a name that is assigned once."""
    plain = value.value if isinstance(value, n.Static) else value
    if name in reader.once and (isinstance(value, n.Static) or _is_number(value)):
        try:
            reader.fixed[name] = static_value(plain, reader.unit.constants)
        except (ValueError, ArithmeticError):
            return  # it reads the counter of a loop


def _is_number(value: n.Expr) -> bool:
    """Whether this is a number of Python, which Warp keeps as a constant: one of another type is a conversion."""
    return isinstance(value, n.Literal) and value.type in (INT32, FLOAT32, BOOL)


def length_of(node: ast.expr, reader: Reader) -> int | None:
    """The number that ``x.length`` or ``type(x).length`` is for a local; None for any other expression."""
    match node:
        case (
            ast.Attribute(value=ast.Name(id=name), attr="length")
            | ast.Attribute(value=ast.Call(func=ast.Name(id="type"), args=[ast.Name(id=name)]), attr="length")
        ) if name in reader.types:
            type_ = reader.types[name]
            composite = isinstance(type_, (Vector, Matrix, Quaternion, Transform))
            return shape(type_)[0] * (type_.columns if isinstance(type_, Matrix) else 1) if composite else None
        case _:
            return None


class _Numbers(ast.NodeTransformer):
    """Names and lengths of locals replaced by their numbers."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.reader.fixed:
            return ast.copy_location(ast.Constant(self.reader.fixed[node.id]), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        length = length_of(node, self.reader)
        return self.generic_visit(node) if length is None else ast.copy_location(ast.Constant(length), node)


def with_numbers(node: ast.expr, reader: Reader) -> ast.expr:
    """An expression with the numbers of locals in their places, where it has some."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    if names.isdisjoint(reader.types):
        return node
    copied = ast.parse(ast.unparse(node), mode="eval").body
    for each in ast.walk(copied):
        ast.copy_location(each, node)
    return _Numbers(reader).visit(copied)


def evaluated(node: ast.expr, reader: Reader) -> Known:
    """The value of an expression that Python evaluates before the kernel runs, where locals may stand in it."""
    return evaluate(with_numbers(node, reader), reader.namespace)
