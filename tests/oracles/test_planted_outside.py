"""Defects planted in Warp's code generator that write outside of an array: noticed, named, made small."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import finding_kernels as kernels  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest
from code_generator import forward, reverse

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.recognised import RECOGNISED
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.oracles.chunk import draw_launching
from kernelfuzz.oracles.judge import explain, judge_again, judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reduce import reduce
from kernelfuzz.rewrites.workarounds import WORKAROUNDS
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain.layouts import CONTIGUOUS, LAYOUTS

SOURCE = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), y: wp.array(dtype=wp.float64), out0: wp.array(dtype=wp.float64)):
    i = wp.tid()
    scaled = x[i] * wp.float64(3.0)
    for k in range(3):
        scaled = scaled + y[k]
    if i >= 0:
        out0[i] = scaled - y[1]
"""
CASE = Case(
    parse(SOURCE),
    Launch((4,), {"x": np.arange(1.0, 5.0), "y": np.array([0.5, 2.0, -3.0]), "out0": np.zeros(4)}),
)
CPU = BuildSetting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))
HOST = BuildSetting("cuda-host", CPU.options, block_dim=2, blocks=1)

Rewrite = Callable[[str], str]


def store_one_later(statement: str) -> str:
    return re.sub(r"(array_store\(\w+, )(\w+)", r"\1\2 + 1", statement)


def store_without_strides(statement: str) -> str:
    return re.sub(r"(?:wp::)?array_store\((\w+), (\w+), (\w+)\)", r"\1.data[\2] = \3", statement)


def add_before_the_gradient(statement: str) -> str:
    """Also to what lies one element before the first of ``y``."""
    return re.sub(r"^(.*adj_address\(var_y, .*)$", r"\1 adj_y.data[-1] += 1.0;", statement)


@dataclass(frozen=True)
class Defect:
    """What becomes of a generated statement, what is said, and of which oracle and where."""

    rewrite: Rewrite
    says: str
    oracle: str = "value"
    setting: BuildSetting = CPU


DEFECTS = {
    "off by one": Defect(store_one_later, "writes outside of out0, 1 element after its end"),
    "off by one, strided": Defect(
        store_one_later, "writes outside of out0, 2 elements after its end", setting=replace(HOST, layout="strided")
    ),
    "strides ignored": Defect(
        store_without_strides,
        "writes outside of out0, between its elements",
        setting=replace(CPU, layout="strided"),
    ),
    "strides ignored, reversed": Defect(
        store_without_strides,
        "writes outside of out0, 1 element after its end",
        setting=replace(HOST, layout="reversed"),
    ),
    "an adjoint": Defect(
        add_before_the_gradient, "writes outside of the gradient of y, 1 element before its start", "gradient"
    ),
    "an adjoint, CUDA": Defect(
        add_before_the_gradient,
        "writes outside of the gradient of y, 1 element before its start",
        "gradient",
        replace(HOST, layout="offset"),
    ),
}


def plant(monkeypatch: pytest.MonkeyPatch, rewrite: Rewrite) -> None:
    forward(monkeypatch, lambda statement, replay: (rewrite(statement), replay))
    reverse(monkeypatch, rewrite)


def judged(cases: Sequence[Case], defect: Defect) -> list[Verdict]:
    return judge_again(cases, ORACLES[defect.oracle].passed(defect.setting))


