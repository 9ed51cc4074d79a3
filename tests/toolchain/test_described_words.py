"""What kernels of packages say that no drawn one does: it is read, Warp generates the same code, and it is computed."""

# Warp has types of its own for what kernels say.
# pyright: reportInvalidTypeForm=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportOptionalOperand=false

from __future__ import annotations

from typing import Any

import pytest
import warp as wp
from same_code import difference

from kernelfuzz import NotJudged, check
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import BOOL, FLOAT32, FLOAT64, INT32, UINT8
from kernelfuzz.oracles.option_sets import without_unrolling
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, lower, lower_kernel
from kernelfuzz.typecheck.comparisons import mixed_operands


@wp.func  # noqa: RET503
def positive(x: float):
    if x > 0:
        return x


@wp.func
def settled(values: wp.array(dtype=int), at: int, least: int):
    while True:
        found = values[at]
        if found >= least:
            return found, least
        values[at] = least


@wp.func
def three(x: float):
    return x, x, 1


@wp.kernel
def compares(
    given: wp.array(dtype=float),
    flags: wp.array(dtype=bool),
    small: wp.array(dtype=wp.uint8),
    out: wp.array(dtype=int),
):
    i = wp.tid()
    if flags[i] == 0 or small[i] != 3 or given[i] >= 0 or i < 2.5:
        out[i] = wp.where(i, 1, 2)


@wp.kernel
def changes_a_constant(given: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    i = wp.tid()
    valid = True
    for j in range(3):
        if given[i][j] > 2:
            valid = False
    if valid:
        out[i] = 1


@wp.kernel
def without_a_return(given: wp.array(dtype=float), values: wp.array(dtype=int), out: wp.array(dtype=float)):
    i = wp.tid()
    positive(given[i])
    _, _, count = three(given[i])
    found, least = settled(values, i, 3)
    out[i] = positive(wp.abs(given[i]) + 1.0) * float(count) * float(least)
    values[i] = found % 2


def read(kernel: Any) -> n.Kernel:
    """The kernel as it is read, of whose text Warp generates the same code."""
    made = parse(kernel)
    want, got = lower_kernel(kernel), lower(render(made))
    assert not isinstance(want, Failure), want
    assert not isinstance(got, Failure), got
    assert not difference(want.kernels[0], got.kernels[0])
    return made


@pytest.mark.parametrize("kernel", [compares, changes_a_constant, without_a_return], ids=lambda kernel: kernel.key)
def test_it_is_read_and_computed(kernel: Any) -> None:
    read(kernel)
    assert "value" in check(kernel, oracles=["value"], scripts=None).passed


@pytest.mark.parametrize(
    ("op", "left", "right", "sides"),
    [
        ("<", n.Name("x", FLOAT32), n.Literal(0, INT32), ("x", 0.0, FLOAT32)),
        ("<", n.Literal(0, INT32), n.Name("x", FLOAT64), (0.0, "x", FLOAT64)),
        ("==", n.Name("x", UINT8), n.Literal(255, INT32), ("x", 255, UINT8)),
        ("==", n.Name("x", UINT8), n.Literal(256, INT32), None),
        ("==", n.Name("x", BOOL), n.Literal(1, INT32), ("x", True, BOOL)),
        ("<", n.Name("x", BOOL), n.Literal(1, INT32), None),
        ("<", n.Name("x", INT32), n.Literal(2.5, FLOAT32), ("x", 2.5, FLOAT32)),
        # Where float32 rounds integers, the conversion may pass the number.
        ("<", n.Name("x", INT32), n.Literal(2.0**25, FLOAT32), None),
        ("<", n.Name("x", FLOAT32), n.Literal(2**24 + 1, INT32), None),
        # 0.1 is another number in single precision.
        ("<", n.Name("x", FLOAT64), n.Literal(0.1, FLOAT32), None),
        ("<", n.Name("x", FLOAT32), n.Name("y", INT32), None),
    ],
)
def test_a_number_stands_beside_a_value_of_another_type(
    op: str, left: n.Expr, right: n.Expr, sides: tuple[Any, ...] | None
) -> None:
    found = mixed_operands(op, left, right)
    if sides is None:
        assert found is None
        return
    assert found is not None
    assert tuple(side.id if isinstance(side, n.Name) else side.value for side in found) == sides[:2]  # pyright: ignore
    (literal,) = [side for side in found if isinstance(side, n.Literal)]
    assert literal.type == sides[2]
    assert type(literal.value) is {FLOAT32: float, FLOAT64: float, BOOL: bool}.get(literal.type, int)


def test_a_constant_that_a_loop_changes_needs_the_loop_unrolled() -> None:
    assert not without_unrolling(parse(changes_a_constant))
    assert without_unrolling(parse(compares))
    refused = lower(render(parse(changes_a_constant)), options={"max_unroll": 0})
    assert isinstance(refused, Failure)
    assert "mutating a constant" in str(refused)


def test_what_ends_without_a_return_is_undefined_where_it_is_used() -> None:
    text = (
        "import warp as wp\n@wp.func\ndef f(x: float):\n    if x > 0.0:\n        return x\n"
        "@wp.kernel\ndef k(out: wp.array(dtype=float)):\n    out[wp.tid()] = f(-1.0)\n"
    )
    with pytest.raises(NotJudged, match="undefined: function without a returned value"):
        check(parse(text), oracles=["value"], scripts=None)
