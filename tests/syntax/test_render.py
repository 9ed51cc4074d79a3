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
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.syntax.render import render, render_expression, render_function, render_statements, to_cst
from kernelfuzz.syntax.tokens import annotation, type_expression

VEC3 = t.Vector(3, t.FLOAT32)
VEC5 = t.Vector(5, t.FLOAT32)
MAT2X3 = t.Matrix(2, 3, t.FLOAT64)
STRUCT = t.Struct("S0", (("x", t.FLOAT32), ("near", VEC5), ("many", t.Array(t.INT32, 2))))


def name(id_: str, type_: types.Type = t.FLOAT32) -> n.Name:
    return n.Name(id_, type_)


def one(value: int = 1) -> n.Literal:
    return n.Literal(value, t.INT32)


A, B, C, V = name("a"), name("b"), name("c"), name("v", VEC3)
LESS = n.Compare(A, ("<",), (B,))


def add(left: n.Expr, right: n.Expr) -> n.Binary:
    return n.Binary("+", left, right, t.FLOAT32)


EXPRESSIONS: list[tuple[n.Expr, str]] = [
    (n.Literal(3, t.INT32), "3"),
    (n.Literal(1.5, t.FLOAT32), "1.5"),
    (n.Literal(True, t.BOOL), "True"),
    (n.Literal(-3, t.INT8), "wp.int8(-3)"),
    (A, "a"),
    (n.Unary("-", A, t.FLOAT32), "-a"),
    (n.Unary("not", LESS, t.BOOL), "not a < b"),
    (add(A, B), "a + b"),
    (n.Compare(A, ("<", "<="), (B, C)), "a < b <= c"),
    (n.BoolOp("and", (LESS, LESS, LESS)), "a < b and a < b and a < b"),
    (n.IfExp(LESS, A, B, t.FLOAT32), "a if a < b else b"),
    (n.Call("sin", (A,), t.FLOAT32), "wp.sin(a)"),
    (
        n.Call("tile_zeros", (), t.Tile(t.FLOAT32, (4, 2)), (("shape", (4, 2)), ("dtype", t.FLOAT32))),
        "wp.tile_zeros(shape=(4, 2), dtype=wp.float32)",
    ),
    (
        n.Call("f", (), t.FLOAT32, (("n", -1), ("on", True), ("way", "a'b"), ("dtype", VEC5), ("shape", (4,)))),
        """wp.f(n=-1, on=True, way="a'b", dtype=vec5f, shape=(4,))""",
    ),
    (n.CallFunction("f0", (A, one()), t.FLOAT32), "f0(a, 1)"),
    (n.CallFunction("f0", (A, one()), t.FLOAT32, static=True), "wp.static(f0)(a, 1)"),
    (n.Construct(VEC3, (A, B, C)), "wp.vec3(a, b, c)"),
    (n.Construct(STRUCT, ()), "S0()"),
    (n.Cast(t.INT32, A), "int(a)"),
    (n.Cast(t.BOOL, A), "bool(a)"),
    (n.Cast(t.UINT8, A), "wp.uint8(a)"),
    (n.Index(V, (one(-1),), t.FLOAT32), "v[-1]"),
    (n.Index(name("m", MAT2X3), (n.Slice(0, 2), one()), t.Vector(2, t.FLOAT64)), "m[0:2, 1]"),
    (n.Index(V, (n.Slice(None, None, -1),), VEC3), "v[::-1]"),
    (n.Index(V, (n.IfExp(LESS, one(), one(2), t.INT32),), t.FLOAT32), "v[1 if a < b else 2]"),
    (n.Attribute(V, "x", t.FLOAT32), "v.x"),
    (n.ArrayShape(name("a", t.Array(t.FLOAT32)), 0), "a.shape[0]"),
    (n.Static(n.Binary("+", name("K0", t.INT32), one(), t.INT32), t.INT32), "wp.static(K0 + 1)"),
]

