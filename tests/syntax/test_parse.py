"""What the reader makes of the ways in which people write kernels, and of what does not fit the IR."""

from __future__ import annotations

import math
from textwrap import indent

import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.syntax.parse import ParseError, parse, parse_all
from kernelfuzz.syntax.render import render

VEC3 = t.Vector(3, t.FLOAT32)
PARAMS = "a: wp.array(dtype=float), v: wp.vec3, n: int, x: float, m: wp.array2d(dtype=int), q: wp.quat"


def source_of(body: str, *, head: str = "", params: str = PARAMS) -> str:
    return f"import warp as wp\n{head}\n\n@wp.kernel\ndef k({params}):\n{indent(body, '    ')}\n"


def value_of(text: str, head: str = "") -> n.Expr:
    """The tree of one expression, as the value of an assignment."""
    statement = parse(source_of(f"y = {text}", head=head)).body[-1]
    assert isinstance(statement, n.Assign)
    return statement.value


def three(value: float) -> n.Literal:
    return n.Literal(value, t.FLOAT32)


EXPRESSIONS: list[tuple[str, n.Expr]] = [
    ("-3", n.Literal(-3, t.INT32)),
    ("-2.5", three(-2.5)),
    ("-(-3)", n.Unary("-", n.Literal(-3, t.INT32), t.INT32)),
    ("-n", n.Unary("-", n.Name("n", t.INT32), t.INT32)),
    ("True", n.Literal(True, parse(source_of("y = True")).body[0].value.type)),  # pyright: ignore
    ("wp.int8(3)", n.Literal(3, t.INT8)),
    ("wp.int8(-3)", n.Literal(-3, t.INT8)),
    ("wp.int8(300)", n.Cast(t.INT8, n.Literal(300, t.INT32))),
    ("wp.float16(65504.0)", n.Literal(65504.0, t.FLOAT16)),
    ("wp.float16(65536.0)", n.Cast(t.FLOAT16, three(65536.0))),
    ("wp.uint64(18446744073709551615)", n.Literal(2**64 - 1, t.UINT64)),
    ("wp.float64(0.5)", n.Literal(0.5, t.FLOAT64)),
    ("wp.float64(1)", n.Cast(t.FLOAT64, n.Literal(1, t.INT32))),
    ("wp.float64(wp.inf)", n.Literal(float("inf"), t.FLOAT64)),
    ("int(3)", n.Cast(t.INT32, n.Literal(3, t.INT32))),
    ("wp.int32(3)", n.Cast(t.INT32, n.Literal(3, t.INT32))),
    ("float(n)", n.Cast(t.FLOAT32, n.Name("n", t.INT32))),
    ("wp.vec3(0, 1, -2)", n.Construct(VEC3, (three(0.0), three(1.0), three(-2.0)))),
    ("wp.vec3f(x=1.0, y=2.0, z=3.0)", n.Construct(VEC3, (three(1.0), three(2.0), three(3.0)))),
    ("wp.vec2h(1.5)", n.Construct(t.Vector(2, t.FLOAT16), (n.Literal(1.5, t.FLOAT16),))),
    (
        "wp.transform(q=q, p=v)",
        n.Construct(t.Transform(t.FLOAT32), (n.Name("v", VEC3), n.Name("q", t.Quaternion(t.FLOAT32)))),
    ),
    ("wp.vector(length=2, dtype=wp.float64)", n.Construct(t.Vector(2, t.FLOAT64), ())),
    ("wp.matrix(1, shape=(2, 3), dtype=float)", n.Construct(t.Matrix(2, 3, t.FLOAT32), (three(1.0),))),
    ("wp.spatial_vector()", n.Construct(t.Vector(6, t.FLOAT32), ())),
    ("wp.spatial_vector(v, v)", n.Call("spatial_vector", (n.Name("v", VEC3),) * 2, t.Vector(6, t.FLOAT32))),
    (
        "wp.identity(3, float)",
        n.Call("identity", (), t.Matrix(3, 3, t.FLOAT32), (("n", 3), ("dtype", t.FLOAT32))),
    ),
    ("wp.cast(x, wp.uint32)", n.Call("cast", (n.Name("x", t.FLOAT32),), t.UINT32, (("dtype", t.UINT32),))),
    ("wp.norm_huber(v)", n.Call("norm_huber", (n.Name("v", VEC3), three(1.0)), t.FLOAT32)),
    (
        "wp.where(cond=n > 0, value_if_true=x, value_if_false=1.0)",
        n.Call("where", (value_of("n > 0"), n.Name("x", t.FLOAT32), three(1.0)), t.FLOAT32),
    ),
    ("len(a)", n.Call("len", (n.Name("a", t.Array(t.FLOAT32)),), t.INT32)),
    ("max(n, 2)", n.Call("max", (n.Name("n", t.INT32), n.Literal(2, t.INT32)), t.INT32)),
    ("m.shape[1]", n.ArrayShape(n.Name("m", t.Array(t.INT32, 2)), 1)),
    ("m[n]", n.Index(n.Name("m", t.Array(t.INT32, 2)), (n.Name("n", t.INT32),), t.Array(t.INT32))),
    ("v[:2]", n.Index(n.Name("v", VEC3), (n.Slice(None, 2),), t.Vector(2, t.FLOAT32))),
    ("v.y", n.Attribute(n.Name("v", VEC3), "y", t.FLOAT32)),
    ("wp.static(2 + 3)", n.Static(value_of("2 + 3"), t.INT32)),
    ("wp.static(len((1, 2)))", n.Static(n.Literal(2, t.INT32), t.INT32)),
]


