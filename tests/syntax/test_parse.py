"""What the reader makes of the ways in which people write kernels, and of what does not fit the IR."""

from __future__ import annotations

from textwrap import indent

import pytest

from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    Call,
    CallFunction,
    Cast,
    Construct,
    Expr,
    Index,
    Literal,
    Name,
    Pass,
    Return,
    Slice,
    Static,
    Unary,
    Unpack,
)
from kernelfuzz.ir.types import (
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    UINT32,
    UINT64,
    Array,
    Matrix,
    Quaternion,
    Struct,
    Transform,
    Tuple,
    Type,
    Vector,
)
from kernelfuzz.syntax.parse import ParseError, parse, parse_all
from kernelfuzz.syntax.render import render

VEC3 = Vector(3, FLOAT32)
PARAMS = "a: wp.array(dtype=float), v: wp.vec3, n: int, x: float, m: wp.array2d(dtype=int), q: wp.quat"


def source_of(body: str, *, head: str = "", params: str = PARAMS) -> str:
    return f"import warp as wp\n{head}\n\n@wp.kernel\ndef k({params}):\n{indent(body, '    ')}\n"


def value_of(text: str, head: str = "") -> Expr:
    """The tree of one expression, as the value of an assignment."""
    statement = parse(source_of(f"y = {text}", head=head)).body[-1]
    assert isinstance(statement, Assign)
    return statement.value


def three(value: float) -> Literal:
    return Literal(value, FLOAT32)


EXPRESSIONS: list[tuple[str, Expr]] = [
    ("-3", Literal(-3, INT32)),
    ("-2.5", three(-2.5)),
    ("-(-3)", Unary("-", Literal(-3, INT32), INT32)),
    ("-n", Unary("-", Name("n", INT32), INT32)),
    ("True", Literal(True, parse(source_of("y = True")).body[0].value.type)),  # pyright: ignore
    ("wp.int8(3)", Literal(3, INT8)),
    ("wp.int8(-3)", Literal(-3, INT8)),
    ("wp.int8(300)", Cast(INT8, Literal(300, INT32))),
    ("wp.float16(65504.0)", Literal(65504.0, FLOAT16)),
    ("wp.float16(65536.0)", Cast(FLOAT16, three(65536.0))),
    ("wp.uint64(18446744073709551615)", Literal(2**64 - 1, UINT64)),
    ("wp.float64(0.5)", Literal(0.5, FLOAT64)),
    ("wp.float64(1)", Cast(FLOAT64, Literal(1, INT32))),
    ("wp.float64(wp.inf)", Literal(float("inf"), FLOAT64)),
    ("int(3)", Cast(INT32, Literal(3, INT32))),
    ("wp.int32(3)", Cast(INT32, Literal(3, INT32))),
    ("float(n)", Cast(FLOAT32, Name("n", INT32))),
    ("wp.vec3(0, 1, -2)", Construct(VEC3, (three(0.0), three(1.0), three(-2.0)))),
    ("wp.vec3f(x=1.0, y=2.0, z=3.0)", Construct(VEC3, (three(1.0), three(2.0), three(3.0)))),
    ("wp.vec2h(1.5)", Construct(Vector(2, FLOAT16), (Literal(1.5, FLOAT16),))),
    (
        "wp.transform(q=q, p=v)",
        Construct(Transform(FLOAT32), (Name("v", VEC3), Name("q", Quaternion(FLOAT32)))),
    ),
    ("wp.vector(length=2, dtype=wp.float64)", Construct(Vector(2, FLOAT64), ())),
    ("wp.matrix(1, shape=(2, 3), dtype=float)", Construct(Matrix(2, 3, FLOAT32), (three(1.0),))),
    ("wp.spatial_vector()", Construct(Vector(6, FLOAT32), ())),
    ("wp.spatial_vector(v, v)", Call("spatial_vector", (Name("v", VEC3),) * 2, Vector(6, FLOAT32))),
    ("wp.identity(3, float)", Call("identity", (), Matrix(3, 3, FLOAT32), (("n", 3), ("dtype", FLOAT32)))),
    ("wp.cast(x, wp.uint32)", Call("cast", (Name("x", FLOAT32),), UINT32, (("dtype", UINT32),))),
    ("wp.norm_huber(v)", Call("norm_huber", (Name("v", VEC3), three(1.0)), FLOAT32)),
    (
        "wp.where(cond=n > 0, value_if_true=x, value_if_false=1.0)",
        Call("where", (value_of("n > 0"), Name("x", FLOAT32), three(1.0)), FLOAT32),
    ),
    ("len(a)", Call("len", (Name("a", Array(FLOAT32)),), INT32)),
    ("max(n, 2)", Call("max", (Name("n", INT32), Literal(2, INT32)), INT32)),
    ("m.shape[1]", ArrayShape(Name("m", Array(INT32, 2)), 1)),
    ("m[n]", Index(Name("m", Array(INT32, 2)), (Name("n", INT32),), Array(INT32))),
    ("v[:2]", Index(Name("v", VEC3), (Slice(None, 2),), Vector(2, FLOAT32))),
    ("v.y", Attribute(Name("v", VEC3), "y", FLOAT32)),
    ("wp.static(2 + 3)", Static(value_of("2 + 3"), INT32)),
    ("wp.static(len((1, 2)))", Static(Literal(2, INT32), INT32)),
]


