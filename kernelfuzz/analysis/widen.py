"""The same kernel with every float a float64: what derivatives are compared on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any, cast

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.fields import map_fields
from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.builtins import NAMES, resolve
from kernelfuzz.typecheck.scope import VerifyError
from kernelfuzz.typecheck.verify import verify

# Without ``dtype=`` these give float32.
_FLOAT32_BY_DEFAULT = frozenset({"quat_identity", "transform_identity"})


def widen(kernel: n.Kernel) -> n.Kernel | None:
    """The kernel over float64, or None where it calls what Warp has for float32 only (random numbers, noise).

    The result verifies.  Its values differ from the kernel's by more than rounding where a float decides a
    branch, so it is another kernel: it is launched on inputs of its own (``widened``).
    """
    return _verified(_over_float64(kernel))


def widen_around_float32(kernel: n.Kernel) -> n.Kernel | None:
    """The same where what Warp has for float32 only is called with converted arguments, and its result converted.

    None where that does not verify either.
    """
    return widen(kernel) or _verified(_around_float32(_over_float64(kernel)))


def widen_with_stand_ins(kernel: n.Kernel) -> n.Kernel | None:
    """The same where something of the same type stands in for each call that has no float64 form.

    That is one of its arguments, the length of one that is a vector, or a constant.  None where that does not
    verify either.
    """
    return widen(kernel) or _verified(transform(_over_float64(kernel), _stand_in))


def _verified(kernel: n.Kernel) -> n.Kernel | None:
    try:
        verify(kernel)
    except VerifyError:
        # Reinterpreted bits, and builtins whose floats are float32 whatever they are given.
        return None
    return kernel


# ------------------------------------------------------------------------- calls over float32


def _around_float32(kernel: n.Kernel) -> n.Kernel:
    made: dict[tuple[t.Type, t.Scalar], n.Function] = {}
    taken = {function.name for function in kernel.functions} | {kernel.name}

    def convert(value: n.Expr, to: t.Scalar) -> n.Expr:
        """A value of floats with another component type."""
        source = value.type
        if isinstance(source, t.Scalar):
            return n.Cast(to, value)
        if (source, to) not in made:
            name = f"as_{to.name}_{len(made)}"
            while name in taken:
                name += "_"
            made[source, to] = _conversion(name, source, to)
        function = made[source, to]
        assert function.returns is not None
        return n.CallFunction(function.name, (value,), function.returns)

    def change(node: n.Node) -> n.Node:
        match node:
            case n.ExprStmt(value=value) if not isinstance(value, (n.Call, n.CallFunction)):
                return n.Pass()
            case n.Call(name=name, args=args, type=type_, keywords=keywords) if name in NAMES:
                found = resolve(name, tuple(argument.type for argument in args), keywords)
                if found is not None and found.result == type_:
                    return node
            case _:
                return node
        if not all(map(_convertible, (type_, *(argument.type for argument in args)))):
            return node
        narrow = [convert(each, t.FLOAT32) if t.has_floats(each.type) else each for each in args]
        call = n.Call(name, tuple(narrow), _with_scalar(type_, t.FLOAT32), _over(keywords, t.FLOAT32))
        return convert(call, t.FLOAT64) if t.has_floats(type_) else call

    changed = transform(kernel, change)
    return replace(changed, functions=(*made.values(), *changed.functions))


def _convertible(type_: t.Type) -> bool:
    return isinstance(type_, (t.Scalar, t.Vector, t.Matrix, t.Quaternion))


def _with_scalar(type_: t.Type, scalar: t.Scalar) -> Any:
    """The type with another float type for its own."""
    if isinstance(type_, t.Scalar):
        return scalar if type_.is_float else type_
    assert isinstance(type_, (t.Vector, t.Matrix, t.Quaternion))
    return replace(type_, dtype=scalar) if type_.dtype.is_float else type_


def _over(keywords: tuple[tuple[str, Any], ...], scalar: t.Scalar) -> tuple[tuple[str, Any], ...]:
    return tuple([(name, scalar if value == t.FLOAT64 else value) for name, value in keywords])


def _conversion(name: str, source: t.Type, to: t.Scalar) -> n.Function:
    """A function that converts each component of a vector, a matrix or a quaternion."""
    assert isinstance(source, (t.Vector, t.Matrix, t.Quaternion))
    given, target = n.Name("given", source), _with_scalar(source, to)
    components = [
        n.Cast(to, n.Index(given, tuple([n.Literal(index, t.INT32) for index in at]), source.dtype))
        for at in product(*map(range, t.shape(source)))
    ]
    return n.Function(name, (n.Param("given", source),), target, (n.Return((n.Construct(target, tuple(components)),)),))


# -------------------------------------------------------------------------------- stand-ins


def _stand_in(node: n.Node) -> n.Node:
    match node:
        case n.ExprStmt(value=value) if not isinstance(value, (n.Call, n.CallFunction)):
            return n.Pass()
        case n.Call(name=name, args=args, type=type_, keywords=keywords) if name in NAMES:
            found = resolve(name, tuple(argument.type for argument in args), keywords)
            return node if found is not None and found.result == type_ else _of_type(type_, args) or node
        case _:
            return node


def _of_type(type_: t.Type, arguments: tuple[n.Expr, ...]) -> n.Expr | None:
    for argument in arguments:
        if argument.type == type_ and type_ != t.UINT32:  # a random state is not what is drawn with it
            return argument
    if type_ == t.FLOAT64:
        for argument in arguments:
            if isinstance(argument.type, t.Vector) and argument.type.dtype == t.FLOAT64:
                return n.Call("length", (argument,), t.FLOAT64)
    match type_:
        case t.Scalar():
            # By a conversion: a name that is given a bare literal is a constant for Warp.
            return n.Cast(type_, _constant(type_))
        case t.Vector(length=length, dtype=dtype) if dtype == t.FLOAT64:
            return n.Construct(type_, tuple([n.Literal(0.625 + 0.25 * at, dtype) for at in range(length)]))
        case _:
            return None


def widened(case: Case, kernel: n.Kernel | None = None) -> Case | None:
    """The case over float64: the kernel (or what the caller made of it by ``widen_around_float32``) and its inputs."""
    kernel = kernel or widen_around_float32(case.kernel)
    if kernel is None:
        return None
    launch = case.launch
    return Case(kernel, Launch(launch.dim, widened_inputs(launch.inputs), launch.tiled))


def widened_inputs(inputs: Mapping[str, Input]) -> dict[str, Input]:
    """The inputs, or gradients of such, with each float a float64."""
    return {name: _widened_input(value) for name, value in inputs.items()}


def _widened_input(value: Input) -> Input:
    if value is None or isinstance(value, Mapping):
        return value and widened_inputs(value)
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def _is_float(node: n.Node) -> bool:
    type_ = getattr(node, "type", None)
    return isinstance(type_, t.Scalar) and type_.is_float


def _over_float64(value: Any) -> Any:
    """A node, a type, or a tuple of such, with every float type replaced; anything else as it is."""
    match value:
        case t.Scalar(is_float=True):
            return t.FLOAT64
        case n.Static(value=inner) if any(_is_float(below) for below in walk(inner)):
            # A static expression computes with Python's floats, which would make float32 again.
            return _over_float64(inner)
        case n.Call(name=name, keywords=()) if name in _FLOAT32_BY_DEFAULT:
            return map_fields(replace(value, keywords=(("dtype", t.FLOAT32),)), _over_float64)
        case tuple():
            return tuple([_over_float64(element) for element in cast("tuple[Any, ...]", value)])
        case _:
            return map_fields(value, _over_float64)


def _constant(type_: t.Scalar) -> n.Literal:
    if type_.is_float:
        return n.Literal(0.625, type_)
    return n.Literal(type_.kind == "bool" or 1, type_)
