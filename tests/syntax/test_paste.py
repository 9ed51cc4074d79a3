"""What is printed, pasted, gives an equal object: kernels, their parts, types and launches."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies import expressions, functions, kernels, launches, statements, types
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.syntax import paste
from kernelfuzz.syntax.canonical import canonical
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render

quick = settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]


def pasted(text: str) -> Any:
    names: dict[str, Any] = {}
    exec("from kernelfuzz.syntax.paste import *", names)
    return eval(text, names)


def printed(value: object) -> str:
    """What Hypothesis prints of a value."""
    return pretty(value)


# ------------------------------------------------------------------------------------- everything comes back


@quick
@given(kernels())
def test_a_kernel_comes_back(kernel: n.Kernel) -> None:
    assert pasted(repr(kernel)) == kernel
    text = printed(kernel)
    assert render(kernel) in text
    assert pasted(text) == kernel
    # Nothing but the text is needed, and what stands between the quotes is a module.
    assert parse(text) == kernel
    assert render(parse(text.split('"""')[1])) == render(kernel)


@quick
@given(st.tuples(functions(), statements(size="small"), types().flatmap(expressions), types()))
def test_its_parts_come_back(parts: tuple[Any, ...]) -> None:
    for part in parts:
        assert pasted(printed(part)) == pasted(repr(part)) == part


def nodes() -> Iterator[n.Node]:
    for index in range(6):
        yield from walk(generate(seed=17, index=index))


def test_every_node_of_a_kernel_comes_back() -> None:
    as_warp: Counter[bool] = Counter()
    for node in nodes():
        text = printed(node)
        assert pasted(text) == pasted(repr(node)) == node
        as_warp[text.startswith(("expression(", "statement("))] += 1
    # The others are parameters, constants, and what needs the kernel around it.
    assert as_warp[True] > 2 * as_warp[False]


def same(one: object, other: object) -> bool:
    """Equality of inputs to the bit, but for the bits of a NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    assert isinstance(one, np.ndarray)
    assert isinstance(other, np.ndarray)
    alike = one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return alike and (one.dtype.kind != "f" or bool(np.all(np.isnan(one) | (np.signbit(one) == np.signbit(other)))))


@quick
@given(kernels(size="small") | kernels(size="small", include=["struct_array"]), st.data())
def test_a_launch_comes_back(kernel: n.Kernel, data: st.DataObject) -> None:
    launch = data.draw(launches(kernel))
    for text in (printed(Case(kernel, launch)), repr(Case(kernel, launch))):
        case = pasted(text)
        assert (case.kernel, case.launch.dim, case.launch.tiled) == (kernel, launch.dim, launch.tiled)
        assert same(case.launch.inputs, launch.inputs)


# ---------------------------------------------------------------------------------------------- how it reads

POINT = t.Struct("Point", (("at", t.Vector(3, t.FLOAT32)), ("mass", t.FLOAT16)))
POINT_TEXT = '''struct("""
@wp.struct
class Point:
    at: wp.vec3
    mass: wp.float16
""")'''
X, V = n.Name("x", t.FLOAT32), n.Name("v", t.Vector(5, t.INT32))
DOUBLED = n.Binary("*", X, n.Literal(2.0, t.FLOAT32), t.FLOAT32)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (t.FLOAT32, "wp.float32"),
        (t.Vector(3, t.FLOAT32), "wp.vec3f"),
        (t.Vector(5, t.INT32), "wp.types.vector(length=5, dtype=wp.int32)"),
        (t.Matrix(2, 3, t.FLOAT32), "wp.types.matrix(shape=(2, 3), dtype=wp.float32)"),
        (t.Quaternion(t.FLOAT32), "wp.quatf"),
        (t.Transform(t.FLOAT32), "wp.transformf"),
        (t.Array(t.FLOAT32), "wp.array(dtype=wp.float32)"),
        (t.Array(POINT, 2), f"wp.array2d(dtype={POINT_TEXT})"),
        (t.Tile(t.FLOAT32, (8,)), "wp.tile(dtype=wp.float32, shape=(8,))"),
        (t.Tuple((t.INT32, t.BOOL)), "Tuple((wp.int32, wp.bool))"),
        (POINT, POINT_TEXT),
        (DOUBLED, "expression('x * 2.0', x=wp.float32)"),
        (n.AugAssign(X, "+", DOUBLED), "statement('x += x * 2.0', x=wp.float32)"),
        (n.Param("n", t.INT32, (0, 7)), "Param('n', wp.int32, (0, 7))"),
        (
            Launch((2,), {"a": np.array([0.1, -0.0], np.float32), "p": {"n": np.array(3, np.int8)}}, True),
            "Launch((2,), {'a': np.array([0.1, -0.0], dtype=np.float32), "
            "'p': {'n': np.array(3, dtype=np.int8)}}, tiled=True)",
        ),
    ],
    ids=repr,
)
def test_it_reads_like_warp(value: object, text: str) -> None:
    assert printed(value) == text
    again = pasted(text)
    assert printed(again) == text
    assert isinstance(value, Launch) or again == value


def test_a_kernel_reads_like_a_module() -> None:
    params = (n.Param("n", t.INT32, (0, 7)), n.Param("a", t.Array(t.FLOAT32), shape=("x", 4), ascending=True))
    assert printed(n.Kernel("scale", params, ())) == (
        'parse("""\n'
        "import warp as wp\n\n\n"
        "@wp.kernel\n"
        "def scale(n: int, a: wp.array(dtype=float)):\n"
        "    pass\n"
        "\"\"\", bounds={'n': (0, 7)}, shapes={'a': ('x', 4)}, ascending=('a',))"
    )


