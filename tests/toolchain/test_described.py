"""Kernels that a program has made, read: what a name stands for is asked of their module and of what they capture."""

# pyright: reportInvalidTypeForm=false

from __future__ import annotations

import enum
import math
from types import SimpleNamespace
from typing import Any

import pytest
import warp as wp
from same_code import difference

from kernelfuzz import NotJudged, check
from kernelfuzz.ir.names import rename
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, lower, lower_kernel

LIMIT = wp.constant(7)
HALF = wp.constant(wp.float64(0.5))
SETTINGS = SimpleNamespace(count=3, scale=2.5)


class Kind(enum.IntEnum):
    FREE = 4
    FIXED = 9


@wp.struct
class Body:
    mass: float
    axes: wp.mat22


@wp.func
def half(x: Any):
    return x * type(x)(HALF)


def make(count: int, function: Any) -> Any:
    """A kernel that captures a number and a function."""

    @wp.kernel
    def captures(out: wp.array(dtype=float)):
        i = wp.tid()
        out[i] = function(out[i]) + float(count * LIMIT)

    return captures


@wp.kernel
def plain(bodies: wp.array(dtype=Body), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    if i < LIMIT and i != Kind.FIXED:
        out[i] = half(out[i]) * HALF
        mass = bodies[i].mass * wp.static(SETTINGS.scale) + math.pi
        out[i] += wp.float64(half(mass))


@wp.kernel
def captures_numbers(out: wp.array(dtype=Any)):
    out[wp.tid()] = out.dtype(LIMIT)


@wp.kernel
def starred(vectors: wp.array(dtype=wp.vec2), out: wp.array(dtype=wp.vec4)):
    v = vectors[0]
    out[0] = wp.vec4(*v, 1.0, 2.0)


ONE = make(3, half)
wp.overload(captures_numbers, {"out": wp.array(dtype=wp.int64)})


@wp.func_native("return x;")
def native(x: float) -> float: ...


def numbers(count: int) -> Any:
    @wp.kernel
    def alone(out: wp.array(dtype=int)):
        out[wp.tid()] = count

    return alone


@pytest.mark.parametrize("kernel", [plain, ONE, captures_numbers, starred], ids=lambda kernel: kernel.key)
def test_warp_generates_the_same_code_for_what_was_read(kernel: Any) -> None:
    (want,) = _lowered(lower_kernel(kernel)).kernels
    (got,) = _lowered(lower(parse(kernel))).kernels
    assert not difference(want, got)


def _lowered(result: Any) -> Any:
    assert not isinstance(result, Failure), result
    return result


COUNT = 3


@wp.func
def counted(x: float):
    return x + float(COUNT)


@wp.func
def chosen(COUNT: int):
    if COUNT > 2:
        return 1.0
    return 2.0


@wp.kernel
def same_names(out: wp.array(dtype=float)):
    i = wp.tid()
    half = counted(out[i])
    out[i] = half + chosen(2)


def test_a_local_may_have_the_name_of_what_another_function_reads() -> None:
    text = render(parse(same_names))
    assert "COUNT_0 = wp.constant(3)" in text
    assert "def chosen(COUNT: int)" in text
    assert "value" in check(same_names, oracles=["value"], scripts=None).passed


def test_what_only_numbers_are_captured_of_stays_a_closure() -> None:
    made = parse(numbers(5))
    assert made.closure
    assert [(each.name, each.number and each.number.value) for each in made.constants] == [("count", 5)]
    assert "make_alone(5)" in render(made)


def test_a_function_of_cpp_is_read_and_not_computed() -> None:
    kernel = make(1, native)
    made = parse(kernel)
    (function,) = made.functions
    assert function.native == ("return x;",)
    assert parse(render(made)) == made
    (want,) = _lowered(lower_kernel(kernel)).kernels
    (got,) = _lowered(lower(made)).kernels
    assert not difference(want, got)
    with pytest.raises(NotJudged, match="undefined: native code"):
        check(kernel, oracles=["value"], scripts=None)
    # Its text has the names of its parameters.
    assert rename(made, lambda kind, _, name: f"{name}_new").functions[0].params == function.params


def test_a_line_is_that_of_the_file() -> None:
    with pytest.raises(ParseError) as caught:
        parse(make(1, lambda x: x))
    assert caught.value.line == make.__code__.co_firstlineno + 6


def test_a_generic_kernel_without_an_overload_is_not_read() -> None:
    @wp.kernel
    def generic(out: wp.array(dtype=Any)):
        out[0] = out[1]

    with pytest.raises(ParseError, match="generic"):
        parse(generic)


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a text or a warp\.Kernel is read, got int"):
        parse(3)


def test_what_a_static_expression_calls_is_in_the_source_of_what_warp_lowered() -> None:
    def scaled(count: int) -> Any:
        @wp.func
        def scale(x: float):
            return x * float(count)

        return scale

    @wp.kernel
    def calls(out: wp.array(dtype=float)):
        out[0] = wp.static(scaled(3))(out[1])

    assert "scale(out[1])" in _lowered(lower_kernel(calls)).source
