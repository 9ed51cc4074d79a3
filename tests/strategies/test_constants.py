"""Constants of every kind are drawn, and static expressions over the counters of loops."""

from __future__ import annotations

import math

import pytest

from kernelfuzz.analysis.kept_digits import in_a_kernel
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.typecheck.verify import VerifyError, verify

COUNT = 300


@pytest.fixture(scope="module")
def constants() -> list[n.Constant]:
    kernels = generate_many(COUNT, seed=74, include=["constant", "quaternion", "transform"], size="large")
    return [constant for kernel in kernels for constant in kernel.constants]


def test_constants_of_every_kind_are_drawn(constants: list[n.Constant]) -> None:
    kinds = {type(constant.value.type) for constant in constants}
    assert kinds == {t.Scalar, t.Vector, t.Matrix, t.Quaternion, t.Transform}
    assert {constant.value.type for constant in constants} >= {*t.FLOATS, t.INT64, t.UINT64, t.INT8}


def test_some_have_digits_that_a_literal_may_lose(constants: list[n.Constant]) -> None:
    lost = [constant for constant in constants if in_a_kernel(constant) is None]
    assert 0 < len(lost) < len(constants) / 2
    assert any(constant.value.type == t.FLOAT64 for constant in lost)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (n.Literal(0.1, t.FLOAT32), True),
        (n.Literal(0.1, t.FLOAT64), False),
        (n.Literal(1e300, t.FLOAT64), False),
        (n.Literal(math.inf, t.FLOAT64), True),
        (n.Literal(0.5, t.FLOAT64), True),
        (n.Literal(2**31, t.UINT32), False),
        (n.Literal(2**31 - 1, t.UINT32), True),
        (n.Construct(t.Vector(2, t.FLOAT64), (n.Literal(0.5, t.FLOAT64), n.Literal(0.1, t.FLOAT64))), False),
    ],
    ids=str,
)
def test_what_a_kernel_may_write_down(value: n.Literal | n.Construct, kept: bool) -> None:
    assert in_a_kernel(n.Constant("K", value)) == (value if kept else None)


@pytest.mark.parametrize("part", [n.Literal(math.inf, t.FLOAT32), n.Name("x", t.FLOAT32)], ids=["infinite", "a name"])
def test_a_constant_is_made_of_finite_numbers(part: n.Expr) -> None:
    value = n.Construct(t.Vector(2, t.FLOAT32), (n.Literal(1.0, t.FLOAT32), part))
    with pytest.raises(VerifyError):
        verify(n.Kernel("k", (), (n.Pass(),), constants=(n.Constant("K", value),)))


def test_counters_are_drawn_in_nested_loops_and_behind_continue() -> None:
    read: set[str] = set()
    for kernel in generate_many(60, seed=72, include=["static_counter", "nested_loop", "continue"]):
        verify(kernel)
        loops = [node for node in walk(kernel) if isinstance(node, n.For)]
        counted = [loop for loop in loops if _is_counted(loop)]
        assert counted
        if any(node in counted for loop in counted for node in walk(*loop.body)):
            read.add("nested")
        if any(_skips(node) for loop in counted for node in loop.body):
            read.add("skipped")
    assert read == {"nested", "skipped"}


def _is_counted(loop: n.For) -> bool:
    """Whether a static expression in a loop reads its counter."""
    statics = [node for node in walk(*loop.body) if isinstance(node, n.Static)]
    return any(isinstance(node, n.Name) and node.id == loop.name for node in walk(*statics))


def _skips(node: n.Node) -> bool:
    """Whether a statement is a ``continue`` behind a static expression."""
    if not isinstance(node, n.If) or n.Continue() not in node.body:
        return False
    return any(isinstance(each, n.Static) for each in walk(node.test))
