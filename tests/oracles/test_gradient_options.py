"""The gradient oracle under other options: a defect that only an option shows is caught, and told with that option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from code_generator import Patch, around_loops, codegen

from kernelfuzz.findings.known import explained_by
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.judge import judge_again
from kernelfuzz.oracles.option_sets import OPTION_SETS, OptionSet, available, option_sets_of_gradients
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.syntax.parse import parse

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
    (verdict,) = gradient.judge_options([point()], row, setting)
    assert (verdict.status, verdict.setting.transformation) == ("passed", f"options: {row.name}")


def test_a_defect_that_an_option_shows_is_caught(monkeypatch: Patch) -> None:
    lose_products(monkeypatch, "max_unroll", 64)
    assert [verdict.status for verdict in gradient.judge([point()], CPU)] == ["passed"]
    assert [verdict.status for verdict in gradient.judge_options([point()], ROWS["optimization 1"], CPU)] == ["passed"]
    (verdict,) = gradient.judge_options([point()], ROWS["more unrolling"], CPU)
    assert (verdict.status, verdict.kind) == ("failed", "wrong gradient")
    assert judge_again([CASE], verdict) == [verdict]


def test_loops_that_an_option_does_not_unroll_are_judged(monkeypatch: Patch) -> None:
    around_loops(monkeypatch, lambda adjoint: adjoint.blocks[-1].body_reverse.clear(), lambda around: around)
    assert [verdict.status for verdict in gradient.judge([point()], CPU)] == ["passed"]
    for name in ("no unrolling", "unrolling once"):
        (verdict,) = gradient.judge_options([point()], ROWS[name], CPU)
        assert (verdict.status, verdict.kind, verdict.bugs) == ("failed", "wrong gradient", ())


def test_known_bugs_of_dynamic_loops_are_told_by_the_option() -> None:
    points = [point(MOVING), point(BOUND)]
    assert [verdict.status for verdict in gradient.judge(points, CPU)] == ["passed", "passed"]
    moving, bound = gradient.judge_options(points, ROWS["no unrolling"], CPU)
    assert (bound.status, bound.bugs) == ("known", ("local-of-a-loop-has-no-gradient",))
    assert (moving.status, moving.bugs) == ("failed", ())
    assert explained_by(MOVING, moving, ["sum-changes-what-an-adjoint-reads"], judge_again) is not None
    once = gradient.judge_options(points, ROWS["unrolling once"], CPU)
    assert [(verdict.status, verdict.bugs) for verdict in once] == [("passed", ()), ("known", bound.bugs)]


def test_each_target_has_rows() -> None:
    assert {row.name for row in option_sets_of_gradients("cpu")} < {
        row.name for row in option_sets_of_gradients("cuda-host")
    }
