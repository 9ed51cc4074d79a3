"""The smallest pieces of rendered text, as libcst nodes that are built once and shared.

libcst builds new white space for every node that is not given any, and checks every node that it
builds: sharing what repeats is what makes rendering fast, and what is shared keeps its text.  Its nodes are
immutable, so it is safe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import libcst as cst

from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import Literal
from kernelfuzz.ir.walk import literal_text
from kernelfuzz.syntax.kept import kept

# --------------------------------------------------- white space and operators


SPACE = kept(cst.SimpleWhitespace(" "))
NOTHING = kept(cst.SimpleWhitespace(""))
LINE_END = cst.TrailingWhitespace(NOTHING)
BLANK = cst.EmptyLine(indent=False, whitespace=NOTHING)
TWO_BLANKS = (BLANK, BLANK)
OPEN = (kept(cst.LeftParen(NOTHING)),)
CLOSE = (kept(cst.RightParen(NOTHING)),)
LEFT_BRACKET = kept(cst.LeftSquareBracket(NOTHING))
RIGHT_BRACKET = kept(cst.RightSquareBracket(NOTHING))
DOT = kept(cst.Dot(NOTHING, NOTHING))
SLICE_COLON = kept(cst.Colon(NOTHING, NOTHING))
KEYWORD_EQUALS = kept(cst.AssignEqual(NOTHING, NOTHING))

BINARY_OPERATORS: dict[str, cst.BaseBinaryOp] = {
    "+": kept(cst.Add(SPACE, SPACE)),
    "-": kept(cst.Subtract(SPACE, SPACE)),
    "*": kept(cst.Multiply(SPACE, SPACE)),
    "/": kept(cst.Divide(SPACE, SPACE)),
    "//": kept(cst.FloorDivide(SPACE, SPACE)),
    "%": kept(cst.Modulo(SPACE, SPACE)),
    "**": kept(cst.Power(SPACE, SPACE)),
    "@": kept(cst.MatrixMultiply(SPACE, SPACE)),
    "<<": kept(cst.LeftShift(SPACE, SPACE)),
    ">>": kept(cst.RightShift(SPACE, SPACE)),
    "&": kept(cst.BitAnd(SPACE, SPACE)),
    "^": kept(cst.BitXor(SPACE, SPACE)),
    "|": kept(cst.BitOr(SPACE, SPACE)),
}
AUGMENTED_OPERATORS: dict[str, cst.BaseAugOp] = {
    "+": kept(cst.AddAssign(SPACE, SPACE)),
    "-": kept(cst.SubtractAssign(SPACE, SPACE)),
    "*": kept(cst.MultiplyAssign(SPACE, SPACE)),
    "/": kept(cst.DivideAssign(SPACE, SPACE)),
    "//": kept(cst.FloorDivideAssign(SPACE, SPACE)),
    "%": kept(cst.ModuloAssign(SPACE, SPACE)),
    "**": kept(cst.PowerAssign(SPACE, SPACE)),
    "@": kept(cst.MatrixMultiplyAssign(SPACE, SPACE)),
    "<<": kept(cst.LeftShiftAssign(SPACE, SPACE)),
    ">>": kept(cst.RightShiftAssign(SPACE, SPACE)),
    "&": kept(cst.BitAndAssign(SPACE, SPACE)),
    "^": kept(cst.BitXorAssign(SPACE, SPACE)),
    "|": kept(cst.BitOrAssign(SPACE, SPACE)),
}
COMPARE_OPERATORS: dict[str, cst.BaseCompOp] = {
    "<": kept(cst.LessThan(SPACE, SPACE)),
    "<=": kept(cst.LessThanEqual(SPACE, SPACE)),
    ">": kept(cst.GreaterThan(SPACE, SPACE)),
    ">=": kept(cst.GreaterThanEqual(SPACE, SPACE)),
    "==": kept(cst.Equal(SPACE, SPACE)),
    "!=": kept(cst.NotEqual("!=", SPACE, SPACE)),
}
UNARY_OPERATORS: dict[str, cst.BaseUnaryOp] = {
    "-": kept(cst.Minus(NOTHING)),
    "+": kept(cst.Plus(NOTHING)),
    "~": kept(cst.BitInvert(NOTHING)),
    "not": kept(cst.Not(SPACE)),
}
BOOLEAN_OPERATORS: dict[str, cst.BaseBooleanOp] = {"and": kept(cst.And(SPACE, SPACE)), "or": kept(cst.Or(SPACE, SPACE))}

# ---------------------------------------------------------------- precedence

# How tightly each form binds, from the table in "The Python Language Reference", 6.17.  A number binds
# less tightly than a name, because ``3.x`` is no attribute of 3.
ANY, TERNARY, OR, AND, NOT, COMPARE = 0, 1, 2, 3, 4, 5
UNARY, POWER, NUMBER, PRIMARY = 12, 13, 14, 15
OPERATOR_BINDS: dict[str, int] = {
    "or": OR, "and": AND, "|": 6, "^": 7, "&": 8, "<<": 9, ">>": 9, "+": 10, "-": 10,
    "*": 11, "/": 11, "//": 11, "%": 11, "@": 11, "**": POWER,
}  # fmt: skip

# --------------------------------------------------------- names, types, literals


@lru_cache(maxsize=4096)
def identifier(text: str) -> cst.Name:
    return kept(cst.Name(text))


@lru_cache(maxsize=1024)
def warp_attribute(name: str) -> cst.Attribute:
    return kept(cst.Attribute(identifier("wp"), identifier(name), dot=DOT))


def call(function: cst.BaseExpression, arguments: Sequence[cst.Arg]) -> cst.Call:
    return cst.Call(function, arguments, whitespace_after_func=NOTHING, whitespace_before_args=NOTHING)


def argument(value: cst.BaseExpression) -> cst.Arg:
    return cst.Arg(value, whitespace_after_star=NOTHING, whitespace_after_arg=NOTHING)


def named_argument(name: str, value: cst.BaseExpression) -> cst.Arg:
    return cst.Arg(
        value,
        keyword=identifier(name),
        equal=KEYWORD_EQUALS,
        whitespace_after_star=NOTHING,
        whitespace_after_arg=NOTHING,
    )


def tuple_of(elements: Sequence[cst.BaseExpression], parentheses: bool = False) -> cst.Tuple:
    return cst.Tuple(
        [cst.Element(element) for element in elements],
        lpar=OPEN if parentheses else (),
        rpar=CLOSE if parentheses else (),
    )


def integer(value: int) -> cst.BaseExpression:
    if value < 0:
        return cst.UnaryOperation(UNARY_OPERATORS["-"], cst.Integer(str(-value)))
    return cst.Integer(str(value))


def _float(value: float) -> cst.BaseExpression:
    # wp.inf and wp.nan are names that Warp knows in a kernel and in Python.
    if math.copysign(1.0, value) < 0.0 and not math.isnan(value):
        return cst.UnaryOperation(UNARY_OPERATORS["-"], _float(-value))
    if math.isnan(value):
        return warp_attribute("nan")
    if math.isinf(value):
        return warp_attribute("inf")
    return cst.Float(repr(value))


PYTHON_NAMES = {t.INT32: "int", t.FLOAT32: "float", t.BOOL: "bool"}


def literal(node: Literal) -> tuple[cst.BaseExpression, int]:
    """The text of a literal, and how tightly it binds."""
    return _literal(node.type, literal_text(node))


@lru_cache(maxsize=4096)
def _literal(type_: t.Scalar, text: str) -> tuple[cst.BaseExpression, int]:
    if type_ == t.BOOL:
        return identifier(text), PRIMARY
    number = _float(float(text)) if type_.is_float else integer(int(text))
    if type_ not in PYTHON_NAMES:
        return kept(call(warp_attribute(type_.name), (argument(number),))), PRIMARY
    if isinstance(number, cst.UnaryOperation):
        return kept(number), UNARY
    return kept(number), PRIMARY if isinstance(number, cst.Attribute) else NUMBER


@lru_cache(maxsize=1024)
def type_expression(type_: t.Type) -> cst.BaseExpression:
    """The type as a value: ``wp.float32``, ``wp.vec3``, ``S0``, or the alias of a type without a name."""
    match type_:
        case t.Scalar():
            return warp_attribute(type_.name)
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform():
            name = t.warp_name(type_)
            if name is None:
                return identifier(t.type_name(type_))
            # wp.vec3 is the everyday name of wp.vec3f.
            return warp_attribute(name.removesuffix("f") if type_.dtype == t.FLOAT32 else name)
        case t.Struct():
            return identifier(type_.name)
        case t.Array() | t.Tile() | t.Tuple():
            return annotation(type_)
        case _:
            return assert_never(type_)


@lru_cache(maxsize=1024)
def annotation(type_: t.Type) -> cst.BaseExpression:
    """The type as the annotation of a parameter, a field or a result."""
    match type_:
        case t.Scalar():
            python_name = PYTHON_NAMES.get(type_)
            return identifier(python_name) if python_name else warp_attribute(type_.name)
        case t.Array(dtype=dtype, ndim=ndim):
            constructor = warp_attribute("array" if ndim == 1 else f"array{ndim}d")
            return kept(call(constructor, (named_argument("dtype", annotation(dtype)),)))
        case t.Tile(dtype=dtype, shape=shape):
            arguments = (
                named_argument("dtype", annotation(dtype)),
                named_argument("shape", tuple_of([integer(size) for size in shape], parentheses=True)),
            )
            return call(warp_attribute("tile"), arguments)
        case t.Tuple(elements=elements):
            return subscript(identifier("tuple"), [cst.Index(annotation(element)) for element in elements])
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Struct():
            return type_expression(type_)
        case _:
            return assert_never(type_)


def subscript(value: cst.BaseExpression, slices: Sequence[cst.BaseSlice]) -> cst.Subscript:
    return cst.Subscript(
        value,
        [cst.SubscriptElement(slice_) for slice_ in slices],
        lbracket=LEFT_BRACKET,
        rbracket=RIGHT_BRACKET,
        whitespace_after_value=NOTHING,
    )