STATEMENTS: list[tuple[nodes.Stmt, str]] = [
    (n.Assign(n.Index(V, (one(0),), t.FLOAT32), A), "v[0] = a"),
    (n.Unpack(("i", "j"), (n.Call("tid", (), t.Tuple((t.INT32, t.INT32))),)), "i, j = wp.tid()"),
    (n.Unpack(("i", "j"), (A, n.IfExp(LESS, A, B, t.FLOAT32))), "i, j = a, a if a < b else b"),
    (n.AugAssign(n.Attribute(V, "x", t.FLOAT32), "//", A), "v.x //= a"),
    (n.If(LESS, ()), "if a < b:\n    pass"),
    (n.If(LESS, (n.Break(),), (n.Continue(),)), "if a < b:\n    break\nelse:\n    continue"),
    (n.If(LESS, (n.Break(),), (n.If(LESS, (n.Pass(),), (n.Pass(),)),)),
     "if a < b:\n    break\nelif a < b:\n    pass\nelse:\n    pass"),
    (n.If(LESS, (n.Break(),), (n.If(LESS, (n.Pass(),)), n.Pass())),
     "if a < b:\n    break\nelse:\n    if a < b:\n        pass\n    pass"),
    (n.For("i", (one(0), one(9), one(-2)), (n.Pass(),)), "for i in range(0, 9, -2):\n    pass"),
    (n.While(LESS, (n.AugAssign(A, "+", B),)), "while a < b:\n    a += b"),
    (n.Break(), "break"),
    (n.Continue(), "continue"),
    (n.Pass(), "pass"),
    (n.Return(), "return"),
    (n.Return((A,)), "return a"),
    (n.Return((A, LESS)), "return a, a < b"),
    (n.ExprStmt(n.Call("atomic_add", (name("n", t.Array(t.FLOAT32)), one(0), A), t.FLOAT32)), "wp.atomic_add(n, 0, a)"),
]  # fmt: skip

FUNCTION = n.Function("f0", (n.Param("x", VEC5),), t.Tuple((t.FLOAT32, MAT2X3)), (n.Return((A, B)),))
KERNEL = n.Kernel(
    "kernel",
    (n.Param("s", STRUCT), n.Param("out", t.Array(STRUCT, 2)), n.Param("n", t.INT32)),
    (n.Unpack(("i", "j"), (n.Call("tid", (), t.Tuple((t.INT32, t.INT32))),)),
     n.If(LESS, (n.Return(),)),
     n.Assign(name("w", t.Vector(7, t.INT8)), n.Construct(t.Vector(7, t.INT8), ()))),
    (FUNCTION, n.Function("f1", (), None, ())),
    (STRUCT, t.Struct("S1", ())),
    (n.Constant("K0", one(3)), n.Constant("K1", n.Literal(-2, t.INT8))),
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
CLOSURE = n.Kernel("k", (n.Param("n", t.INT32),), (n.Pass(),), constants=KERNEL.constants, closure=True)
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
def test_expression(node: n.Expr, text: str) -> None:
    assert render_expression(node) == text


@pytest.mark.parametrize(("node", "text"), STATEMENTS, ids=[text for _, text in STATEMENTS])
def test_statement(node: nodes.Stmt, text: str) -> None:
    assert render_statements((node,)) == text + "\n"


@pytest.mark.parametrize(("kernel", "text"), [(KERNEL, KERNEL_TEXT), (CLOSURE, CLOSURE_TEXT)])
def test_module(kernel: n.Kernel, text: str) -> None:
    assert render(kernel) == text == str(kernel)
    ast.parse(text)


def test_function() -> None:
    assert render_function(FUNCTION) == ("@wp.func\ndef f0(x: vec5f) -> tuple[float, mat2x3d]:\n    return a, b\n")
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
    (t.FLOAT32, "float", "wp.float32"),
    (t.INT32, "int", "wp.int32"),
    (t.BOOL, "bool", "wp.bool"),
    (t.INT64, "wp.int64", "wp.int64"),
    (VEC3, "wp.vec3", "wp.vec3"),
    (t.Vector(3, t.FLOAT64), "wp.vec3d", "wp.vec3d"),
    (t.Vector(2, t.INT32), "wp.vec2i", "wp.vec2i"),
    (t.Vector(6, t.FLOAT32), "wp.spatial_vector", "wp.spatial_vector"),
    (t.Vector(3, t.BOOL), "vec3bool", "vec3bool"),
    (t.Matrix(3, 3, t.FLOAT32), "wp.mat33", "wp.mat33"),
    (t.Matrix(6, 6, t.FLOAT16), "wp.spatial_matrixh", "wp.spatial_matrixh"),
    (t.Matrix(2, 2, t.INT32), "mat2x2i", "mat2x2i"),
    (t.Quaternion(t.FLOAT32), "wp.quat", "wp.quat"),
    (t.Transform(t.FLOAT64), "wp.transformd", "wp.transformd"),
    (STRUCT, "S0", "S0"),
    (t.Array(t.BOOL), "wp.array(dtype=bool)", "wp.array(dtype=bool)"),
    (t.Array(VEC3, 2), "wp.array2d(dtype=wp.vec3)", "wp.array2d(dtype=wp.vec3)"),
    (t.Array(STRUCT, 4), "wp.array4d(dtype=S0)", "wp.array4d(dtype=S0)"),
    (t.Tile(t.FLOAT32, (4,)), "wp.tile(dtype=float, shape=(4,))", "wp.tile(dtype=float, shape=(4,))"),
    (t.Tuple((t.FLOAT32, VEC3)), "tuple[float, wp.vec3]", "tuple[float, wp.vec3]"),
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
        (-3, t.INT32, "-3"),
        (1.0, t.FLOAT32, "1.0"),
        (1, t.FLOAT32, "1.0"),
        (-0.0, t.FLOAT32, "-0.0"),
        (0.0, t.FLOAT32, "0.0"),
        (1e300, t.FLOAT64, "wp.float64(1e+300)"),
        (math.inf, t.FLOAT32, "wp.inf"),
        (-math.inf, t.FLOAT32, "-wp.inf"),
        (math.nan, t.FLOAT16, "wp.float16(wp.nan)"),
        (0, t.BOOL, "False"),
        (True, t.INT32, "1"),
        (2**32 - 1, t.UINT32, "wp.uint32(4294967295)"),
    ],
)
def test_literal(value: float, dtype: types.Scalar, text: str) -> None:
    assert render_expression(n.Literal(value, dtype)) == text


