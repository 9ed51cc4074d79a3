"""What a compiler refuses is told by the lines of the source, so that a batch is built without it the next time."""

from __future__ import annotations

import pytest

from kernelfuzz.toolchain import Failure, fast_clang, lower
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.programs import JUDGED, loaded
from kernelfuzz.toolchain.refused_lines import refused_lines

TEXT = """
import warp as wp


@wp.kernel
def sound(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    out[0] = x[0] * 2.0


@wp.kernel
def first(x: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    out[1] = 3
    out[0] = wp.intersect_tri_tri(wp.static(wp.vec3(0.5)), x[1], x[2], x[3], x[4], x[5])


@wp.kernel
def second(x: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    i = wp.tid()
    if i == 0:
        out[0] = wp.intersect_tri_tri(x[0], wp.static(wp.vec3(0.5)), x[2], x[3], x[4], x[5])
"""
LINES = TEXT.split("\n")

installed = pytest.mark.skipif(fast_clang.command() is None, reason="needs kernelfuzz[fast]")


def kernel_at(line: int) -> str:
    """The kernel that a line of the source stands in."""
    heads = [at for at, text in enumerate(LINES[:line], start=1) if text.startswith("def ")]
    return LINES[heads[-1] - 1].removeprefix("def ").partition("(")[0]


@pytest.mark.parametrize("target", ["cpu", "ptx"])
def test_what_a_compiler_refuses_names_every_kernel_at_fault(target: str) -> None:
    made = lower(TEXT, "cpu" if target == "cpu" else "cuda", keep_comments=True)
    assert not isinstance(made, Failure)
    failure = build(made, target)  # pyright: ignore[reportArgumentType]
    assert isinstance(failure, Failure)
    assert {kernel_at(line) for line in failure.refused} == {"first", "second"}


@pytest.mark.parametrize("target", ["cpu", "cuda-host"])
@pytest.mark.parametrize("fast", [pytest.param(True, marks=installed), False])
def test_a_program_that_is_not_built_names_them_too(target: str, fast: bool) -> None:
    with loaded(TEXT, target, options=JUDGED, backward=True, fast=fast, fast_refuses=True) as program:  # pyright: ignore[reportArgumentType]
        assert isinstance(program, Failure)
        assert program.kind == "compile"
        assert "no matching function for call to 'intersect_tri_tri'" in program.message
        assert {kernel_at(line) for line in program.refused} == {"first", "second"}


def test_an_error_elsewhere_names_none() -> None:
    head = '#include "builtin.h"\n\nstruct wp_args_k {\n    broken x;\n};\n'
    text = head + "\nvoid k(\n    int a)\n{\n    // a = b   <L 7>\n    c;\n}\n"
    assert refused_lines(text, "module.cpp:11:5: error: unknown c") == (7,)
    assert refused_lines(text, "module.cu(8): error: unknown int") == (7,)
    assert refused_lines(text, "module.cpp:11:5: warning: unused\n  11 |   c;") == ()
    assert refused_lines(text, "warp/native/mat.h:11:5: error: another file") == ()
    assert refused_lines(text, "module.cpp:900:5: error: far away") == ()
