"""The value of each operator on scalars and on composites: ONE table of rules, each with its source.

To find the rule for ``//`` on int8, look for ``"//"`` and ``"int"`` in ``BINARY``.  Operands and results are
Python ints in the range of the type, Python bools, or numpy scalars of exactly the float type.

Sources: *Limitations* is a page of Warp's user guide (https://nvidia.github.io/warp/), *Built-ins* is its
language reference; *C++* is the C++17 standard, which Warp names as what a kernel's operators follow
(Limitations, "Modulus Operator"); *IEEE* is IEEE 754; *observed* says what all of Warp 1.10, 1.14 and 1.19
compute where nothing is written (tests/reference/test_arithmetic.py tries it again).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.reference.undefined import (
    DIVISION_BY_ZERO,
    FLOAT_TO_INT,
    SHIFT_OUT_OF_RANGE,
    SIGNED_OVERFLOW,
    Undefined,
)

Number: TypeAlias = Any
Components: TypeAlias = "np.ndarray[Any, Any]"
Operation: TypeAlias = Callable[..., Number]


@dataclass(frozen=True, slots=True)
class Rule:
    """``op`` on scalars of the kinds: ``make(scalar)`` is the function; ``source`` says why it is so."""

    op: str
    kinds: tuple[str, ...]
    make: Callable[[t.Scalar], Operation]
    source: str


# ------------------------------------------------------- what an integer result becomes


@cache
def fit(scalar: t.Scalar) -> Callable[[int], int]:
    """A mathematical integer as the result of arithmetic in the type.

    Unsigned types wrap, int8 and int16 too (C++ computes in int and converts back, modulo 2**bits since C++20
    and on every compiler before); a result outside of int32 or int64 is undefined.
    """
    low, high = scalar.limits
    if scalar.kind == "uint" or scalar.bits < t.INT32.bits:
        return wrap(scalar)

    def checked(value: int) -> int:
        if low <= value <= high:
            return value
        raise Undefined(SIGNED_OVERFLOW)

    return checked


@cache
def wrap(scalar: t.Scalar) -> Callable[[int], int]:
    """An integer modulo 2**bits, in the range of the type."""
    low, high = scalar.limits
    mask = high - low
    if low == 0:
        return lambda value: value & mask
    return lambda value: ((value - low) & mask) + low


def _fitted(operation: Callable[[int, int], int]) -> Callable[[t.Scalar], Operation]:
    def make(scalar: t.Scalar) -> Operation:
        fitted = fit(scalar)
        return lambda left, right: fitted(operation(left, right))

    return make


def _multiplied(scalar: t.Scalar) -> Operation:
    fitted = fit(scalar)
    if scalar is not t.UINT16:
        return lambda left, right: fitted(left * right)
    _, most = t.INT32.limits

    def product(left: int, right: int) -> int:
        # The one unsigned type whose products, computed in int, leave the range of int.
        if left * right > most:
            raise Undefined(SIGNED_OVERFLOW)
        return fitted(left * right)

    return product


# --------------------------------------------------------------------------- division


def _truncated_quotient(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _truncated_remainder(left: int, right: int) -> int:
    return left - right * _truncated_quotient(left, right)


def _divided(operation: Callable[[int, int], int]) -> Callable[[t.Scalar], Operation]:
    def make(scalar: t.Scalar) -> Operation:
        fitted = fit(scalar)

        def divide(left: int, right: int) -> int:
            if right == 0:
                raise Undefined(DIVISION_BY_ZERO)
            fitted(_truncated_quotient(left, right))  # INT_MIN / -1 and INT_MIN % -1 overflow
            return fitted(operation(left, right))

        return divide

    return make


def _float_floor_division(_: t.Scalar) -> Operation:
    return lambda left, right: np.floor(left / right)


def _float_remainder(_: t.Scalar) -> Operation:
    return np.fmod


# ---------------------------------------------------------------------- bits and shifts


def _plain(operation: Operation) -> Callable[[t.Scalar], Operation]:
    return lambda _: operation


def _shift_count(count: int, scalar: t.Scalar) -> int:
    if 0 <= count < scalar.bits:
        return count
    raise Undefined(SHIFT_OUT_OF_RANGE)


def _left_shift(scalar: t.Scalar) -> Operation:
    fitted = fit(scalar)

    def shift(left: int, right: int) -> int:
        count = _shift_count(right, scalar)
        if left < 0:
            raise Undefined(SIGNED_OVERFLOW)
        return fitted(left << count)

    return shift


def _right_shift(scalar: t.Scalar) -> Operation:
    return lambda left, right: left >> _shift_count(right, scalar)


# ------------------------------------------------------------------------------ tables

FLOAT, INT, BOOL_ = ("float",), ("int", "uint"), ("bool",)
_IEEE = "IEEE: the nearest float; float16 is computed in float32 and rounded, which gives the same"
_INTEGER = "C++: unsigned wraps, signed overflow is undefined, 8 and 16 bits are computed in int"

BINARY: tuple[Rule, ...] = (
    Rule("+", FLOAT, _plain(operator.add), _IEEE),
    Rule("-", FLOAT, _plain(operator.sub), _IEEE),
    Rule("*", FLOAT, _plain(operator.mul), _IEEE),
    Rule("/", FLOAT, _plain(operator.truediv), _IEEE + "; x / 0 is infinite or NaN"),
    Rule("//", FLOAT, _float_floor_division, "Built-ins, floordiv; observed: the floor of the rounded quotient"),
    Rule("%", FLOAT, _float_remainder, "Limitations, Modulus Operator: the sign of the dividend; C's fmod"),
    Rule("+", INT, _fitted(operator.add), _INTEGER),
    Rule("-", INT, _fitted(operator.sub), _INTEGER),
    Rule("*", INT, _multiplied, _INTEGER),
    Rule("/", INT, _divided(_truncated_quotient), "C++: an integer, truncated towards zero; observed"),
    Rule("//", INT, _divided(operator.floordiv), "Built-ins, floordiv: floor division"),
    Rule("%", INT, _divided(_truncated_remainder), "Limitations, Modulus Operator: the sign of the dividend"),
    Rule("&", INT, _plain(operator.and_), "Built-ins, bit_and; the operands are in two's complement"),
    Rule("|", INT, _plain(operator.or_), "Built-ins, bit_or"),
    Rule("^", INT, _plain(operator.xor), "Built-ins, bit_xor"),
    Rule(
        "<<",
        INT,
        _left_shift,
        "Built-ins, lshift; C++: undefined for a count outside of the type or below zero",
    ),
    Rule(">>", INT, _right_shift, "Built-ins, rshift; C++20 and every compiler: signed types keep their sign"),
)


def _negated(scalar: t.Scalar) -> Operation:
    fitted = fit(scalar)
    return lambda operand: fitted(-operand)


def _inverted(scalar: t.Scalar) -> Operation:
    wrapped = wrap(scalar)
    return lambda operand: wrapped(~operand)


UNARY: tuple[Rule, ...] = (
    Rule("-", FLOAT, _plain(operator.neg), "IEEE: the sign changes, also that of zero"),
    Rule("-", INT, _negated, _INTEGER),
    Rule("+", (*FLOAT, *INT), _plain(lambda operand: operand), "Built-ins, pos"),
    Rule("~", INT, _inverted, "Built-ins, invert: every bit"),
    Rule("not", (*INT, *BOOL_), _plain(operator.not_), "Python: whether the operand is zero or False"),
)

_COMPARE = "IEEE and Python: NaN differs from everything and has no order, -0.0 equals 0.0"
_ALL = (*FLOAT, *INT)


def _compared(operation: Operation) -> Callable[[t.Scalar], Operation]:
    return lambda _: lambda left, right: bool(operation(left, right))


COMPARE: tuple[Rule, ...] = (
    Rule("==", (*_ALL, *BOOL_), _compared(operator.eq), _COMPARE),
    Rule("!=", (*_ALL, *BOOL_), _compared(operator.ne), _COMPARE),
    Rule("<", _ALL, _compared(operator.lt), _COMPARE),
    Rule("<=", _ALL, _compared(operator.le), _COMPARE),
    Rule(">", _ALL, _compared(operator.gt), _COMPARE),
    Rule(">=", _ALL, _compared(operator.ge), _COMPARE),
)


# ------------------------------------------------------------------------- conversions


@cache
def float_type(scalar: t.Scalar) -> type[np.floating[Any]]:
    """numpy's scalar type of a float type, which has the same name; TypeError where numpy has none."""
    return np.dtype(scalar.name).type


