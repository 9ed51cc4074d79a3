"""``kernelfuzz.check``: what a failing kernel looks like in somebody else's test suite."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kernelfuzz
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import compat
from kernelfuzz.typecheck.verify import VerifyError

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


def test_a_failure_has_the_kernel_the_values_and_a_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    with pytest.raises(ValueError, match="no known bug 'late'; there are "):
        kernelfuzz.check(kernel, known=["late"])
    with pytest.raises(VerifyError):
        kernelfuzz.check(Kernel("kernel", (), kernel.body))


@pytest.mark.parametrize("function", ["check", "verify", "render", "lower"])
def test_what_is_no_kernel_is_told(function: str) -> None:
    with pytest.raises(TypeError, match=r"not int$"):
        getattr(kernelfuzz, function)(3)


def test_a_text_is_told_how_to_become_a_kernel() -> None:
    for function in (kernelfuzz.check, kernelfuzz.render):
        with pytest.raises(TypeError, match=r"not str; kernelfuzz\.syntax\.parse\.parse makes one"):
            function(SUM)  # pyright: ignore[reportArgumentType]


def test_a_place_where_no_kernel_is_is_told() -> None:
    for seed, index, said in ((0, -1, "index -1"), (0, "0", "index '0'"), ("a", 0, "not 'a'"), (0.5, 0, "not 0.5")):
        with pytest.raises(ValueError, match=said):
            kernelfuzz.generate(seed=seed, index=index)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="index -1"):
        kernelfuzz.generate_many(2, seed=0, start=-1)


# ------------------------------------------------------------------------------------- known bugs

# notes/findings/element-is-read-late.md
READ_LATE = """
import warp as wp


@wp.func
def bump(a: wp.array(dtype=int)) -> int:
    a[0] = a[0] + 100
    return 1


@wp.kernel
def operand(a: wp.array(dtype=int)):
    a[1] = a[0] + bump(a)
"""
TWO = Launch((1,), {"a": np.array([2, 0], np.int32)})


def test_a_known_bug_is_a_skip_that_names_it(tmp_path: Path) -> None:
    kernel = parse(READ_LATE)
    said = kernelfuzz.check(kernel, launch=TWO, scripts=tmp_path)
    assert said.known == ("element-is-read-late",)
    assert said.skipped == {"value": "known bug: element-is-read-late"}
    assert said.passed == {"static", "compile"}
    assert not list(tmp_path.iterdir())


def test_what_is_not_judged_after_a_known_bug_is_told() -> None:
    oracles, targets = ["value", "gradient", "metamorphic", "compile"], ["cpu", "cuda-host"]
    said = kernelfuzz.check(parse(READ_LATE), launch=TWO, oracles=oracles, targets=targets, scripts=None)
    skipped = {(verdict.oracle, verdict.setting.target) for verdict in said.verdicts if verdict.reason}
    assert skipped == {(oracle, target) for oracle in oracles[:3] for target in targets}
    assert said.skipped["gradient"] == "not judged after the known bug element-is-read-late"


def test_an_oracle_can_be_asked_alone() -> None:
    for oracle in ("value", "static", "compile", "metamorphic", "determinism"):
        assert kernelfuzz.check(parse(SUM), oracles=[oracle]).passed == {oracle}


@pytest.mark.parametrize("known", [[], ["negated-zero"]], ids=["nothing", "another"])
def test_it_fails_where_it_is_not_among_the_known(known: list[str]) -> None:
    with pytest.raises(kernelfuzz.KernelFailed, match=r"a\[1\] must be 3 and is 103"):
        kernelfuzz.check(parse(READ_LATE), launch=TWO, known=known, scripts=None)


def test_a_new_bug_is_none_of_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel has the known bug as well."""
    source = READ_LATE.replace("a[1] = a[0] + bump(a)", "a[1] = a[0] + bump(a)\n    a[0] = a[1] * 2")
    assert kernelfuzz.check(parse(source), launch=TWO, scripts=None).known == ("element-is-read-late",)
    codegen = importlib.import_module("warp._src.codegen")
    monkeypatch.setitem(codegen.builtin_operators, ast.Mult, "add")
    with pytest.raises(kernelfuzz.KernelFailed):
        kernelfuzz.check(parse(source), launch=TWO, scripts=None)


# ------------------------------------------------------------------------------- a launch of one's own

# notes/findings/leaving-a-dynamic-loop.md: the adjoint does not know that the loop was left.
UP_TO = """
import warp as wp


@wp.kernel
def upto(n: int, x: wp.array(dtype=float), f: wp.array(dtype=int), o: wp.array(dtype=float)):
    r = float(0.0)
    for i in range(n):
        if f[i] == 2:
            break
        r += x[i] * 3.0
    o[0] = r
"""


def upto(flags: list[int]) -> Launch:
    return Launch(
        (1,),
        {
            "n": np.array(4, np.int32),
            "x": np.array([1, 2, 3, 4], np.float32),
            "f": np.array(flags, np.int32),
            "o": np.zeros(1, np.float32),
        },
    )


