"""The range that is stated for an operation holds every result of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernelfuzz.ir.nodes import Literal
from kernelfuzz.ir.types import INT32, INT64, UINT8, Vector
from kernelfuzz.strategies.ranges import (
    ARITHMETIC_BOUNDS,
    Ranged,
    binary_range,
    clipped,
    fits,
    full_range,
    input_range,
    is_ranged,
)

WIDE = st.one_of(st.integers(-20, 20), st.integers(-(2**31), 2**31 - 1), st.sampled_from([-(2**31), 2**31 - 1, 0, -1]))


def truncated(a: int, b: int) -> int:
    """C's division."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def results(op: str, a: int, b: int) -> tuple[int, ...]:
    """The operation over mathematical integers; division and remainder by both conventions."""
    match op:
        case "+":
            return (a + b,)
        case "-":
            return (a - b,)
        case "*" | "@":
            return (a * b,)
        case "/" | "//":
            return (a // b, truncated(a, b))
        case "%":
            return (a % b, a - b * truncated(a, b))
        case "&":
            return (a & b,)
        case "|":
            return (a | b,)
        case "^":
            return (a ^ b,)
        case "<<":
            return (a << b,)
        case _:
            return (a >> b,)


@st.composite
def ranges(draw: st.DrawFn, values: st.SearchStrategy[int] = WIDE) -> tuple[Ranged, int]:
    """A range and a value inside it."""
    low, inside, high = sorted(draw(st.tuples(values, values, values)))
    return Ranged(Literal(inside, INT32), low, high), inside


def ranged(low: int, high: int) -> Ranged:
    return Ranged(Literal(low, INT32), low, high)


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "//", "%", "&", "|", "^"])
@settings(max_examples=300, deadline=None)
@given(left=ranges(), right=ranges())
@example(left=(ranged(-7, 7), -7), right=(ranged(-2, 2), -2))
@example(left=(ranged(-(2**31), 0), -(2**31)), right=(ranged(-1, -1), -1))
@example(left=(ranged(0, 7), 7), right=(ranged(-3, -2), -3))
@example(left=(ranged(-7, -7), -7), right=(ranged(2, 2), 2))
@example(left=(ranged(-1, 0), 0), right=(ranged(5, 9), 9))
def test_every_result_lies_in_the_stated_range(op: str, left: tuple[Ranged, int], right: tuple[Ranged, int]) -> None:
    (a, x), (b, y) = left, right
    if op in ("/", "//", "%") and y == 0:
        return
    low, high = binary_range(op, a, b)
    for result in results(op, x, y):
        assert low <= result <= high


@pytest.mark.parametrize("op", ["<<", ">>"])
@settings(max_examples=300, deadline=None)
@given(left=ranges(), right=ranges(st.integers(0, 31)))
def test_every_shifted_value_lies_in_the_stated_range(
    op: str, left: tuple[Ranged, int], right: tuple[Ranged, int]
) -> None:
    (a, x), (b, y) = left, right
    low, high = binary_range(op, a, b)
    assert all(low <= result <= high for result in results(op, x, y))


@settings(max_examples=300, deadline=None)
@given(left=ranges(), right=ranges(), data=st.data(), terms=st.integers(1, 16))
def test_a_sum_of_products_lies_in_the_stated_range(
    left: tuple[Ranged, int], right: tuple[Ranged, int], data: st.DataObject, terms: int
) -> None:
    (a, _), (b, _) = left, right
    xs = data.draw(st.lists(st.integers(*a.range), min_size=terms, max_size=terms))
    ys = data.draw(st.lists(st.integers(*b.range), min_size=terms, max_size=terms))
    low, high = binary_range("@", a, b, terms)
    assert low <= sum(x * y for x, y in zip(xs, ys, strict=True)) <= high


def test_an_operator_without_a_rule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\*\*"):
        binary_range("**", ranged(0, 1), ranged(0, 1))


@pytest.mark.parametrize("dtype", [INT32, INT64])
def test_arithmetic_stays_well_inside_its_type(dtype: type) -> None:
    low, high = ARITHMETIC_BOUNDS[dtype]  # pyright: ignore[reportArgumentType]
    assert fits(dtype, low, high)  # pyright: ignore[reportArgumentType]
    assert not fits(dtype, low - 1, high)  # pyright: ignore[reportArgumentType]
    assert not fits(dtype, low, high + 1)  # pyright: ignore[reportArgumentType]


def test_ranges_are_tracked_where_overflow_is_undefined() -> None:
    assert is_ranged(INT32)
    assert is_ranged(Vector(3, INT64))
    assert not is_ranged(UINT8)
    assert fits(UINT8, -(2**70), 2**70)
    assert full_range(Vector(2, UINT8)) == (0, 255)
    assert input_range(UINT8) == (0, 255)
    assert clipped(INT32, -(2**40), 5) == (-(2**31), 5)
