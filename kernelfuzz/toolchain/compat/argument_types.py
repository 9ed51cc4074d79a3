"""The parameters of a kernel and what they take, read off Warp's own annotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from kernelfuzz.toolchain.compat import installed

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A scalar; ``warp`` is Warp's object for the type, here and below."""

    warp: Any
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class CompositeType:
    """A vector, matrix, quaternion or transformation: ``shape`` is that of its components."""

    warp: Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StructType:
    """A ``@wp.struct``: its fields in order, arrays among them.  ``dtype`` is the layout of one in memory."""

    warp: Any
    dtype: np.dtype[Any]
    fields: tuple[tuple[str, ArgumentType], ...]


@dataclass(frozen=True, slots=True)
class ArrayType:
    """A ``wp.array`` of ``ndim`` dimensions."""

    element: ValueType
    ndim: int


ValueType: TypeAlias = ScalarType | CompositeType | StructType
ArgumentType: TypeAlias = ValueType | ArrayType


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kernel."""

    name: str
    type: ArgumentType


def components(type_: ValueType) -> Iterator[np.dtype[Any]]:
    """The dtypes of everything in a value, from the outside in; arrays in it are not looked into."""
    if isinstance(type_, StructType):
        for _, field in type_.fields:
            if not isinstance(field, ArrayType):
                yield from components(field)
    else:
        yield type_.dtype


def arrays_in(type_: ArgumentType, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ArrayType]]:
    """The arrays in a parameter, with the names of the fields that lead to them."""
    if isinstance(type_, ArrayType):
        yield path, type_
    elif isinstance(type_, StructType):
        for name, field in type_.fields:
            yield from arrays_in(field, (*path, name))


def has_float(type_: ValueType) -> bool:
    """Whether anything in the value is a floating-point number: whether it can have a gradient."""
    return any(dtype.kind == "f" for dtype in components(type_))


def parameters(kernel: Any) -> tuple[Parameter, ...]:
    """The parameters of a kernel.  Raises Unsupported at a type that is no value and no plain array."""
    return tuple(Parameter(arg.label, _argument_type(arg.type)) for arg in kernel.adj.args)


def _argument_type(type_: Any) -> ArgumentType:
    loaded = installed.load_warp()
    types = loaded.types
    if types.is_array(type_):
        plain = types.matches_array_class if hasattr(types, "matches_array_class") else isinstance
        if not plain(type_, loaded.warp.array):
            raise installed.Unsupported(f"no values are made for a parameter of type {types.type_repr(type_)}")
        element = _value_type(type_.dtype)
        if any(True for _ in arrays_in(element)):
            raise installed.Unsupported(f"no values are made for a parameter of type {types.type_repr(type_)}")
        return ArrayType(element, type_.ndim)
    return _value_type(type_)


def _value_type(annotation: Any) -> ValueType:
    import numpy as np

    loaded = installed.load_warp()
    type_ = loaded.types.type_to_warp(annotation)
    if isinstance(type_, loaded.codegen.Struct):
        fields = tuple((name, _argument_type(variable.type)) for name, variable in type_.vars.items())
        return StructType(type_, np.dtype(type_.numpy_dtype()), fields)
    if hasattr(type_, "_wp_scalar_type_") and hasattr(type_, "_shape_"):
        dtype = loaded.warp.dtype_to_numpy(type_._wp_scalar_type_)
        return CompositeType(type_, np.dtype(dtype), tuple(type_._shape_))
    if type_ in loaded.types.scalar_and_bool_types and type_ is not getattr(loaded.warp, "bfloat16", None):
        return ScalarType(type_, np.dtype(loaded.warp.dtype_to_numpy(type_)))
    raise installed.Unsupported(f"no values are made for a parameter of type {loaded.types.type_repr(type_)}")
