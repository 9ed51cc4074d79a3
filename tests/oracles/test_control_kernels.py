"""Control kernels: all is well with the installed Warp, and what is not well is told in one sentence."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from kernelfuzz.oracles import control_kernels as control
from kernelfuzz.oracles.request import CaseOutcome, Checks
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.toolchain import UnsupportedWarp

TARGETS = ("cpu", "cuda-host")


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """What a test breaks concerns no other."""
    control._fault.cache_clear()
    yield
    control._fault.cache_clear()


def sentence(checks: Checks) -> str:
    with pytest.raises(UnsupportedWarp) as told:
        control.require(checks)
    said = str(told.value)
    assert re.fullmatch(r"kernelfuzz cannot judge Warp [\d.]+ on this machine: .*\.", said), said
    return said


def test_the_installed_warp_passes_every_oracle_on_every_target() -> None:
    assert control._fault(Checks(tuple(ORACLES), TARGETS)) == ""


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        ("codegen.codegen_kernel", {("value", "cpu"), ("value", "cuda-host"), ("compile", "ptx")}),
        ("build.build_cpu", {("value", "cpu"), ("value", "cuda-host")}),
        ("build.build_cuda", {("compile", "ptx")}),
    ],
)
def test_what_does_not_work_is_told(broken: str, wrong: set[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    path, _, name = broken.partition(".")
    module = importlib.import_module(f"warp._src.{path}")

    @functools.wraps(getattr(module, name))
    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of order.\nMore of that.")

    monkeypatch.setattr(module, name, fails)
    for oracle, target in (("value", "cpu"), ("value", "cuda-host"), ("compile", "ptx")):
        checks = Checks((oracle,), ("cpu",) if target == "ptx" else (target,))
        if (oracle, target) not in wrong:
            control.require(checks)
            continue
        said = sentence(checks)
        assert f"the compile oracle on {target}: " in said
        assert "out of order. More of that" in said


def test_a_wrong_number_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    codegen = importlib.import_module("warp._src.codegen")
    monkeypatch.setitem(codegen.builtin_operators, ast.Mult, "add")
    said = sentence(Checks(("value",), ("cuda-host",)))
    assert "x * x fails the value oracle on cuda-host: wrong value, out[0] must be 9.0 and is 6.0" in said


def test_a_wrong_gradient_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = importlib.import_module("kernelfuzz.toolchain.programs")
    adjoint = programs.Program.adjoint

    def twice(*args: Any, **named: Any) -> Any:
        return {name: 2 * value for name, value in adjoint(*args, **named).items()}

    monkeypatch.setattr(programs.Program, "adjoint", twice)
    assert "x * x fails the gradient oracle on cpu: wrong gradient" in sentence(Checks(("gradient",), TARGETS))


def test_what_kernelfuzz_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(control, "judge_cases", fails)
    assert "it raises RecursionError: maximum recursion depth" in sentence(Checks(("value",), TARGETS))


def test_what_cannot_be_driven_at_all_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise UnsupportedWarp("install another one.")

    monkeypatch.setattr(control, "judge_cases", fails)
    with pytest.raises(UnsupportedWarp, match=r"^install another one\.$"):
        control.require(Checks(("value",), TARGETS))


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ([], "x * x is not judged by the value oracle (no verdict)"),
        ([Verdict("value", "passed")], "x * x is not judged by the value oracle on cuda-host (no verdict)"),
        ([Verdict("value", "skipped", "", "why")], "not judged by the value oracle (the value oracle on cpu: why)"),
    ],
)
def test_what_is_not_judged_is_told(verdicts: list[Verdict], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [CaseOutcome(0, "", ()), CaseOutcome(1, "", tuple(verdicts))]
    monkeypatch.setattr(control, "judge_cases", lambda *_, **__: outcomes)
    assert told in sentence(Checks(("value",), TARGETS))


def test_they_are_judged_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Checks] = []
    real = control.judge_cases
    monkeypatch.setattr(
        control, "judge_cases", lambda cases, checks, **more: asked.append(checks) or real(cases, checks, **more)
    )
    for _ in range(2):
        control.require(Checks(("value",), ("cpu",)))
    assert len(asked) == 1
