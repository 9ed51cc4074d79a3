"""Expressions: each is compiled once into a function of a frame.

Operands are evaluated left to right, ``and``, ``or`` and comparison chains stop at the first operand that
decides, and a conditional expression evaluates one branch ("The Python Language Reference", 6.11 to 6.13 and
6.16; Warp follows since 1.13 for ``and`` and ``or``, see notes/reference.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kernelfuzz.analysis.effects import names_read
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.walk import subscripts
from kernelfuzz.reference import compiled_calls, value_parts
from kernelfuzz.reference.compiled import (
    FIRST_LOCAL,
    RETURNED,
    THREAD,
    UNBOUND,
    Evaluate,
    Frame,
    Module,
    Names,
    located,
)
from kernelfuzz.reference.domain import Domain, Value
from kernelfuzz.reference.memory import Shadow, View, no_array, reader
from kernelfuzz.reference.undefined import (
    DIVISION_BY_ZERO,
    INDEX_OUT_OF_RANGE,
    NATIVE_CODE,
    NOTHING_RETURNED,
    SIGNED_OVERFLOW,
    UNINITIALISED_READ,
    Stopped,
    Undefined,
)
from kernelfuzz.typecheck.builtins import at_least
from kernelfuzz.typecheck.comparisons import mixed_operands
from kernelfuzz.typecheck.static_values import static_value


def expression(node: n.Expr, names: Names) -> Evaluate:
    """The function that evaluates an expression in a frame."""
    if names.module.deviations and (changed := names.module.changed(node, names)) is not None:
        return changed
    domain = names.module.domain
    match node:
        case n.Name():
            return _name(node, names)
        case n.Literal(type=type_, value=value):
            return _constant(domain.literal(type_, value))
        case n.Binary():
            left, right = names.expression(node.left), names.expression(node.right)
            return located(node, domain.binary(node.op, node.left.type, node.right.type), left, right)
        case n.Unary(op="not", operand=operand) if isinstance(operand.type, t.Array):
            there = truth(operand, names)
            return lambda frame: not there(frame)
        case n.Unary():
            return located(node, domain.unary(node.op, node.operand.type), names.expression(node.operand))
        case n.Cast():
            node = _unrounded(node, names)
            source: t.Type = node.operand.type
            assert isinstance(source, t.Scalar)
            return located(node, domain.cast(source, node.type), names.expression(node.operand))
        case n.Compare():
            return _compare(node, names)
        case n.BoolOp():
            return _bool_op(node, names)
        case n.IfExp():
            return _if_exp(node, names)
        case n.Index() if isinstance(node.value.type, t.Array):
            return _element(node, names)
        case n.Index():
            return _part(node, value_parts.subscript(node, names), names)
        case n.Attribute():
            return _part(node, value_parts.attribute(node), names)
        case n.Construct():
            return _construct(node, names)
        case n.Call():
            return compiled_calls.builtin(node, names, used=True)
        case n.CallFunction():
            return call_function(node, names)
        case n.ArrayShape(axis=axis):
            array = names.expression(node.array)
            return lambda frame: array(frame).shape[axis]
        case n.Static():
            return _static(node, names)
        case _:
            return assert_never(node)


def _constant(value: Value) -> Evaluate:
    return lambda _: value


def _name(node: n.Name, names: Names) -> Evaluate:
    if node.id not in names.places:
        constant = names.module.constants.get(node.id)
        if constant is not None:
            return _constant(_captured(constant.value, names.module.domain))
    place = names.place(node.id)
    if node.id in names.bound:
        return lambda frame: frame[place]

    def load(frame: Frame) -> Value:
        value = frame[place]
        if value is UNBOUND:
            raise Undefined(UNINITIALISED_READ, node)
        return value

    return load


# ------------------------------------------------------------------------------ choices


def truth(node: n.Expr, names: Names) -> Callable[[Frame], bool]:
    """The function that tells whether a value is true: a number that is not zero, an array that is there.

    "Falsy (False, zero, or an empty/null array)" ("Built-Ins Reference", unot).
    """
    value, type_ = names.expression(node), node.type
    if type_ == t.BOOL:
        return value
    if isinstance(type_, t.Array):
        return lambda frame: value(frame).is_there
    assert isinstance(type_, t.Scalar)
    if type_.is_integer:
        return lambda frame: value(frame) != 0
    domain = names.module.domain
    differs, zero_ = domain.compare("!=", type_), domain.literal(type_, 0.0)
    return located(node, lambda number: differs(number, zero_), value)


def _compare(node: n.Compare, names: Names) -> Evaluate:
    domain = names.module.domain
    mixed = mixed_operands(node.ops[0], node.left, node.comparators[0]) if len(node.ops) == 1 else None
    if mixed is not None:
        left, right = mixed
        if left.type == right.type:
            return located(node, domain.compare(node.ops[0], left.type), *map(names.expression, mixed))
        # An integer and a float's literal: Python compares the two numbers.
        sides = [_constant(side.value) if isinstance(side, n.Literal) else names.expression(side) for side in mixed]
        return located(node, domain.compare(node.ops[0], t.INT32), *sides)
    first = names.expression(node.left)
    operators = [domain.compare(op, node.left.type) for op in node.ops]
    rest = [names.expression(comparator) for comparator in node.comparators]
    if len(rest) == 1:
        return located(node, operators[0], first, rest[0])
    links = list(zip(operators, rest, strict=True))

    def chain(frame: Frame) -> bool:
        left = first(frame)
        for compare, operand in links:
            right = operand(frame)
            if not compare(left, right):
                return False
            left = right
        return True

    return chain


def _bool_op(node: n.BoolOp, names: Names) -> Evaluate:
    values = [truth(value, names) for value in node.values]
    decides = node.op == "or"

    def evaluate(frame: Frame) -> bool:
        for value in values:
            if value(frame) is decides:
                return decides
        return not decides

    return evaluate


def _if_exp(node: n.IfExp, names: Names) -> Evaluate:
    test = truth(node.test, names)
    body, orelse = names.expression(node.body), names.expression(node.orelse)
    return lambda frame: body(frame) if test(frame) else orelse(frame)


# -------------------------------------------------------------------------------- parts


def _part(node: n.Index | n.Attribute, step: value_parts.Step, names: Names) -> Evaluate:
    value, key, read = names.expression(node.value), step.key, step.read

    def evaluate(frame: Frame) -> Value:
        container = value(frame)
        try:
            return read(container, key(frame))
        except Stopped as error:
            error.node = error.node or node
            raise

    return evaluate


def indices_of(node: n.Index, names: Names) -> list[Evaluate]:
    """The subscripts of an array."""
    return list(map(names.expression, subscripts(node)))


def _key(index: n.Expr | n.Slice, names: Names) -> Evaluate:
    """A subscript of an array that gives a view of it."""
    if isinstance(index, n.Slice):
        return _constant(slice(index.start, index.stop, index.step))
    return names.expression(index)


def _element(node: n.Index, names: Names) -> Evaluate:
    """An element of an array, or a view of it where there are fewer subscripts than dimensions."""
    array = names.expression(node.value)
    if isinstance(node.type, t.Array):
        keys = [_key(index, names) for index in node.indices]

        def view(frame: Frame) -> View:
            found: View = array(frame)
            at = tuple([key(frame) for key in keys])
            try:
                return found.view(at)
            except Stopped as error:
                error.node = error.node or node
                raise

        return view
    indices = indices_of(node, names)
    read = reader(node.type)
    one = indices[0]
    single = len(indices) == 1

    def load(frame: Frame) -> Value:
        found: View = array(frame)
        try:
            if single:
                at = one(frame)
                if not 0 <= at < found.shape[0]:
                    raise Undefined(INDEX_OUT_OF_RANGE)
                flat = found.base + at * found.strides[0]
            else:
                flat = found.at(tuple([index(frame) for index in indices]))
            thread = frame[THREAD]
            if thread.watched:
                found.shadow.read(flat, thread.number)
        except Stopped as error:
            error.node = error.node or node
            raise
        return read(found.leaves, flat)

    return load


# --------------------------------------------------------------------------- new values


def zero(type_: t.Type, domain: Domain) -> Value:
    """The zeros that a constructor without arguments makes ("Basics: Vectors" and "Structs")."""
    match type_:
        case t.Scalar():
            return domain.literal(type_, False if type_.kind == "bool" else 0)
        case t.Struct(fields=fields):
            return {name: zero(field, domain) for name, field in fields}
        case t.Array(dtype=dtype, ndim=ndim):
            return no_array(dtype, ndim, Shadow((), dtype))  # the field of a new struct
        case t.Tile() | t.Tuple():
            raise TypeError(f"{type_} has no zero")
        case _:
            return np.full(t.shape(type_), zero(type_.dtype, domain), dtype=domain.storage(type_.dtype))


def _captured(node: n.Expr, domain: Domain) -> Value:
    """The value of a constant of the module, which is made of numbers."""
    if isinstance(node, n.Literal):
        return domain.literal(node.type, node.value)
    assert isinstance(node, n.Construct)
    type_ = node.type
    assert isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform))
    if not node.args:
        return zero(type_, domain)
    parts = [np.asarray(_captured(part, domain), dtype=domain.storage(type_.dtype)).reshape(-1) for part in node.args]
    made = np.concatenate(parts)
    return np.full(t.shape(type_), made[0], dtype=made.dtype) if len(made) == 1 else made.reshape(t.shape(type_))


def _construct(node: n.Construct, names: Names) -> Evaluate:
    type_, domain = node.type, names.module.domain
    arguments = [names.expression(argument) for argument in node.args]
    if isinstance(type_, t.Struct):
        if not arguments:
            return _constant(zero(type_, domain))
        fields = list(zip([name for name, _ in type_.fields], arguments, strict=True))
        return lambda frame: {name: argument(frame) for name, argument in fields}
    assert not isinstance(type_, (t.Scalar, t.Array, t.Tile, t.Tuple))
    if not arguments:
        return _constant(zero(type_, domain))
    sizes, storage = t.shape(type_), domain.storage(type_.dtype)
    if len(arguments) == 1:
        (only,) = arguments
        source: t.Type = node.args[0].type
        if not isinstance(source, t.Scalar):
            return _copy(source, type_, only, domain)
        return lambda frame: np.full(sizes, only(frame), dtype=storage)
    if all(isinstance(argument.type, t.Scalar) for argument in node.args):

        def from_components(frame: Frame) -> Any:
            made = np.empty(sizes, dtype=storage)
            made.reshape(-1)[:] = [argument(frame) for argument in arguments]
            return made

        return from_components
    assert isinstance(type_, (t.Quaternion, t.Transform))
    # A vector and a number, or a translation and a rotation.
    return lambda frame: np.concatenate(
        [np.atleast_1d(np.asarray(argument(frame), dtype=storage)) for argument in arguments]
    )


def _copy(source: t.Type, target: t.Composite, value: Evaluate, domain: Domain) -> Evaluate:
    """``wp.vec3d(v)``: a copy of a vector, a matrix or a quaternion, with its components converted."""
    assert isinstance(source, (t.Vector, t.Matrix, t.Quaternion, t.Transform))
    if source.dtype == target.dtype:
        return value
    cast, storage = domain.cast(source.dtype, target.dtype), domain.storage(target.dtype)

    def converted(frame: Frame) -> Any:
        found = value(frame)
        made = np.empty(found.shape, dtype=storage)
        made.reshape(-1)[:] = [cast(number) for number in found.reshape(-1)]
        return made

    return converted


# ---------------------------------------------------------------------------- functions


def call_function(node: n.CallFunction, names: Names, used: bool = True) -> Evaluate:
    """A call of a ``@wp.func``: arguments are values, which nothing changes; an array is the array itself.

    Where its value is ``used``, a function that ends without the return that others of its ways have is undefined.
    """
    body = names.module.functions[node.name]
    arguments = [names.expression(argument) for argument in node.args]
    if body.function.native:
        return _native(node)
    size, execute, frame_of = body.size, body.execute, names.module.frame
    gives = used and node.type != t.Tuple(())
    rest = [UNBOUND] * (size - FIRST_LOCAL - len(body.function.params))

    def call(frame: Frame) -> Value:
        inner = frame_of([frame[THREAD], (), None, *[argument(frame) for argument in arguments], *rest])
        execute(inner)
        if gives and not _is_there(inner[RETURNED]):
            raise Undefined(NOTHING_RETURNED, node)
        return inner[RETURNED]

    return call


def _native(node: n.CallFunction) -> Evaluate:
    def call(_: Frame) -> Value:
        raise Undefined(NATIVE_CODE, node)

    return call


def _is_there(value: Value) -> bool:
    """Whether a function has returned something: a frame has the empty tuple before."""
    return not isinstance(value, tuple) or bool(value)


# ------------------------------------------------------------------- Python's numbers

# ``wp.static(expression)``, evaluated when a kernel is declared, and module constants ("Code Generation: Static
# Expressions" of Warp's user guide); the result becomes a constant of the node's type.


def _static(node: n.Static, names: Names) -> Evaluate:
    """A constant; of an expression that reads counters of unrolled loops, one for each copy of their bodies."""
    counters = [(name, names.place(name)) for name in names_read(node.value) if name in names.places]
    if not counters:
        return _constant(_static_constant(node, names.module, names.module.constants))

    def evaluate(frame: Frame) -> Value:
        numbers = {name: n.Constant(name, n.Literal(frame[place], t.INT32)) for name, place in counters}
        return _static_constant(node, names.module, {**names.module.constants, **numbers})

    return evaluate


def _static_constant(node: n.Static, module: Module, constants: Mapping[str, n.Constant]) -> Value:
    """The constant that a static expression is; Undefined where Python raises, or where it does not fit."""
    try:
        found = static_value(node.value, constants)
    except ZeroDivisionError:
        raise Undefined(DIVISION_BY_ZERO, node) from None
    if node.type.is_integer:
        low, high = node.type.limits
        if not low <= found <= high:
            raise Undefined(SIGNED_OVERFLOW, node)
    return module.domain.literal(node.type, found)


def _unrounded(cast: n.Cast, names: Names) -> n.Cast:
    """``wp.float64(K)``, ``wp.int64(wp.static(2**40))``: a conversion to 64 bits converts Python's number.

    That is the fix of GH-485, whose kernel is ``wp.float64(wp.PI)``; before 1.12.1 the number was rounded to
    float32 or cut to int32 first.
    """
    operand = cast.operand
    if cast.type not in (t.INT64, t.UINT64, t.FLOAT64) or not at_least(1, 12, 1):
        return cast
    match operand:
        case n.Static(type=type_):
            number = operand
        case n.Name(id=name, type=type_) if name not in names.places and name in names.module.constants:
            number = names.module.constants[name].value  # of one of these types it is a number
        case _:
            return cast
    wide = _WIDE.get(type_)
    return cast if wide is None else replace(cast, operand=replace(number, type=wide))


# The wide type for each type that Warp gives to a Python number without a type of its own.
_WIDE: dict[t.Type, t.Scalar] = {t.FLOAT32: t.FLOAT64, t.INT32: t.INT64}
