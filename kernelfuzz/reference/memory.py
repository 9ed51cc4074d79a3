"""Memory: the arrays of a launch, views of them, and their elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias, cast

import numpy as np

from kernelfuzz.ir.launch import Input
from kernelfuzz.ir.types import Array, Scalar, Struct, Tile, Tuple, Type, shape
from kernelfuzz.reference.domain import Domain, Leaf, Value
from kernelfuzz.reference.races import Shadow
from kernelfuzz.reference.undefined import INDEX_OUT_OF_RANGE, Undefined

# The components of every element by their flat position; of structs one such array per field.
Leaves: TypeAlias = "Leaf | dict[str, Leaves]"


@dataclass(frozen=True, slots=True)
class View:
    """An array or a part of one: ``base`` and ``strides`` count elements of the array it is a view of."""

    leaves: Leaves
    shadow: Shadow
    base: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, indices: tuple[int, ...]) -> int:
        """The flat position of the element at the indices (of a view, the first of its elements)."""
        flat = self.base
        for index, size, stride in zip(indices, self.shape, self.strides, strict=False):
            if not 0 <= index < size:
                raise Undefined(INDEX_OUT_OF_RANGE)
            flat += index * stride
        return flat

    def view(self, indices: tuple[int, ...]) -> View:
        """The view at fewer indices than the array has dimensions: it shares the array's memory."""
        count = len(indices)
        base = self.at(indices)
        return View(self.leaves, self.shadow, base, self.shape[count:], self.strides[count:])


# ---------------------------------------------------------------------------- elements


def reader(type_: Type) -> Callable[[Leaves, int], Value]:
    """How an element of the type is read at a flat position: as a value of its own."""
    if isinstance(type_, Struct):
        fields = [(name, reader(field)) for name, field in type_.fields]
        return lambda leaves, flat: {name: read(leaves[name], flat) for name, read in fields}  # pyright: ignore
    if not isinstance(type_, Scalar):
        return lambda leaf, flat: leaf[flat].copy()  # pyright: ignore
    if type_.is_float:
        return lambda leaf, flat: leaf[flat]  # pyright: ignore
    return lambda leaf, flat: leaf.item(flat)  # pyright: ignore


def writer(type_: Type) -> Callable[[Leaves, int, Value], None]:
    """How an element of the type is written at a flat position."""
    if isinstance(type_, Struct):
        fields = [(name, writer(field)) for name, field in type_.fields]

        def write_fields(leaves: Any, flat: int, value: Any) -> None:
            for name, write in fields:
                write(leaves[name], flat, value[name])

        return write_fields

    def write_components(leaf: Any, flat: int, value: Any) -> None:
        leaf[flat] = value

    return write_components


# --------------------------------------------------------------------- launch parameters


def enter(domain: Domain, path: tuple[str, ...], type_: Type, value: Input) -> tuple[Value, View | None]:
    """A parameter's value in a launch; of an array also its view."""
    match type_:
        case Array(dtype=dtype, ndim=ndim):
            leaves = _leaves(domain, path, dtype, ndim, value)
            lengths = _lengths(dtype, ndim, value)
            view = View(leaves, Shadow(dtype), 0, lengths, row_major(lengths))
            return view, view
        case Struct(fields=fields):
            assert isinstance(value, Mapping)
            return {name: enter(domain, (*path, name), field, value[name])[0] for name, field in fields}, None
        case Tile() | Tuple():
            raise TypeError(f"a parameter cannot be {type_}")
        case _:
            leaf = _leaves(domain, path, type_, 0, value)
            return reader(type_)(leaf, 0), None


def views(value: Value) -> Iterator[View]:
    """The arrays of a parameter: itself, or those in the fields of a struct."""
    if isinstance(value, View):
        yield value
    elif isinstance(value, dict):
        for field in cast("dict[str, Value]", value).values():
            yield from views(field)


def leave(domain: Domain, path: tuple[str, ...], array: Array, view: View) -> Input:
    """The contents of an array parameter, as a launch has them."""
    return _contents(domain, path, array.dtype, view.leaves, view.shape)


def row_major(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous array, in elements."""
    return tuple(prod(lengths[axis + 1 :]) for axis in range(len(lengths)))


def _components(type_: Type) -> tuple[Scalar, tuple[int, ...]]:
    """The scalar type and the shape of one element that is no struct."""
    if isinstance(type_, Scalar):
        return type_, ()
    assert not isinstance(type_, (Struct, Array, Tile, Tuple))
    return type_.dtype, shape(type_)


def _leaves(domain: Domain, path: tuple[str, ...], type_: Type, ndim: int, value: Input) -> Leaves:
    if isinstance(type_, Struct):
        assert isinstance(value, Mapping)
        return {name: _leaves(domain, (*path, name), field, ndim, value[name]) for name, field in type_.fields}
    assert isinstance(value, np.ndarray)
    scalar, inner = _components(type_)
    return domain.enter(path, scalar, value).reshape(-1, *inner)


def _lengths(type_: Type, ndim: int, value: Input) -> tuple[int, ...]:
    if isinstance(type_, Struct):
        assert isinstance(value, Mapping)
        name, field = type_.fields[0]
        return _lengths(field, ndim, value[name])
    assert isinstance(value, np.ndarray)
    return value.shape[:ndim]


def _contents(domain: Domain, path: tuple[str, ...], type_: Type, leaves: Leaves, lengths: tuple[int, ...]) -> Input:
    if isinstance(type_, Struct):
        assert isinstance(leaves, dict)
        return {name: _contents(domain, (*path, name), field, leaves[name], lengths) for name, field in type_.fields}
    assert isinstance(leaves, np.ndarray)
    scalar, inner = _components(type_)
    return domain.leave(path, scalar, leaves.reshape(*lengths, *inner))
