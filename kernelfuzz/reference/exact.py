"""The domain of exact values: every number as Warp computes it on the CPU, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.reference import arithmetic, builtin_values, rotations
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.domain import Leaf, Value
from kernelfuzz.reference.undefined import BITS_OF_NAN, OUTSIDE_DOMAIN, Undefined
from kernelfuzz.typecheck.builtins import Signature, resolve
from kernelfuzz.typecheck.domains import DOMAINS, interval


@dataclass(frozen=True, slots=True)
class Exact:
    """The ``Domain`` of the values that a kernel must compute."""

    def storage(self, scalar: t.Scalar) -> np.dtype[Any]:
        return np.dtype(scalar.name)

    def literal(self, scalar: t.Scalar, value: int | float | bool) -> Value:
        return arithmetic.constant(scalar, value)

    def enter(self, path: tuple[str, ...], scalar: t.Scalar, values: Leaf) -> Leaf:
        return np.array(values, dtype=np.dtype(scalar.name))

    def leave(self, path: tuple[str, ...], scalar: t.Scalar, values: Leaf) -> Leaf:
        return values

    def cast(self, source: t.Scalar, target: t.Scalar) -> Callable[[Value], Value]:
        return arithmetic.conversion(source, target)

    def unary(self, op: str, operand: t.Type) -> Callable[[Value], Value]:
        scalar = arithmetic.component_type(operand)
        operation = arithmetic.operation(arithmetic.UNARY, op, scalar)
        return operation if isinstance(operand, t.Scalar) else arithmetic.elementwise(scalar, operation)

    def binary(self, op: str, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
        return _binary(op, left, right)

    def compare(self, op: str, operand: t.Type) -> Callable[[Value, Value], bool]:
        if isinstance(operand, t.Scalar):
            return arithmetic.operation(arithmetic.COMPARE, op, operand)
        return lambda left, right: bool(np.all(left == right))

    def call(self, signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
        if signature.name == "cast":
            return _reinterpreted(signature)
        if signature.name == "copysign":
            return _signed(signature)
        return checked_call(signature)

    def atomic(self, name: str, dtype: t.Type) -> Callable[[Value, Value], Value]:
        return _atomic(name, dtype)

    def reduction(self, name: str, dtype: t.Scalar) -> Callable[[list[Value]], Value]:
        return partial(reduce, _atomic(name, dtype))


# --------------------------------------------------------------------------- operators


@cache
def _binary(op: str, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
    scalar = arithmetic.component_type(left)
    if op == "**":
        return _called("pow", left, right)
    if op in ("*", "@") and not {t.Scalar, t.Tile} & {type(left), type(right)}:
        return _product(left, right)
    operation = arithmetic.operation(arithmetic.BINARY, op, scalar)
    if isinstance(left, t.Scalar) and isinstance(right, t.Scalar):
        return operation
    return arithmetic.elementwise(scalar, operation)


def _product(left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
    """Two matrices, a matrix and a vector, two quaternions, two transforms."""
    scalar = arithmetic.component_type(left)
    if isinstance(left, t.Transform):
        return _called("transform_multiply", left, right)
    if isinstance(left, t.Quaternion):
        return _called("mul", left, right)
    if scalar.is_float and isinstance(left, t.Matrix):
        return _called("mul", left, right)
    assert isinstance(left, (t.Vector, t.Matrix))
    assert isinstance(right, (t.Vector, t.Matrix))
    return arithmetic.product(
        left,
        right,
        arithmetic.operation(arithmetic.BINARY, "+", scalar),
        arithmetic.operation(arithmetic.BINARY, "*", scalar),
    )


def _called(name: str, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
    """An operator that Warp also has as a builtin over the same types."""
    signature = resolve(name, (left, right))
    assert signature is not None, (name, left, right)
    evaluate = _prepared(signature)
    return lambda a, b: evaluate((a, b))


# ---------------------------------------------------------------------------- builtins


@cache
def _prepared(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    """The builtin, looked up at its first call: some have no reference, and may never be called."""
    found: list[Callable[[tuple[Value, ...]], Value]] = []

    def call(arguments: tuple[Value, ...]) -> Value:
        if not found:
            found.append(builtin_values.compiled(signature))
        return found[0](arguments)

    return call


@cache
def checked_call(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    """The builtin, undefined where an argument is outside of a domain that it requires."""
    evaluate = _prepared(signature)
    checks = [
        (at, check)
        for at, (type_, domain) in enumerate(zip(signature.params, signature.domains, strict=True))
        if (check := _domain_check(type_, domain)) is not None
    ]
    turned = rotations.arguments_of(signature)
    if not checks and not turned:
        return evaluate

    def call(arguments: tuple[Value, ...]) -> Value:
        for at in turned:
            rotations.check(signature, at, arguments[at])
        for at, check in checks:
            if not check(arguments[at]):
                raise Undefined(OUTSIDE_DOMAIN)
        return evaluate(arguments)

    return call


# The domains whose only purpose is that no sum or product overflows.
_AGAINST_OVERFLOW = frozenset({"negatable", "term", "factor"})


def _wraps(scalar: t.Scalar) -> bool:
    """Whether no sum of products of the type is undefined: see ``arithmetic.fit``."""
    if scalar.kind == "uint":
        return scalar != t.UINT16  # its products are computed in int
    return scalar.bits < t.INT32.bits


@cache
def _domain_check(type_: t.Type, domain: str) -> Callable[[Value], bool] | None:
    """Whether every component of an argument is in the domain; None where every value is."""
    row = DOMAINS[domain]
    if not row.required or isinstance(type_, (t.Array, t.Struct, t.Tuple, t.Tile)):
        return None
    scalar = arithmetic.component_type(type_)
    low, high = interval(domain, scalar)
    if scalar.is_float and domain in ("divisor", "nonzero"):
        return None  # a float may be divided by zero
    if domain in _AGAINST_OVERFLOW and _wraps(scalar):
        return None
    if low is None and high is None and not row.gap:
        return None

    def inside(value: Value) -> bool:
        numbers = [value] if isinstance(type_, t.Scalar) else value.reshape(-1).tolist()
        return all(
            (low is None or number >= low)
            and (high is None or number <= high)
            and (not row.gap or scalar.is_float or number != 0)
            for number in numbers
        )

    return inside


def _signed(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    """``wp.copysign(x, y)``: the sign of a NaN that was computed is open."""
    evaluate = checked_call(signature)

    def call(arguments: tuple[Value, ...]) -> Value:
        if np.isnan(arguments[1]):
            raise Undefined(BITS_OF_NAN)
        return evaluate(arguments)

    return call


def _reinterpreted(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    """``wp.cast(x, dtype)``: the same bits as another type ("Built-ins Reference", cast)."""
    (source,), target = signature.params, signature.result
    assert isinstance(source, t.Scalar)
    assert isinstance(target, t.Scalar)

    def call(arguments: tuple[Value, ...]) -> Value:
        if source.is_float and not target.is_float and np.isnan(arguments[0]):
            raise Undefined(BITS_OF_NAN)  # the sign and the payload of a NaN that was computed are open
        bits = np.array(arguments[0], dtype=source.name).view(target.name)
        return bits[()] if target.is_float else bits.item()

    return call


# ----------------------------------------------------------------------------- atomics

_ATOMIC_OPERATORS = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^"}


@cache
def _atomic(name: str, dtype: t.Type) -> Callable[[Value, Value], Value]:
    scalar = arithmetic.component_type(dtype)
    if name in _ATOMIC_OPERATORS:
        operation = arithmetic.operation(arithmetic.BINARY, _ATOMIC_OPERATORS[name], scalar)
    else:
        operation = numbers.smaller if name == "min" else numbers.larger
    return operation if isinstance(dtype, t.Scalar) else arithmetic.elementwise(scalar, operation)
