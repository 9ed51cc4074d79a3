"""Dual numbers: derivatives as tables of derivatives have them, and none where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kernelfuzz.reference import dual
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.dual import Dual
from kernelfuzz.reference.undefined import NotSmooth

ROOT_PI = math.sqrt(math.pi)


def moving(value: float) -> Dual:
    return Dual(value, np.array([1.0, 0.0]))


def other(value: float) -> Dual:
    return Dual(value, np.array([0.0, 1.0]))


# name, function, point, derivative there.
UNARY: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("sin", numbers.sin, 0.5, math.cos(0.5)),
    ("cos", numbers.cos, 0.5, -math.sin(0.5)),
    ("tan", numbers.tan, 0.5, 1 / math.cos(0.5) ** 2),
    ("arcsin", numbers.arcsin, 0.6, 1.25),
    ("arccos", numbers.arccos, 0.6, -1.25),
    ("arcsin, clamped", numbers.arcsin, 1.5, 0.0),
    ("arctan", numbers.arctan, 2.0, 0.2),
    ("sinh", numbers.sinh, 1.0, math.cosh(1.0)),
    ("cosh", numbers.cosh, 1.0, math.sinh(1.0)),
    ("tanh", numbers.tanh, 1.0, 1 - math.tanh(1.0) ** 2),
    ("exp", numbers.exp, 2.0, math.exp(2.0)),
    ("log", numbers.log, 4.0, 0.25),
    ("log2", numbers.log2, 4.0, 0.25 / math.log(2)),
    ("log10", numbers.log10, 4.0, 0.25 / math.log(10)),
    ("sqrt", numbers.sqrt, 4.0, 0.25),
    ("cbrt", numbers.cbrt, -8.0, 1 / 12),
    ("erf", numbers.erf, 1.0, 2 / ROOT_PI * math.exp(-1)),
    ("erfc", numbers.erfc, 1.0, -2 / ROOT_PI * math.exp(-1)),
    ("erfinv", numbers.erfinv, math.erf(0.75), ROOT_PI / 2 * math.exp(0.75**2)),
    ("erfcinv", numbers.erfcinv, math.erfc(0.75), -ROOT_PI / 2 * math.exp(0.75**2)),
    ("abs", abs, -3.0, -1.0),
    ("floor", numbers.floor, 2.5, 0.0),
    ("rint", numbers.rint, 2.25, 0.0),
    ("round", numbers.round_away, -2.25, 0.0),
    ("square", lambda x: x * x, 3.0, 6.0),
    ("reciprocal", lambda x: 1.0 / x, 2.0, -0.25),
    ("twice", lambda x: x + x, 3.0, 2.0),
    ("nothing", lambda x: x - x, 3.0, 0.0),
    ("constants", lambda x: 5.0 - 2.0 * x / 4.0, 3.0, -0.5),
    ("fmod", lambda x: numbers.remainder(x, np.float64(2.0)), -5.5, 1.0),
    ("power", lambda x: x**3.0, -2.0, 12.0),
    ("exponent", lambda x: 2.0**x, 3.0, 8 * math.log(2)),
    ("copysign", lambda x: numbers.copysign(x, -1.0), 3.0, -1.0),
]


@pytest.mark.parametrize(("name", "function", "point", "derivative"), UNARY, ids=[row[0] for row in UNARY])
def test_derivatives_of_one_number(name: str, function: Callable[[Any], Any], point: float, derivative: float) -> None:
    found = function(moving(point))
    assert found.tangent[0] == pytest.approx(derivative, rel=1e-12, abs=1e-15)
    assert found.tangent[1] == 0


@pytest.mark.parametrize(("name", "function", "point", "derivative"), UNARY, ids=[row[0] for row in UNARY])
def test_values_are_those_of_floats(name: str, function: Callable[[Any], Any], point: float, derivative: float) -> None:
    assert function(moving(point)).value == pytest.approx(float(function(np.float64(point))), rel=1e-14)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, y: x * y, (2.0, 3.0)),
        (lambda x, y: x / y, (0.5, -0.75)),
        (lambda x, y: x**y, (6.0, 9 * math.log(3))),
        (dual.arctan2, (2 / 13, -3 / 13)),
        (numbers.smaller, (0.0, 1.0)),
        (numbers.larger, (1.0, 0.0)),
        (lambda x, y: x % y, (1.0, -1.0)),
    ],
)
def test_derivatives_of_two_numbers(function: Callable[[Any, Any], Any], expected: tuple[float, float]) -> None:
    found = function(moving(3.0), other(2.0))
    assert tuple(found.tangent) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (abs, 0.0),
        (numbers.sqrt, 0.0),
        (numbers.cbrt, 0.0),
        (numbers.arcsin, 1.0),
        (numbers.arccos, -1.0),
        (numbers.floor, 2.0),
        (numbers.ceil, 2.0),
        (numbers.trunc, -3.0),
        (numbers.rint, 2.5),
        (numbers.round_away, 0.5),
        (numbers.log, 0.0),
        (lambda x: 1.0 / x, 0.0),
        (lambda x: x % 2.0, 4.0),
        (lambda x: x > 1.0, 1.0),
        (lambda x: x == 1.0, 1.0 + 1e-13),
        (lambda x: numbers.smaller(x, 1.0), 1.0),
        (lambda x: numbers.copysign(2.0, x), 0.0),
        (lambda x: dual.arctan2(x, -1.0), 0.0),
    ],
)
def test_no_derivative(function: Callable[[Any], Any], point: float) -> None:
    with pytest.raises(NotSmooth):
        function(moving(point))


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (abs, 0.0),
        (numbers.floor, 2.0),
        (numbers.rint, 2.5),
        (lambda x: x % 2.0, 4.0),
        (lambda x: x > 1.0, 1.0),
    ],
)
def test_what_does_not_move_may_stand_at_a_corner(function: Callable[[Any], Any], point: float) -> None:
    function(Dual(point, np.zeros(2)))


@pytest.mark.parametrize("function", [numbers.sqrt, numbers.cbrt, numbers.log, lambda x: 1.0 / x, lambda x: x**0.5])
def test_nothing_may_stand_where_a_derivative_is_infinite(function: Callable[[Any], Any]) -> None:
    with pytest.raises(NotSmooth):
        function(Dual(0.0, np.zeros(2)))


def test_equal_numbers_that_move_together_compare() -> None:
    x = moving(2.0)
    assert x <= x + 0.0
    assert not x < x * 1.0


def test_arrays_of_duals() -> None:
    array = np.array([moving(2.0), other(3.0)], dtype=object)
    total = (np.float64(2.0) * array + array * array).sum()
    assert total.value == 23.0
    assert list(total.tangent) == [6.0, 8.0]
    assert list((array * moving(2.0))[1].tangent) == [3.0, 2.0]
