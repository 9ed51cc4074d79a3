"""The domain of dual numbers: what a kernel over float64 computes, with all its derivatives.

Floats are numpy float64 (constant) or ``Dual``; arrays of floats are arrays of objects.  Builtins go by their
closed forms.  Every operation raises NotSmooth where its result has no derivative, and NotDifferentiable
where none is known.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, cast

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.reference import arithmetic, partials, rotations, smooth_domains
from kernelfuzz.reference.closed_forms import form, numbers
from kernelfuzz.reference.closed_forms.linear import componentwise
from kernelfuzz.reference.domain import Leaf, Value
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import Corner, NotDifferentiable, NotSmooth
from kernelfuzz.typecheck.builtins import Signature, resolve

NARROW_FLOAT = "a float that is not float64"
NO_CLOSED_FORM = "no closed form to differentiate"
DOCUMENTED = "documented as not differentiable"
LOST = "documented: the adjoint has lost what it needs"


def _floored(left: Any, right: Any) -> Any:
    """A floor division, which is documented to have no gradient: so it may be infinite."""
    if value_of(right) == 0:
        return np.floor(np.float64(value_of(left)) / np.float64(value_of(right)))
    return numbers.floor(numbers.divide(left, right))


_FLOAT_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": numbers.divide,
    "%": numbers.remainder,
    "//": _floored,
    "**": numbers.power,
}

# Over vectors these are builtins whose documentation may say that they are not differentiable.
_NOT_DIFFERENTIABLE_OPERATORS = {"%": "mod"}


@dataclass(frozen=True, slots=True)
class Smooth:
    """The ``Domain`` of dual numbers.

    What moves is of float64 wherever it is; a float32 is rounded where it does not move.

    ``first`` gives, for the path of each float parameter that is differentiated by (its name and the fields
    below it), the number of the direction of its first component; the ``count`` directions from ``start`` on
    are differentiated.  A tangent has one component more, which is NaN in what is ``lost`` and in everything
    that is computed from it: so is, unless ``strict``, what has two derivatives, or none that is known.  ``reasons``
    has why something was lost, in the order of the run.
    """

    first: Mapping[tuple[str, ...], int]
    start: int
    count: int
    strict: bool = True
    reasons: list[str] = field(default_factory=list[str], compare=False)

    def _check(self, scalar: t.Scalar) -> None:
        if self.strict and scalar.is_float and scalar != t.FLOAT64:
            raise NotDifferentiable(NARROW_FLOAT)

    def storage(self, scalar: t.Scalar) -> np.dtype[Any]:
        return np.dtype(object) if scalar.is_float else np.dtype(scalar.name)

    def literal(self, scalar: t.Scalar, value: int | float | bool) -> Value:
        self._check(scalar)
        return arithmetic.constant(scalar, value)

    def enter(self, path: tuple[str, ...], scalar: t.Scalar, values: Leaf) -> Leaf:
        if not scalar.is_float:
            return np.array(values, dtype=np.dtype(scalar.name))
        self._check(scalar)
        result = np.empty(values.size, dtype=object)
        first = self.first.get(path, -values.size) - self.start
        moving = range(max(0, -first), min(values.size, self.count - first))
        tangents = np.eye(len(moving), self.count + 1, first + moving.start)
        for at, value in enumerate(values.reshape(-1)):
            result[at] = Dual(value, tangents[at - moving.start]) if at in moving else np.float64(value)
        return result.reshape(values.shape)

    def leave(self, path: tuple[str, ...], scalar: t.Scalar, values: Leaf) -> Leaf:
        return values

    def lost(self, value: Value, why: str = LOST) -> Value:
        """The value, of which Warp documents no derivative: the floats in it are marked."""
        if why not in self.reasons:
            self.reasons.append(why)

        def marked(number: Any) -> Dual:
            tangent = number.tangent.copy() if isinstance(number, Dual) else np.zeros(self.count + 1)
            tangent[-1] = np.nan
            return Dual(value_of(number), tangent)

        return of_floats(value, marked)

    def cast(self, source: t.Scalar, target: t.Scalar) -> Callable[[Value], Value]:
        self._check(source)
        self._check(target)
        if not source.is_float:
            return arithmetic.conversion(source, target)
        if target.is_float:
            kind = np.dtype(target.name).type
            return lambda value: value if isinstance(value, Dual) else kind(value)
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
        if scalar.is_float:
            operation = self._or_lost(_FLOAT_BINARY[op])
        else:
            operation = arithmetic.operation(arithmetic.BINARY, op, scalar)
        if isinstance(left, t.Scalar) and isinstance(right, t.Scalar):
            return operation
        if not scalar.is_float:
            return arithmetic.elementwise(scalar, operation)
        name = _NOT_DIFFERENTIABLE_OPERATORS.get(op)
        signature = None if name is None else resolve(name, (left, right))
        if signature is not None and not signature.builtin.differentiable:
            return self._undifferentiated(componentwise(operation))
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
            self._check(arithmetic.component_type(type_))
        constant = _on_constants(signature)
        if not any(arithmetic.component_type(type_).is_float for type_ in signature.params):
            return constant
        found = form(signature)
        turned = rotations.arguments_of(signature)

        def call(arguments: tuple[Value, ...]) -> Value:
            if not any(depends(argument) for argument in arguments):
                return constant(arguments)
            if signature.builtin.mutates:
                value, after = constant(arguments)
                return self._undifferentiable(value, any(map(moves, arguments))), after
            for at in turned:
                rotations.check(signature, at, arguments[at])
            try:
                for at in turned:
                    rotations.check_movement(signature, at, arguments[at])
                if found is None:
                    return _by_differences(signature, arguments)
                result = found.function(signature, *arguments) if found.typed else found.function(*arguments)
            except (Corner, NotDifferentiable) as stopped:
                if self.strict:
                    raise
                what = "not smooth" if isinstance(stopped, Corner) else "not differentiable"
                return self.lost(constant(arguments), f"{what}: {stopped.reason}")
            return self._documented(result) if not signature.builtin.differentiable else result

        return call

    def _documented(self, result: Value) -> Value:
        """What comes of something that is documented to have no adjoint: what moves of it is lost."""
        return self._undifferentiable(result, moves(result))

    def _undifferentiable(self, result: Value, moving: bool) -> Value:
        if not moving:
            return result
        if self.strict:
            raise NotDifferentiable(DOCUMENTED)
        return self.lost(result, DOCUMENTED)

    def _undifferentiated(self, operation: Callable[..., Value]) -> Callable[[Value, Value], Value]:
        return lambda left, right: self._documented(operation(*_broadcast(left, right)))

    def _or_lost(self, operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """The operation on numbers; at a corner its result is lost."""
        if self.strict:
            return operation

        def operate(left: Any, right: Any) -> Any:
            try:
                return operation(left, right)
            except Corner as corner:
                return self.lost(operation(value_of(left), value_of(right)), f"not smooth: {corner.reason}")

        return operate

    def atomic(self, name: str, dtype: t.Type) -> Callable[[Value, Value], Value]:
        scalar = arithmetic.component_type(dtype)
        if name in ("min", "max"):
            operation = self._or_lost(numbers.smaller if name == "min" else numbers.larger)
        elif scalar.is_float:
            operation = operator.add if name == "add" else operator.sub
        else:
            symbol = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^"}[name]
            operation = arithmetic.operation(arithmetic.BINARY, symbol, scalar)
        if isinstance(dtype, t.Scalar):
            return operation
        return componentwise(operation) if scalar.is_float else arithmetic.elementwise(scalar, operation)

    def reduction(self, name: str, dtype: t.Scalar) -> Callable[[list[Value]], Value]:
        if name == "add" or not dtype.is_float:
            return partial(reduce, self.atomic(name, dtype))
        operation = numbers.smaller if name == "min" else numbers.larger

        def extremum(elements: list[Value]) -> Value:
            if self.strict or not any(map(moves, elements)):
                return reduce(operation, elements)
            # "Differentiable: false" (Built-ins, tile_min, tile_max).
            return self.lost(reduce(operation, map(value_of, elements)), DOCUMENTED)

        return extremum


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


def moves(value: Value) -> bool:
    """Whether the value changes with an input that is differentiated."""
    return any(each.moves for each in _duals(value))


def depends(value: Value) -> bool:
    """Whether the value is computed from such an input: ``x - x`` is, though it does not change."""
    return any(True for _ in _duals(value))


def of_floats(value: Value, change: Callable[[Any], Any]) -> Value:
    """The value with each float in it changed: itself, or those of its components, fields and elements."""
    if isinstance(value, (Dual, float, np.floating)):
        return change(value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return _filled([of_floats(each, change) for each in value.reshape(-1)], value.shape)
    if isinstance(value, dict):
        return {name: of_floats(each, change) for name, each in cast("dict[str, Value]", value).items()}
    return tuple([of_floats(each, change) for each in value]) if isinstance(value, tuple) else value


def _duals(value: Value) -> Iterator[Dual]:
    if isinstance(value, Dual):
        yield value
    elif isinstance(value, np.ndarray) and value.dtype == object:
        yield from (each for each in value.reshape(-1) if isinstance(each, Dual))
    elif isinstance(value, tuple):
        for element in value:
            yield from _duals(element)


def _by_differences(signature: Signature, arguments: tuple[Value, ...]) -> Value:
    """A builtin without a closed form; raises Corner or NotDifferentiable where nothing is known of its derivative."""
    if signature.builtin.differentiable and t.FLOAT32 not in map(arithmetic.component_type, signature.params):
        function = smooth_domains.within(signature.name, _exact(signature), arguments)
        found = partials.differentiated(function, arguments)
        if found is not None:
            return found
    raise NotDifferentiable(NO_CLOSED_FORM)


def _exact(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    from kernelfuzz.reference.exact import Exact

    return Exact().call(signature)


def _on_constants(signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
    """The builtin where nothing is differentiated: its value as ever, its floats as objects."""
    function = _exact(signature)
    scalars = [arithmetic.component_type(type_) for type_ in signature.params]

    def call(arguments: tuple[Value, ...]) -> Value:
        plain = [_plain(value, scalar) for value, scalar in zip(arguments, scalars, strict=True)]
        return _as_objects(function(tuple(plain)))

    return call


def _plain(value: Value, scalar: t.Scalar) -> Value:
    """Floats without tangents, of their type."""
    if not scalar.is_float:
        return value
    dtype = np.dtype(scalar.name)
    if isinstance(value, np.ndarray):
        return np.array([value_of(each) for each in value.reshape(-1)], dtype=dtype).reshape(value.shape)
    return dtype.type(value_of(value))


def _as_objects(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_as_objects(each) for each in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return _filled(list(value.reshape(-1)), value.shape)
    return value


def _filled(numbers_: list[Value], shape: tuple[int, ...]) -> Value:
    """An array of objects."""
    result = np.empty(len(numbers_), dtype=object)
    result[:] = numbers_
    return result.reshape(shape)


def raise_unless_finite(gradient: np.ndarray[Any, Any]) -> None:
    """Raises NotSmooth where a derivative is infinite or NaN."""
    if not np.isfinite(gradient).all():
        raise NotSmooth("a derivative that is not finite")
