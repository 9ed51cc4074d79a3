"""The value of a builtin: Warp's own implementation, called from Python scope.

That is the code that a kernel runs, reached without the code generator.  A row with a reason in its column
``closed`` is evaluated by its closed form instead, where that gives the same bits and Python scope cannot be used,
is inexact or is slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.reference import arithmetic
from kernelfuzz.reference.closed_forms import form, numbers
from kernelfuzz.reference.closed_forms.scalar import state_after
from kernelfuzz.reference.undefined import Undefined
from kernelfuzz.typecheck.builtins import Signature, resolve

Value: TypeAlias = Any
Call: TypeAlias = Callable[[tuple[Value, ...]], Value]

NO_REFERENCE = "no reference for this builtin"


# float16: Python scope rounds float32 to float16 with ties away from zero, where a kernel rounds ties to even.
# So it is not called for float16: an exact closed form is used instead, or a scalar function over float32, which
# is how Warp computes it; of other builtins there is no reference.
_HALF_IN_SINGLE = frozenset({"scalar", "rounding", "trigonometry", "exponential", "predicate"})


def call(signature: Signature, arguments: tuple[Value, ...]) -> Value:
    """The result of a builtin for values (see ``kernelfuzz.reference.domain``).

    Of a builtin that draws from a random state the result is ``(value, new state)``.  Raises ``Undefined``
    where a signed integer overflows and where this Warp gives no reference for the builtin.
    """
    return compiled(signature)(arguments)


@cache
def compiled(signature: Signature) -> Call:
    """``call`` for one signature: looked up and prepared once, as that costs more than the call."""
    if closed_reason(signature):
        evaluate = _closed_form(signature)
    elif t.FLOAT16 in map(_scalar_of, (*signature.params, signature.result)):
        evaluate = _half(signature)
    else:
        evaluate = _python_scope(signature)
    return _drawing(signature, evaluate) if signature.builtin.mutates else evaluate


def closed_reason(signature: Signature) -> str | None:
    """The reason to evaluate a signature by its closed form, or None where Warp is called."""
    closed = signature.builtin.closed
    if closed is None or (closed.only_integers and component(signature).is_float):
        return None
    return closed.reason


def component(signature: Signature) -> t.Scalar:
    """The scalar type that a builtin computes in: of its last argument, or of its result."""
    return arithmetic.component_type(signature.params[-1] if signature.params else signature.result)


def _scalar_of(type_: t.Type) -> t.Scalar | None:
    """The scalar type of a scalar or composite; of a tuple, that of its first element."""
    match type_:
        case t.Scalar():
            return type_
        case t.Tuple(elements=elements):
            return _scalar_of(elements[0])
        case t.Struct() | t.Array() | t.Tile():
            return None
        case _:
            return type_.dtype


def _half(signature: Signature) -> Call:
    """A builtin over float16, without its float16 overload in Python scope."""
    found = form(signature)
    if found is not None and found.exact:
        return _closed_form(signature)
    if signature.builtin.group not in _HALF_IN_SINGLE or any(type_ != t.FLOAT16 for type_ in signature.params):
        return no_reference
    single = resolve(signature.name, (t.FLOAT32,) * len(signature.params), signature.keywords)
    assert single is not None
    evaluate, out = compiled(single), _fitted(signature.result)

    def of_half(arguments: tuple[Value, ...]) -> Value:
        with np.errstate(over="ignore"):
            return out(evaluate(tuple(map(np.float32, arguments))))

    return of_half


def no_reference(arguments: tuple[Value, ...]) -> Value:
    """Raises Undefined: ``compiled`` returns this where this Warp has nothing to evaluate the builtin with."""
    raise Undefined(NO_REFERENCE)


def _drawing(signature: Signature, evaluate: Call) -> Call:
    """With the new state, which Python scope does not give: the state is passed by value there."""

    def draw(arguments: tuple[Value, ...]) -> Value:
        value = evaluate(arguments)
        state, *others = arguments
        rate = float(others[0]) if signature.builtin.draws is None else 0.0
        return value, state_after(signature.builtin, state, value, rate)

    return draw


# ------------------------------------------------------------------------ Python scope


def warp_type(type_: t.Scalar | t.Vector | t.Matrix | t.Quaternion | t.Transform) -> Any:
    """Warp's class for a scalar or composite type."""
    import warp

    name = t.warp_name(type_)
    if name is not None:
        return getattr(warp, name)
    assert not isinstance(type_, t.Scalar)
    dtype = getattr(warp, type_.dtype.name)
    match type_:
        case t.Vector(length=length):
            return warp.types.vector(length, dtype)
        case t.Matrix(rows=rows, columns=columns):
            return warp.types.matrix((rows, columns), dtype)
        case t.Quaternion():
            return warp.types.quaternion(dtype)
        case t.Transform():
            return warp.types.transformation(dtype)
        case _:
            return assert_never(type_)


def _into_warp(type_: t.Type) -> Callable[[Value], Any]:
    """From a value to what a builtin takes in Python scope, bit by bit.

    numpy's scalars name their type (a Python float would mean float32), and the components of a composite
    go over as bytes.
    """
    if isinstance(type_, t.Scalar):
        return bool if type_.kind == "bool" else np.dtype(type_.name).type
    assert not isinstance(type_, (t.Struct, t.Tuple, t.Array, t.Tile))
    made, dtype = warp_type(type_), np.dtype(type_.dtype.name)
    return lambda value: made.from_buffer_copy(np.asarray(value, dtype=dtype).tobytes())


