"""The gradient oracle under other options: a defect that only an option shows is caught, and told with that option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from code_generator import Patch, around_loops, codegen

from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.recognised import BUGS
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.judge import judge_again
from kernelfuzz.oracles.option_sets import OPTION_SETS, OptionSet, available, option_sets_of_gradients
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render

CPU = BuildSetting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))
KERNEL = parse("""
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    y = x[i] * x[i]
    for k in range(3):
        y = y + x[k]
    out[i] = y
""")
CASE = Case(KERNEL, Launch((3,), {"x": np.array([1.0, 2.0, 3.0]), "out": np.zeros(3)}))
# What it computes from before its loop moves on in it; what it binds there first is read behind it.
MOVING = Case(
    parse("""
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    v = x[0] * wp.float64(3.0)
    w = v * x[1]
    for k in range(1):
        t = w - v
        v = w
        w = t
    out[0] = w
"""),
    Launch((1,), {"x": np.array([2.0, 5.0]), "out": np.zeros(1)}),
)
BOUND = Case(
    parse("""
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    for k in range(2):
        last = x[k]
    out[0] = last
"""),
    MOVING.launch,
)
ROWS = {row.name: row for row in OPTION_SETS if row.gradients and available(row)}


def point(case: Case = CASE) -> gradient.Point:
    made = gradient.prepare_at(case)
    assert isinstance(made, gradient.Point)
    return made


def under(name: str, points: list[gradient.Point], setting: BuildSetting = CPU) -> list[Verdict]:
    return [verdict for _, verdict in gradient.judge_options(points, ROWS[name], setting)]


def lose_products(patch: Patch, option: str, value: Any) -> None:
    """No product has an adjoint where an option has a value."""
    original = codegen().Adjoint.add_reverse

    def add_reverse(adjoint: Any, statement: str) -> None:
        if "adj_mul(" not in statement or adjoint.builder_options.get(option) != value:
            original(adjoint, statement)

    patch.setattr(codegen().Adjoint, "add_reverse", add_reverse)


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_an_option_does_not_change_a_derivative(row: OptionSet) -> None:
    target = row.targets[0]
    setting = CPU if target == "cpu" else BuildSetting("cuda-host", CPU.options, 32, 1)
    (verdict,) = under(row.name, [point()], setting)
    assert (verdict.status, verdict.setting.row) == ("passed", f"options: {row.name}")


def test_a_defect_that_an_option_shows_is_caught(monkeypatch: Patch) -> None:
    lose_products(monkeypatch, "max_unroll", 64)
    assert [verdict.status for verdict in gradient.judge([point()], CPU)] == ["passed"]
    assert [verdict.status for verdict in under("optimization 1", [point()])] == ["passed"]
    (verdict,) = under("more unrolling", [point()])
    assert (verdict.status, verdict.kind) == ("failed", "wrong gradient")
    assert judge_again([CASE], verdict) == [verdict]


def test_loops_that_an_option_does_not_unroll_are_judged(monkeypatch: Patch) -> None:
    around_loops(monkeypatch, lambda adjoint: adjoint.blocks[-1].body_reverse.clear(), lambda around: around)
    assert [verdict.status for verdict in gradient.judge([point()], CPU)] == ["passed"]
    for name in ("no unrolling", "unrolling once"):
        (verdict,) = under(name, [point()])
        assert (verdict.status, verdict.kind, verdict.bugs) == ("failed", "wrong gradient", ())


def test_known_bugs_of_dynamic_loops_are_told_by_the_option() -> None:
    points = [point(MOVING), point(BOUND)]
    assert [verdict.status for verdict in gradient.judge(points, CPU)] == ["passed", "passed"]
    moving, bound = under("no unrolling", points)
    assert (bound.status, bound.bugs) == ("known", ("local-of-a-loop-has-no-gradient",))
    assert (moving.status, moving.bugs) == ("failed", ())
    assert explained_by(MOVING, moving, ["sum-changes-what-an-adjoint-reads"], judge_again) is not None
    once = under("unrolling once", points)
    assert [(verdict.status, verdict.bugs) for verdict in once] == [("passed", ()), ("known", bound.bugs)]


LEFT = """
import warp as wp


@wp.func
def first(x: wp.array(dtype=wp.float64)):
    for k in range(3):
        if k == {at}:
            return x[k] * x[k]
    return x[2] * wp.float64(3.0)


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    out[i] = first(x) * x[i]
"""
CARRYING = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    z = x[0] * wp.float64(2.0)
    for k in range(3):
        z = z {op} x[k]
        if k == {at}:
            return
        out[k] = z
"""


