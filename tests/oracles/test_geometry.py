"""Builtins of points that Python scope does not have: their values are compared, and what is documented is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from code_generator import forward

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.types import FLOAT32, FLOAT64, Matrix, Scalar, Vector
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import CaseOutcome, Checks
from kernelfuzz.reference import builtin_values
from kernelfuzz.reference.closed_forms import geometry
from kernelfuzz.reference.promised_calls import broken, known
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck.builtins import Signature, resolve

Points = np.ndarray[Any, Any]

TRIANGLES = """
import warp as wp


@wp.kernel
def kernel(a: wp.array2d(dtype=wp.vec3), out0: wp.array(dtype=int)):
    i = wp.tid()
    out0[i] = 2 * wp.intersect_tri_tri(a[i, 0], a[i, 1], a[i, 2], a[i, 3], a[i, 4], a[i, 5])
"""
EDGES = """
import warp as wp


@wp.kernel
def kernel(a: wp.array2d(dtype=wp.vec3), out0: wp.array(dtype=wp.vec3)):
    i = wp.tid()
    out0[i] = 2.0 * wp.closest_point_edge_edge(a[i, 0], a[i, 1], a[i, 2], a[i, 3], 0.001)
"""
PARTS = """
import warp as wp


@wp.kernel
def kernel(a: wp.array2d(dtype=wp.mat44), out0: wp.array(dtype=wp.vec3)):
    i = wp.tid()
    p, q, s = wp.transform_decompose(a[i, 0])
    out0[i] = wp.quat_rotate(q, p) + s
