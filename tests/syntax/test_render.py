"""Rendering: every node has a text, and the text reads back as the same tree."""

from __future__ import annotations

import ast
import math
from contextlib import suppress
from typing import get_args

import libcst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelfuzz.ir import nodes, types
from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Constant,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Param,
    Pass,
    Return,
    Slice,
    Static,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.types import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    SCALARS,
    UINT8,
    UINT32,
    Array,
    Matrix,
    Quaternion,
    Struct,
    Tile,
    Transform,
    Tuple,
    Vector,
)
from kernelfuzz.ir.walk import walk
from kernelfuzz.syntax.render import render, render_expression, render_function, render_statements, to_cst
from kernelfuzz.syntax.tokens import annotation, type_expression

VEC3 = Vector(3, FLOAT32)
VEC5 = Vector(5, FLOAT32)
MAT2X3 = Matrix(2, 3, FLOAT64)
STRUCT = Struct("S0", (("x", FLOAT32), ("near", VEC5), ("many", Array(INT32, 2))))


def name(id_: str, type_: types.Type = FLOAT32) -> Name:
    return Name(id_, type_)


def one(value: int = 1) -> Literal:
    return Literal(value, INT32)


A, B, C, V = name("a"), name("b"), name("c"), name("v", VEC3)
LESS = Compare(A, ("<",), (B,))


def add(left: Expr, right: Expr) -> Binary:
    return Binary("+", left, right, FLOAT32)


EXPRESSIONS: list[tuple[Expr, str]] = [
    (Literal(3, INT32), "3"),
    (Literal(1.5, FLOAT32), "1.5"),
    (Literal(True, BOOL), "True"),
    (Literal(-3, INT8), "wp.int8(-3)"),
    (A, "a"),
    (Unary("-", A, FLOAT32), "-a"),
    (Unary("not", LESS, BOOL), "not a < b"),
    (add(A, B), "a + b"),
    (Compare(A, ("<", "<="), (B, C)), "a < b <= c"),
    (BoolOp("and", (LESS, LESS, LESS)), "a < b and a < b and a < b"),
    (IfExp(LESS, A, B, FLOAT32), "a if a < b else b"),
    (Call("sin", (A,), FLOAT32), "wp.sin(a)"),
    (
        Call("tile_zeros", (), Tile(FLOAT32, (4, 2)), (("shape", (4, 2)), ("dtype", FLOAT32))),
        "wp.tile_zeros(shape=(4, 2), dtype=wp.float32)",
    ),
    (
        Call("f", (), FLOAT32, (("n", -1), ("on", True), ("way", "a'b"), ("dtype", VEC5), ("shape", (4,)))),
        """wp.f(n=-1, on=True, way="a'b", dtype=vec5f, shape=(4,))""",
    ),
    (CallFunction("f0", (A, one()), FLOAT32), "f0(a, 1)"),
    (Construct(VEC3, (A, B, C)), "wp.vec3(a, b, c)"),
    (Construct(STRUCT, ()), "S0()"),
    (Cast(INT32, A), "int(a)"),
    (Cast(BOOL, A), "bool(a)"),
    (Cast(UINT8, A), "wp.uint8(a)"),
    (Index(V, (one(-1),), FLOAT32), "v[-1]"),
    (Index(name("m", MAT2X3), (Slice(0, 2), one()), Vector(2, FLOAT64)), "m[0:2, 1]"),
    (Index(V, (Slice(None, None, -1),), VEC3), "v[::-1]"),
    (Index(V, (IfExp(LESS, one(), one(2), INT32),), FLOAT32), "v[1 if a < b else 2]"),
    (Attribute(V, "x", FLOAT32), "v.x"),
    (ArrayShape(name("a", Array(FLOAT32)), 0), "a.shape[0]"),
    (Static(Binary("+", name("K0", INT32), one(), INT32), INT32), "wp.static(K0 + 1)"),
]

