"""The table of options: its rows exist on this Warp, and give the bits that they promise."""

from __future__ import annotations

import numpy as np
import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.types import FLOAT32, INT32, Array, Scalar
from kernelfuzz.oracles.option_sets import (
    OPTION_SETS,
    OptionSet,
    available,
    option_sets,
    without_float_arithmetic,
    without_library_math,
)
from kernelfuzz.toolchain import Failure, compat
from kernelfuzz.toolchain.programs import JUDGED, loaded

LOOP = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    x = float(0.0)
    for k in range(5):
        x = x * a[i] + float(k)
    v = wp.vec3(x, x + 1.0, a[i])
    v[1] = v[0] - v[2]
    out[i] = v[1]
"""


def storing(value: n.Expr, type_: Scalar) -> n.Kernel:
    out = n.Name("out", Array(type_))
    body = (n.Assign(n.Index(out, (n.Literal(0, INT32),), type_), value),)
    return n.Kernel("kernel", (n.Param("x", FLOAT32), n.Param("out", Array(type_))), body)


X = n.Name("x", FLOAT32)


def test_names_are_unique() -> None:
    names = [row.name for row in OPTION_SETS]
    assert len(set(names)) == len(names)


def test_an_option_that_this_warp_lacks_is_skipped() -> None:
    assert not available(OptionSet("none", (("no_such_option", 1),)))
    assert all(available(row) for row in OPTION_SETS) == (compat.version() == "1.19.0")


@pytest.mark.parametrize("row", option_sets("cpu"), ids=lambda row: row.name)
def test_the_cpu_gives_the_same_bits(row: OptionSet) -> None:
    if row.exact is without_float_arithmetic:
        pytest.skip("the kernel computes with floats")
    values = np.linspace(-2.0, 2.0, 9, dtype=np.float32)
    launch = Launch((9,), {"a": values, "out": np.zeros(9, dtype=np.float32)})
    outputs: list[bytes] = []
    for options in ({}, dict(row.options)):
        with loaded(LOOP, "cpu", options={**JUDGED, **options}, backward=row.backward) as program:
            assert not isinstance(program, Failure), program
            out = program.run("kernel", launch)["out"]
            assert isinstance(out, np.ndarray)
            outputs.append(out.tobytes())
    assert outputs[0] == outputs[1]


def test_library_math_and_float_arithmetic_are_seen() -> None:
    plain, sum_ = storing(X, FLOAT32), storing(n.Binary("+", X, X, FLOAT32), FLOAT32)
    power = storing(n.Binary("**", X, X, FLOAT32), FLOAT32)
    sine = storing(n.Call("sin", (X,), FLOAT32), FLOAT32)
    floor = storing(n.Call("floor", (X,), FLOAT32), FLOAT32)
    kernels = (plain, sum_, power, sine, floor)
    assert [without_library_math(kernel) for kernel in kernels] == [True, True, False, False, True]
    assert [without_float_arithmetic(kernel) for kernel in kernels] == [True, False, False, False, False]
