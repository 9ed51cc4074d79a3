"""Expressions and statements as libcst nodes.

Parentheses appear exactly where Python's grammar needs them for the text to read back as the same tree.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.types import FLOAT32, Scalar, Vector
from kernelfuzz.syntax.tokens import (
    ANY,
    AUGMENTED_OPERATORS,
    BINARY_OPERATORS,
    BOOLEAN_OPERATORS,
    CLOSE,
    COMPARE,
    COMPARE_OPERATORS,
    DOT,
    LINE_END,
    NOT,
    NOTHING,
    NUMBER,
    OPEN,
    OPERATOR_BINDS,
    OR,
    PRIMARY,
    SLICE_COLON,
    SPACE,
    TERNARY,
    UNARY,
    UNARY_OPERATORS,
    annotation,
    argument,
    call,
    identifier,
    integer,
    literal,
    named_argument,
    subscript,
    tuple_of,
    type_expression,
    warp_attribute,
)
from kernelfuzz.typecheck.messages import MESSAGES, text_of_message
from kernelfuzz.typecheck.tile_rules import BEFORE_FACTOR, BEFORE_OFFSET, FACTOR, OPERATION, WITH_OPERATION

# --------------------------------------------------------------- expressions


def binds(node: n.Expr) -> int:
    """How tightly the text of ``node`` binds: an operand that binds less than needed gets parentheses."""
    match node:
        case n.Binary() | n.BoolOp():
            return OPERATOR_BINDS[node.op]
        case n.Literal():
            return literal(node)[1]
        case n.Unary():
            return NOT if node.op == "not" else UNARY
        case n.Compare():
            return COMPARE
        case n.IfExp():
            return TERNARY
        case _:
            return PRIMARY


def expression(node: n.Expr, needed: int = ANY) -> cst.BaseExpression:
    """The libcst node of an expression, in parentheses where it binds less tightly than ``needed``."""
    match node:
        case n.Name(id=name):
            enumeration, dot, member = name.rpartition(".")
            return cst.Attribute(identifier(enumeration), identifier(member), dot=DOT) if dot else identifier(name)
        case n.Literal():
            number, tightness = literal(node)
            return number if tightness >= needed else number.with_changes(lpar=OPEN, rpar=CLOSE)
        case n.Call(name=name) if name in MESSAGES:
            text = text_of_message(node.keywords)
            told = [] if text is None else [argument(cst.SimpleString(repr(text)))]
            told += [argument(expression(arg)) for arg in node.args]
            return call(identifier(name) if name == "print" else warp_attribute(name), told)
        case n.Call(name="array", args=(address, *sizes), keywords=keywords):
            shape = tuple_of([expression(size) for size in sizes], parentheses=True)
            given = [named_argument("ptr", expression(address)), named_argument("shape", shape)]
            return call(
                warp_attribute("array"), given + [named_argument(key, _keyword(each)) for key, each in keywords]
            )
        case n.Call(name=name) if name in BEFORE_OFFSET or name in BEFORE_FACTOR or name in WITH_OPERATION:
            return _tile_call(node)
        case n.Call(name=name, args=args, keywords=keywords):
            arguments = [argument(expression(arg)) for arg in args]
            arguments += [named_argument(key, _keyword(value)) for key, value in keywords]
            return call(warp_attribute(name), arguments)
        case n.Construct(type=type_, args=args):
            # Of one number wp.spatial_vector, which is a builtin too, makes none: the type of the other name does.
            filled = type_ == Vector(6, FLOAT32) and len(args) == 1 and isinstance(args[0].type, Scalar)
            made = warp_attribute("spatial_vectorf") if filled else type_expression(type_)
            return call(made, [argument(expression(arg)) for arg in args])
        case n.CallFunction(name=name, args=args, static=static):
            function = call(warp_attribute("static"), (argument(identifier(name)),)) if static else identifier(name)
            return call(function, [argument(expression(arg)) for arg in args])
        case n.Cast(type=type_, operand=operand):
            return call(annotation(type_), (argument(expression(operand)),))
        case n.Static(value=value):
            return call(warp_attribute("static"), (argument(expression(value)),))
        case n.Index(value=value, indices=indices):
            return subscript(expression(value, PRIMARY), [_index(index) for index in indices])
        case n.Attribute(value=value, name=name):
            return cst.Attribute(expression(value, PRIMARY), identifier(name), dot=DOT)
        case n.ArrayShape(array=array, axis=axis):
            array_shape = cst.Attribute(expression(array, PRIMARY), identifier("shape"), dot=DOT)
            return subscript(array_shape, (cst.Index(integer(axis)),))
        case n.Binary() | n.Unary() | n.Compare() | n.BoolOp() | n.IfExp():
            return _operation(node, *((OPEN, CLOSE) if binds(node) < needed else ((), ())))
        case _:
            return assert_never(node)


def _tile_call(node: n.Call) -> cst.BaseExpression:
    """A call that takes an offset by name, or the name of an operation first."""
    own = {**BEFORE_OFFSET, **BEFORE_FACTOR}.get(node.name, len(node.args))
    arguments = [argument(warp_attribute(str(value))) for key, value in node.keywords if key == OPERATION]
    arguments += [argument(expression(arg)) for arg in node.args[:own]]
    arguments += [named_argument(key, _keyword(value)) for key, value in node.keywords if key != OPERATION]
    offset = [expression(arg) for arg in node.args[own:]]
    if offset:
        given = offset[0] if len(offset) == 1 else tuple_of(offset, parentheses=True)
        arguments.append(named_argument(FACTOR if node.name in BEFORE_FACTOR else "offset", given))
    return call(warp_attribute(node.name), arguments)


def _operation(
    node: n.Binary | n.Unary | n.Compare | n.BoolOp | n.IfExp,
    lpar: Sequence[cst.LeftParen],
    rpar: Sequence[cst.RightParen],
) -> cst.BaseExpression:
    match node:
        case n.Binary(op="**"):
            # The only operator that groups to the right, and -1 may stand bare on its right only.
            left, right = expression(node.left, NUMBER), expression(node.right, UNARY)
            return cst.BinaryOperation(left, BINARY_OPERATORS["**"], right, lpar, rpar)
        case n.Binary(op=op):
            tightness = OPERATOR_BINDS[op]
            left, right = expression(node.left, tightness), expression(node.right, tightness + 1)
            return cst.BinaryOperation(left, BINARY_OPERATORS[op], right, lpar, rpar)
        case n.Unary(op=op, operand=operand):
            inner = expression(operand, NOT if op == "not" else UNARY)
            return cst.UnaryOperation(UNARY_OPERATORS[op], inner, lpar, rpar)
        case n.Compare():
            # A comparison inside a comparison would read as one chain.
            targets = [
                cst.ComparisonTarget(COMPARE_OPERATORS[op], expression(comparator, COMPARE + 1))
                for op, comparator in zip(node.ops, node.comparators, strict=True)
            ]
            return cst.Comparison(expression(node.left, COMPARE + 1), targets, lpar, rpar)
        case n.BoolOp(op=op, values=values):
            operator, tightness = BOOLEAN_OPERATORS[op], OPERATOR_BINDS[op] + 1
            result = expression(values[0], tightness)
            for value in values[1:-1]:
                result = cst.BooleanOperation(result, operator, expression(value, tightness))
            return cst.BooleanOperation(result, operator, expression(values[-1], tightness), lpar, rpar)
        case n.IfExp(test=test, body=body, orelse=orelse):
            return cst.IfExp(
                test=expression(test, OR),
                body=expression(body, OR),
                orelse=expression(orelse, TERNARY),
                lpar=lpar,
                rpar=rpar,
                whitespace_before_if=SPACE,
                whitespace_after_if=SPACE,
                whitespace_before_else=SPACE,
                whitespace_after_else=SPACE,
            )
        case _:
            return assert_never(node)


def _index(index: n.Expr | n.Slice) -> cst.BaseSlice:
    if not isinstance(index, n.Slice):
        return cst.Index(expression(index))
    start, stop, step = (None if part is None else integer(part) for part in (index.start, index.stop, index.step))
    if step is None:
        return cst.Slice(start, stop, first_colon=SLICE_COLON)
    return cst.Slice(start, stop, step, first_colon=SLICE_COLON, second_colon=SLICE_COLON)


def _keyword(value: n.Keyword) -> cst.BaseExpression:
    match value:
        case bool():
            return identifier(str(value))
        case int():
            return integer(value)
        case str():
            return cst.SimpleString(repr(value))
        case tuple():
            return tuple_of([integer(element) for element in value], parentheses=True)
        case _:
            return type_expression(value)


# ---------------------------------------------------------------- statements


def statement(node: n.Stmt) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
    match node:
        case n.If():
            return _if(node)
        case n.For(name=name, bounds=bounds, body=body):
            return cst.For(
                target=identifier(name),
                iter=call(identifier("range"), [argument(expression(bound)) for bound in bounds]),
                body=block_of(body),
                whitespace_after_for=SPACE,
                whitespace_before_in=SPACE,
                whitespace_after_in=SPACE,
                whitespace_before_colon=NOTHING,
            )
        case n.While(test=test, body=body):
            return cst.While(
                expression(test),
                block_of(body),
                whitespace_after_while=SPACE,
                whitespace_before_colon=NOTHING,
            )
        case _:
            return line(_small(node))


def _small(
    node: n.Assign | n.Unpack | n.AugAssign | n.Break | n.Continue | n.Pass | n.Return | n.ExprStmt,
) -> cst.BaseSmallStatement:
    match node:
        case n.Assign(target=target, value=value):
            return cst.Assign((target_of(expression(target)),), expression(value))
        case n.AugAssign(target=target, op=op, value=value):
            return cst.AugAssign(expression(target), AUGMENTED_OPERATORS[op], expression(value))  # pyright: ignore[reportArgumentType]
        case n.ExprStmt(value=n.Call(name="assert", args=(test,), keywords=keywords)):
            text = text_of_message(keywords)
            message = None if text is None else cst.SimpleString(repr(text))
            return cst.Assert(expression(test), message, whitespace_after_assert=SPACE)
        case n.ExprStmt(value=value):
            return cst.Expr(expression(value))
        case n.Unpack(names=names, values=values):
            return cst.Assign((target_of(tuple_of([identifier(name) for name in names])),), _values(values))
        case n.Return(values=()):
            return cst.Return(whitespace_after_return=NOTHING)
        case n.Return(values=values):
            return cst.Return(_values(values), whitespace_after_return=SPACE)
        case n.Break():
            return cst.Break()
        case n.Continue():
            return cst.Continue()
        case n.Pass():
            return cst.Pass()
        case _:
            return assert_never(node)


def target_of(target: cst.BaseExpression) -> cst.AssignTarget:
    return cst.AssignTarget(target, SPACE, SPACE)  # pyright: ignore[reportArgumentType]


def _values(values: Sequence[n.Expr]) -> cst.BaseExpression:
    rendered = [expression(value) for value in values]
    return rendered[0] if len(rendered) == 1 else tuple_of(rendered)


def line(small: cst.BaseSmallStatement, leading_lines: Sequence[cst.EmptyLine] = ()) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine((small,), leading_lines=leading_lines, trailing_whitespace=LINE_END)


def _if(node: n.If) -> cst.If:
    match node.orelse:
        case ():
            orelse = None
        case (n.If() as elif_,):
            orelse = _if(elif_)
        case block:
            orelse = cst.Else(block_of(block), whitespace_before_colon=NOTHING)
    return cst.If(
        expression(node.test),
        block_of(node.body),
        orelse,
        whitespace_before_test=SPACE,
        whitespace_after_test=NOTHING,
    )


def block_of(block: n.Block) -> cst.IndentedBlock:
    return indented([statement(node) for node in block or (n.Pass(),)])


def indented(body: Sequence[cst.BaseStatement]) -> cst.IndentedBlock:
    return cst.IndentedBlock(body, header=LINE_END)
