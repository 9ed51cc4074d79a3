"""``kernelfuzz.check``: which verdict counts, and of which case."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kernelfuzz
from kernelfuzz import checking
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.request import CaseOutcome
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.syntax.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
from test_check import SUM, UP_TO, upto

OUTSIDE = Launch((3,), {"a": np.zeros(3, np.int32), "out": np.zeros(2, np.int32)})


def test_a_new_failure_after_a_known_one_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known on one target, and on the other it is not."""
    verdicts = [
        Verdict("value", "failed", "wrong value", target, BuildSetting(target)) for target in ("cpu", "cuda-host")
    ]
    outcome = CaseOutcome(0, "", tuple(verdicts), evidence=(None, None))
    monkeypatch.setattr(checking, "judge_cases", lambda *_, **__: [outcome])
    monkeypatch.setattr(
        checking, "explained_by", lambda _, v, *__: "negated-zero" if v.setting.target == "cpu" else None
    )
    with pytest.raises(kernelfuzz.KernelFailed):
        kernelfuzz.check(parse(SUM), oracles=["value"], targets=["cpu", "cuda-host"], scripts=None)


def test_a_known_bug_that_is_met_twice_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = [Verdict("value", "failed", "wrong value", "", BuildSetting(target)) for target in ("cpu", "cuda-host")]
    outcome = CaseOutcome(0, "", tuple(verdicts), evidence=(None, None))
    monkeypatch.setattr(checking, "judge_cases", lambda *_, **__: [outcome])
    monkeypatch.setattr(checking, "explained_by", lambda *_: "negated-zero")
    assert kernelfuzz.check(parse(SUM), oracles=["value"], scripts=None).known == ("negated-zero",)


def test_a_failure_is_told_by_the_case_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradient is judged over float64."""
    asked: list[Case] = []
    monkeypatch.setattr(checking, "explained_by", lambda case, *_: asked.append(case))
    with pytest.raises(kernelfuzz.KernelFailed) as failed:
        kernelfuzz.check(parse(UP_TO), launch=upto([1, 0, 2, 1]), oracles=["gradient"], known=[], scripts=None)
    assert ["float64" in str(case.kernel) for case in asked] == [True]
    assert "float64" in str(failed.value)


def test_determinism_says_nothing_about_a_launch() -> None:
    with pytest.raises(kernelfuzz.NotJudged):
        kernelfuzz.check(parse(SUM), launch=OUTSIDE, oracles=["value", "determinism"])


def test_a_launch_without_an_oracle_that_launches_is_no_harm() -> None:
    assert kernelfuzz.check(parse(SUM), launch=OUTSIDE, oracles=["compile"]).passed == {"compile"}


def test_a_given_launch_is_never_rejected() -> None:
    """Whoever gives one in a test of Hypothesis is told that it has no meaning."""

    @settings(max_examples=1, database=None, deadline=None)
    @given(st.none())
    def suite(_: None) -> None:
        with pytest.raises(kernelfuzz.NotJudged):
            kernelfuzz.check(parse(SUM), launch=OUTSIDE)

    suite()


def test_the_statistics_say_why_a_kernel_was_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    from test_check import NO_FLOATS

    events: list[str] = []
    monkeypatch.setattr("hypothesis.event", events.append)

    @settings(max_examples=2, database=None, deadline=None)
    @given(st.booleans())
    def suite(floats: bool) -> None:
        if not floats:
            kernelfuzz.check(parse(NO_FLOATS), oracles=["gradient"])

    suite()
    assert set(events) == {"kernelfuzz: not judged: gradient on cpu: no output over floats"}


RANDOM = """
import warp as wp


@wp.kernel
def noise(x: wp.array(dtype=float), o: wp.array(dtype=float)):
    state = wp.rand_init(7, wp.tid())
    o[0] = x[0] * wp.randf(state)
"""


def test_the_gradient_of_what_has_no_float64_form_is_judged_at_a_launch() -> None:
    launch = Launch((1,), {"x": np.ones(1, np.float32), "o": np.zeros(1, np.float32)})
    assert kernelfuzz.check(parse(RANDOM), launch=launch, oracles=["gradient"]).passed == {"gradient"}
