"""Builtins that are documented for rotations: of what is none they have no defined result, and no derivative."""

from __future__ import annotations

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.request import draw_case
from kernelfuzz.reference.undefined import NO_ROTATION, NO_SCALED_ROTATION
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.options import check_options
from kernelfuzz.syntax.parse import parse


def taking(builtin: str, rows: int, result: str) -> Kernel:
    return parse(f"""
import warp as wp


@wp.kernel
def kernel(m: wp.array(dtype=wp.mat{rows}{rows}d), out: wp.array(dtype=wp.{result})):
    out[0] = wp.{builtin}(m[0])
""")


KERNELS = [
    taking("quat_from_matrix", 3, "quatd"),
    taking("quat_from_matrix", 4, "quatd"),
    taking("transform_from_matrix", 4, "transformd"),
]
TURNED = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
NO_ROTATIONS = [
    np.zeros((3, 3)),
    np.diag([1.0, 1.0, -1.0]),  # a reflection
    2.0 * TURNED,
    TURNED + np.eye(3)[[2, 0, 1]] * 1e-3,
    np.full((3, 3), np.nan),
]


def computed(kernel: Kernel, matrix: np.ndarray) -> np.ndarray:
    rows = kernel.params[0].type.dtype.rows  # pyright: ignore
    given = np.full((rows, rows), 7.0)
    given[:3, :3] = matrix
    size = 7 if "transform" in str(kernel) else 4
    out = reference.run(kernel, Launch((1,), {"m": given[None], "out": np.zeros((1, size))}))["out"]
    assert isinstance(out, np.ndarray)
    return out[0]


@pytest.mark.parametrize("kernel", KERNELS, ids=range(3))
def test_a_rotation_has_its_quaternion(kernel: Kernel) -> None:
    half = np.arctan2(0.8, 0.6) / 2
    assert computed(kernel, TURNED)[-4:] == pytest.approx([0.0, 0.0, np.sin(half), np.cos(half)])


@pytest.mark.parametrize("kernel", KERNELS, ids=range(3))
def test_anything_else_is_undefined(kernel: Kernel) -> None:
    for matrix in NO_ROTATIONS:
        with pytest.raises(reference.Undefined) as caught:
            computed(kernel, matrix)
        assert caught.value.reason == NO_ROTATION


PARTS = parse("""
import warp as wp


@wp.kernel
def kernel(m: wp.array(dtype=wp.mat44d), out: wp.array(dtype=wp.float64)):
    p, q, s = wp.transform_decompose(m[0])
    for k in range(4):
        out[k] = q[k]
    for k in range(3):
        out[4 + k] = s[k]
        out[7 + k] = p[k]
""")


def parts(matrix: np.ndarray) -> list[float]:
    given = np.full((4, 4), 7.0)
    given[:3, :3] = matrix
    out = reference.run(PARTS, Launch((1,), {"m": given[None], "out": np.zeros(10)}))["out"]
    assert isinstance(out, np.ndarray)
    return out.tolist()


@pytest.mark.parametrize("scales", [[1.0, 1.0, 1.0], [2.0, 3.0, 0.5], [1e-160, 1.0, 1e100]], ids=str)
def test_a_scaled_rotation_has_its_parts(scales: list[float]) -> None:
    half = np.arctan2(0.8, 0.6) / 2
    # The squares of the first of the last scales are zero.
    assert parts(TURNED * scales)[7:] == [7.0] * 3
    if min(scales) > 1e-100:
        assert parts(TURNED * scales)[:7] == pytest.approx([0.0, 0.0, np.sin(half), np.cos(half), *scales])


@pytest.mark.parametrize("scales", [[-1.0, 2.0, 3.0], [-1.0, -2.0, 3.0], [0.0, 2.0, 3.0], [0.0, 0.0, 0.0]], ids=str)
def test_scales_of_any_sign_are_documented(scales: list[float]) -> None:
    assert parts(TURNED * scales)[4:7] == pytest.approx(np.abs(scales))


