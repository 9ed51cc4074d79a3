"""What tells something while a kernel runs: it is read, written back, taken by Warp, and changes no value."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.ir.launch import Launch
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.lower import lower
from kernelfuzz.toolchain.programs import Program, loaded

TEXT = """import warp as wp


@wp.kernel
def kernel(n: int, x: float, out: wp.array(dtype=float)):
    i = wp.tid()
    {body}
    out[i] = x
"""
BODIES = {
    "print(n)": "3",
    "print(wp.vec3(1.0, 2.0, x))": "1 2 0.5",
    "print('two words')": "two words",
    'wp.printf("%d and %f\\n", n, x)': r"3 and 0\.500000",
    "wp.expect_eq(n, 2)": "expect_eq",
    "wp.expect_neq(wp.vec2(x, x), wp.vec2(x))": "expect_neq",
    "wp.expect_near(x, 1.5, tolerance=0.25)": "expect_near",
    "wp.expect_near(x, 0.5)": "",
    "assert n": "",
    "assert n < 0, 'no number'": "",
    "x += f(out, n)": "3",
}
FUNCTION = """@wp.func
def f(a: wp.array(dtype=float), n: int):
    if n > 5:
        print(a[0])
        return 1.0
    else:
        print(n)
        return 2.0


"""


@pytest.mark.parametrize("body", BODIES)
def test_a_message_changes_no_value(body: str, capfd: pytest.CaptureFixture[str]) -> None:
    kernel = parse(TEXT.replace("@wp.kernel", FUNCTION + "@wp.kernel").format(body=body))
    assert parse(render(kernel)) == kernel
    launch = Launch((1,), {"n": np.array(3, np.int32), "x": np.array(0.5, np.float32), "out": np.zeros(1, np.float32)})
    expected = reference.run(kernel, launch)
    with loaded(render(kernel), "cpu") as program:
        assert isinstance(program, Program), program
        capfd.readouterr()
        outputs = program.run(kernel.name, launch)
    assert isinstance(outputs, dict)
    assert first_mismatch(expected, outputs) is None
    told = capfd.readouterr().out
    assert re.search(BODIES[body], told) if BODIES[body] else not told


def test_the_size_of_a_block_is_read_and_left_open() -> None:
    kernel = parse(TEXT.format(body="x = float(wp.block_dim())"))
    assert parse(render(kernel)) == kernel
    assert not isinstance(lower(render(kernel)), Failure)
    inputs = {"n": np.array(3, np.int32), "x": np.array(0.5, np.float32), "out": np.zeros(1, np.float32)}
    with pytest.raises(reference.Undefined, match="size of blocks"):
        reference.run(kernel, Launch((1,), inputs))


@pytest.mark.parametrize("body", ["print(n, x)", "wp.expect_eq(n, x)", "wp.expect_near(n, n)", "print()"])
def test_what_warp_does_not_tell_is_refused(body: str) -> None:
    text = TEXT.format(body=body)
    with pytest.raises(ParseError):
        parse(text)
    assert isinstance(lower(text), Failure)