@pytest.mark.parametrize("dtype", t.SCALARS)
def test_a_literal_of_every_dtype_is_an_expression(dtype: types.Scalar) -> None:
    assert ast.parse(render_expression(n.Literal(1, dtype)), mode="eval").body


def power(left: n.Expr, right: n.Expr) -> n.Binary:
    return n.Binary("**", left, right, t.FLOAT32)


def negative(operand: n.Expr) -> n.Unary:
    return n.Unary("-", operand, t.FLOAT32)


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
        (power(n.Literal(-math.inf, t.FLOAT32), A), "(-wp.inf) ** a"),
        (negative(one(-2)), "--2"),
        (n.Attribute(one(3), "x", t.INT32), "(3).x"),
        (n.Attribute(n.Literal(-1.5, t.FLOAT32), "x", t.INT32), "(-1.5).x"),
        (n.Attribute(n.Literal(math.inf, t.FLOAT32), "x", t.INT32), "wp.inf.x"),
        (n.Attribute(add(V, V), "x", t.FLOAT32), "(v + v).x"),
        (n.Index(negative(V), (one(0),), t.FLOAT32), "(-v)[0]"),
        (n.Compare(LESS, ("==",), (LESS,)), "(a < b) == (a < b)"),
        (n.Compare(n.Unary("not", A, t.BOOL), ("==",), (B,)), "(not a) == b"),
        (n.Unary("not", n.BoolOp("and", (LESS, LESS)), t.BOOL), "not (a < b and a < b)"),
        (n.BoolOp("and", (n.BoolOp("or", (A, B)), n.BoolOp("and", (A, B)))), "(a or b) and (a and b)"),
        (n.BoolOp("or", (n.BoolOp("and", (A, B)), n.Unary("not", A, t.BOOL))), "a and b or not a"),
        (n.IfExp(A, n.IfExp(A, B, C, t.FLOAT32), n.IfExp(A, B, C, t.FLOAT32), t.FLOAT32),
         "(b if a else c) if a else b if a else c"),
        (n.IfExp(n.IfExp(A, B, C, t.BOOL), A, B, t.FLOAT32), "a if (b if a else c) else b"),
        (add(n.IfExp(A, B, C, t.FLOAT32), C), "(b if a else c) + c"),
        (n.Call("sin", (n.IfExp(A, B, C, t.FLOAT32),), t.FLOAT32), "wp.sin(b if a else c)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_parentheses(node: n.Expr, text: str) -> None:
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


def python_tree(node: n.Expr | n.Slice) -> ast.expr:
    """The tree that Python must read from the text of ``node``, built without the text."""
    match node:
        case n.Name():
            return ast.Name(node.id, ast.Load())
        case n.Literal(value=value, type=dtype) if dtype not in (t.INT32, t.FLOAT32, t.BOOL):
            return ast.Call(warp(dtype.name), [python_tree(n.Literal(value, t.INT32))], [])
        case n.Literal(value=value):
            if math.copysign(1, value) < 0:
                return ast.UnaryOp(ast.USub(), python_tree(n.Literal(-value, node.type)))
            return warp("inf") if value == math.inf else ast.Constant(value)
        case n.Unary():
            return ast.UnaryOp(UNARY[node.op](), python_tree(node.operand))
        case n.Binary():
            return ast.BinOp(python_tree(node.left), BINARY[node.op](), python_tree(node.right))
        case n.Compare():
            operators = [COMPARE[op]() for op in node.ops]
            return ast.Compare(python_tree(node.left), operators, [python_tree(x) for x in node.comparators])
        case n.BoolOp():
            return ast.BoolOp(BOOLEAN[node.op](), [python_tree(value) for value in node.values])
        case n.IfExp():
            return ast.IfExp(python_tree(node.test), python_tree(node.body), python_tree(node.orelse))
        case n.Call():
            return ast.Call(warp(node.name), [python_tree(arg) for arg in node.args], [])
        case n.Attribute():
            return ast.Attribute(python_tree(node.value), node.name, ast.Load())
        case n.Index():
            indices = [python_tree(index) for index in node.indices]
            index = indices[0] if len(indices) == 1 else ast.Tuple(indices, ast.Load())
            return ast.Subscript(python_tree(node.value), index, ast.Load())
    raise NotImplementedError(f"{type(node).__name__} is not drawn here")


def warp(attribute: str) -> ast.expr:
    return ast.Attribute(ast.Name("wp", ast.Load()), attribute, ast.Load())


def reads_as(text: str, node: n.Expr) -> bool:
    return ast.dump(ast.parse(text, mode="eval").body) == ast.dump(python_tree(node))


NAMES: st.SearchStrategy[n.Expr] = st.sampled_from([A, B, C])
LEAVES: st.SearchStrategy[n.Expr] = st.one_of(
    NAMES,
    st.sampled_from([0, 3, -3, 2**31]).map(one),
    st.sampled_from([0.0, -0.0, 1.5, -1e-45, 1e300, math.inf, -math.inf]).map(lambda x: n.Literal(x, t.FLOAT32)),
    st.booleans().map(lambda value: n.Literal(value, t.BOOL)),
    st.just(n.Literal(-7, t.INT8)),
)


def larger(inner: st.SearchStrategy[n.Expr]) -> st.SearchStrategy[n.Expr]:
    """One more operator around the expressions of ``inner``."""

    def compare(pairs: list[tuple[str, n.Expr]], left: n.Expr) -> n.Compare:
        return n.Compare(left, tuple(op for op, _ in pairs), tuple(right for _, right in pairs))

    def some(least: int) -> st.SearchStrategy[tuple[n.Expr, ...]]:
        return st.lists(inner, min_size=least, max_size=3).map(tuple)

    chain = st.lists(st.tuples(st.sampled_from(sorted(COMPARE)), inner), min_size=1, max_size=3)
    return st.one_of(
        st.builds(n.Binary, st.sampled_from(sorted(BINARY)), inner, inner, st.just(t.FLOAT32)),
        st.builds(n.Unary, st.sampled_from(sorted(UNARY)), inner, st.just(t.FLOAT32)),
        st.builds(compare, chain, inner),
        st.builds(n.BoolOp, st.sampled_from(sorted(BOOLEAN)), some(2)),
        st.builds(n.IfExp, inner, inner, inner, st.just(t.FLOAT32)),
        st.builds(n.Call, st.just("max"), some(0), st.just(t.FLOAT32)),
        st.builds(n.Index, inner, some(1), st.just(t.FLOAT32)),
        st.builds(n.Attribute, inner, st.just("x"), st.just(t.FLOAT32)),
    )


@given(st.recursive(LEAVES, larger, max_leaves=12))
def test_the_text_reads_back_as_the_same_tree(node: n.Expr) -> None:
    assert reads_as(render_expression(node), node)


@given(st.recursive(NAMES, larger, max_leaves=8))
def test_no_parentheses_are_superfluous(node: n.Expr) -> None:
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