@pytest.mark.parametrize(("text", "tree"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_expressions(text: str, tree: Expr) -> None:
    assert value_of(text) == tree


CAPTURED: list[tuple[str, str, Expr]] = [
    ("K = wp.constant(3)", "K", Name("K", INT32)),
    ("K = 3", "K", Name("K", INT32)),
    ("K = wp.constant(wp.float64(3.0))", "K", Name("K", FLOAT64)),
    ("A = 2\nK = A * 2.5", "K", Name("K", FLOAT32)),
    ("import math\nK = math.sqrt(4.0)", "K", Name("K", FLOAT32)),
    ("class C:\n    size = 4", "C.size", Literal(4, INT32)),
    ("T = (1, 2.5)", "T[1]", three(2.5)),
    ("V = wp.vec3(1.0, 2.0, 3.0)", "V", Construct(VEC3, (three(1.0), three(2.0), three(3.0)))),
    ("import math", "math.tau", three(6.283185307179586)),
    ("", "wp.pi", three(3.141592653589793)),
    ("def twice(n):\n    return n * 2\nK = twice(4)", "K", Name("K", INT32)),
    ("from warp import vec3 as three", "three(1.0)", Construct(VEC3, (three(1.0),))),
    ("import warp", "warp.vec3()", Construct(VEC3, ())),
]


@pytest.mark.parametrize(("head", "text", "tree"), CAPTURED)
def test_what_a_kernel_captures(head: str, text: str, tree: Expr) -> None:
    assert value_of(text, head) == tree


TYPES: list[tuple[str, str, Type]] = [
    ("", "wp.array(dtype=wp.vec3)", Array(VEC3)),
    ("", "wp.array(dtype=float, ndim=3)", Array(FLOAT32, 3)),
    ("", "wp.array3d(dtype=wp.int8)", Array(INT8, 3)),
    ("", "wp.array[float]", Array(FLOAT32)),
    ("", "wp.array2d[wp.vec3]", Array(VEC3, 2)),
    ("from typing import Literal", "wp.array[float, Literal[2]]", Array(FLOAT32, 2)),
    ("", "'wp.array(dtype=float)'", Array(FLOAT32)),
    ("", "wp.spatial_vector", Vector(6, FLOAT32)),
    ("", "wp.mat44d", Matrix(4, 4, FLOAT64)),
    ("", "wp.quath", Quaternion(FLOAT16)),
    ("vec5 = wp.types.vector(length=5, dtype=float)", "vec5", Vector(5, FLOAT32)),
    ("vec5 = wp.vec(5, wp.float64)", "wp.array(dtype=vec5)", Array(Vector(5, FLOAT64))),
    ("mat23 = wp.types.matrix(shape=(2, 3), dtype=float)", "mat23", Matrix(2, 3, FLOAT32)),
    ("N = 4\nvecn = wp.types.vector(N, float)", "vecn", Vector(4, FLOAT32)),
    ("quatd = wp.types.quaternion(dtype=wp.float64)", "quatd", Quaternion(FLOAT64)),
    ("@wp.struct\nclass S:\n    x: float\n    v: wp.vec3", "S", Struct("S", (("x", FLOAT32), ("v", VEC3)))),
    ("from warp.types import float64 as real", "real", FLOAT64),
]


@pytest.mark.parametrize(("head", "annotation", "type_"), TYPES)
def test_types(head: str, annotation: str, type_: Type) -> None:
    read = parse(source_of("pass", head=head, params=f"p: {annotation}"))
    assert read.params[0].type == type_
    assert parse(render(read)) == read


def test_docstrings_and_annotations_of_locals_are_left_out() -> None:
    read = parse(source_of('"""What it does."""\ni: int = wp.tid()\n"a comment"\na[i] = x'))
    assert [type(each) for each in read.body] == [Assign, Assign]
    assert parse(source_of('"""Nothing."""')).body == (Pass(),)


def test_thread_indices_have_one_type_for_each_name() -> None:
    (statement,) = parse(source_of("i, j = wp.tid()")).body
    assert statement == Unpack(("i", "j"), (Call("tid", (), Tuple((INT32, INT32))),))


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
    assert read.functions[1].returns == FLOAT32
    assert isinstance(read.functions[1].body[0], Return)
    assert value_of("second(y=1.0, x=x)", FUNCTIONS) == CallFunction(
        "second", (Name("x", FLOAT32), three(1.0)), FLOAT32
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
    assert [(each.name, each.value.value) for each in two.constants] == [("size", 7)]
    assert isinstance(unknown, ParseError)
    assert "device" in unknown.message
    assert parse(SEVERAL, "two") == two


def test_the_only_kernel_gets_everything_that_fits() -> None:
    bad = "@wp.func\ndef bad(x: float):\n    print(x)\n"
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
    assert [(each.name, each.value.value) for each in read.constants] == [("size", 3), ("scale", 2.5)]


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
    assert read.params[0].type == Array(FLOAT64)
    assert [function.name for function in read.functions] == ["square"]


REFUSED: list[tuple[str, str, str, int]] = [
    # head, body, a part of the message, the line of the body
    ("", "print(x)", "print is nothing that a kernel of the IR can call", 1),
    ("", "pass\nassert n > 0", "no statement like assert n > 0", 2),
    ("", "y = n + x", "no operator + for int32 and float32", 1),
    ("", "y = missing", "missing is not defined in this text", 1),
    ("", "y = wp.mesh_query_point(x)", "no builtin mesh_query_point", 1),
    ("", "y = wp.dot(v, x)", "dot does not take (vec3f, float32)", 1),
    ("", "for i in range(n):\n    pass\nelse:\n    pass", "no loop", 1),
    ("", "for i in (1, 2):\n    pass", "no loop", 1),
    ("", "while n > 0:\n    pass\nelse:\n    pass", "no statement like while", 1),
    ("", "a = b = 1", "no statement", 1),
    ("", "if n:\n    pass", "a condition must be bool, not int32", 1),
    ("", "y = 1\nwhile True:\n    y += 1", "is a constant", 3),
    ("", "n = 2", "is a parameter", 1),
    ("", "y = v.w", "vec3f has no attribute w", 1),
    ("", "y = a[0, 1]", "does not take 2 indices", 1),
    ("", "y = v[n:]", "n has to be a constant here", 1),
    ("", "y = a.fill_(1.0)", "no methods", 1),
    ("", "y = wp.dot(*v)", "unpacked arguments", 1),
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
        "y = f(x)", "overloads", 1,
    ),
    ("from typing import Any\n@wp.func\ndef f(x: Any):\n    return x", "y = f(x)", "generic", -4),
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
