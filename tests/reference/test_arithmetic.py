"""Each rule of arithmetic against C (ctypes), numpy, fractions, or values worked out by hand."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir import types as t
from kernelfuzz.reference.arithmetic import (
    BINARY,
    COMPARE,
    CONVERSIONS,
    UNARY,
    constant,
    conversion,
    operation,
)
from kernelfuzz.reference.undefined import Undefined

FLOAT_VALUES = (0.0, -0.0, 0.5, 1.0, -1.0, 1.5, -2.5, 3.0, 7.0, -7.0, 0.1, 1e4, math.inf, -math.inf, math.nan)
KIND = {t.FLOAT16: np.float16, t.FLOAT32: np.float32, t.FLOAT64: np.float64}


def edges(scalar: t.Scalar) -> list[int]:
    low, high = scalar.limits
    return sorted({low, low + 1, high - 1, high, *(v for v in (-7, -3, -2, -1, 0, 1, 2, 3, 7) if low <= v <= high)})


def stored(scalar: t.Scalar, value: int) -> int:
    """What a C variable of the type holds after it is given a value."""
    return getattr(ctypes, f"c_{scalar.name}")(value).value


def bits(value: Any) -> bytes:
    return np.asarray(value).tobytes()


def binary(op: str, scalar: t.Scalar, left: Any, right: Any) -> Any:
    with np.errstate(all="ignore"):
        return operation(BINARY, op, scalar)(left, right)


def reason(op: str, scalar: t.Scalar, left: int, right: int) -> str:
    with pytest.raises(Undefined) as caught:
        binary(op, scalar, left, right)
    return caught.value.reason


def pairs(scalar: t.Scalar) -> Iterator[tuple[int, int]]:
    return ((left, right) for left in edges(scalar) for right in edges(scalar))


@pytest.mark.parametrize("scalar", t.INTEGERS, ids=str)
@pytest.mark.parametrize("op", ["+", "-", "*"])
def test_integers_wrap_or_overflow_as_in_c(op: str, scalar: t.Scalar) -> None:
    computed_in = scalar if scalar.bits >= 32 else t.INT32  # C promotes to int
    low, high = computed_in.limits
    for left, right in pairs(scalar):
        exact = {"+": left + right, "-": left - right, "*": left * right}[op]
        if computed_in.kind == "int" and not low <= exact <= high:
            assert reason(op, scalar, left, right) == "signed overflow"
        else:
            assert binary(op, scalar, left, right) == stored(scalar, exact)


@pytest.mark.parametrize("scalar", t.INTEGERS, ids=str)
def test_division_of_integers(scalar: t.Scalar) -> None:
    for left, right in pairs(scalar):
        if right == 0:
            assert {reason(op, scalar, left, right) for op in ("/", "//", "%")} == {"division by zero"}
        elif scalar in (t.INT32, t.INT64) and (left, right) == (scalar.limits[0], -1):
            assert {reason(op, scalar, left, right) for op in ("/", "//", "%")} == {"signed overflow"}
        else:
            exact = Fraction(left, right)
            assert binary("/", scalar, left, right) == stored(scalar, math.trunc(exact))
            assert binary("//", scalar, left, right) == stored(scalar, math.floor(exact))
            assert binary("%", scalar, left, right) == int(math.fmod(left, right)) or abs(left) > 1 << 53
            assert binary("%", scalar, left, right) == left - right * math.trunc(exact)


def test_signs_of_division_by_hand() -> None:
    # "a = -3 % 2 # a is -1", "b = 3 % -2 # b is 1": Limitations, Modulus Operator.
    assert binary("%", t.INT32, -3, 2) == -1
    assert binary("%", t.INT32, 3, -2) == 1
    assert (binary("/", t.INT32, -7, 2), binary("//", t.INT32, -7, 2)) == (-3, -4)
    assert binary("/", t.INT8, -128, -1) == -128
    assert binary("%", t.FLOAT32, np.float32(-3.0), np.float32(2.0)) == -1.0
    assert binary("%", t.FLOAT32, np.float32(3.0), np.float32(-2.0)) == 1.0
    assert math.isnan(binary("%", t.FLOAT64, np.float64(1.0), np.float64(0.0)))
    assert binary("//", t.FLOAT32, np.float32(-7.0), np.float32(2.0)) == -4.0
    # 0.1 is a little more than a tenth in float64: Python's 1.0 // 0.1 is 9, the rounded quotient is 10.
    assert binary("//", t.FLOAT64, np.float64(1.0), np.float64(0.1)) == 10.0


@pytest.mark.parametrize("scalar", t.FLOATS, ids=str)
@pytest.mark.parametrize("op", ["+", "-", "*", "/"])
def test_floats_are_rounded_once(op: str, scalar: t.Scalar) -> None:
    kind = KIND[scalar]
    for left, right in product(map(kind, FLOAT_VALUES), repeat=2):
        found = binary(op, scalar, left, right)
        assert type(found) is kind
        finite = math.isfinite(left) and math.isfinite(right) and not (op == "/" and right == 0)
        if finite:
            a, b = Fraction(float(left)), Fraction(float(right))
            exact = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a}[op]
            near = {
                float(found),
                float(np.nextafter(found, kind(9e9))),
                float(np.nextafter(found, kind(-9e9))),
            }
            assert not math.isfinite(found) or min(abs(Fraction(n) - exact) for n in near if math.isfinite(n)) == abs(
                Fraction(float(found)) - exact
            )


def test_zeros_and_infinities_by_hand() -> None:
    one, zero = np.float32(1.0), np.float32(0.0)
    assert binary("/", t.FLOAT32, one, zero) == math.inf
    assert binary("/", t.FLOAT32, one, -zero) == -math.inf
    assert bits(binary("*", t.FLOAT32, -one, zero)) == bits(np.float32(-0.0))
    assert bits(operation(UNARY, "-", t.FLOAT32)(zero)) == bits(np.float32(-0.0))
    assert bits(binary("-", t.FLOAT32, zero, zero)) == bits(zero)
    assert binary("+", t.FLOAT16, np.float16(2048), np.float16(1)) == 2048  # a tie, to even


@pytest.mark.parametrize("scalar", t.INTEGERS, ids=str)
@pytest.mark.parametrize("op", ["&", "|", "^"])
def test_bits(op: str, scalar: t.Scalar) -> None:
    kind = np.dtype(scalar.name).type
    function = {"&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor}[op]
    for left, right in pairs(scalar):
        assert binary(op, scalar, left, right) == int(function(kind(left), kind(right)))
    for value in edges(scalar):
        assert operation(UNARY, "~", scalar)(value) == int(np.invert(kind(value)))


@pytest.mark.parametrize("scalar", t.INTEGERS, ids=str)
def test_shifts(scalar: t.Scalar) -> None:
    low, high = scalar.limits
    for count in (-1, scalar.bits, scalar.bits + 1):
        if low <= count <= high:
            assert {reason(op, scalar, 1, count) for op in ("<<", ">>")} == {"shift out of range"}
    for value, count in product(edges(scalar), (0, 1, scalar.bits - 1)):
        assert binary(">>", scalar, value, count) == value // 2**count
        if value < 0 or (scalar in (t.INT32, t.INT64) and value * 2**count > high):
            assert reason("<<", scalar, value, count) == "signed overflow"
        else:
            assert binary("<<", scalar, value, count) == stored(scalar, value * 2**count)


@pytest.mark.parametrize("scalar", t.INTEGERS, ids=str)
def test_negation_of_integers(scalar: t.Scalar) -> None:
    negate = operation(UNARY, "-", scalar)
    for value in edges(scalar):
        if scalar in (t.INT32, t.INT64) and value == scalar.limits[0]:
            with pytest.raises(Undefined, match="signed overflow"):
                negate(value)
        else:
            assert negate(value) == stored(scalar, -value)
        assert operation(UNARY, "+", scalar)(value) == value
        assert operation(UNARY, "not", scalar)(value) is (value == 0)


def test_comparisons_with_nan_and_zeros() -> None:
    nan, zero = np.float32("nan"), np.float32(0.0)
    found = {op: operation(COMPARE, op, t.FLOAT32)(nan, nan) for op in ("==", "!=", "<", "<=", ">", ">=")}
    assert found == {"==": False, "!=": True, "<": False, "<=": False, ">": False, ">=": False}
    assert operation(COMPARE, "==", t.FLOAT32)(zero, -zero) is True
    assert operation(COMPARE, "<", t.FLOAT32)(-zero, zero) is False
    assert operation(COMPARE, "==", t.BOOL)(True, True) is True


def test_integer_conversions_are_those_of_c() -> None:
    for source, target in product(t.INTEGERS, repeat=2):
        for value in edges(source):
            assert conversion(source, target)(value) == stored(target, value)


def test_float_to_integer_truncates_or_is_undefined() -> None:
    convert = conversion(t.FLOAT32, t.INT8)
    assert [convert(np.float32(v)) for v in (127.9, -128.9, -0.9, 0.9)] == [127, -128, 0, 0]
    for value in (128.0, -129.0, math.inf, math.nan):
        with pytest.raises(Undefined, match="float to int out of range"):
            convert(np.float32(value))
    assert conversion(t.FLOAT64, t.UINT8)(np.float64(-0.5)) == 0
    with pytest.raises(Undefined, match="float to int out of range"):
        conversion(t.FLOAT64, t.UINT64)(np.float64(2.0**64))
    assert conversion(t.FLOAT64, t.INT64)(np.float64(-(2.0**63))) == -(2**63)


def test_integer_to_float_rounds_once() -> None:
    # By way of float64 this tie would be rounded down instead of up.
    value = 2**60 + 2**36 + 1
    assert int(conversion(t.INT64, t.FLOAT32)(value)) == 2**60 + 2**37
    assert int(conversion(t.UINT64, t.FLOAT32)(2**64 - 1)) == 2**64
    assert int(conversion(t.UINT64, t.FLOAT64)(2**64 - 1)) == 2**64
    assert conversion(t.INT32, t.FLOAT16)(2049) == 2048
    assert conversion(t.UINT32, t.FLOAT16)(2**20) == math.inf
    assert conversion(t.BOOL, t.FLOAT32)(True) == 1.0


def test_float16_comes_by_way_of_float32() -> None:
    # 1 + 2**-11 + 2**-26 lies above a tie of float16 that it is rounded to in float32.
    value = np.float64(1.0 + 2.0**-11 + 2.0**-26)
    assert np.float16(value) == 1.0 + 2.0**-10
    assert conversion(t.FLOAT64, t.FLOAT16)(value) == 1.0
    assert constant(t.FLOAT16, float(value)) == 1.0


def test_conversions_to_bool() -> None:
    assert conversion(t.FLOAT32, t.BOOL)(np.float32("nan")) is True
    assert conversion(t.FLOAT32, t.BOOL)(np.float32(-0.0)) is False
    assert conversion(t.INT16, t.BOOL)(-256) is True
    assert conversion(t.UINT16, t.BOOL)(0) is False
    assert conversion(t.BOOL, t.INT32)(True) == 1


def test_every_rule_has_a_source() -> None:
    assert all(rule.source for rule in (*BINARY, *UNARY, *COMPARE, *CONVERSIONS))
    named = [(rule.op, kind) for rule in BINARY for kind in rule.kinds]
    assert len(named) == len(set(named)), "two rules for one operator"