def constant(scalar: t.Scalar, value: int | float | bool) -> Number:
    """A Python number as a value of the type; a float16 is made from the float32 nearest to the number."""
    if not scalar.is_float:
        return bool(value) if scalar.kind == "bool" else int(value)
    return to_half(value) if scalar is t.FLOAT16 else float_type(scalar)(value)


def to_half(value: float) -> Number:
    """float16 by way of float32: Warp's float16 has no other conversion from a number."""
    return np.float16(np.float32(value))


def _integer_to_float(target: t.Scalar) -> Operation:
    made = float_type(target)

    def convert(value: int) -> Number:
        if -(1 << 53) <= value <= 1 << 53:
            return constant(target, value)
        # numpy's own conversion of a 64-bit integer rounds once; by way of a Python float it would twice.
        whole = np.array(value, dtype=np.int64 if value < 0 else np.uint64)
        return made(whole.astype(np.float64 if target is t.FLOAT64 else np.float32)[()])

    return convert


def _float_to_integer(target: t.Scalar) -> Operation:
    low, high = target.limits

    def convert(value: Number) -> int:
        if not np.isfinite(value) or not low <= (whole := int(value)) <= high:
            raise Undefined(FLOAT_TO_INT)
        return whole

    return convert


def _float_to_float(target: t.Scalar) -> Operation:
    return to_half if target is t.FLOAT16 else float_type(target)


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the kinds to the kinds: ``make(target)`` is the function."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    make: Callable[[t.Scalar], Operation]
    source: str


