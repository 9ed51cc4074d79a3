"""Warp agrees with the reference about a program by hand, and every defect that is planted in Warp is noticed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from program_by_hand import BACKWARD, FIRST, LEFT_OUT, RETAINED, SECOND, WHOLE, program

from kernelfuzz.ir.program import Program
from kernelfuzz.programs.judge_program import judge
from kernelfuzz.programs.program_script import script
from kernelfuzz.toolchain import compat


def warp() -> Any:
    compat.initialize()
    import warp as wp

    return wp


def context() -> Any:
    warp()
    from warp._src import context

    return context


def skip_a_launch(patch: pytest.MonkeyPatch) -> None:
    record = warp().Tape.record_launch

    def recorded(tape: Any, *args: Any, **more: Any) -> None:
        record(tape, *args, **more)
        if len(tape.launches) == 2:
            tape.launches.pop()

    patch.setattr(warp().Tape, "record_launch", recorded)


def keep_gradients(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(warp().Tape, "zero", lambda tape: None)


def ignore_what_changes(patch: pytest.MonkeyPatch) -> None:
    """Once a module is loaded, it stays."""
    original = context().Module.load

    def load(module: Any, *args: Any, **more: Any) -> Any:
        return next(iter(module.execs.values())) if module.execs else original(module, *args, **more)

    patch.setattr(context().Module, "load", load)


def hash_names_alone(patch: pytest.MonkeyPatch) -> None:
    """Two modules of one name have one hash, whatever is in them."""
    patch.setattr(context().ModuleHasher, "get_hash", lambda hasher: b"\1" * 32)


def hash_what_is_new(patch: pytest.MonkeyPatch) -> None:
    """Every module has another hash than those before it."""
    known: list[Any] = []

    def number(hasher: Any) -> bytes:
        if not any(each is hasher for each in known):
            known.append(hasher)
        return bytes([len(known)]) * 32

    patch.setattr(context().ModuleHasher, "get_hash", number)


DEFECTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str]] = {
    "a tape that skips a launch": (skip_a_launch, "cold cache", "wrong gradient"),
    "gradients that are not zeroed": (keep_gradients, "cold cache", "wrong gradient"),
    "a module that stays as it was": (ignore_what_changes, "cold cache", "wrong value"),
    "a hash that ignores what is hashed": (hash_names_alone, "cold cache", "wrong value"),
    "a hash that depends on what came before": (hash_what_is_new, "warm cache", "built again"),
}


def test_warp_agrees():
    verdict = judge(WHOLE)
    assert (verdict.status, verdict.launches, verdict.judged_gradients) == ("passed", 4, 2), verdict


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch):
    plant, run, kind = DEFECTS[name]
    plant(monkeypatch)
    verdict = judge(WHOLE)
    assert (verdict.status, verdict.run, verdict.kind) == ("failed", run, kind), verdict


def test_a_constant_that_the_hash_ignores_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """Within one run the module is built anew; a cache serves the edited program what was built for the first."""
    hasher = context().ModuleHasher
    original = hasher.hash_adjoint

    def without_constants(self: Any, adjoint: Any) -> Any:
        get = adjoint.get_references
        adjoint.get_references = lambda: ({}, *get()[1:])
        try:
            return original(self, adjoint)
        finally:
            del adjoint.get_references

    monkeypatch.setattr(hasher, "hash_adjoint", without_constants)

    verdict = judge(program(FIRST, SECOND, BACKWARD))
    assert (verdict.status, verdict.run, verdict.kind) == ("failed", "edited", "wrong value"), verdict


def test_a_script_needs_warp_alone_and_finds_nothing_wrong_with_a_sound_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    keep_gradients(monkeypatch)
    verdict = judge(WHOLE)
    path = tmp_path / "script.py"
    path.write_text(script(WHOLE, verdict, "Gradients are not zeroed"), encoding="utf-8")
    sound = subprocess.run([sys.executable, path], capture_output=True, text=True)
    assert (sound.returncode, "expected: " in sound.stdout) == (0, True), sound.stdout + sound.stderr
    broken = "import warp as wp\nwp.Tape.zero = lambda tape: None\n"
    path.write_text(path.read_text(encoding="utf-8").replace("import warp as wp\n", broken), encoding="utf-8")
    assert subprocess.run([sys.executable, path], capture_output=True).returncode == 1


@pytest.mark.parametrize("each", [LEFT_OUT, RETAINED], ids=["an array is left out", "a gradient is retained"])
def test_warp_agrees_about_it(each: Program) -> None:
    verdict = judge(each, ("cold cache",))
    assert (verdict.status, verdict.judged_gradients) == ("passed", 1), verdict


def test_a_gradient_that_is_not_retained_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warp().array, "retain_grad", property(lambda array: False, lambda array, value: None))
    assert judge(RETAINED, ("cold cache",)).kind == "wrong gradient"