STATEMENTS: list[tuple[nodes.Stmt, str]] = [
    (Assign(Index(V, (one(0),), FLOAT32), A), "v[0] = a"),
    (Unpack(("i", "j"), (Call("tid", (), Tuple((INT32, INT32))),)), "i, j = wp.tid()"),
    (Unpack(("i", "j"), (A, IfExp(LESS, A, B, FLOAT32))), "i, j = a, a if a < b else b"),
    (AugAssign(Attribute(V, "x", FLOAT32), "//", A), "v.x //= a"),
    (If(LESS, ()), "if a < b:\n    pass"),
    (If(LESS, (Break(),), (Continue(),)), "if a < b:\n    break\nelse:\n    continue"),
    (If(LESS, (Break(),), (If(LESS, (Pass(),), (Pass(),)),)),
     "if a < b:\n    break\nelif a < b:\n    pass\nelse:\n    pass"),
    (If(LESS, (Break(),), (If(LESS, (Pass(),)), Pass())),
     "if a < b:\n    break\nelse:\n    if a < b:\n        pass\n    pass"),
    (For("i", (one(0), one(9), one(-2)), (Pass(),)), "for i in range(0, 9, -2):\n    pass"),
    (While(LESS, (AugAssign(A, "+", B),)), "while a < b:\n    a += b"),
    (Break(), "break"),
    (Continue(), "continue"),
    (Pass(), "pass"),
    (Return(), "return"),
    (Return((A,)), "return a"),
    (Return((A, LESS)), "return a, a < b"),
    (ExprStmt(Call("atomic_add", (name("n", Array(FLOAT32)), one(0), A), FLOAT32)), "wp.atomic_add(n, 0, a)"),
]  # fmt: skip

FUNCTION = Function("f0", (Param("x", VEC5),), Tuple((FLOAT32, MAT2X3)), (Return((A, B)),))
KERNEL = Kernel(
    "kernel",
    (Param("s", STRUCT), Param("out", Array(STRUCT, 2)), Param("n", INT32)),
    (Unpack(("i", "j"), (Call("tid", (), Tuple((INT32, INT32))),)),
     If(LESS, (Return(),)),
     Assign(name("w", Vector(7, INT8)), Construct(Vector(7, INT8), ()))),
    (FUNCTION, Function("f1", (), None, ())),
    (STRUCT, Struct("S1", ())),
    (Constant("K0", one(3)), Constant("K1", Literal(-2, INT8))),
)  # fmt: skip
KERNEL_TEXT = """\
import warp as wp

vec5f = wp.types.vector(length=5, dtype=wp.float32)
mat2x3d = wp.types.matrix(shape=(2, 3), dtype=wp.float64)
vec7b = wp.types.vector(length=7, dtype=wp.int8)
K0 = wp.constant(3)
K1 = wp.constant(wp.int8(-2))


@wp.struct
class S0:
    x: float
    near: vec5f
    many: wp.array2d(dtype=int)


@wp.struct
class S1:
    pass


@wp.func
def f0(x: vec5f) -> tuple[float, mat2x3d]:
    return a, b


@wp.func
def f1():
    pass


@wp.kernel
def kernel(s: S0, out: wp.array2d(dtype=S0), n: int):
    i, j = wp.tid()
    if a < b:
        return
    w = vec7b()
"""
CLOSURE = Kernel("k", (Param("n", INT32),), (Pass(),), constants=KERNEL.constants, closure=True)
CLOSURE_TEXT = """\
import warp as wp


def make_k(K0, K1):
    @wp.kernel
    def k(n: int):
        pass

    return k


k = make_k(3, wp.int8(-2))
"""


@pytest.mark.parametrize(("node", "text"), EXPRESSIONS, ids=[text for _, text in EXPRESSIONS])
def test_expression(node: Expr, text: str) -> None:
    assert render_expression(node) == text


@pytest.mark.parametrize(("node", "text"), STATEMENTS, ids=[text for _, text in STATEMENTS])
def test_statement(node: nodes.Stmt, text: str) -> None:
    assert render_statements((node,)) == text + "\n"


@pytest.mark.parametrize(("kernel", "text"), [(KERNEL, KERNEL_TEXT), (CLOSURE, CLOSURE_TEXT)])
def test_module(kernel: Kernel, text: str) -> None:
    assert render(kernel) == text == str(kernel)
    ast.parse(text)


