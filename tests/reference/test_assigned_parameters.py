"""A parameter is a variable of its function: what is assigned to it reaches no other thread and no caller."""

from __future__ import annotations

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.devices import Target
from kernelfuzz.ir.launch import Launch
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.programs import Program, loaded

TEXT = """import warp as wp


@wp.func
def f(v: wp.vec3, x: float, state: wp.uint32, n: int):
    v[0] += 1.0
    x = x * 2.0 + wp.randf(state)
    for n in range(2):
        x += v[0]
    return x + wp.randf(state)


@wp.kernel
def kernel(v: wp.vec3, x: float, n: int, other: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    state = wp.rand_init(n, i)
    {body}
"""
BODIES = (
    "x += 1.0\n    v.y = v.y + x\n    out[i] = v.y",
    "while n > 1:\n        n -= 1\n        x = x + 1.0\n    out[i] = x",
    "for n in range(3):\n        x += float(n)\n    out[i] = x + float(n)",
    "if i % 2:\n        x = 4.0\n    out[i] = x",
    "y = f(v, x, state, n)\n    out[i] = y + v[0] * 10.0 + x * 100.0 + float(n) * 1000.0 + wp.randf(state)",
    "x, n = float(n), int(x)\n    out[i] = x * 10.0 + float(n)",
    "other = out\n    other[i] = x",
)


@pytest.mark.parametrize("target", ["cpu", "cuda-host"])
@pytest.mark.parametrize("body", BODIES)
def test_every_thread_has_parameters_of_its_own(body: str, target: Target) -> None:
    kernel = parse(TEXT.format(body=body))
    floats = np.array([1.0, 2.0, 3.0], np.float32)
    inputs = {"v": floats, "x": np.array(0.5, np.float32), "n": np.array(3, np.int32), "other": floats}
    launch = Launch((300,), {**inputs, "out": np.zeros(300, np.float32)})
    expected = reference.run(kernel, launch)
    with loaded(render(kernel), target) as program:
        assert isinstance(program, Program), program
        outputs = program.run(kernel.name, launch)
    assert isinstance(outputs, dict)
    assert first_mismatch(expected, outputs) is None
