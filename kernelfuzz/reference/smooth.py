"""The domain of dual numbers: what a kernel over float64 computes, with all its derivatives.

Floats are numpy float64 (constant) or ``Dual``; arrays of floats are arrays of objects.  Builtins go by their
closed forms.  Every operation raises NotSmooth where its result has no derivative, and NotDifferentiable
where none is known.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.reference import arithmetic
from kernelfuzz.reference.closed_forms import form, numbers
from kernelfuzz.reference.closed_forms.linear import componentwise
from kernelfuzz.reference.domain import Leaf, Value
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth
from kernelfuzz.typecheck.builtins import Signature, resolve

NARROW_FLOAT = "a float that is not float64"
NO_CLOSED_FORM = "no closed form to differentiate"
DOCUMENTED = "documented as not differentiable"

_FLOAT_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": numbers.divide,
    "%": numbers.remainder,
    "//": lambda left, right: numbers.floor(numbers.divide(left, right)),
    "**": numbers.power,
}

# Over vectors these are builtins whose documentation may say that they are not differentiable.
_NOT_DIFFERENTIABLE_OPERATORS = {"%": "mod"}


@dataclass(frozen=True, slots=True)
class Smooth:
    """The ``Domain`` of dual numbers.

    ``first`` gives, for the path of each float parameter (its name and the fields below it), the number of
    the direction of its first component; the ``count`` directions from ``start`` on are differentiated.
    """

    first: Mapping[tuple[str, ...], int]
    start: int
    count: int

    def storage(self, scalar: t.Scalar) -> np.dtype[Any]:
        return np.dtype(object) if scalar.is_float else np.dtype(scalar.name)

    def literal(self, scalar: t.Scalar, value: int | float | bool) -> Value:
        _check(scalar)
        return arithmetic.constant(scalar, value)

    def enter(self, path: tuple[str, ...], scalar: t.Scalar, values: Leaf) -> Leaf:
        if not scalar.is_float:
            return np.array(values, dtype=np.dtype(scalar.name))
        _check(scalar)
        result = np.empty(values.size, dtype=object)
        for at, value in enumerate(values.reshape(-1)):
            direction = self.first[path] + at - self.start
            if 0 <= direction < self.count:
                tangent = np.zeros(self.count)
                tangent[direction] = 1.0
                result[at] = Dual(value, tangent)
            else:
                result[at] = np.float64(value)
        return result.reshape(values.shape)

    def leave(self, path: tuple[str, ...], scalar: t.Scalar, values: Leaf) -> Leaf:
        return values

    def cast(self, source: t.Scalar, target: t.Scalar) -> Callable[[Value], Value]:
        _check(source)
        _check(target)
        if not source.is_float:
            return arithmetic.conversion(source, target)
        if target.is_float:
            return lambda value: value
        if target.kind == "bool":
            return lambda value: bool(value != 0.0)
        convert = arithmetic.conversion(source, target)

        def truncated(value: Value) -> int:
            if isinstance(value, Dual):
                value.trunc()  # raises next to an integer
                return convert(value.value)
            return convert(value)

        return truncated

    def unary(self, op: str, operand: t.Type) -> Callable[[Value], Value]:
        scalar = arithmetic.component_type(operand)
        if scalar.is_float:
            return operator.neg if op == "-" else operator.pos
        operation = arithmetic.operation(arithmetic.UNARY, op, scalar)
        return operation if isinstance(operand, t.Scalar) else arithmetic.elementwise(scalar, operation)

    def binary(self, op: str, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
        scalar = arithmetic.component_type(left)
        if op in ("*", "@") and not {t.Scalar, t.Tile} & {type(left), type(right)}:
            return self._product(left, right)
        operation = _FLOAT_BINARY[op] if scalar.is_float else arithmetic.operation(arithmetic.BINARY, op, scalar)
        if isinstance(left, t.Scalar) and isinstance(right, t.Scalar):
            return operation
        if not scalar.is_float:
            return arithmetic.elementwise(scalar, operation)
        name = _NOT_DIFFERENTIABLE_OPERATORS.get(op)
        signature = None if name is None else resolve(name, (left, right))
        if signature is not None and not signature.builtin.differentiable:
            return _undifferentiated(componentwise(operation))
        return lambda a, b: componentwise(operation)(*_broadcast(a, b))

    def _product(self, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
        scalar = arithmetic.component_type(left)
        if isinstance(left, (t.Transform, t.Quaternion)):
            name = "transform_multiply" if isinstance(left, t.Transform) else "mul"
            signature = resolve(name, (left, right))
            assert signature is not None
            function = self.call(signature)
            return lambda a, b: function((a, b))
        assert isinstance(left, (t.Vector, t.Matrix))
        assert isinstance(right, (t.Vector, t.Matrix))
        if scalar.is_float:
            return arithmetic.product(left, right, operator.add, operator.mul)
        add, multiply = (arithmetic.operation(arithmetic.BINARY, op, scalar) for op in ("+", "*"))
        return arithmetic.product(left, right, add, multiply)

    def compare(self, op: str, operand: t.Type) -> Callable[[Value, Value], bool]:
        if isinstance(operand, t.Scalar):
            return arithmetic.operation(arithmetic.COMPARE, op, operand)
        return lambda left, right: all(bool(x == y) for x, y in zip(left.reshape(-1), right.reshape(-1), strict=True))

    def call(self, signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
        for type_ in signature.params:
            _check(arithmetic.component_type(type_))
        constant = _on_constants(signature)
        if not any(arithmetic.component_type(type_).is_float for type_ in signature.params):
            return constant
        found = form(signature)

        def call(arguments: tuple[Value, ...]) -> Value:
            if not any(_depends(argument) for argument in arguments):
                return constant(arguments)
            if found is None:
                raise NotDifferentiable(NO_CLOSED_FORM)
            result = found.function(signature, *arguments) if found.typed else found.function(*arguments)
            if not signature.builtin.differentiable and _moves(result):
                raise NotDifferentiable(DOCUMENTED)
            return result

        return call

    def atomic(self, name: str, dtype: t.Type) -> Callable[[Value, Value], Value]:
        scalar = arithmetic.component_type(dtype)
        if name in ("min", "max"):
            operation = numbers.smaller if name == "min" else numbers.larger
        elif scalar.is_float:
            operation = operator.add if name == "add" else operator.sub
        else:
            symbol = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^"}[name]
            operation = arithmetic.operation(arithmetic.BINARY, symbol, scalar)
        if isinstance(dtype, t.Scalar):
            return operation
        return componentwise(operation) if scalar.is_float else arithmetic.elementwise(scalar, operation)

    def reduction(self, name: str, dtype: t.Scalar) -> Callable[[list[Value]], Value]:
        return partial(reduce, self.atomic(name, dtype))


def _check(scalar: t.Scalar) -> None:
    if scalar.is_float and scalar != t.FLOAT64:
        raise NotDifferentiable(NARROW_FLOAT)


def _undifferentiated(operation: Callable[..., Value]) -> Callable[[Value, Value], Value]:
    """An operation that is documented to have no adjoint: nothing that moves may come of it."""

    def operate(left: Value, right: Value) -> Value:
        result = operation(*_broadcast(left, right))
        if _moves(result):
            raise NotDifferentiable(DOCUMENTED)
        return result

    return operate


def _broadcast(*operands: Value) -> list[Any]:
    """Operands of one shape, as arrays of objects."""
    arrays: list[Any] = []
    for operand in operands:
        array = np.empty((), dtype=object)
        if isinstance(operand, np.ndarray):
            array = operand.astype(object)
        else:
            array[()] = operand
        arrays.append(array)
    return list(np.broadcast_arrays(*arrays))


def _moves(value: Value) -> bool:
    """Whether the value changes with an input that is differentiated."""
    return any(each.moves for each in _duals(value))


def _depends(value: Value) -> bool:
    """Whether the value is computed from such an input: ``x - x`` is, though it does not change."""
    return any(True for _ in _duals(value))


def _duals(value: Value) -> Iterator[Dual]:
    if isinstance(value, Dual):
        yield value
    elif isinstance(value, np.ndarray) and value.dtype == object:
        yield from (each for each in value.reshape(-1) if isinstance(each, Dual))
    elif isinstance(value, tuple):
        for element in value:
            yield from _duals(element)


def _on_constants(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    """The builtin where nothing is differentiated: its value as ever, its floats as objects."""
    from kernelfuzz.reference.exact import Exact

    function = Exact().call(signature)
    plain = [arithmetic.component_type(type_).is_float for type_ in signature.params]

    def call(arguments: tuple[Value, ...]) -> Value:
        return _as_objects(
            function(tuple(_plain(value) if is_float else value
                           for is_float, value in zip(plain, arguments, strict=True)))
        )  # fmt: skip

    return call


def _plain(value: Value) -> Value:
    """Without tangents."""
    if isinstance(value, np.ndarray):
        numbers_ = [value_of(each) for each in value.reshape(-1)]
        return np.array(numbers_, dtype=np.float64).reshape(value.shape)
    return np.float64(value_of(value))


def _as_objects(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_as_objects(each) for each in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        result = np.empty(value.shape, dtype=object)
        for at in np.ndindex(value.shape):
            result[at] = value[at]
        return result
    return value


def raise_unless_finite(gradient: np.ndarray[Any, Any]) -> None:
    """Raises NotSmooth where a derivative is infinite or NaN."""
    if not np.isfinite(gradient).all():
        raise NotSmooth("a derivative that is not finite")