def of_text(text: str) -> Case:
    return Case(parse(text), Launch((1,), {"x": np.array([2.0, 3.0, 5.0]), "out": np.zeros(3)}))


def test_each_return_of_a_loop_adds_to_the_gradient() -> None:
    points = [point(of_text(LEFT.format(at=at))) for at in (0, 1, 3)]
    assert [verdict.status for verdict in gradient.judge(points, CPU)] == ["passed"] * 3
    known = ("known", ("leaving-a-dynamic-loop",))
    for name in ("no unrolling", "unrolling once"):
        assert [(each.status, each.bugs) for each in under(name, points)] == [known, known, ("passed", ())]


def test_another_defect_of_a_loop_that_is_left_is_not_known(monkeypatch: Patch) -> None:
    lose_products(monkeypatch, "max_unroll", 1)
    points = [point(of_text(LEFT.format(at=at))) for at in (1, 3)]
    for verdict in under("unrolling once", points):
        assert (verdict.status, verdict.kind, verdict.bugs) == ("failed", "wrong gradient", ())


def test_iterations_that_never_ran_are_not_judged_by_what_they_carry() -> None:
    left, run = (point(of_text(CARRYING.format(op="*", at=at))) for at in (1, 3))
    assert [verdict.status for verdict in gradient.judge([left, run], CPU)] == ["passed", "passed"]
    found = under("unrolling once", [left, run])
    assert [(verdict.status, verdict.reason) for verdict in found[:1]] == [("skipped", gradient.STRAY)]
    assert not found[1].reason.startswith("known")


SKIPPED = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    for k in range(3):
        if k == {at}:
            return
        out[k] = x[k] * x[k]
    out[1] = x[2] / (x[0] - wp.float64(2.0))
    out[2] = x[1]
"""


def test_what_has_no_derivative_where_it_never_ran_is_not_judged() -> None:
    (verdict,) = under("unrolling once", [point(of_text(SKIPPED.format(at=1)))])
    assert (verdict.status, verdict.reason) == ("skipped", gradient.STRAY)


def test_a_defect_of_a_loop_that_carries_and_ends_is_told(monkeypatch: Patch) -> None:
    """Nothing strays where no iteration is left out, or where it adds nothing."""
    text = CARRYING.format(op="+", at=3)
    around_loops(monkeypatch, lambda adjoint: adjoint.blocks[-1].body_reverse.clear(), lambda around: around)
    (verdict,) = under("unrolling once", [point(of_text(text))])
    assert (verdict.status, verdict.bugs) == ("failed", ())


SHAPED = Case(
    parse("""
import warp as wp


@wp.func
def width(x: wp.array2d(dtype=wp.float64)):
    return x.shape[1]


@wp.kernel
def kernel(x: wp.array2d(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    out[i] = x[i, 0] * x[i, x.shape[1] - 1] + wp.float64(width(x) + x.shape[0])
"""),
    Launch((2,), {"x": np.array([[2.0, 5.0, 3.0], [7.0, 1.0, 4.0]]), "out": np.zeros(2)}),
)


def test_what_reads_a_shape_is_judged_in_a_debug_build() -> None:
    ((case, verdict),) = gradient.judge_options([point(SHAPED)], ROWS["debug"], CPU)
    assert (verdict.status, verdict.setting.options[-2:]) == ("passed", (("mode", "debug"), ("optimization_level", 0)))
    # Warp ends the process of a kernel with the attribute (shape-empties-a-gradient).
    assert "shape" in render(SHAPED.kernel)
    assert "shape" not in render(case.kernel)
    assert judge_again([case], verdict) == [verdict]


def test_another_defect_of_a_kernel_that_reads_a_shape_is_not_known(monkeypatch: Patch) -> None:
    lose_products(monkeypatch, "mode", "debug")
    assert [verdict.status for verdict in under("optimization 1", [point(SHAPED)])] == ["passed"]
    ((case, verdict),) = gradient.judge_options([point(SHAPED)], ROWS["debug"], CPU)
    assert (verdict.status, verdict.kind, verdict.bugs) == ("failed", "wrong gradient", ())
    assert judge_again([case], verdict) == [verdict]
    assert explained_by(case, verdict, BUGS, judge_again) is None


def test_each_target_has_rows() -> None:
    assert {row.name for row in option_sets_of_gradients("cpu")} < {
        row.name for row in option_sets_of_gradients("cuda-host")
    }