@pytest.mark.parametrize(("text", "tree"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_expressions(text: str, tree: n.Expr) -> None:
    assert value_of(text) == tree


CAPTURED: list[tuple[str, str, n.Expr]] = [
    ("K = wp.constant(3)", "K", n.Name("K", t.INT32)),
    ("K = 3", "K", n.Name("K", t.INT32)),
    ("K = wp.constant(wp.float64(3.0))", "K", n.Name("K", t.FLOAT64)),
    ("A = 2\nK = A * 2.5", "K", n.Name("K", t.FLOAT32)),
    ("import math\nK = math.sqrt(4.0)", "K", n.Name("K", t.FLOAT32)),
    ("class C:\n    size = 4", "C.size", n.Literal(4, t.INT32)),
    ("T = (1, 2.5)", "T[1]", three(2.5)),
    ("V = wp.vec3(1.0, 2.0, 3.0)", "V", n.Name("V", VEC3)),
    ("V = wp.vec3(1.0, 2.0, 3.0)", "V.y", n.Attribute(n.Name("V", VEC3), "y", t.FLOAT32)),
    ("V = wp.vec3(wp.inf, 2.0, 3.0)", "V", n.Construct(VEC3, (three(math.inf), three(2.0), three(3.0)))),
    ("import math", "math.tau", three(6.283185307179586)),
    ("", "wp.pi", three(3.141592653589793)),
    ("def twice(n):\n    return n * 2\nK = twice(4)", "K", n.Name("K", t.INT32)),
    ("from warp import vec3 as three", "three(1.0)", n.Construct(VEC3, (three(1.0),))),
    ("import warp", "warp.vec3()", n.Construct(VEC3, ())),
]


@pytest.mark.parametrize(("head", "text", "tree"), CAPTURED)
def test_what_a_kernel_captures(head: str, text: str, tree: n.Expr) -> None:
    assert value_of(text, head) == tree


TYPES: list[tuple[str, str, t.Type]] = [
    ("", "wp.array(dtype=wp.vec3)", t.Array(VEC3)),
    ("", "wp.array(dtype=float, ndim=3)", t.Array(t.FLOAT32, 3)),
    ("", "wp.array3d(dtype=wp.int8)", t.Array(t.INT8, 3)),
    ("", "wp.array[float]", t.Array(t.FLOAT32)),
    ("", "wp.array2d[wp.vec3]", t.Array(VEC3, 2)),
    ("from typing import Literal", "wp.array[float, Literal[2]]", t.Array(t.FLOAT32, 2)),
    ("", "'wp.array(dtype=float)'", t.Array(t.FLOAT32)),
    ("", "wp.spatial_vector", t.Vector(6, t.FLOAT32)),
    ("", "wp.mat44d", t.Matrix(4, 4, t.FLOAT64)),
    ("", "wp.quath", t.Quaternion(t.FLOAT16)),
    ("vec5 = wp.types.vector(length=5, dtype=float)", "vec5", t.Vector(5, t.FLOAT32)),
    ("vec5 = wp.vec(5, wp.float64)", "wp.array(dtype=vec5)", t.Array(t.Vector(5, t.FLOAT64))),
    ("mat23 = wp.types.matrix(shape=(2, 3), dtype=float)", "mat23", t.Matrix(2, 3, t.FLOAT32)),
    ("N = 4\nvecn = wp.types.vector(N, float)", "vecn", t.Vector(4, t.FLOAT32)),
    ("quatd = wp.types.quaternion(dtype=wp.float64)", "quatd", t.Quaternion(t.FLOAT64)),
    (
        "@wp.struct\nclass S:\n    x: float\n    v: wp.vec3",
        "S",
        t.Struct("S", (("x", t.FLOAT32), ("v", VEC3))),
    ),
    ("from warp.types import float64 as real", "real", t.FLOAT64),
]


@pytest.mark.parametrize(("head", "annotation", "type_"), TYPES)
def test_types(head: str, annotation: str, type_: t.Type) -> None:
    read = parse(source_of("pass", head=head, params=f"p: {annotation}"))
    assert read.params[0].type == type_
    assert parse(render(read)) == read


def test_docstrings_and_annotations_of_locals_are_left_out() -> None:
    read = parse(source_of('"""What it does."""\ni: int = wp.tid()\n"a comment"\na[i] = x'))
    assert [type(each) for each in read.body] == [n.Assign, n.Assign]
    assert parse(source_of('"""Nothing."""')).body == (n.Pass(),)


def test_thread_indices_have_one_type_for_each_name() -> None:
    (statement,) = parse(source_of("i, j = wp.tid()")).body
    assert statement == n.Unpack(("i", "j"), (n.Call("tid", (), t.Tuple((t.INT32, t.INT32))),))


FUNCTIONS = """
@wp.func
def second(x: float, y: float = 2.0):
    return first(x) + y

@wp.func
def first(x: float) -> float:
    return x * 3.0
"""


def test_functions_come_before_those_that_call_them() -> None:
    read = parse(source_of("y = second(x)", head=FUNCTIONS))
    assert [function.name for function in read.functions] == ["first", "second"]
    assert read.functions[1].returns == t.FLOAT32
    assert isinstance(read.functions[1].body[0], n.Return)
    assert value_of("second(y=1.0, x=x)", FUNCTIONS) == n.CallFunction(
        "second", (n.Name("x", t.FLOAT32), three(1.0)), t.FLOAT32
    )


SEVERAL = """
import warp as wp
USED = wp.constant(1)
UNUSED = wp.constant(2)

@wp.func
def f(x: int):
    return x + USED

@wp.kernel
def one(a: wp.array(dtype=int)):
    a[0] = f(a[1])

def test_something(device):
    size = 7

    @wp.kernel(enable_backward=False, module="unique")
    def two(a: wp.array(dtype=int)):
        a[0] = size

    @wp.kernel
    def twice(a: wp.array(dtype=int)):
        a[0] = device

class Suite:
    def test(self):
        @wp.kernel
        def twice(a: wp.array(dtype=int)):
            a[0] = 1
"""


def test_each_kernel_gets_what_it_needs() -> None:
    found = parse_all(SEVERAL)
    assert [name.partition("@")[0] for name in found] == ["one", "two", "twice", "twice"]
    one, two, unknown, plain = found.values()
    assert not isinstance(one, ParseError)
    assert not isinstance(two, ParseError)
    assert not isinstance(plain, ParseError)
    assert [each.name for each in (*one.constants, *one.functions)] == ["USED", "f"]
    assert [(each.name, each.number and each.number.value) for each in two.constants] == [("size", 7)]
    assert isinstance(unknown, ParseError)
    assert "device" in unknown.message
    assert parse(SEVERAL, "two") == two


def test_the_only_kernel_gets_everything_that_fits() -> None:
    bad = "@wp.func\ndef bad(x: float):\n    input(x)\n"
    head = f"K = wp.constant(1)\n{bad}@wp.func\ndef good():\n    return 1\n"
    read = parse(source_of("pass", head=head))
    assert [each.name for each in (*read.constants, *read.functions)] == ["K", "good"]


CLOSURE = """
import warp as wp

def make(size, scale):
    @wp.kernel
    def k(a: wp.array(dtype=float)):
        a[0] = float(size) * scale
    return k

k = make(3, 2.5)
"""


def test_the_parameters_of_a_factory_are_captured() -> None:
    read = parse(CLOSURE)
    assert read.closure
    assert [(each.name, each.number and each.number.value) for each in read.constants] == [("size", 3), ("scale", 2.5)]


def test_a_factory_may_be_given_vectors() -> None:
    read = parse(CLOSURE.replace("float(size)", "size[1]").replace("make(3,", "make(wp.vec2(0.5, 2.0),"))
    assert read.closure
    assert str(read).rstrip().endswith("k = make_k(wp.vec2(0.5, 2.0), 2.5)")
    assert parse(str(read)) == read


@pytest.mark.parametrize("called", ["wp.static(f)(1.0)", "f(1.0)"])
def test_a_function_is_called_as_the_text_calls_it(called: str) -> None:
    read = parse(f"""
import warp as wp

@wp.func
def f(x: float):
    return x

@wp.kernel
def k(a: wp.array(dtype=float)):
    a[0] = {called}
""")
    assert called in str(read)
    assert parse(str(read)) == read


def test_a_factory_may_be_given_types_and_functions() -> None:
    source = """
import warp as wp

@wp.func
def square(x: wp.float64):
    return x * x

def make(dtype, f):
    @wp.kernel
    def k(a: wp.array(dtype=dtype)):
        a[0] = f(a[1])
    return k

k = make(wp.float64, square)
"""
    read = parse(source)
    assert not read.closure
    assert read.params[0].type == t.Array(t.FLOAT64)
    assert [function.name for function in read.functions] == ["square"]


REFUSED: list[tuple[str, str, str, int]] = [
    # head, body, a part of the message, the line of the body
    ("", "sum(x)", "sum is nothing that a kernel of the IR can call", 1),
    ("", "pass\nraise n", "no statement like raise n", 2),
    ("", "y = n + x", "no operator + for int32 and float32", 1),
    ("", "y = missing", "missing is not defined in this text", 1),
    ("", "y = wp.mesh_query_point(x)", "no builtin mesh_query_point", 1),
    ("", "y = wp.dot(v, x)", "dot does not take (vec3f, float32)", 1),
    ("", "for i in range(n):\n    pass\nelse:\n    pass", "no loop", 1),
    ("", "for i in (1, 2):\n    pass", "no loop", 1),
    ("", "while n > 0:\n    pass\nelse:\n    pass", "no statement like while", 1),
    ("", "a = b = 1", "no statement", 1),
    ("", "if wp.vec2(1.0, 2.0):\n    pass", "vec2f is no condition here (if)", 1),
    ("", "y = 1\nwhile True:\n    y += 1", "is a constant", 3),
    ("", "n = 2.0", "is int32 and cannot become float32", 1),
    ("", "y = v.w", "vec3f has no attribute w", 1),
    ("", "y = a[0, 1]", "does not take 2 indices", 1),
    ("", "y = v[n:]", "n has to be a constant here", 1),
    ("", "y = a.fill_(1.0)", "no methods", 1),
    ("", "y = wp.dot(*x)", "unpacked arguments", 1),
    ("", "a[0], a[1] = x, x", "several names only", 1),
    ("", "x + x", "without an effect", 1),
    ("", "y = [1, 2]", "no expression like [1, 2]", 1),
    ("", "y = n in (1, 2)", "no n in (1, 2)", 1),
    ("K = 1\nK = 2", "y = K", "assigned more than once", 1),
    ("K = sum((1, 2))", "y = K", "cannot be told from the text", -3),
    ("def f(x):\n    return x", "y = f(x)", "no wp.func", 1),
    ("@wp.func\ndef f(x: int):\n    return f(x)", "y = f(n)", "calls itself", -3),
    (
        "@wp.func\ndef f(x: int):\n    return x\n@wp.func\ndef f(x: float):\n    return x",
        "y = f(wp.int8(1))", "no overload of f takes (int8)", 1,
    ),
    (
        "@wp.func\ndef f(x: float):\n    return x\n@wp.func_grad(f)\ndef g(x: float, adj: float):\n    pass",
        "y = f(x)", "gradient of its own", -4,
    ),
    ("class S:\n    x: float", "y = S()", "no struct", -4),
]  # fmt: skip


@pytest.mark.parametrize(("head", "body", "message", "line"), REFUSED)
def test_what_does_not_fit_is_refused_with_its_line(head: str, body: str, message: str, line: int) -> None:
    source = source_of(body, head=head)
    with pytest.raises(ParseError) as caught:
        parse(source)
    assert message in caught.value.message
    first = source[: source.index("def k(")].count("\n") + 2
    assert caught.value.line == first + line - 1
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:", "no Python"),
        ("import warp as wp", "no kernel"),
        (SEVERAL, "4 kernels"),
        (source_of("pass", params="p"), "has no type"),
        (source_of("pass", params="p: wp.uint64, *rest"), "other parameters"),
        (source_of("pass", params="p: wp.indexedarray(dtype=float)"), "indexedarray"),
        (source_of("pass", params="p: dict[str, int]"), "dict"),
    ],
)
def test_texts_without_one_kernel_that_fits(source: str, message: str) -> None:
    with pytest.raises(ParseError, match=message.replace("(", r"\(")):
        parse(source)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(ParseError, match="no kernel other in the text, which has k"):
        parse(source_of("pass"), "other")
