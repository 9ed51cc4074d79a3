"""What kernels of packages say that no drawn one does: it is read, Warp generates the same code, and it is computed."""

# Warp has types of its own for what kernels say.
# pyright: reportInvalidTypeForm=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportOptionalOperand=false, reportIndexIssue=false

from __future__ import annotations

from typing import Any

import pytest
import warp as wp
from same_code import difference

from kernelfuzz import NotJudged, check
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import BOOL, FLOAT32, FLOAT64, INT32, UINT8, Array
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


def scaled(count: int) -> Any:
    @wp.func
    def scale(x: float):
        return x * float(count)

    return scale


def chooses(flag: bool, size: int, extra: Any) -> Any:
    """A kernel with branches that Warp does not look at, and a local that is a constant."""

    @wp.kernel
    def chosen(vectors: wp.array(dtype=wp.vec3), out: wp.array(dtype=float)):
        i = wp.tid()
        SIZE = wp.static(size)
        if wp.static(flag):  # noqa: SIM108
            old = out[i]
        else:
            old = never_defined(out[i])  # noqa: F821  # pyright: ignore
        if wp.static(extra is not None and flag):
            old = wp.vec3(1.0)
        vector = 2.0 * vectors[i]
        total = float(0.0)  # noqa: UP018
        for j in range(vector.length):
            total += vector[j] * wp.static(float(size) + 0.5)
        if total:
            third = total * 3.0
            out[i] = third
        unit = wp.identity(n=type(vector).length, dtype=float)
        out[i] += old + wp.static(scaled(SIZE))(total) + unit[1, 1]

    return chosen


CHOSEN = chooses(True, 3, None)


def test_a_branch_that_warp_does_not_look_at_may_hold_anything() -> None:
    made = read(CHOSEN)
    assert made.body[2] == n.If(
        n.Static(n.Name("flag", BOOL), BOOL),
        (n.Assign(n.Name("old", FLOAT32), n.Index(n.Name("out", Array(FLOAT32)), (n.Name("i", INT32),), FLOAT32)),),
    )
    assert "value" in check(CHOSEN, oracles=["value"], scripts=None).passed


@wp.kernel
def loads_from_an_offset(
    matrix: wp.array2d(dtype=float),
    row: wp.array(dtype=float),
    out: wp.array(dtype=float),
    sums: wp.array2d(dtype=float),
):
    i = wp.tid()
    loaded = wp.tile_load(matrix, shape=(2, 3), offset=(i, 1))
    line = wp.tile_load(row, 4, offset=i - 1)
    out[i] = line[1] + loaded[0, 1]
    wp.tile_store(sums, loaded, offset=(2 * i, 0))


@wp.kernel
def works_together(row: wp.array(dtype=float), out: wp.array(dtype=float), square: wp.array2d(dtype=float)):
    i = wp.tid()
    line = wp.tile_load(row, shape=4, offset=i, storage="shared", bounds_check=False)
    value = row[i] * 2.0
    total = wp.tile_sum(wp.tile(value, preserve_type=True))
    most = wp.tile_reduce(wp.max, line)
    largest = most[0] * 2.0
    out[i] = wp.untile(wp.tile(largest))
    scaled = wp.tile_map(wp.mul, line, -1.0)
    made = wp.tile_load(square, shape=(4, 4))
    wp.tile_matmul(made, wp.tile_transpose(made), made)
    wp.tile_matmul(made, made, made, alpha=-1.0)
    made[1, i % 4] = 2.0 * scaled[0]
    wp.tile_store(square, wp.tile_cholesky(made), offset=(i, 0))
    wp.tile_atomic_add(out, scaled, offset=i)
    wp.tile_store(out, total, offset=i)


@wp.func_native("return (uint64_t)values.data;")
def address_of(values: wp.array(dtype=float)) -> wp.uint64: ...


@wp.kernel
def makes_arrays(count: int, out: wp.array(dtype=float)):
    seen = wp.array(ptr=address_of(out), shape=(count, 2), dtype=wp.float32)
    own = wp.zeros(shape=4, dtype=float)
    own[1] = seen[0, 1]
    out[0] = own[1]


def test_a_tile_is_loaded_and_stored_at_an_offset() -> None:
    made = read(loads_from_an_offset)
    assert parse(render(made)) == made
    assert "value" in check(loads_from_an_offset, oracles=["value"], scripts=None).passed


@pytest.mark.parametrize(
    ("kernel", "reason"), [(works_together, "cooperation of a block"), (makes_arrays, "array of the kernel's own")]
)
def test_what_is_not_computed_is_said(kernel: Any, reason: str) -> None:
    made = read(kernel)
    assert parse(render(made)) == made
    with pytest.raises(NotJudged, match=reason):
        check(kernel, oracles=["value"], scripts=None)


TABLE = ((0, 2), (1, 3), (2, 5))


@wp.kernel
def unrolls(vectors: wp.array(dtype=wp.vec3), out: wp.array(dtype=float)):
    i = wp.tid()
    total = float(0.0)  # noqa: UP018
    for j in range(wp.static(len(TABLE))):
        total += vectors[i][wp.static(TABLE[j][0])] * float(j) * wp.static(float(TABLE[j][1]))
    out[i] = total * wp.static((1.0 + 2.0**2) ** 0.5)


def test_a_loop_over_a_table_is_its_copies() -> None:
    made = read(unrolls)
    assert not any(isinstance(node, n.For) for node in made.body)
    assert "value" in check(unrolls, oracles=["value"], scripts=None).passed


vec6 = wp.types.vector(length=6, dtype=float)


@wp.kernel
def fills(out: wp.array(dtype=vec6)):
    out[wp.tid()] = vec6(2.0)


def test_a_vector_of_six_is_filled_with_a_number() -> None:
    assert parse(render(read(fills))) == parse(fills)
    assert "value" in check(fills, oracles=["value"], scripts=None).passed
