"""Generic and overloaded functions: what the arguments of a call choose is written down."""

from __future__ import annotations

import pytest

from kernelfuzz.ir.types import FLOAT64, Array
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render

GENERIC = """\
import warp as wp
from typing import Any, TypeVar

T = TypeVar("T")

@wp.func
def first(values: wp.array(dtype=Any), i: int, scale=1.0):
    x = values[i] * type(values[i])(2)
    return x + values.dtype(wp.float32(scale))

@wp.func
def either(x: T, y: T):
    return x + y

@wp.func
def either(x: int, y: int):
    return x * y

@wp.kernel
def k(a: wp.array(dtype=float), b: wp.array(dtype=wp.float64)):
    i = wp.tid()
    a[i] = first(a, i) + first(a, i, 2.0)
    b[i] = first(b, i) + wp.float64(either(i, i))
    a[i] = either(a[i], a[i])
"""

READ = """\
import warp as wp


@wp.func
def first(values: wp.array(dtype=float), i: int, scale: float) -> float:
    x = values[i] * float(2)
    return x + float(float(scale))


@wp.func
def first_1(values: wp.array(dtype=wp.float64), i: int, scale: float) -> wp.float64:
    x = values[i] * wp.float64(2)
    return x + wp.float64(float(scale))


@wp.func
def either_1(x: float, y: float) -> float:
    return x + y


@wp.func
def either(x: int, y: int) -> int:
    return x * y


@wp.kernel
def k(a: wp.array(dtype=float), b: wp.array(dtype=wp.float64)):
    i = wp.tid()
    a[i] = first(a, i, 1.0) + first(a, i, 2.0)
    b[i] = first_1(b, i, 1.0) + wp.float64(either(i, i))
    a[i] = either_1(a[i], a[i])
"""


def test_a_generic_function_is_read_for_each_type() -> None:
    assert render(parse(GENERIC)) == READ
    assert render(parse(READ)) == READ


@pytest.mark.parametrize(
    ("call", "said"),
    {
        "either(i, a[i])": "no operator . for int32 and float32",
        "either(i)": r"no overload of either takes \(int32\)",
        "either(x=i, y=i)": "by names",
    }.items(),
)
def test_what_no_overload_takes(call: str, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        parse(GENERIC.replace("either(i, i)", call))


def test_a_generic_kernel_needs_the_types() -> None:
    text = GENERIC.replace("b: wp.array(dtype=wp.float64)", "b: wp.array(dtype=Any)")
    with pytest.raises(ParseError, match="generic"):
        parse(text)
    assert render(parse(text, types={"b": Array(FLOAT64)})) == READ
    with pytest.raises(ValueError, match="k has no parameter c"):
        parse(text, types={"c": FLOAT64})


def test_the_components_of_a_vector_are_given_one_by_one() -> None:
    head = "import warp as wp\n\n@wp.kernel\ndef k(v: wp.vec2, out: wp.array(dtype=wp.vec4)):\n"
    kernel = parse(f"{head}    out[0] = wp.vec4(1.0, *v, 2.0)\n")
    assert "out[0] = wp.vec4(1.0, v[0], v[1], 2.0)" in render(kernel)
