"""Control kernels: each question is about its target, and each target is asked."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from kernelfuzz.toolchain import UnsupportedWarp, control


def test_every_target_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(control, "_empty", tried.append)
    control.require(["cpu", "cuda-host", "ptx"])
    assert tried == ["cpu", "cuda-host", "ptx"]


def test_a_question_is_about_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("computed", "differentiated"):
        monkeypatch.setattr(control, name, lambda target: f"on {target}")
    monkeypatch.setattr(control, "lowered", lambda _, device: f"on {device}")
    said = {question: ask() for question, ask in control.QUESTIONS.items() if question != "compile PTX"}
    assert said == {question: f"on {question.split()[1]}" for question in said}


def test_what_cannot_be_driven_at_all_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def lowered(*_: Any) -> None:
        raise UnsupportedWarp("install another one.")

    monkeypatch.setattr(control, "lowered", lowered)
    with pytest.raises(UnsupportedWarp, match=r"^install another one\.$"):
        control.require(["cpu"])


def test_a_long_message_is_cut() -> None:
    assert len(control.unusable("cpu", "no " * 10_000)) < 500


def test_an_empty_kernel_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not built only: a driver may be missing."""
    launch = importlib.import_module("kernelfuzz.toolchain.programs")

    def run(*_: Any) -> Any:
        raise RuntimeError("no thread here")

    monkeypatch.setattr(launch.Program, "run", run)
    with pytest.raises(UnsupportedWarp, match="no thread here"):
        control.require(["cpu"])


def test_an_empty_kernel_is_lowered_for_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    devices: list[str] = []
    monkeypatch.setattr(control, "lowered", lambda _, device: devices.append(device))
    monkeypatch.setattr(control, "launched", lambda target: None)
    control.require(["cpu", "cuda-host", "cuda"])
    assert devices == ["cpu", "cuda", "cuda"]