CONVERSIONS: tuple[Conversion, ...] = (
    Conversion(FLOAT, FLOAT, _float_to_float, "IEEE: the nearest; to float16 through float32 (observed)"),
    Conversion(FLOAT, INT, _float_to_integer, "C++: truncated; undefined where that is out of range"),
    Conversion(FLOAT, BOOL_, lambda _: lambda value: bool(value != 0), "Python: whether it is not zero"),
    Conversion((*INT, *BOOL_), FLOAT, _integer_to_float, "IEEE: the nearest; float16 by way of float32"),
    Conversion(INT, INT, wrap, "C++20 and every compiler before: modulo 2**bits"),
    Conversion(INT, BOOL_, lambda _: bool, "C++ and Python: whether it is not zero"),
    Conversion(BOOL_, INT, lambda _: int, "C++ and Python: 0 or 1"),
    Conversion(BOOL_, BOOL_, lambda _: bool, "the same value"),
)  # fmt: skip


# ----------------------------------------------------------------------------- look up


def rule(table: tuple[Rule, ...], op: str, scalar: t.Scalar) -> Rule:
    """The rule for an operator on a scalar type; KeyError where there is none."""
    for row in table:
        if row.op == op and scalar.kind in row.kinds:
            return row
    raise KeyError(f"no rule for {op} on {scalar}")


@cache
def operation(table: tuple[Rule, ...], op: str, scalar: t.Scalar) -> Operation:
    """The function for an operator on a scalar type."""
    return rule(table, op, scalar).make(scalar)


@cache
def conversion(source: t.Scalar, target: t.Scalar) -> Operation:
    """The function that converts a value of one scalar type into another."""
    if source == target:
        return lambda value: value
    for row in CONVERSIONS:
        if source.kind in row.sources and target.kind in row.targets:
            return row.make(target)
    raise KeyError(f"no conversion from {source} to {target}")


# ------------------------------------------------------------- operators over components

# Over vectors, matrices, quaternions, transforms and tiles, built from an operator on scalars.  Sums of products
# are added in the order of their index, from the first product on ("Basics: Vectors, Matrices" of Warp's user
# guide says what is summed, not in which order; the order was observed).  The floats of the products that Warp has
# as a builtin (``wp.mul`` of two matrices, ...) come from that builtin instead: see ``kernelfuzz.reference.exact``.


def component_type(type_: t.Type) -> t.Scalar:
    """The scalar type of a scalar, composite or tile."""
    if isinstance(type_, t.Scalar):
        return type_
    assert not isinstance(type_, (t.Array, t.Struct, t.Tuple))
    return type_.dtype


def elementwise(scalar: t.Scalar, operation: Operation) -> Operation:
    """``operation`` on each component; a scalar operand is used for every component."""
    if scalar.is_float:
        return operation  # numpy's arrays compute like its scalars, and arrays of objects one by one
    dtype = np.dtype(scalar.name)

    def unary_or_binary(*operands: Any) -> Components:
        arrays = [np.asarray(operand, dtype=dtype) for operand in operands]
        whole = max(arrays, key=np.ndim)
        columns = [each.ravel().tolist() if each.ndim else [each.item()] * whole.size for each in arrays]
        return np.array([operation(*each) for each in zip(*columns, strict=True)], dtype=dtype).reshape(whole.shape)

    return unary_or_binary


def product(left: t.Vector | t.Matrix, right: t.Vector | t.Matrix, add: Operation, multiply: Operation) -> Operation:
    """``left @ right`` of linear algebra, with the operations on components."""

    def multiplied(a: Components, b: Components) -> Components:
        rows = _numbers(a.reshape(1, -1) if isinstance(left, t.Vector) else a)
        columns = _numbers(b.reshape(1, -1) if isinstance(right, t.Vector) else b.T)
        result = np.empty((len(rows), len(columns)), dtype=a.dtype)
        for at, row in enumerate(rows):
            for across, column in enumerate(columns):
                terms = [multiply(one, other) for one, other in zip(row, column, strict=True)]
                result[at, across] = reduce(add, terms)
        if isinstance(left, t.Matrix) and isinstance(right, t.Matrix):
            return result
        return result.reshape(-1)

    return multiplied


def _numbers(rows: Components) -> list[list[Any]]:
    """The components as what operations on scalars take: of floats numpy's, else Python's."""
    return [list(row) for row in rows] if rows.dtype.kind in "fO" else rows.tolist()