@pytest.mark.parametrize(
    "value",
    [
        n.Break(),
        n.Binary("*", X, n.Literal(True, t.BOOL), t.FLOAT32),
        n.Binary("+", X, n.Name("x", t.INT32), t.FLOAT32),
        n.Construct(POINT, (X,)),
        n.Kernel("no name", (), ()),
        n.Kernel("ill_typed", (), (n.AugAssign(X, "+", X),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_text_of_its_own_is_a_call_of_the_class(value: n.Expr | n.Stmt | n.Kernel) -> None:
    assert printed(value).startswith(f"{type(value).__name__}(")
    assert pasted(printed(value)) == value


def test_a_tree_that_reads_otherwise_comes_back_as_it_is_read() -> None:
    three = n.Unary("-", n.Literal(3, t.INT32), t.INT32)
    assert pasted(printed(three)) == canonical(three) == n.Literal(-3, t.INT32)
    assert pasted(repr(three)) == three


# -------------------------------------------------------------------------------------- what is printed where


@pytest.mark.parametrize("given_", ["kernels(size='small')", "st.lists(kernels(size='small'), min_size=2)"])
def test_a_failing_example_can_be_pasted(given_: str, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {"kernels": kernels, "st": st}
    found: list[Any] = []

    @settings(quick, database=None, phases=[Phase.generate], print_blob=False)
    @given(value=eval(given_, namespace))
    def test(value: Any) -> None:
        found[:] = [value]
        raise AssertionError

    with pytest.raises(AssertionError) as failure:
        test()
    printed = "\n".join(failure.value.__notes__)  # pyright: ignore[reportAttributeAccessIssue]
    call = printed[printed.index("test(") :]
    names: dict[str, Any] = {"test": lambda value: value}
    exec("from kernelfuzz.syntax.paste import *", names)
    assert eval(call, names) == found[0]


def test_a_name_of_no_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^no parameter m; there are n$"):
        parse("import warp as wp\n@wp.kernel\ndef k(n: int):\n    pass\n", bounds={"m": (0, 1)})
    with pytest.raises(ParseError, match="this is no Python"):
        parse('parse("""')
    with pytest.raises(AttributeError, match=r"^Warp has no type wp\.vec9$"):
        _ = paste.wp.vec9


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (t.FLOAT32, "FLOAT32"),
        (t.Array(t.Vector(3, t.FLOAT32)), "Array(Vector(3, FLOAT32))"),
        (POINT, "Struct('Point', (('at', Vector(3, FLOAT32)), ('mass', FLOAT16)))"),
        (DOUBLED, "Binary('*', Name('x', FLOAT32), Literal(2.0, FLOAT32), FLOAT32)"),
        (n.If(X, (n.Break(),)), "If(Name('x', FLOAT32), (Break(),))"),
        (n.Param("n", t.INT32, shape=("x",)), "Param('n', INT32, None, ('x',))"),
    ],
    ids=str,
)
def test_repr_is_the_call_of_the_class_without_defaults(value: object, text: str) -> None:
    assert repr(value) == text
    assert pasted(text) == value


def test_nothing_heavy_is_imported_before_something_is_printed() -> None:
    program = (
        "import sys, kernelfuzz.ir.nodes as n, kernelfuzz.ir.types as t, kernelfuzz.ir.launch\n"
        "kernel = n.Kernel('k', (), (n.Pass(),)); print(repr(kernel)); print('libcst' in sys.modules)\n"
        "text = str(kernel); print('libcst' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Kernel('k', (), (Pass(),))", "False", "True"]