"""
FLAT: Points = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0]], float)
APART: Points = np.array([*FLAT, *(FLAT + np.array([0, 0, 1]))])
CROSSED: Points = np.array([*FLAT, [1, 1, -1], [1, 1, 2], [5, 1, 1]], float)
WITHIN: Points = np.array([*FLAT, *(FLAT / 4 + np.array([0.5, 0.5, 0]))])
# A square kilometre 1 m above another, and a square centimetre 1 mm above another.
SMALL: Points = APART * [0.0025, 0.0025, 0.001]
LARGE: Points = np.array([[-1, -1, 0], [2, 0, 0], [0, 2, 0], [1, 3, 1], [2, 3, -1], [2, 4, 0.5]]) * 1000
EDGE_PAIRS: Points = np.array(
    [[[0, 0, 0], [4, 0, 0], [1, -1, 1], [1, 3, 1]], [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 3, 1]]], float
)
SCALED: Points = np.array([[[[0, -2, 0, 1], [1, 0, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1]]]], float)


def case(source: str, points: Points) -> Case:
    kernel = parse(source)
    size = len(points)
    out = np.zeros(size, np.int32) if source == TRIANGLES else np.zeros((size, 3), np.float32)
    return Case(kernel, Launch((size,), {"a": points.astype(np.float32), "out0": out}))


def judged(of: Case) -> CaseOutcome:
    (outcome,) = judge_cases([of], Checks(("value",), ("cpu",)), launch_given=True)
    return outcome


def told(of: Case) -> list[tuple[str, str]]:
    return [(verdict.status, verdict.kind) for verdict in judged(of).verdicts]


CASES = {
    "triangles": case(TRIANGLES, np.array([APART, CROSSED, WITHIN])),
    "edges": case(EDGES, EDGE_PAIRS),
    "parts": case(PARTS, SCALED),
}
# What the statement of the call has instead.
DEFECTS: dict[str, Callable[[str], str]] = {
    "triangles": lambda text: text.replace("wp::intersect_tri_tri(", "1 - wp::intersect_tri_tri("),
    "edges": lambda text: re.sub(r"(closest_point_edge_edge)\((\w+), (\w+),", r"\1(\3, \2,", text),
    "parts": lambda text: text.replace("wp::sqrt(", "wp::abs("),
}


@pytest.mark.parametrize("name", CASES)
def test_the_outputs_are_compared(name: str) -> None:
    outcome = judged(CASES[name])
    assert [verdict.status for verdict in outcome.verdicts] == ["passed"]
    assert outcome.counts.compared == 1


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_call_is_a_wrong_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forward(monkeypatch, lambda text, replay: (DEFECTS[name](text), replay))
    assert told(CASES[name]) == [("failed", "wrong value")]


def test_what_warp_and_the_reference_get_wrong_alike_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    forward(
        monkeypatch, lambda text, replay: (text.replace("wp::intersect_tri_tri(", "0 * wp::intersect_tri_tri("), replay)
    )
    monkeypatch.setattr(geometry, "_intervals_meet", lambda first, second: 0)  # pyright: ignore
    assert told(case(TRIANGLES, np.array([APART]))) == [("passed", "")]
    assert told(case(TRIANGLES, np.array([APART, CROSSED]))) == [("passed", ""), ("failed", "broken promise")]


@pytest.mark.parametrize(
    ("bug", "points"), [("small-triangles-intersect", SMALL), ("large-triangles-intersect", LARGE)]
)
def test_a_known_bug_is_named(bug: str, points: Points) -> None:
    (passed, broken_promise) = judged(case(TRIANGLES, np.array([APART, points]))).verdicts
    assert passed.status == "passed"
    assert (broken_promise.status, broken_promise.kind, broken_promise.bugs) == ("known", "broken promise", (bug,))


REFLECTED: Points = SCALED @ np.diag([-1, 1, 1, 1])


def test_a_reflection_is_told_as_one() -> None:
    (passed, broken_promise) = judged(case(PARTS, np.concatenate([SCALED, REFLECTED]))).verdicts
    assert passed.status == "passed"
    assert (broken_promise.status, broken_promise.bugs) == ("known", ("reflection-is-not-decomposed",))


@pytest.mark.parametrize("matrix", [REFLECTED[0, 0], SCALED[0, 0] @ np.diag([1, 0, 1, 1])], ids=["negative", "zero"])
def test_another_defect_at_a_reflection_is_not_known(matrix: Points) -> None:
    signature = resolve("transform_decompose", (Matrix(4, 4, FLOAT64),))
    assert signature is not None
    p, q, s = builtin_values.call(signature, (matrix,))
    assert broken(signature, [matrix], [p, q, s]) is not None
    assert known(signature, [matrix], [p, q, s]) == "reflection-is-not-decomposed"
    for wrong in ([p + 1, q, s], [p, 2 * q, s], [p, q, 2 * s]):
        assert broken(signature, [matrix], wrong) is not None
        assert known(signature, [matrix], wrong) is None


def triangles(scalar: Scalar = FLOAT32) -> Signature:
    found = resolve("intersect_tri_tri", (Vector(3, scalar),) * 6)
    assert found is not None
    return found


def edges() -> Signature:
    found = resolve("closest_point_edge_edge", (*(Vector(3, FLOAT32),) * 4, FLOAT32))
    assert found is not None
    return found


@pytest.mark.parametrize("scalar", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize(("points", "right"), [(APART, 0), (APART[::-1] * 100, 0), (CROSSED, 1), (CROSSED / 8, 1)])
def test_a_wrong_answer_about_triangles_is_not_known(points: Points, right: int, scalar: Scalar) -> None:
    assert broken(triangles(scalar), points.tolist(), [right]) is None
    for wrong in (1 - right, 2, -1):
        assert broken(triangles(scalar), points.tolist(), [wrong]) is not None
        assert known(triangles(scalar), points.tolist(), [wrong]) is None


@pytest.mark.parametrize("points", [WITHIN, np.zeros((6, 3)), np.repeat(APART[:2], 3, axis=0)])
def test_nothing_is_asked_of_triangles_that_touch_or_are_none(points: Points) -> None:
    assert all(broken(triangles(), points.tolist(), [answer]) is None for answer in (0, 1))


@pytest.mark.parametrize(
    ("at", "right", "wrong"),
    [
        (0, [0.25, 0.25, 1], [[0.26, 0.25, 1], [0.25, 0.25, 1.01], [0.5, 0.25, 2**0.5], [1.25, 0.25, 1], [np.nan] * 3]),
        (1, [0, 0, 1], [[0.5, 0, 1], [0, 0.25, 1.25], [0, 0, 0.9]]),
    ],
)
def test_a_wrong_answer_about_edges_breaks_a_promise(at: int, right: list[float], wrong: list[list[float]]) -> None:
    given = [*EDGE_PAIRS[at].tolist(), 0.001]
    assert broken(edges(), given, [right]) is None
    assert all(broken(edges(), given, [each]) is not None for each in wrong)