@pytest.mark.parametrize("oracles", [["gradient"], ["value", "gradient"]], ids=["alone", "with another"])
def test_the_gradient_is_judged_at_the_launch(oracles: list[str]) -> None:
    kernel = parse(UP_TO)
    with pytest.raises(kernelfuzz.KernelFailed, match="wrong gradient"):
        kernelfuzz.check(kernel, launch=upto([1, 0, 2, 1]), oracles=oracles, known=[], scripts=None)
    # Where the loop is not left early, the adjoint is right.
    said = kernelfuzz.check(kernel, launch=upto([1, 0, 1, 1]), oracles=oracles, scripts=None)
    assert said.passed == set(oracles)


def test_it_says_why_the_gradient_is_not_judged_at_the_launch() -> None:
    """x / |x| has a corner at 0, and only there."""
    kernel = parse(
        """
import warp as wp


@wp.kernel
def corner(x: wp.array(dtype=float), o: wp.array(dtype=float)):
    o[0] = wp.abs(x[0])
"""
    )

    def at(x: float) -> Launch:
        return Launch((1,), {"x": np.array([x], np.float32), "o": np.zeros(1, np.float32)})

    assert "gradient" in kernelfuzz.check(kernel, launch=at(2.0), oracles=["value", "gradient"]).passed
    said = kernelfuzz.check(kernel, launch=at(0.0), oracles=["value", "gradient"])
    assert said.passed == {"value"}
    assert said.skipped["gradient"].startswith("not smooth: ")
    with pytest.raises(kernelfuzz.NotJudged, match="at this launch: gradient on cpu: not smooth: "):
        kernelfuzz.check(kernel, launch=at(0.0), oracles=["gradient"])


# -------------------------------------------------------------------------------------- not judged


def test_a_launch_that_has_no_meaning_is_not_passed() -> None:
    """That the kernel compiles says nothing about the launch."""
    outside = Launch((3,), {"a": np.zeros(3, np.int32), "out": np.zeros(2, np.int32)})
    with pytest.raises(kernelfuzz.NotJudged, match="no oracle could judge the kernel at this launch: value on"):
        kernelfuzz.check(parse(SUM), launch=outside)


NO_FLOATS = """
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype=int)):
    out[0] = 1
"""


def test_a_kernel_that_nothing_can_be_said_of_is_not_passed() -> None:
    with pytest.raises(kernelfuzz.NotJudged, match="as it is: gradient on cpu: no output over floats"):
        kernelfuzz.check(parse(NO_FLOATS), oracles=["gradient"])


def test_hypothesis_tries_another_kernel() -> None:
    judged = {"sum": 0, "none": 0}
    kernels = {"sum": parse(SUM), "none": parse(NO_FLOATS)}

    @settings(max_examples=6, database=None, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.sampled_from(["sum", "none"]))
    def suite(name: str) -> None:
        kernelfuzz.check(kernels[name], oracles=["value" if name == "sum" else "gradient"])
        judged[name] += 1

    suite()
    assert judged["sum"] > 0
    assert judged["none"] == 0


GOOD = {"a": np.zeros(3, np.int32), "out": np.zeros(3, np.int32)}


@pytest.mark.parametrize(
    ("launch", "said"),
    [
        ({}, "launch must be a kernelfuzz.ir.launch.Launch, not dict"),
        (Launch((0,), GOOD), r"sizes of at least 1, not \(0,\)"),
        (Launch((-1,), GOOD), r"sizes of at least 1, not \(-1,\)"),
        (Launch(4, GOOD), "sizes of at least 1, not 4"),  # pyright: ignore[reportArgumentType]
        (Launch((3,), {"a": GOOD["a"]}), "the inputs of a launch of kernel are a, out; given: a"),
        (Launch((3,), {**GOOD, "b": GOOD["a"]}), "given: a, out, b"),
        (Launch((3,), {**GOOD, "a": [1, 2, 3]}), "input a must be a numpy array, .*, not list"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_a_launch_that_does_not_fit_is_told(launch: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        kernelfuzz.check(parse(SUM), launch=launch)


def test_a_folder_for_scripts_that_cannot_be_written_hides_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(kernelfuzz.KernelFailed, match=r"a\[1\] must be 3 and is 103") as failed:
        kernelfuzz.check(parse(READ_LATE), launch=TWO, known=[], scripts=tmp_path / "file")
    assert "No script was written: " in str(failed.value)


def test_a_device_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "has_cuda", lambda: False)
    for targets in (["cuda"], ["cpu", "cuda"]):
        with pytest.raises(kernelfuzz.CannotJudge, match="no CUDA device"):
            kernelfuzz.check(parse(SUM), targets=targets)


SUITE = """
    import ast, importlib
    import kernelfuzz
    from hypothesis import given, settings
    from kernelfuzz.strategies import kernels

    codegen = importlib.import_module("warp._src.codegen")
    codegen.builtin_operators[ast.BitXor] = "bit_or"


    @settings(max_examples=400, derandomize=True, database=None)
    @given(kernels(include=["bitwise"], dtypes=["int32"], size="small"))
    def test_kernels(kernel):
        kernelfuzz.check(kernel, oracles=["value"])
"""


@pytest.mark.slow
def test_a_failing_test_ends_with_a_small_kernel(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(SUITE))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stdout.partition("KernelFailed: ")[2].partition(" must be ")[0]
    assert "Reduced from " in said
    assert len(said.partition("def kernel")[2].partition("Reduced")[0].strip("E \n").splitlines()) < 8
    script = next((tmp_path / ".kernelfuzz").iterdir())
    assert "^" in script.read_text()