def test_function() -> None:
    assert render_function(FUNCTION) == (
        "@wp.func\ndef f0(x: vec5f) -> tuple[float, mat2x3d]:\n    return a, b\n"
    )
    assert render_statements(()) == "pass\n"


def test_every_node_class_has_an_example() -> None:
    examples = [node for node, _ in (*EXPRESSIONS, *STATEMENTS)]
    shown = {type(node) for node in walk(KERNEL, *examples)}
    assert shown == set(get_args(nodes.Node))


def test_the_tree_is_what_the_text_parses_to() -> None:
    # Tools that transform source text match on libcst's nodes: ours must be the ones that it reads.
    def shape(tree: libcst.CSTNode) -> list[str]:
        spacing = (libcst.SimpleWhitespace, libcst.TrailingWhitespace, libcst.Newline, libcst.Comma)
        below = [shape(child) for child in tree.children if not isinstance(child, spacing)]
        return [type(tree).__name__, *(name for names in below for name in names)]

    assert shape(to_cst(KERNEL)) == shape(libcst.parse_module(KERNEL_TEXT))


TYPES: list[tuple[types.Type, str, str]] = [
    (FLOAT32, "float", "wp.float32"),
    (INT32, "int", "wp.int32"),
    (BOOL, "bool", "wp.bool"),
    (INT64, "wp.int64", "wp.int64"),
    (VEC3, "wp.vec3", "wp.vec3"),
    (Vector(3, FLOAT64), "wp.vec3d", "wp.vec3d"),
    (Vector(2, INT32), "wp.vec2i", "wp.vec2i"),
    (Vector(6, FLOAT32), "wp.spatial_vector", "wp.spatial_vector"),
    (Vector(3, BOOL), "vec3bool", "vec3bool"),
    (Matrix(3, 3, FLOAT32), "wp.mat33", "wp.mat33"),
    (Matrix(6, 6, FLOAT16), "wp.spatial_matrixh", "wp.spatial_matrixh"),
    (Matrix(2, 2, INT32), "mat2x2i", "mat2x2i"),
    (Quaternion(FLOAT32), "wp.quat", "wp.quat"),
    (Transform(FLOAT64), "wp.transformd", "wp.transformd"),
    (STRUCT, "S0", "S0"),
    (Array(BOOL), "wp.array(dtype=bool)", "wp.array(dtype=bool)"),
    (Array(VEC3, 2), "wp.array2d(dtype=wp.vec3)", "wp.array2d(dtype=wp.vec3)"),
    (Array(STRUCT, 4), "wp.array4d(dtype=S0)", "wp.array4d(dtype=S0)"),
    (Tile(FLOAT32, (4,)), "wp.tile(dtype=float, shape=(4,))", "wp.tile(dtype=float, shape=(4,))"),
    (Tuple((FLOAT32, VEC3)), "tuple[float, wp.vec3]", "tuple[float, wp.vec3]"),
]


@pytest.mark.parametrize(("type_", "annotated", "value"), TYPES, ids=[row[1] for row in TYPES])
def test_type(type_: types.Type, annotated: str, value: str) -> None:
    module = libcst.Module(())
    assert module.code_for_node(annotation(type_)) == annotated
    assert module.code_for_node(type_expression(type_)) == value


def test_every_type_class_has_an_example() -> None:
    assert {type(row[0]) for row in TYPES} == set(get_args(types.Type))


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (-3, INT32, "-3"),
        (1.0, FLOAT32, "1.0"),
        (1, FLOAT32, "1.0"),
        (-0.0, FLOAT32, "-0.0"),
        (0.0, FLOAT32, "0.0"),
        (1e300, FLOAT64, "wp.float64(1e+300)"),
        (math.inf, FLOAT32, "wp.inf"),
        (-math.inf, FLOAT32, "-wp.inf"),
        (math.nan, FLOAT16, "wp.float16(wp.nan)"),
        (0, BOOL, "False"),
        (True, INT32, "1"),
        (2**32 - 1, UINT32, "wp.uint32(4294967295)"),
    ],
)
def test_literal(value: float, dtype: types.Scalar, text: str) -> None:
    assert render_expression(Literal(value, dtype)) == text


