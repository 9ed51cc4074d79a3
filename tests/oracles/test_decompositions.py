"""Gradients of builtins without a closed form: judged where they are documented, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.types import Array, Matrix, Quaternion, Vector, shape
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.gradient import Point
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference.closed_forms import form
from kernelfuzz.reference.smooth_domains import SMOOTH_DOMAINS
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain.programs import Program
from kernelfuzz.typecheck.builtins import BUILTINS, instances

CPU = BuildSetting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))
TEXT = """import warp as wp


@wp.kernel
def kernel({params}):
    {body}
"""
COMPOSITE = (Matrix, Quaternion, Vector)
ARRAY = "{}: wp.array(dtype=wp.{})"
M33, Q4 = ("a", "mat33d"), ("a", "quatd")
PARAMS = {
    "svd2": (("a", "mat22d"), ("u", "mat22d"), ("s", "vec2d"), ("v", "mat22d")),
    "svd3": (M33, ("u", "mat33d"), ("s", "vec3d"), ("v", "mat33d")),
    "qr3": (M33, ("q", "mat33d"), ("r", "mat33d")),
    "eig3": (M33, ("q", "mat33d"), ("d", "vec3d")),
    "quat_slerp": (Q4, ("b", "quatd"), ("t", "float64"), ("out", "quatd")),
}
BODIES = {
    "svd2": "x, y, z = wp.svd2(a[0])\n    u[0] = x\n    s[0] = y\n    v[0] = z",
    "svd3": "x, y, z = wp.svd3(a[0])\n    u[0] = x\n    s[0] = y\n    v[0] = z",
    "qr3": "x, y = wp.qr3(a[0])\n    q[0] = x\n    r[0] = y",
    "eig3": "x, y = wp.eig3(a[0] + wp.transpose(a[0]))\n    q[0] = x\n    d[0] = y",
    "quat_slerp": "out[0] = wp.quat_slerp(wp.normalize(a[0]), wp.normalize(b[0]), t[0])",
}
ANY = "x, y = wp.eig3(a[0])\n    q[0] = x\n    d[0] = y"
_PLAIN = [[2.0, 0.5, -0.25], [1.0, -1.5, 0.75], [0.25, 0.5, 3.0]]
# Arguments in the domain of each; and some that are not, which Warp's own function does not tell.
OPEN = {
    "svd2": {"a": [[2.0, 0.5], [1.0, -1.5]]},
    "svd3": {"a": _PLAIN},
    "qr3": {"a": _PLAIN},
    "eig3": {"a": _PLAIN},
    "quat_slerp": {"a": [0.5, 0.25, -0.5, 1.0], "b": [0.25, 1.0, 0.5, 0.75], "t": 0.375},
}
CLOSED = [
    ("svd2", {"a": [[3.0, 0.0], [0.0, 3.0]]}),
    ("svd2", {"a": [[3.0, 0.0], [0.0, 2.99]]}),
    ("svd2", {"a": [[2.0, 1.0], [4.0, 2.0]]}),
    ("svd3", {"a": np.eye(3)}),
    ("svd3", {"a": np.diag([3.0, 2.0, -2.0])}),
    ("qr3", {"a": [[1.0, 2.0, 3.0], [2.0, 4.0, 7.0], [0.0, 0.0, 1.0]]}),
    ("eig3", {"a": np.zeros((3, 3))}),
    ("eig3", {"a": np.diag([1.0, 3.0, 3.001])}),
    ("quat_slerp", {"a": [1.0, 0.0, 0.0, 0.0], "b": [0.0, 1.0, 0.0, 0.0], "t": 0.375}),
]


def case_of(name: str, inputs: dict[str, Input], body: str = "") -> Case:
    params = ", ".join(ARRAY.format(*each) for each in PARAMS[name])
    kernel = parse(TEXT.format(params=params, body=body or BODIES[name]))
    given: dict[str, Input] = {}
    for param in kernel.params:
        assert isinstance(param.type, Array)
        dtype = param.type.dtype
        zeros = np.zeros(shape(dtype) if isinstance(dtype, COMPOSITE) else ())
        given[param.name] = np.asarray(inputs.get(param.name, zeros), dtype=np.float64)[None]
    return Case(kernel, Launch((1,), given))


def judged(point: Point | Verdict) -> Verdict:
    assert isinstance(point, Point), point.reason
    assert point.tells
    (verdict,) = gradient.judge([point], CPU)
    return verdict


@pytest.mark.parametrize("name", SMOOTH_DOMAINS)
def test_a_gradient_is_judged_where_it_is_documented(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = gradient.prepare_at(case_of(name, OPEN[name]))
    assert judged(point).status == "passed"
    adjoint = Program.adjoint

    def a_little_more(*args: Any, **named: Any) -> dict[str, Any]:
        return {path: 1.001 * np.asarray(value) for path, value in adjoint(*args, **named).items()}

    monkeypatch.setattr(Program, "adjoint", a_little_more)
    assert judged(point).kind == "wrong gradient"


@pytest.mark.parametrize(("name", "inputs"), CLOSED)
def test_a_gradient_is_not_judged_where_none_is_documented(name: str, inputs: dict[str, Input]) -> None:
    found = gradient.prepare_at(case_of(name, inputs))
    assert isinstance(found, Verdict)
    assert found.reason == f"not smooth: {SMOOTH_DOMAINS[name].closed}"


@pytest.mark.parametrize("matrix", [_PLAIN, np.diag([1.0, 2.0, 4.0]), np.zeros((3, 3))])
def test_eigenvalues_are_documented_for_symmetric_matrices(matrix: Input) -> None:
    """An element of an array moves to where it is not symmetric, also where it is."""
    found = gradient.prepare_at(case_of("eig3", {"a": matrix}, ANY))
    assert isinstance(found, Verdict)
    assert found.reason == "not differentiable: documented for symmetric matrices only"


def test_eigenvalues_of_another_matrix_are_judged_in_another_form() -> None:
    kernel = case_of("eig3", {}, ANY).kernel
    found = gradient.prepare(kernel, SeededChoices(0))
    assert judged(found).status == "passed"
    assert isinstance(found, Point)
    assert not found.as_written


def test_rows_are_of_builtins_that_have_a_derivative_but_no_closed_form() -> None:
    found = {row.name for row in BUILTINS if row.differentiable for each in instances(row) if form(each) is None}
    assert SMOOTH_DOMAINS.keys() <= found
    assert all(row.says and row.closed for row in SMOOTH_DOMAINS.values())
