"""The questions to a release: all is well with the installed Warp, and what is not well is told."""

from __future__ import annotations

import ast
import importlib
from typing import Any

import pytest

from kernelfuzz.toolchain import UnsupportedWarp, control


def test_the_installed_warp_passes() -> None:
    assert control.answers() == dict.fromkeys(control.QUESTIONS, "")


def test_a_module_is_not_asked_for_what_it_may_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Warp 1.11.0 to 1.12.1 that recurses without end."""
    context = importlib.import_module("warp._src.context")

    def lookup(module: Any, name: str) -> Any:
        raise RecursionError(f"{name} is looked up for ever")

    monkeypatch.setattr(context.Module, "__getattr__", lookup, raising=False)
    assert control.answers() == dict.fromkeys(control.QUESTIONS, "")


def test_a_wrong_number_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    codegen = importlib.import_module("warp._src.codegen")
    monkeypatch.setitem(codegen.builtin_operators, ast.Mult, "add")
    answers = control.answers()
    assert answers["lower cpu"] == ""
    assert answers["launch cpu"] == "x * x at [3.0, -0.5] is [6.0, -1.0]"
    assert answers["adjoint cuda-host"] == "the gradient of x * x at [3.0, -0.5] is [2.0, 2.0]"


def test_a_question_is_about_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("computed", "differentiated"):
        monkeypatch.setattr(control, name, lambda target: f"on {target}")
    monkeypatch.setattr(control, "lowered", lambda _, device: f"on {device}")
    said = {question: ask() for question, ask in control.QUESTIONS.items() if question != "compile PTX"}
    assert said == {question: f"on {question.split()[1]}" for question in said}


def test_a_long_message_is_cut() -> None:
    assert len(control.unusable("no " * 10_000)) < 600


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_is_not_lowered_is_told(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        control, "lowered", lambda source, at: "no\n more" if at == device and "x[i]" in source else None
    )
    with pytest.raises(UnsupportedWarp, match=rf"machine: x \* x is not lowered for {device}: no more\. Leave"):
        control.require_lowering(["cpu", "cuda"])