@pytest.mark.parametrize("dtype", SCALARS)
def test_a_literal_of_every_dtype_is_an_expression(dtype: types.Scalar) -> None:
    ast.parse(render_expression(Literal(1, dtype)), mode="eval")


def power(left: Expr, right: Expr) -> Binary:
    return Binary("**", left, right, FLOAT32)


def negative(operand: Expr) -> Unary:
    return Unary("-", operand, FLOAT32)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (add(add(A, B), C), "a + b + c"),
        (add(A, add(B, C)), "a + (b + c)"),
        (power(A, power(B, C)), "a ** b ** c"),
        (power(power(A, B), C), "(a ** b) ** c"),
        (negative(power(A, B)), "-a ** b"),
        (power(negative(A), B), "(-a) ** b"),
        (power(A, negative(B)), "a ** -b"),
        (power(one(-2), one(-2)), "(-2) ** -2"),
        (power(Literal(-math.inf, FLOAT32), A), "(-wp.inf) ** a"),
        (negative(one(-2)), "--2"),
        (Attribute(one(3), "x", INT32), "(3).x"),
        (Attribute(Literal(-1.5, FLOAT32), "x", INT32), "(-1.5).x"),
        (Attribute(Literal(math.inf, FLOAT32), "x", INT32), "wp.inf.x"),
        (Attribute(add(V, V), "x", FLOAT32), "(v + v).x"),
        (Index(negative(V), (one(0),), FLOAT32), "(-v)[0]"),
        (Compare(LESS, ("==",), (LESS,)), "(a < b) == (a < b)"),
        (Compare(Unary("not", A, BOOL), ("==",), (B,)), "(not a) == b"),
        (Unary("not", BoolOp("and", (LESS, LESS)), BOOL), "not (a < b and a < b)"),
        (BoolOp("and", (BoolOp("or", (A, B)), BoolOp("and", (A, B)))), "(a or b) and (a and b)"),
        (BoolOp("or", (BoolOp("and", (A, B)), Unary("not", A, BOOL))), "a and b or not a"),
        (IfExp(A, IfExp(A, B, C, FLOAT32), IfExp(A, B, C, FLOAT32), FLOAT32),
         "(b if a else c) if a else b if a else c"),
        (IfExp(IfExp(A, B, C, BOOL), A, B, FLOAT32), "a if (b if a else c) else b"),
        (add(IfExp(A, B, C, FLOAT32), C), "(b if a else c) + c"),
        (Call("sin", (IfExp(A, B, C, FLOAT32),), FLOAT32), "wp.sin(b if a else c)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_parentheses(node: Expr, text: str) -> None:
    assert render_expression(node) == text
    assert reads_as(text, node)


# ------------------------------------------------------- the text reads back as the tree

BINARY = {
    "+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "//": ast.FloorDiv, "%": ast.Mod, "**": ast.Pow,
    "@": ast.MatMult, "<<": ast.LShift, ">>": ast.RShift, "&": ast.BitAnd, "^": ast.BitXor, "|": ast.BitOr,
}  # fmt: skip
UNARY = {"-": ast.USub, "+": ast.UAdd, "~": ast.Invert, "not": ast.Not}
COMPARE = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq}
BOOLEAN = {"and": ast.And, "or": ast.Or}


