"""``kernelfuzz.check`` inside tests of Hypothesis: who makes a failure small, and what the deadline counts."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, currently_in_test_context, given, settings
from hypothesis import strategies as st
from hypothesis.control import current_build_context
from hypothesis.errors import DeadlineExceeded
from hypothesis.internal.conjecture import providers

import kernelfuzz
from kernelfuzz import checking, deadline
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies import kernels
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import UnsupportedWarp

# The sum is planted to be wrong, and all else is ballast.
LARGE = """
import warp as wp


@wp.kernel
def kernel(a: wp.array(dtype=int), b: wp.array(dtype=int), out: wp.array(dtype=int)):
    i = wp.tid()
    n = a[i] * 2
    for j in range(2):
        n = n * b[i]
    out[i] = n
    if n > 3:
        out[i] = n + 3
    else:
        out[i] = n + 4
"""


def suite(kernel: Kernel, examples: int = 20, **more: Any) -> tuple[Callable[[], None], list[int]]:
    """A test that checks a kernel, and its calls."""
    calls: list[int] = []

    @settings(max_examples=examples, database=None, **{"deadline": None, **more})
    @given(st.integers(0, 1000))
    def test(number: int) -> None:
        calls.append(number)
        checking.check(kernel, oracles=["value"], scripts=None)

    return test, calls


@pytest.fixture
def _wrong_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    codegen = importlib.import_module("warp._src.codegen")
    monkeypatch.setitem(codegen.builtin_operators, ast.Add, "sub")


@pytest.mark.usefixtures("_wrong_sums")
def test_kernelfuzz_makes_a_failing_kernel_small_and_hypothesis_does_not() -> None:
    test, calls = suite(parse(LARGE))
    with pytest.raises(kernelfuzz.KernelFailed) as failed:
        test()
    assert len(calls) == 1
    message = str(failed.value)
    kernel = message.partition("def kernel")[2].partition("Reduced from ")[0].strip().splitlines()
    assert len(kernel) <= 3, message
    assert "+" in kernel[-1]
    assert "must be" in message


@pytest.mark.usefixtures("_wrong_sums")
def test_a_kernel_of_a_test_without_hypothesis_is_shown_as_it_is() -> None:
    with pytest.raises(kernelfuzz.KernelFailed, match="for j in range"):
        kernelfuzz.check(parse(LARGE), oracles=["value"], scripts=None)


@pytest.mark.usefixtures("_wrong_sums")
def test_the_time_that_it_takes_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some candidates are judged, and then the time is over."""
    now, judged = 0.0, 0
    real = checking.judge_again

    def judge_again(cases: Sequence[Any], like: Any) -> Any:
        nonlocal now, judged
        now, judged = now + 15.0, judged + 1
        return real(cases, like)

    monkeypatch.setattr(checking, "explained_by", lambda *_: None)
    monkeypatch.setattr(checking, "judge_again", judge_again)
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(checking, "time", clock)
    monkeypatch.setattr("kernelfuzz.reduce.search.time", clock)
    test, _ = suite(parse(LARGE))
    with pytest.raises(kernelfuzz.KernelFailed, match="must be"):
        test()
    # Two within the twenty seconds, and one about what is left.
    assert judged == 3


@pytest.mark.usefixtures("_wrong_sums")
def test_a_small_kernel_that_is_a_known_bug_does_not_take_the_place_of_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = parse(LARGE)
    monkeypatch.setattr(checking, "explained_by", lambda case, *_: None if case.kernel == large else "negated-zero")
    test, _ = suite(large)
    with pytest.raises(kernelfuzz.KernelFailed, match=r"for j in range[\s\S]*Not reduced: every smaller kernel"):
        test()


@pytest.mark.usefixtures("_wrong_sums")
def test_a_fault_of_the_reduction_hides_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise KeyError("lost")

    monkeypatch.setattr(checking, "reduce", fails)
    test, _ = suite(parse(LARGE))
    with pytest.raises(kernelfuzz.KernelFailed, match=r"Not reduced: a fault in kernelfuzz.*KeyError: 'lost'"):
        test()


# -------------------------------------------------------------------------------------- control kernels


def test_a_warp_that_fails_the_control_kernels_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(checks: Any) -> None:
        raise UnsupportedWarp("kernelfuzz cannot judge Warp.")

    monkeypatch.setattr(checking, "require", refuses)
    test, calls = suite(parse(LARGE))
    with pytest.raises(kernelfuzz.CannotJudge, match=r"^kernelfuzz cannot judge Warp\.$"):
        test()
    assert len(calls) == 1
    with pytest.raises(UnsupportedWarp, match=r"^kernelfuzz cannot judge Warp\.$"):
        kernelfuzz.check(parse(LARGE), oracles=["value"])


def test_the_oracles_that_are_asked_judge_the_control_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(checking, "require", asked.append)
    kernelfuzz.check(parse(LARGE), oracles=["value"], targets=["cpu", "cuda-host"])
    (checks,) = asked
    assert (checks.oracles, checks.targets) == (("value",), ("cpu", "cuda-host"))


# --------------------------------------------------------------------------------------------- deadline


def test_judging_does_not_count_towards_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken off is what its clock says: of one that goes back, the test takes longer for it."""
    now = 0.0

    def perf_counter() -> float:
        nonlocal now
        now -= 3600.0
        return now

    monkeypatch.setattr(deadline, "time", SimpleNamespace(perf_counter=perf_counter))
    test, _ = suite(parse(LARGE), 1, deadline=timedelta(minutes=30), phases=[Phase.generate])
    with pytest.raises(DeadlineExceeded):
        test()


def test_importing_it_does_not_count_towards_the_deadline() -> None:
    spent: list[float] = []

    @settings(max_examples=1, database=None)
    @given(st.none())
    def test(_: None) -> None:
        assert callable(kernelfuzz.check)
        spent.append(current_build_context().data._stateful_run_times["kernelfuzz"])

    test()
    assert min(spent) > 0


@pytest.mark.skipif(not hasattr(providers, "_get_local_constants"), reason="this Hypothesis reads no constants")
def test_the_constants_of_what_was_imported_are_read_before_the_next_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a draw that would count as slow data."""
    read: list[bool] = []
    real = providers._get_local_constants
    monkeypatch.setattr(providers, "_get_local_constants", lambda: read.append(currently_in_test_context()) or real())
    kernels(size="small").validate()
    assert read == [False]
    read.clear()

    @settings(max_examples=1, database=None, phases=[Phase.generate])
    @given(st.none())
    def test(_: None) -> None:
        read.clear()
        assert callable(kernelfuzz.check)
        assert read == [True]

    test()


def test_outside_of_hypothesis_there_is_no_deadline(tmp_path: Path) -> None:
    with deadline.off_the_deadline():
        assert kernelfuzz.check(parse(LARGE), oracles=["value"]).passed == {"value"}
