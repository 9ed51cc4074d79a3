"""Control kernels: all is well with the installed Warp, and what is not well is told in one sentence."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

from kernelfuzz.toolchain import UnsupportedWarp, control

TARGETS = ("cpu", "cuda-host", "ptx")


def test_the_installed_warp_passes() -> None:
    control.require(TARGETS)
    assert control.answers() == dict.fromkeys(control.QUESTIONS, "")


def test_a_module_is_not_asked_for_what_it_may_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Warp 1.11.0 to 1.12.1 that recurses without end."""
    context = importlib.import_module("warp._src.context")

    def lookup(module: Any, name: str) -> Any:
        raise RecursionError(f"{name} is looked up for ever")

    monkeypatch.setattr(context.Module, "__getattr__", lookup, raising=False)
    assert control.answers() == dict.fromkeys(control.QUESTIONS, "")


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        ("codegen.codegen_kernel", {"cpu", "cuda-host", "ptx"}),
        ("build.build_cpu", {"cpu", "cuda-host"}),
        ("build.build_cuda", {"ptx"}),
    ],
)
def test_what_does_not_work_is_told_by_target(broken: str, wrong: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = broken.partition(".")

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of order.\nMore of that.")

    monkeypatch.setattr(importlib.import_module(f"warp._src.{module}"), name, fails)
    for target in TARGETS:
        if target not in wrong:
            control.require([target])
            continue
        with pytest.raises(UnsupportedWarp) as told:
            control.require([target])
        sentence = str(told.value)
        begin = rf"Warp [\d.]+ fails on an empty kernel for {target}: "
        assert re.fullmatch(begin + r".*out of order\. .*\.", sentence), sentence


def test_a_wrong_number_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    codegen = importlib.import_module("warp._src.codegen")
    ast = importlib.import_module("ast")
    monkeypatch.setitem(codegen.builtin_operators, ast.Mult, "add")
    answers = control.answers()
    assert answers["lower cpu"] == ""
    assert answers["launch cpu"] == "x * x at [3.0, -0.5] is [6.0, -1.0]"
    assert answers["adjoint cuda-host"] == "the gradient of x * x at [3.0, -0.5] is [2.0, 2.0]"