def python_tree(node: Expr | Slice) -> ast.expr:
    """The tree that Python must read from the text of ``node``, built without the text."""
    match node:
        case Name():
            return ast.Name(node.id, ast.Load())
        case Literal(value=value, type=dtype) if dtype not in (INT32, FLOAT32, BOOL):
            return ast.Call(warp(dtype.name), [python_tree(Literal(value, INT32))], [])
        case Literal(value=value):
            if math.copysign(1, value) < 0:
                return ast.UnaryOp(ast.USub(), python_tree(Literal(-value, node.type)))
            return warp("inf") if value == math.inf else ast.Constant(value)
        case Unary():
            return ast.UnaryOp(UNARY[node.op](), python_tree(node.operand))
        case Binary():
            return ast.BinOp(python_tree(node.left), BINARY[node.op](), python_tree(node.right))
        case Compare():
            operators = [COMPARE[op]() for op in node.ops]
            return ast.Compare(python_tree(node.left), operators, [python_tree(x) for x in node.comparators])
        case BoolOp():
            return ast.BoolOp(BOOLEAN[node.op](), [python_tree(value) for value in node.values])
        case IfExp():
            return ast.IfExp(python_tree(node.test), python_tree(node.body), python_tree(node.orelse))
        case Call():
            return ast.Call(warp(node.name), [python_tree(arg) for arg in node.args], [])
        case Attribute():
            return ast.Attribute(python_tree(node.value), node.name, ast.Load())
        case Index():
            indices = [python_tree(index) for index in node.indices]
            index = indices[0] if len(indices) == 1 else ast.Tuple(indices, ast.Load())
            return ast.Subscript(python_tree(node.value), index, ast.Load())
    raise NotImplementedError(f"{type(node).__name__} is not drawn here")


def warp(attribute: str) -> ast.expr:
    return ast.Attribute(ast.Name("wp", ast.Load()), attribute, ast.Load())


def reads_as(text: str, node: Expr) -> bool:
    return ast.dump(ast.parse(text, mode="eval").body) == ast.dump(python_tree(node))


NAMES: st.SearchStrategy[Expr] = st.sampled_from([A, B, C])
LEAVES: st.SearchStrategy[Expr] = st.one_of(
    NAMES,
    st.sampled_from([0, 3, -3, 2**31]).map(one),
    st.sampled_from([0.0, -0.0, 1.5, -1e-45, 1e300, math.inf, -math.inf]).map(lambda x: Literal(x, FLOAT32)),
    st.booleans().map(lambda value: Literal(value, BOOL)),
    st.just(Literal(-7, INT8)),
)


def larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """One more operator around the expressions of ``inner``."""

    def compare(pairs: list[tuple[str, Expr]], left: Expr) -> Compare:
        return Compare(left, tuple(op for op, _ in pairs), tuple(right for _, right in pairs))

    def some(least: int) -> st.SearchStrategy[tuple[Expr, ...]]:
        return st.lists(inner, min_size=least, max_size=3).map(tuple)

    chain = st.lists(st.tuples(st.sampled_from(sorted(COMPARE)), inner), min_size=1, max_size=3)
    return st.one_of(
        st.builds(Binary, st.sampled_from(sorted(BINARY)), inner, inner, st.just(FLOAT32)),
        st.builds(Unary, st.sampled_from(sorted(UNARY)), inner, st.just(FLOAT32)),
        st.builds(compare, chain, inner),
        st.builds(BoolOp, st.sampled_from(sorted(BOOLEAN)), some(2)),
        st.builds(IfExp, inner, inner, inner, st.just(FLOAT32)),
        st.builds(Call, st.just("max"), some(0), st.just(FLOAT32)),
        st.builds(Index, inner, some(1), st.just(FLOAT32)),
        st.builds(Attribute, inner, st.just("x"), st.just(FLOAT32)),
    )


@given(st.recursive(LEAVES, larger, max_leaves=12))
def test_the_text_reads_back_as_the_same_tree(node: Expr) -> None:
    assert reads_as(render_expression(node), node)


@given(st.recursive(NAMES, larger, max_leaves=8))
def test_no_parentheses_are_superfluous(node: Expr) -> None:
    text = render_expression(node)
    opened: list[int] = []
    for end, character in enumerate(text):
        if character == "(":
            opened.append(end)
        elif character == ")":
            start = opened.pop()
            if text[:start].endswith("max"):
                continue  # of a call
            without = f"{text[:start]} {text[start + 1 : end]} {text[end + 1 :]}"
            with suppress(SyntaxError):
                assert not reads_as(without.strip(), node), without