@pytest.mark.parametrize(
    "matrix",
    [
        TURNED @ np.diag([2.0, 3.0, 1.0]) @ TURNED,  # scaled along other axes
        TURNED + np.eye(3)[[2, 0, 1]] * 1e-3,
        np.full((3, 3), 1.0),
        np.diag([1.0, np.nan, 1.0]),
        np.diag([1.0, np.inf, 1.0]),
    ],
    ids=["scaled first", "off", "singular", "NaN", "infinite"],
)
def test_any_other_matrix_has_no_parts(matrix: np.ndarray) -> None:
    with pytest.raises(reference.Undefined) as caught:
        parts(matrix)
    assert caught.value.reason == NO_SCALED_ROTATION


GROWING = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    c = wp.cos(x[0])
    s = wp.sin(x[0])
    a = x[0] * x[0]{sign}
    zero = wp.float64(0.0)
    m = wp.mat44d(
        c * a, -s, zero, x[0], s * a, c, {off}, zero, zero, zero, x[0], zero, zero, zero, zero, wp.float64(1.0)
    )
    p, q, t = wp.transform_decompose(m)
    out[0] = q[2]
    out[1] = t[0]
    out[2] = p[0] + t[2]
"""


def test_scales_and_rotations_move_together() -> None:
    kernel = parse(GROWING.format(sign="", off="zero"))
    launch = Launch((1,), {"x": np.array([0.5]), "out": np.zeros(3)})
    for at, wanted in enumerate([np.cos(0.25) / 2, 1.0, 2.0]):
        seeds = {"out": np.eye(3)[at]}
        assert np.asarray(gradient.gradient(kernel, launch, seeds)["x"])[0] == pytest.approx(wanted)


@pytest.mark.parametrize(("sign", "off"), [("", "x[0] - wp.float64(0.5)"), (" - wp.float64(1.0)", "zero")])
def test_what_shears_or_reflects_has_no_derivative(sign: str, off: str) -> None:
    kernel = parse(GROWING.format(sign=sign, off=off))
    launch = Launch((1,), {"x": np.array([0.5]), "out": np.zeros(3)})
    with pytest.raises(reference.NotDifferentiable):
        gradient.gradient(kernel, launch, {"out": np.ones(3)})


SPINNING = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    c = wp.cos(x[0])
    s = {sine}
    one = wp.float64(1.0)
    zero = wp.float64(0.0)
    m = wp.matrix_from_cols(wp.vec3d(c, s, zero), wp.vec3d(-s, c, zero), wp.vec3d(zero, zero, one))
    out[0] = wp.quat_from_matrix(m)[2]
"""


def test_what_moves_among_the_rotations_has_a_derivative() -> None:
    kernel = parse(SPINNING.format(sine="wp.sin(x[0])"))
    launch = Launch((1,), {"x": np.array([0.5]), "out": np.zeros(1)})
    found = gradient.gradient(kernel, launch, {"out": np.ones(1)})["x"]
    assert np.asarray(found)[0] == pytest.approx(np.cos(0.25) / 2)


def test_what_leaves_them_has_none() -> None:
    # The sine stands still: the matrix is a rotation at the launch, and at no other.
    kernel = parse(SPINNING.format(sine="wp.float64(0.479425538604203)"))
    launch = Launch((1,), {"x": np.array([0.5]), "out": np.zeros(1)})
    with pytest.raises(reference.NotDifferentiable):
        gradient.gradient(kernel, launch, {"out": np.ones(1)})


def test_kernels_are_drawn_at_rotations() -> None:
    options = check_options(include=("quaternion", "transform", "matrix"))
    names = {"quat_from_matrix", "transform_from_matrix", "transform_decompose"}
    cases = [draw_case(options, 5, index) for index in range(120)]
    asked = [case for case in cases if builtins_used(case.kernel) & names]
    undefined = 0
    for case in asked:
        try:
            reference.run(case.kernel, case.launch)
        except reference.Undefined as found:
            undefined += found.reason in (NO_ROTATION, NO_SCALED_ROTATION)
    assert len(asked) > 20
    assert undefined <= len(asked) // 5
    points = [gradient.prepare(case.kernel, SeededChoices(1, at)) for at, case in enumerate(asked[:8])]
    assert sum(isinstance(point, gradient.Point) for point in points) > 3
