"""Expressions of a kernel's text as nodes, each with the type that Warp gives it."""

from __future__ import annotations

import ast
import math

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import FLOAT32, INT32, Array, Matrix, Quaternion, Tile, Transform, Vector, type_name
from kernelfuzz.ir.walk import walk
from kernelfuzz.syntax.parse.bindings import Known, Member, Members, PythonModule
from kernelfuzz.syntax.parse.calls import call
from kernelfuzz.syntax.parse.errors import ParseError, error, fail, text_of
from kernelfuzz.syntax.parse.known_locals import length_of, with_numbers
from kernelfuzz.syntax.parse.unit import Reader
from kernelfuzz.syntax.parse.values import evaluate, lookup, number_literal
from kernelfuzz.typecheck.inference import attribute_type, subscript_type
from kernelfuzz.typecheck.operators import binary_result, unary_result
from kernelfuzz.typecheck.scope import VerifyError

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitAnd: "&", ast.BitXor: "^",
}  # fmt: skip
UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


def expression(node: ast.expr, reader: Reader) -> n.Expr:
    """The node of an expression; ParseError where the IR has none or its type cannot be told."""
    made = _expression(node, reader)
    reader.unit.at(made, node)
    return made


def _expression(node: ast.expr, reader: Reader) -> n.Expr:
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return number_literal(value)
        case ast.Name(id=name):
            if name in reader.types:
                return n.Name(name, reader.types[name])
            return _captured(name, lookup(name, reader.namespace, node), node, reader)
        case ast.Attribute():
            return _attribute(node, reader)
        case ast.Subscript():
            return _subscript(node, reader)
        case ast.Call():
            return call(node, reader, expression)
        case ast.BinOp(left=left, op=op, right=right):
            sides = expression(left, reader), expression(right, reader)
            symbol = BINARY[type(op)]
            result = binary_result(symbol, sides[0].type, sides[1].type)
            if result is None:
                types = " and ".join(type_name(side.type) for side in sides)
                raise error(f"no operator {symbol} for {types} in {text_of(node)}", node)
            return n.Binary(symbol, *sides, result)
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(UNARY[type(op)], operand, expression(operand, reader), node)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            symbols = tuple([COMPARE.get(type(op)) or fail(f"no {text_of(node)}", node) for op in ops])
            return n.Compare(
                expression(left, reader), symbols, tuple([expression(each, reader) for each in comparators])
            )
        case ast.BoolOp(op=op, values=values):
            symbol = "and" if isinstance(op, ast.And) else "or"
            return n.BoolOp(symbol, tuple([expression(value, reader) for value in values]))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            kept = expression(body, reader)
            return n.IfExp(expression(test, reader), kept, expression(orelse, reader), kept.type)
        case _:
            raise error(f"the IR has no expression like {text_of(node)}", node)


def _unary(op: str, source: ast.expr, operand: n.Expr, node: ast.expr) -> n.Expr:
    # A negative number is one literal, as its text reads; -wp.nan and -0 have no literal of their own.
    if op == "-" and isinstance(operand, n.Literal) and not isinstance(source, (ast.UnaryOp, ast.Call)):
        value = operand.value
        own = operand.type == FLOAT32 and not math.isnan(value)
        if own or (operand.type == INT32 and value != 0):
            return n.Literal(-value, operand.type)
    result = unary_result(op, operand.type)
    if result is None:
        raise error(f"no operator {op} for {type_name(operand.type)} in {text_of(node)}", node)
    return n.Unary(op, operand, result)


# ----------------------------------------------------------------------- captured


def _captured(name: str, value: Known, node: ast.expr, reader: Reader) -> n.Expr:
    """A name that the kernel captures: a constant of its module, or the value itself."""
    constant = constant_of(value)
    if constant is not None:
        return n.Name(reader.unit.constant(name, constant), constant.type)
    return inlined(value, node)


def constant_of(value: Known) -> n.Literal | n.Construct | None:
    """A known value as a constant that Warp captures: a number, or a vector or the like of finite numbers."""
    if not isinstance(value, n.Construct):
        return literal_of(value)
    if not isinstance(value.type, (Vector, Matrix, Quaternion, Transform)):
        return None
    parts = [part for part in walk(value) if not isinstance(part, n.Construct)]
    captured = all(isinstance(part, n.Literal) and math.isfinite(part.value) for part in parts)
    return value if captured else None


