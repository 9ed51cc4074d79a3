"""The warning oracle: what clang and NVRTC say of the kernel's own lines is kept; sound kernels pass."""

from __future__ import annotations

import pytest
from code_generator import Patch, codegen

from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import warning
from kernelfuzz.oracles.judge import judge_again, judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.oracles.warning import CLANG, NVRTC
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import compat

KERNEL = parse("""
import warp as wp


@wp.kernel
def kernel(n: int, out: wp.array(dtype=int)):
    i = wp.tid()
    if n <= n:
        out[i] = n + 3
""")
EVERYWHERE = (CLANG, NVRTC)
# NVRTC leaves variables that nothing writes to ptxas, and older clangs have no flags.
HERE = (CLANG,) if compat.has_option("cpu_compiler_flags") else ()

# A statement that Warp's generator adds, who warns of it, and what the verdict says.
PLANTED = {
    "wp::int32 planted = 99999999999;": (EVERYWHERE, "a constant does not fit its type"),
    "wp::int32 planted = 2147483647 + 1;": (EVERYWHERE, "a constant does not fit its type"),
    "wp::int32 planted = 5 / 0;": (EVERYWHERE, "a division by zero"),
    "wp::int32 planted = 5 << 40;": (EVERYWHERE, "a shift that is out of range"),
    "wp::int32 planted; var_n = planted;": (HERE, "a variable that is read is never written"),
}


def add_statement(patch: Patch, statement: str) -> None:
    original = codegen().codegen_func_forward

    def generated(*args: object, **more: object) -> str:
        head, mark, rest = original(*args, **more).partition("// forward\n")
        return f"{head}{mark}{statement}\n{rest}"

    patch.setattr(codegen(), "codegen_func_forward", generated)


@pytest.mark.parametrize("setting", EVERYWHERE, ids=lambda setting: setting.target)
def test_a_sound_kernel_passes(setting: BuildSetting) -> None:
    """A value that is compared with itself is none of our business."""
    assert [verdict.status for verdict in warning.judge([KERNEL], setting)] == ["passed"]


@pytest.mark.parametrize("setting", EVERYWHERE, ids=lambda setting: setting.target)
def test_a_constant_that_is_rounded_to_zero_passes(setting: BuildSetting, monkeypatch: Patch) -> None:
    """As ``wp.static(1e-38 * 1e-38)`` is; one that overflows does not."""
    add_statement(monkeypatch, "const wp::float32 planted = 1.3817869688151111e-76;")
    assert [verdict.status for verdict in warning.judge([KERNEL], setting)] == ["passed"]
    add_statement(monkeypatch, "const wp::float32 larger = 1.3817869688151111e+76;")
    (verdict,) = warning.judge([KERNEL], setting)
    assert verdict.status == ("failed" if setting == NVRTC else "passed")  # clang says nothing of either


LEFT = parse("""
import warp as wp


@wp.kernel
def kernel(n: int, x: float, out: wp.array3d(dtype=int), f: wp.array(dtype=float)):
    for i in range(4):
        v = x * 2.0
        if n > i:
            break
    out[0, 0, 1] = i
    f[0] = x
""")


@pytest.mark.skipif(not HERE, reason="clang is asked for it by cpu_compiler_flags")
def test_what_an_adjoint_has_lost_is_no_complaint() -> None:
    assert [verdict.status for verdict in warning.judge([LEFT], CLANG)] == ["passed"]


@pytest.mark.skipif(not HERE, reason="clang is asked for it by cpu_compiler_flags")
def test_the_script_asks_for_the_warning(monkeypatch: Patch) -> None:
    add_statement(monkeypatch, "wp::int32 planted; var_n = planted;")
    (verdict,) = warning.judge([KERNEL], CLANG)
    assert verdict.setting.options == (("cpu_compiler_flags", "-Wuninitialized"),)


@pytest.mark.parametrize(
    ("statement", "setting"), [(statement, each) for statement, (where, _) in PLANTED.items() for each in where]
)
def test_what_a_compiler_says_is_kept(statement: str, setting: BuildSetting, monkeypatch: Patch) -> None:
    add_statement(monkeypatch, statement)
    (verdict,) = warning.judge([KERNEL], setting)
    assert (verdict.status, verdict.kind) == ("failed", "compiler warns")
    assert PLANTED[statement][1] in verdict.reason
    assert "planted" in verdict.reason
    (again,) = judge_again([Case(KERNEL, Launch((1,), {}))], verdict)
    assert alike(verdict, looks(verdict, KERNEL), again, KERNEL)
    assert signature(verdict, KERNEL).startswith("compiler warns")


def test_the_kernel_at_fault_is_told_from_the_others(monkeypatch: Patch) -> None:
    other = parse("import warp as wp\n\n\n@wp.kernel\ndef kernel(n: int):\n    m = n * n\n")
    original = codegen().Adjoint.add_forward

    def add_forward(adjoint: object, statement: str, *args: object, **more: object) -> None:
        original(adjoint, statement.replace("wp::mul(", "(1 << 40) + wp::mul("), *args, **more)

    monkeypatch.setattr(codegen().Adjoint, "add_forward", add_forward)
    verdicts = warning.judge([KERNEL, other, KERNEL], CLANG)
    assert [verdict.status for verdict in verdicts] == ["passed", "failed", "passed"]


def test_it_is_asked() -> None:
    (outcome,) = judge_cases([Case(KERNEL, Launch((1,), {}))], Checks(("warning",), ("cpu",)))
    assert [(each.setting.target, each.status) for each in outcome.verdicts] == [("cpu", "passed"), ("ptx", "passed")]
