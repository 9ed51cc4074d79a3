"""Which of two zeros an atomic minimum or maximum keeps: the one that is there."""

from __future__ import annotations

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import value
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.syntax.parse import parse

SOURCE = """
import warp as wp


@wp.kernel
def kernel(a: wp.array(dtype={dtype}), b: wp.array(dtype={dtype})):
    i = wp.tid()
    wp.atomic_{name}(a, i, b[i])
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["min", "max"])
def test_the_zero_that_is_there_stays(name: str, dtype: str) -> None:
    kernel = parse(SOURCE.format(name=name, dtype=f"wp.{dtype}"))
    a, b = np.array([0.0, -0.0, 0.0, np.nan, 2.0], dtype), np.array([-0.0, 0.0, 0.0, 1.0, np.nan], dtype)
    case = Case(kernel, Launch((5,), {"a": a, "b": b}))
    wanted = value.expected([case])
    (verdict,) = value.judge([case], wanted, BuildSetting())
    assert verdict.status == "passed"
    assert isinstance(wanted[0], dict)
    result = wanted[0]["a"]
    assert isinstance(result, np.ndarray)
    assert [str(number) for number in result] == ["0.0", "-0.0", "0.0", "1.0", "2.0"]
