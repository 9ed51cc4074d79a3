"""What a parameter of a kernel takes, read off Warp's own annotation of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

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
    """A ``@wp.struct``: its fields in order.  ``dtype`` is the layout of one in memory."""

    warp: Any
    dtype: np.dtype[Any]
    fields: tuple[tuple[str, ValueType], ...]


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
    """The dtypes of everything in a value, from the outside in."""
    if isinstance(type_, StructType):
        for _, field in type_.fields:
            yield from components(field)
    else:
        yield type_.dtype


def has_float(type_: ValueType) -> bool:
    """Whether anything in the value is a floating-point number: whether it can have a gradient."""
    return any(dtype.kind == "f" for dtype in components(type_))