def _out_of_warp(type_: t.Type) -> Callable[[Any], Value]:
    """From what a builtin gives in Python scope to a value."""
    match type_:
        case t.Scalar(kind="bool"):
            return bool
        case t.Scalar():
            # Python's own numbers for int32 and float32, else a Warp scalar around one.
            kind = np.dtype(type_.name).type if type_.is_float else int
            return lambda result: kind(getattr(result, "value", result))
        case t.Tuple(elements=elements):
            outs = [_out_of_warp(element) for element in elements]
            return lambda result: tuple(out(part) for out, part in zip(outs, result, strict=True))
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform():
            dtype, size = np.dtype(type_.dtype.name), t.shape(type_)
            return lambda result: np.frombuffer(result, dtype=dtype).reshape(size)
        case t.Struct() | t.Array() | t.Tile():
            raise TypeError(f"no builtin of Python scope gives a {type(type_).__name__}")
        case _:
            return assert_never(type_)


def _keyword(value: Keyword) -> Any:
    return warp_type(value) if isinstance(value, (t.Scalar, t.Vector, t.Matrix, t.Quaternion, t.Transform)) else value


def _python_scope(signature: Signature) -> Call:
    import warp

    function: Any = getattr(warp, signature.builtin.python_name or signature.name, None)
    into = [_into_warp(type_) for type_ in signature.params]
    out = _out_of_warp(signature.result)
    keywords = {name: _keyword(value) for name, value in signature.keywords}

    def evaluate(arguments: tuple[Value, ...]) -> Value:
        return out(function(*[to(value) for to, value in zip(into, arguments, strict=True)], **keywords))

    try:
        evaluate(tuple(_one(type_) for type_ in signature.params))
    except (AttributeError, RuntimeError, TypeError, ValueError):
        # Warp exports some overloads only (square matrices up to 4x4, and which ones depends on the release).
        return _instead(signature)
    return evaluate


def _one(type_: t.Type) -> Value:
    """Ones, which are in the domain of every builtin: for asking whether an overload exists."""
    if isinstance(type_, t.Scalar):
        return True if type_.kind == "bool" else np.dtype(type_.name).type(1)
    assert not isinstance(type_, (t.Struct, t.Tuple, t.Array, t.Tile))
    return np.ones(t.shape(type_), dtype=type_.dtype.name)


def _instead(signature: Signature) -> Call:
    """For an overload that Python scope lacks: the closed form, if it gives the same bits."""
    found = form(signature)
    if found is not None and found.exact:
        return _closed_form(signature)
    return no_reference


# ----------------------------------------------------------------------- closed forms


def _closed_form(signature: Signature) -> Call:
    found = form(signature)
    assert found is not None, f"{signature.name} has no closed form"
    function = found.function
    into = [_objects(type_) for type_ in signature.params]
    out = _fitted(signature.result)

    def evaluate(arguments: tuple[Value, ...]) -> Value:
        values = [to(value) if to else value for to, value in zip(into, arguments, strict=True)]
        with np.errstate(all="ignore"):
            return out(function(signature, *values) if found.typed else function(*values))

    closed = signature.builtin.closed
    return _with_builtins(evaluate) if closed is not None and closed.of_builtins else evaluate


def _with_builtins(evaluate: Call) -> Call:
    """The evaluation of a closed form over float32 with Warp's own functions of scalars in it."""
    functions = _of_builtins(t.FLOAT32)

    def call(arguments: tuple[Value, ...]) -> Value:
        with numbers.replaced(functions):
            return evaluate(arguments)

    return call


# numpy's names of functions that are builtins of another name.
_BUILTIN_OF = {"sin": "sin", "cos": "cos", "arcsin": "asin", "arccos": "acos", "arctan2": "atan2"}


@cache
def _of_builtins(scalar: t.Scalar) -> Mapping[str, Callable[..., Value]]:
    """Warp's own functions of scalars, by the names that closed forms call them by."""
    found: dict[str, Callable[..., Value]] = {}
    for name, builtin in _BUILTIN_OF.items():
        signature = resolve(builtin, (scalar,) * (2 if name == "arctan2" else 1))
        assert signature is not None
        found[name] = _with_arguments(compiled(signature))
    return found


def _with_arguments(evaluate: Call) -> Callable[..., Value]:
    return lambda *arguments: evaluate(arguments)


def _objects(type_: t.Type) -> Callable[[Value], Value] | None:
    """Components of integers become Python ints, which do not wrap on the way."""
    if isinstance(type_, (t.Scalar, t.Struct, t.Tuple, t.Array, t.Tile)) or type_.dtype.is_float:
        return None
    return lambda value: value.astype(object)


def _fitted(type_: t.Type) -> Callable[[Value], Value]:
    """A result of the type: integers wrap, or have overflowed."""
    match type_:
        case t.Scalar(kind="bool"):
            return bool
        case t.Scalar(kind="float"):
            return np.dtype(type_.name).type
        case t.Scalar():
            return arithmetic.fit(type_)
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform():
            dtype = np.dtype(type_.dtype.name)
            if type_.dtype.is_float:
                return lambda value: np.asarray(value, dtype=dtype)
            fit = arithmetic.fit(type_.dtype)
            return lambda value: np.array([fit(x) for x in value.reshape(-1).tolist()], dtype=dtype).reshape(
                value.shape
            )
        case t.Tuple(elements=elements):
            outs = [_fitted(element) for element in elements]
            return lambda value: tuple(out(part) for out, part in zip(outs, value, strict=True))
        case t.Struct() | t.Array() | t.Tile():
            raise TypeError(f"no closed form gives a {type(type_).__name__}")
        case _:
            return assert_never(type_)
