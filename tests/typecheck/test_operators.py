"""The table of operators: what it says, and that the installed Warp generates and compiles all of it."""

from __future__ import annotations

import itertools

import pytest

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import (
    Assign,
    AugAssign,
    Binary,
    Call,
    Compare,
    Expr,
    Index,
    Kernel,
    Name,
    Param,
    Unary,
)
from kernelfuzz.typecheck.operators import (
    BINARY,
    EQUALITY,
    ORDER,
    UNARY,
    augmented_allowed,
    binary_operands,
    binary_result,
    compare_allowed,
    unary_operands,
    unary_result,
)
from kernelfuzz.typecheck.patterns import solutions
from kernelfuzz.typecheck.verify import verify

VEC2, VEC3, VEC3I = t.Vector(2, t.FLOAT32), t.Vector(3, t.FLOAT32), t.Vector(3, t.INT32)
MAT23, MAT32, MAT33 = t.Matrix(2, 3, t.FLOAT32), t.Matrix(3, 2, t.FLOAT32), t.Matrix(3, 3, t.FLOAT32)
QUAT, TRANSFORM = t.Quaternion(t.FLOAT32), t.Transform(t.FLOAT32)


@pytest.mark.parametrize(
    ("op", "left", "right", "result"),
    [
        ("+", t.INT32, t.INT32, t.INT32),
        ("+", t.INT32, t.FLOAT32, None),
        ("+", t.BOOL, t.BOOL, None),
        ("/", t.INT32, t.INT32, t.INT32),
        ("//", t.FLOAT16, t.FLOAT16, t.FLOAT16),
        ("**", t.INT32, t.INT32, None),
        ("**", t.FLOAT64, t.FLOAT64, t.FLOAT64),
        ("&", t.UINT32, t.UINT32, t.UINT32),
        ("&", t.FLOAT32, t.FLOAT32, None),
        ("<<", t.INT8, t.INT8, t.INT8),
        ("<<", t.INT8, t.INT32, None),
        ("*", VEC3, t.FLOAT32, VEC3),
        ("*", t.FLOAT32, VEC3, VEC3),
        ("*", VEC3, VEC3, None),
        ("*", VEC3, t.FLOAT64, None),
        ("/", t.FLOAT32, VEC3, VEC3),
        ("%", VEC3, VEC3, VEC3),
        ("//", VEC3, VEC3, None),
        ("&", VEC3I, VEC3I, VEC3I),
        ("+", VEC3, t.FLOAT32, None),
        ("*", MAT23, VEC3, VEC2),
        ("*", VEC2, MAT23, VEC3),
        ("*", MAT23, VEC2, None),
        ("*", MAT32, MAT23, MAT33),
        ("@", MAT32, MAT23, MAT33),
        ("@", t.FLOAT32, t.FLOAT32, None),
        ("*", MAT23, MAT23, None),
        ("*", QUAT, QUAT, QUAT),
        ("*", QUAT, VEC3, None),
        ("/", QUAT, t.FLOAT32, QUAT),
        ("*", TRANSFORM, TRANSFORM, TRANSFORM),
        ("/", TRANSFORM, t.FLOAT32, None),
    ],
)
def test_binary_result(op: str, left: t.Type, right: t.Type, result: t.Type | None) -> None:
    assert binary_result(op, left, right) == result


@pytest.mark.parametrize(
    ("op", "operand", "result"),
    [
        ("-", t.UINT32, t.UINT32),
        ("-", t.BOOL, None),
        ("~", t.INT32, t.INT32),
        ("~", t.FLOAT32, None),
        ("~", VEC3I, VEC3I),
        ("not", t.BOOL, t.BOOL),
        ("not", t.INT32, t.BOOL),
        ("not", t.FLOAT32, None),
        ("+", QUAT, QUAT),
        ("-", TRANSFORM, None),
    ],
)
def test_unary_result(op: str, operand: t.Type, result: t.Type | None) -> None:
    assert unary_result(op, operand) == result


@pytest.mark.parametrize(
    ("op", "left", "right", "allowed"),
    [
        ("<", t.INT32, t.INT32, True),
        ("<", t.INT32, t.UINT32, False),
        ("<", t.BOOL, t.BOOL, False),
        ("!=", t.BOOL, t.BOOL, True),
        ("==", VEC3, VEC3, True),
        ("!=", VEC3, VEC3, False),
        ("<", VEC3, VEC3, False),
        ("==", VEC3, VEC2, False),
        ("==", TRANSFORM, TRANSFORM, True),
        ("==", t.Struct("S", ()), t.Struct("S", ()), False),
        ("in", t.INT32, t.INT32, False),
    ],
)
def test_compare_allowed(op: str, left: t.Type, right: t.Type, allowed: bool) -> None:
    assert compare_allowed(op, left, right) is allowed


@pytest.mark.parametrize(
    ("op", "target", "value", "allowed"),
    [
        ("+", t.FLOAT32, t.FLOAT32, True),
        ("*", VEC3, t.FLOAT32, True),
        ("*", t.FLOAT32, VEC3, False),
        ("*", VEC2, MAT23, False),
        ("*", VEC3, MAT33, True),
        ("&", t.FLOAT32, t.FLOAT32, False),
    ],
)
def test_augmented_allowed(op: str, target: t.Type, value: t.Type, allowed: bool) -> None:
    assert augmented_allowed(op, target, value) is allowed