@pytest.mark.parametrize("name", DEFECTS)
def test_it_is_noticed_named_and_made_small(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    defect = DEFECTS[name]
    assert [verdict.status for verdict in judged([CASE], defect)] == ["passed"]
    plant(monkeypatch, defect.rewrite)
    (failed,) = judged([CASE], defect)
    assert (failed.status, failed.kind, failed.reason) == ("failed", "writes outside", defect.says)
    assert failed.setting == defect.setting

    def interesting(cases: Sequence[Case]) -> list[bool]:
        return [verdict.kind == failed.kind for verdict in judge_again(cases, failed)]

    small = reduce(CASE, interesting, seconds=60.0)
    assert interesting([small]) == [True]
    assert count_nodes(small.kernel) < count_nodes(CASE.kernel) / 2


@pytest.mark.parametrize("setting", [CPU, HOST], ids=lambda setting: setting.target)
def test_strides_that_are_ignored_show_in_no_contiguous_array(
    setting: BuildSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where they are ignored in a load, a value is wrong."""

    def load(statement: str) -> str:
        return re.sub(r"(?:wp::)?address\((var_[xy]), (\w+)\)", r"&\1.data[\2]", statement)

    for rewrite, kind in ((store_without_strides, "writes outside"), (load, "wrong value")):
        with monkeypatch.context() as planted:
            plant(planted, rewrite)
            found = {layout: judged([CASE], Defect(rewrite, "", "value", replace(setting, layout=layout)))[0].kind
                     for layout in (CONTIGUOUS, "offset", "strided")}  # fmt: skip
        assert found == {CONTIGUOUS: "", "offset": "", "strided": kind}


def test_the_oracles_say_so_first_and_the_layout_is_the_case_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before what is wrong with the values; and what is judged is a function of the kernel."""
    plant(monkeypatch, store_one_later)
    checks = Checks(("value", "gradient"), ("cpu", "cuda-host"))
    first, again = (judge_cases([CASE], checks)[0].failed for _ in range(2))
    assert first == again
    assert {(verdict.oracle, verdict.kind) for verdict in first} == {("value", "writes outside")}
    (given,) = judge_cases([CASE], checks, launch_given=True)
    assert given.failed[0].setting.layout == CONTIGUOUS


def test_other_kernels_of_the_module_are_judged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(CASE, kernel=parse(SOURCE.replace("out0[i] =", "out0[i] +=")))
    plant(monkeypatch, store_one_later)
    for cases in ([CASE, other], [other, CASE]):
        kinds = [verdict.kind for verdict in judge_again(cases, ORACLES["value"].passed(HOST))]
        assert kinds == ["writes outside" if case is CASE else "" for case in cases]


LATE = """
import warp as wp


@wp.func
def bump(a: wp.array(dtype=int)) -> int:
    a[0] = a[0] + 2
    return 1


@wp.kernel
def kernel(a: wp.array(dtype=int), out0: wp.array(dtype=int)):
    out0[a[0] + bump(a)] = 7
"""


@pytest.mark.parametrize("setting", [CPU, HOST], ids=lambda setting: setting.target)
def test_an_index_that_a_known_bug_makes_wrong_is_that_bug(
    setting: BuildSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a planted defect beside it is none."""
    case = Case(parse(LATE), Launch((1,), {"a": np.array([2], np.int32), "out0": np.zeros(4, np.int32)}))
    like = ORACLES["value"].passed(setting)
    (failed,) = judge_again([case], like)
    assert (failed.kind, failed.reason) == ("writes outside", "writes outside of out0, 2 elements after its end")
    assert failed.suspects == ("element-is-read-late",)
    assert explained_by(case, failed, WORKAROUNDS, judge_again) == "element-is-read-late"
    plant(monkeypatch, store_one_later)
    (failed,) = judge_again([case], like)
    assert explained_by(case, failed, WORKAROUNDS, judge_again) is None


@pytest.mark.parametrize("setting", [CPU, HOST], ids=lambda setting: setting.target)
def test_a_search_is_a_known_bug_where_arrays_are_not_contiguous(
    setting: BuildSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = kernels.searched()
    (failed,) = judge_again([case], ORACLES["value"].passed(replace(setting, layout="strided")))
    assert failed.suspects == ("lower-bound-ignores-strides",)
    assert explained_by(case, failed, WORKAROUNDS, judge_again) == "lower-bound-ignores-strides"
    assert [verdict.status for verdict in judge_again([case], ORACLES["value"].passed(setting))] == ["passed"]
    plant(monkeypatch, lambda statement: statement.replace("wp::lower_bound(", "1 + wp::lower_bound("))
    (failed,) = judge_again([case], ORACLES["value"].passed(setting))
    assert (failed.kind, failed.suspects) == ("wrong value", ())
    assert explained_by(case, failed, WORKAROUNDS, judge_again) is None


LEFT = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), n: int, out0: wp.array(dtype=wp.float64)):
    for i in range(n):
        if i == 2:
            break
        out0[i] = x[i] * wp.float64(2.0)
"""


def test_the_adjoint_of_a_loop_that_was_left_is_a_known_bug_and_the_loop_itself_is_none() -> None:
    """leaving-a-dynamic-loop: with arrays of two elements the adjoint adds to the fourth."""
    inputs = {"x": np.ones(2), "n": np.array(4, np.int32), "out0": np.zeros(2)}
    (failed,) = judge_again([Case(parse(LEFT), Launch((1,), inputs))], ORACLES["gradient"].passed(CPU))
    assert (failed.kind, failed.reason) == (
        "writes outside",
        "writes outside of the gradient of x, 2 elements after its end",
    )
    kernel = parse(LEFT)
    assert RECOGNISED.match(signature(failed, kernel)) == "leaving-a-dynamic-loop"
    assert RECOGNISED.match(signature(replace(failed, oracle="value"), kernel)) is None


def test_half_of_the_cases_are_contiguous_and_every_layout_is_drawn() -> None:
    drawn = [draw_launching("seed", index).layout for index in range(1000)]
    assert drawn == [draw_launching("seed", index).layout for index in range(1000)]
    assert 400 < drawn.count(CONTIGUOUS) < 600
    assert all(drawn.count(layout) > 50 for layout in LAYOUTS)
    assert BuildSetting().layout == CONTIGUOUS


def test_the_script_of_a_finding_of_the_gradient_oracle_runs_the_adjoint(monkeypatch: pytest.MonkeyPatch) -> None:
    defect = DEFECTS["an adjoint"]
    plant(monkeypatch, defect.rewrite)
    (failed,) = judged([CASE], defect)
    evidence = explain(CASE, failed)
    name = signature(failed, CASE.kernel)
    assert name.startswith("writes outside by the adjoint: ")
    finding = Finding(name, failed, CASE, CASE, expected=evidence.expected, seeds=evidence.seeds)
    text = reproducer(finding)
    assert "tape.backward(" in text
    assert 'y = placed("y", y)\n' in text
