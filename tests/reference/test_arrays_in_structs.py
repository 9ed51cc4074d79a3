"""Structs that hold arrays: made, filled, handed over and returned in a kernel, by the reference and by Warp."""

from __future__ import annotations

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.ir.launch import Launch
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.programs import Program, loaded

TEXT = """import warp as wp


@wp.struct
class Body:
    mass: float
    at: wp.array(dtype=float)


@wp.func
def body(mass: float, at: wp.array(dtype=float)):
    b = Body()
    b.mass = mass
    b.at = at
    return b


@wp.func
def push(b: Body, i: int, by: float):
    b.mass = b.mass + 1.0
    b.at[i] = b.mass * by


@wp.kernel
def kernel(n: int, a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    {body}
"""
BODIES = (
    "b = body(2.0, out)\n    push(b, i, 3.0)\n    b.at[i] += b.mass",
    "b = Body(mass=1.0, at=out)\n    c = b\n    c.at = a\n    b.at[i] = c.at[i] + float(c.at.shape[0])",
    "b = Body(at=out, mass=1.0)\n    if n:\n        b = body(4.0, out)\n    b.at[i] = b.mass",
    "b = Body()\n    if b.at:\n        out[i] = 1.0\n    else:\n        out[i] = float(b.at.shape[0]) + 2.0",
    "t = out if n > i else a\n    out[i] = t[i] + 1.0",
    "b = Body(1.0, out)\n    t = b.at if n else a\n    t[i] = 5.0",
)


@pytest.mark.parametrize("text", BODIES)
def test_an_array_is_a_field_like_others(text: str) -> None:
    kernel = parse(TEXT.format(body=text))
    assert parse(render(kernel)) == kernel
    a = np.array([1.0, 2.0, 3.0], np.float32)
    launch = Launch((3,), {"n": np.array(2, np.int32), "a": a, "out": np.full(3, 0.5, np.float32)})
    expected = reference.run(kernel, launch)
    with loaded(render(kernel), "cpu") as program:
        assert isinstance(program, Program), program
        outputs = program.run(kernel.name, launch)
    assert isinstance(outputs, dict)
    assert first_mismatch(expected, outputs) is None
    assert not np.array_equal(np.asarray(expected["out"]), np.full(3, 0.5))
