"""``kernelfuzz.check``: what a failing kernel looks like in somebody else's test suite."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import kernelfuzz
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.parse import parse
from kernelfuzz.ir.verify import VerifyError

SUM = """
import warp as wp


@wp.kernel
def kernel(a: wp.array(dtype=int), out: wp.array(dtype=int)):
    i = wp.tid()
    out[i] = a[i] + 3
"""


def wrong_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warp's code generator makes a difference of every sum."""
    codegen = importlib.import_module("warp._src.codegen")
    monkeypatch.setitem(codegen.builtin_operators, ast.Add, "sub")


def test_a_sound_kernel_passes() -> None:
    kernelfuzz.check(parse(SUM), targets=["cpu", "cuda-host"])


def test_a_failure_has_the_kernel_the_values_and_a_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as planted:
        wrong_sums(planted)
        with pytest.raises(kernelfuzz.KernelFailed) as failed:
            kernelfuzz.check(parse(SUM))
    message = str(failed.value)
    assert "out[i] = a[i] + 3" in message
    assert "must be" in message
    command = message.rpartition("See it again with: python ")[2]
    # The bug is not in the Warp that the script runs on.
    done = subprocess.run([sys.executable, command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_script_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    wrong_sums(monkeypatch)
    with pytest.raises(kernelfuzz.KernelFailed):
        kernelfuzz.check(parse(SUM), scripts=None)
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told() -> None:
    kernel = parse(SUM)
    with pytest.raises(ValueError, match="no oracle 'values'; there are value"):
        kernelfuzz.check(kernel, oracles=["values"])
    with pytest.raises(ValueError, match="no target 'gpu'"):
        kernelfuzz.check(kernel, targets="gpu")
    with pytest.raises(ValueError, match="at least one oracle"):
        kernelfuzz.check(kernel, oracles=[])
    with pytest.raises(VerifyError):
        kernelfuzz.check(Kernel("kernel", (), kernel.body))


SUITE = """
    import ast, importlib
    import kernelfuzz
    from hypothesis import given, settings
    from kernelfuzz.strategies import kernels

    codegen = importlib.import_module("warp._src.codegen")
    codegen.builtin_operators[ast.BitXor] = "bit_or"


    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(kernels(include=["bitwise"], dtypes=["int32"], size="small"))
    def test_kernels(kernel):
        kernelfuzz.check(kernel, oracles=["value"])
"""


@pytest.mark.slow
def test_hypothesis_shrinks_what_check_finds(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(SUITE))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "KernelFailed" in done.stdout
    example = done.stdout.partition("kernel=")[2]
    assert "@wp.kernel" in example
    said = done.stdout.partition("KernelFailed: ")[2].partition(" must be ")[0]
    assert len(said.partition("def kernel")[2].splitlines()) < 8
    script = next((tmp_path / ".kernelfuzz").iterdir())
    assert "^" in script.read_text() or "bit_xor" in script.read_text()