def literal_of(value: Known) -> n.Literal | None:
    """A known number as a literal."""
    if isinstance(value, n.Literal):
        return value
    return number_literal(value) if isinstance(value, (bool, int, float)) else None


def inlined(value: Known, node: ast.expr) -> n.Expr:
    """A known value as an expression."""
    literal = literal_of(value)
    if literal is not None:
        return n.Literal(literal.value, literal.type)
    if isinstance(value, n.Construct):
        return value
    raise error(f"{text_of(node)} is no value that a kernel of the IR can capture", node)


# -------------------------------------------------------------------------- parts


def _is_local(node: ast.expr, reader: Reader) -> bool:
    """Whether the expression is a part of a local, and not of something outside of the function."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return not isinstance(node, ast.Name) or node.id in reader.types


def _is_of_composite(owner: ast.expr, reader: Reader) -> bool:
    """Whether the name of a captured vector or the like stands before an attribute or an index."""
    if not isinstance(owner, ast.Name):
        return False
    value = constant_of(lookup(owner.id, reader.namespace, owner))
    return isinstance(value, n.Construct)


def _attribute(node: ast.Attribute, reader: Reader) -> n.Expr:
    length = length_of(node, reader)
    if length is not None:
        return n.Literal(length, INT32)
    if not _is_local(node, reader) and not _is_of_composite(node.value, reader):
        found = evaluate(node, reader.namespace)
        if isinstance(found, Member):
            return n.Name(reader.unit.member(found), INT32)
        literal = literal_of(found)
        if literal is not None and _is_of_a_module(node.value, reader):
            return n.Name(reader.unit.constant(node.attr, literal), literal.type)
        return inlined(found, node)
    value = expression(node.value, reader)
    result = attribute_type(value.type, node.attr)
    if result is None:
        raise error(f"{type_name(value.type)} has no attribute {node.attr}", node)
    return n.Attribute(value, node.attr, result)


def _is_of_a_module(owner: ast.expr, reader: Reader) -> bool:
    """Whether members of this are constants that somebody has named, which Warp's and Python's own are not."""
    found = evaluate(owner, reader.namespace)
    return isinstance(found, (PythonModule, Members)) and found.name not in ("math", "numpy")


def _subscript(node: ast.Subscript, reader: Reader) -> n.Expr:
    if not _is_local(node, reader):
        try:
            return inlined(evaluate(node, reader.namespace), node)
        except ParseError:
            pass  # an index that only the kernel knows, into something that may be captured
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        array = expression(node.value.value, reader)
        if isinstance(array.type, Array):
            axis = constant_integer(node.slice, reader)
            return n.ArrayShape(array, axis)
    value = expression(node.value, reader)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if isinstance(value.type, Tile) and len(parts) == len(value.type.shape):
        return n.Call("tile_extract", (value, *[expression(part, reader) for part in parts]), value.type.dtype)
    indices = tuple([_index(part, reader) for part in parts])
    try:
        result = subscript_type(value.type, indices)
    except VerifyError as failure:
        raise error(str(failure), node) from failure
    if result is None:
        raise error(f"{type_name(value.type)} does not take {len(indices)} indices", node)
    return n.Index(value, indices, result)


def _index(node: ast.expr, reader: Reader) -> n.Expr | n.Slice:
    if not isinstance(node, ast.Slice):
        return expression(node, reader)
    parts = (node.lower, node.upper, node.step)
    made = n.Slice(*[None if part is None else constant_integer(part, reader) for part in parts])
    reader.unit.at(made, node)
    return made


def constant_integer(node: ast.expr, reader: Reader) -> int:
    """The value of an integer that has to be known when the kernel is declared."""
    node = with_numbers(node, reader)
    if any(isinstance(each, ast.Name) and each.id in reader.types for each in ast.walk(node)):
        raise error(f"{text_of(node)} has to be a constant here", node)
    value = evaluate(node, reader.namespace)
    return value if type(value) is int else fail(f"{text_of(node)} is no integer", node)