def _some_types() -> list[t.Type]:
    scalars = [t.BOOL, *t.NUMBERS]
    vectors = [t.Vector(n, dtype) for dtype in t.NUMBERS for n in (2, 3, 5)]
    matrices = [t.Matrix(r, c, dtype) for dtype in (t.FLOAT32, t.INT8) for r in (2, 3, 5) for c in (2, 4)]
    return [*scalars, *vectors, *matrices, *map(t.Quaternion, t.FLOATS), *map(t.Transform, t.FLOATS)]


@pytest.mark.parametrize("result", _some_types(), ids=str)
def test_operands_give_the_result_that_they_are_listed_for(result: t.Type) -> None:
    for op, left, right in binary_operands(result):
        assert binary_result(op, left, right) == result
    for op, operand in unary_operands(result):
        assert unary_result(op, operand) == result


def test_operands_are_complete_over_the_small_shapes() -> None:
    """Whatever two small values give is listed under its result."""
    types = [t.FLOAT32, t.INT32, VEC2, VEC3, MAT23, MAT32, MAT33, QUAT, TRANSFORM]
    for op, (left, right) in itertools.product({rule.op for rule in BINARY}, itertools.product(types, repeat=2)):
        result = binary_result(op, left, right)
        assert result is None or (op, left, right) in binary_operands(result)


def test_the_simplest_operands_come_first() -> None:
    assert [op for op, _, _ in binary_operands(t.INT32)][:3] == ["+", "-", "*"]
    assert binary_operands(VEC3)[0] == ("+", VEC3, VEC3)
    assert binary_operands(t.BOOL) == ()
    assert unary_operands(t.BOOL)[0] == ("not", t.BOOL)


# ---------------------------------------------------------------- what Warp does


def _arrays(types: list[t.Type]) -> list[Name]:
    arrays = []
    for position, type_ in enumerate(types):
        assert not isinstance(type_, (t.Array, t.Tuple, t.Tile))
        arrays.append(Name(f"a{position}", t.Array(type_)))
    return arrays


def _element(array: Name) -> Index:
    assert isinstance(array.type, t.Array)
    return Index(array, (Name("i", t.INT32),), array.type.dtype)


def _kernel(number: int, operands: tuple[t.Type, ...], result: t.Type, op: str) -> Kernel:
    """``out[i] = a0[i] op a1[i]``, and ``out[i] op= a1[i]`` where that is allowed."""
    *sources, out = _arrays([*operands, result])
    values = [_element(array) for array in sources]
    if len(values) == 1:
        value: Expr = Unary(op, values[0], result)
    elif op in (*EQUALITY, *ORDER):
        value = Compare(values[0], (op,), (values[1],))
    else:
        value = Binary(op, values[0], values[1], result)
    body = [Assign(Name("i", t.INT32), Call("tid", (), t.INT32)), Assign(_element(out), value)]
    if len(values) == 2 and operands[0] == result and augmented_allowed(op, *operands):
        body.append(AugAssign(_element(out), op, values[1]))  # pyright: ignore[reportArgumentType]
    params = tuple(Param(array.id, array.type) for array in (*sources, out))
    return Kernel(f"operator_{number}", params, tuple(body))


def _every_kernel() -> list[Kernel]:
    uses: dict[tuple, None] = {}
    for rule in (*BINARY, *UNARY):
        by_dtype = {str(solution.params).translate(DIGITS): solution for solution in solutions(rule.pattern)}
        for solution in by_dtype.values():
            uses[(solution.params, solution.result, rule.op)] = None
    for type_ in [
        t.BOOL,
        *t.NUMBERS,
        *(t.Vector(3, dtype) for dtype in t.INTEGERS + t.FLOATS),
        MAT23,
        QUAT,
        TRANSFORM,
    ]:
        for op in (*EQUALITY, *ORDER):
            if compare_allowed(op, type_, type_):
                uses[((type_, type_), t.BOOL, op)] = None
    return [_kernel(number, *use) for number, use in enumerate(uses)]


# Leaves one of each family of shapes: the sizes of a type in its text become one letter.
DIGITS = str.maketrans({"2": "n", "3": "n", "4": "n"})


def _source(kernels: list[Kernel]) -> str:
    """One source with all the kernels; the lines around them are the same for all."""
    from kernelfuzz.syntax.render import render

    seen: dict[str, None] = {}
    for kernel in kernels:
        for part in render(kernel).strip().split("\n\n\n"):
            for piece in [part] if "@wp.kernel" in part else part.split("\n"):
                seen[piece] = None
    return "\n\n".join(sorted(seen, key=lambda part: "@wp.kernel" in part)) + "\n"


def test_every_operator_verifies() -> None:
    for kernel in _every_kernel():
        verify(kernel)


def test_every_operator_lowers_on_both_devices() -> None:
    from kernelfuzz.toolchain import Failure
    from kernelfuzz.toolchain.lower import lower_devices

    kernels = _every_kernel()
    assert len(kernels) > 300
    for lowering in lower_devices(_source(kernels)).values():
        assert not isinstance(lowering, Failure), lowering
        assert len(lowering.kernels) == len(kernels)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cpu", "ptx"])
def test_every_operator_compiles(target: str) -> None:
    from kernelfuzz.toolchain import Failure
    from kernelfuzz.toolchain.build import build
    from kernelfuzz.toolchain.lower import lower

    kernels = _every_kernel()
    for start in range(0, len(kernels), 100):
        lowering = lower(_source(kernels[start : start + 100]), "cpu" if target == "cpu" else "cuda")
        assert not isinstance(lowering, Failure), lowering
        built = build(lowering, target, 75)  # pyright: ignore[reportArgumentType]
        assert not isinstance(built, Failure), built
