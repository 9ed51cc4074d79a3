"""Memory: the arrays of a launch, views of them, their elements, and which threads touched them.

The threads of the interpreter run one after another, those of Warp in any order or at once: an execution whose
result depends on their order is undefined.  An element of an array is what is watched, whole: two threads that
write different components of one vector race.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from math import gcd, prod
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Input
from kernelfuzz.ir.nodes import Node
from kernelfuzz.reference.domain import Domain, Leaf, Value
from kernelfuzz.reference.undefined import DATA_RACE, INDEX_OUT_OF_RANGE, ORDER_OF_ATOMICS, Undefined

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

    @property
    def is_there(self) -> bool:
        """Whether the array has elements: it is true then."""
        return 0 not in self.shape

    def at(self, indices: tuple[int, ...]) -> int:
        """The flat position of the element at the indices (of a view, the first of its elements)."""
        flat = self.base
        for index, size, stride in zip(indices, self.shape, self.strides, strict=False):
            if not 0 <= index < size:
                raise Undefined(INDEX_OUT_OF_RANGE)
            flat += index * stride
        return flat

    def view(self, keys: tuple[int | slice, ...]) -> View:
        """The view at fewer indices than the array has dimensions, or at slices: it shares the array's memory.

        Slices "follow the same semantics as NumPy" ("Runtime: Arrays" of Warp's user guide).
        """
        base, shape, strides = self.base, list[int](), list[int]()
        for key, size, stride in zip(keys, self.shape, self.strides, strict=False):
            if isinstance(key, slice):
                places = range(*key.indices(size))
                base += places.start * stride if places else 0
                shape.append(len(places))
                strides.append(places.step * stride)
            elif 0 <= key < size:
                base += key * stride
            else:
                raise Undefined(INDEX_OUT_OF_RANGE)
        count = len(keys)
        return View(self.leaves, self.shadow, base, (*shape, *self.shape[count:]), (*strides, *self.strides[count:]))


# ---------------------------------------------------------------------------- elements


def reader(type_: t.Type) -> Callable[[Leaves, int], Value]:
    """The function that reads an element of the type at a flat position, as a value of its own."""
    if isinstance(type_, t.Struct):
        fields = [(name, reader(field)) for name, field in type_.fields]
        return lambda leaves, flat: {name: read(leaves[name], flat) for name, read in fields}  # pyright: ignore
    if not isinstance(type_, t.Scalar):
        return lambda leaf, flat: leaf[flat].copy()  # pyright: ignore
    if type_.is_float:
        return lambda leaf, flat: leaf[flat]  # pyright: ignore
    return lambda leaf, flat: leaf.item(flat)  # pyright: ignore


def writer(type_: t.Type) -> Callable[[Leaves, int, Value], None]:
    """The function that writes an element of the type at a flat position."""
    if isinstance(type_, t.Struct):
        fields = [(name, writer(field)) for name, field in type_.fields]

        def write_fields(leaves: Any, flat: int, value: Any) -> None:
            for name, write in fields:
                write(leaves[name], flat, value[name])

        return write_fields

    def write_components(leaf: Any, flat: int, value: Any) -> None:
        leaf[flat] = value

    return write_components


# --------------------------------------------------------------------- launch parameters


# Each array that a launch gives: by the parameter and the fields that lead to it.
Views: TypeAlias = "dict[tuple[str, ...], tuple[t.Array, View]]"


def enter(
    domain: Domain, path: tuple[str, ...], type_: t.Type, value: Input, shadow: MakeShadow, views: Views
) -> Value:
    """A parameter's value in a launch; adds the view of every array in it, which a new ``shadow`` watches."""
    match type_:
        case t.Array(dtype=dtype, ndim=ndim) if value is None:
            return no_array(dtype, ndim, shadow(path, dtype))
        case t.Array(dtype=dtype, ndim=ndim):
            leaves = _leaves(domain, path, dtype, ndim, value)
            lengths = _lengths(dtype, ndim, value)
            view = View(leaves, shadow(path, dtype), 0, lengths, row_major(lengths))
            views[path] = type_, view
            return view
        case t.Struct(fields=fields):
            assert isinstance(value, Mapping)
            return {name: enter(domain, (*path, name), field, value[name], shadow, views) for name, field in fields}
        case t.Tile() | t.Tuple():
            raise TypeError(f"a parameter cannot be {type_}")
        case _:
            leaf = _leaves(domain, path, type_, 0, value)
            return reader(type_)(leaf, 0)


def no_array(dtype: t.Type, ndim: int, shadow: Shadow) -> View:
    """What stands where there is no array: it is false, and nothing can be read from it or stored into it."""
    return View({}, shadow, 0, (0,) * ndim, (0,) * ndim)


def leave(domain: Domain, path: tuple[str, ...], array: t.Array, view: View) -> Input:
    """The contents of an array, as a launch has them."""
    return _contents(domain, path, array.dtype, view.leaves, view.shape)


def row_major(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous array, in elements."""
    return tuple(prod(lengths[axis + 1 :]) for axis in range(len(lengths)))


def _components(type_: t.Type) -> tuple[t.Scalar, tuple[int, ...]]:
    """The scalar type and the shape of one element that is no struct."""
    if isinstance(type_, t.Scalar):
        return type_, ()
    assert not isinstance(type_, (t.Struct, t.Array, t.Tile, t.Tuple))
    return type_.dtype, t.shape(type_)


def _leaves(domain: Domain, path: tuple[str, ...], type_: t.Type, ndim: int, value: Input) -> Leaves:
    if isinstance(type_, t.Struct):
        assert isinstance(value, Mapping)
        return {name: _leaves(domain, (*path, name), field, ndim, value[name]) for name, field in type_.fields}
    assert isinstance(value, np.ndarray)
    scalar, inner = _components(type_)
    return domain.enter(path, scalar, value).reshape(-1, *inner)


def _lengths(type_: t.Type, ndim: int, value: Input) -> tuple[int, ...]:
    if isinstance(type_, t.Struct):
        assert isinstance(value, Mapping)
        name, field = type_.fields[0]
        return _lengths(field, ndim, value[name])
    assert isinstance(value, np.ndarray)
    return value.shape[:ndim]


def _contents(domain: Domain, path: tuple[str, ...], type_: t.Type, leaves: Leaves, lengths: tuple[int, ...]) -> Input:
    if isinstance(type_, t.Struct):
        assert isinstance(leaves, dict)
        return {name: _contents(domain, (*path, name), field, leaves[name], lengths) for name, field in type_.fields}
    assert isinstance(leaves, np.ndarray)
    scalar, inner = _components(type_)
    return domain.leave(path, scalar, leaves.reshape(*lengths, *inner))


# --------------------------------------------------------------------------------- races

SEVERAL = -1
# Atomics of one family commute with each other.
FAMILIES = {"add": "sum", "sub": "sum", "min": "min", "max": "max", "and": "and", "or": "or", "xor": "xor"}


@dataclass(slots=True)
class Atomics:
    """The atomics on one element: by which thread (or several), of which family, with which operands.

    ``operands`` has for each component of the element what it held before the first, and then the operands.
    """

    thread: int
    family: str
    used: bool
    node: Node
    operands: dict[Hashable, list[Any]] = field(default_factory=dict[Hashable, list[Any]])


@dataclass(frozen=True, slots=True)
class Access:
    """One atomic: the components of the element, their values before, the operand, and whether the result is used."""

    name: str
    components: tuple[Hashable, ...]
    old: Any
    operand: Any
    used: bool
    node: Node


def components(element: Value, keys: tuple[Any, ...]) -> tuple[Hashable, ...]:
    """A name for each component of the part of an element that steps with these keys lead to, in order."""
    fields: list[Any] = []
    numbers: Any = None
    for key in keys:
        if isinstance(element, dict):
            fields.append(key)
            element = element[key]
        else:
            numbers = np.arange(element.size).reshape(element.shape) if numbers is None else numbers
            numbers = numbers[key]
    numbers = np.arange(len(_flat(element))) if numbers is None else numbers
    return tuple([(*fields, int(number)) for number in np.ravel(numbers)])


def _flat(value: Value) -> Any:
    """The numbers of a value, which may be one number."""
    return np.asarray(value).reshape(-1)


class Shadow:
    """The reads, writes and atomics on the elements of one array; ``path``: a parameter and the fields below it.

    ``overwritten``: whether an element was written after it was read, which a gradient may not survive;
    ``rewritten``: whether it was after it was written.  An atomic sum is no write in that sense; other
    atomics on floats read what they overwrite.
    """

    __slots__ = ("_atomics", "_floats", "_readers", "_writers", "overwritten", "path", "rewritten")

    def __init__(self, path: tuple[str, ...], dtype: t.Type) -> None:
        self.path: tuple[str, ...] = path
        self._readers: dict[int, int] = {}
        self._writers: dict[int, int] = {}
        self._atomics: dict[int, Atomics] = {}
        self._floats = _has_floats(dtype)
        self.overwritten: bool = False
        self.rewritten: bool = False

    def read(self, flat: int, thread: int) -> None:
        """A plain read; raises Undefined where another thread writes the element."""
        if self._writers.get(flat, thread) != thread:
            raise Undefined(DATA_RACE)
        found = self._atomics.get(flat)
        if found is not None and found.thread != thread:
            raise Undefined(DATA_RACE)
        if self._readers.setdefault(flat, thread) != thread:
            self._readers[flat] = SEVERAL

    def write(self, flat: int, thread: int) -> None:
        """A plain write; raises Undefined where another thread touches the element."""
        self.overwritten |= flat in self._readers
        self.rewritten |= flat in self._writers or flat in self._atomics
        if self._writers.setdefault(flat, thread) != thread or self._readers.get(flat, thread) != thread:
            raise Undefined(DATA_RACE)
        found = self._atomics.get(flat)
        if found is not None and found.thread != thread:
            raise Undefined(DATA_RACE)

    def atomic(self, flat: int, thread: int, access: Access) -> None:
        """An atomic; raises Undefined where another thread does what does not commute with it."""
        self.overwritten |= flat in self._readers or (self._floats and FAMILIES.get(access.name) != "sum")
        if self._writers.get(flat, thread) != thread or self._readers.get(flat, thread) != thread:
            raise Undefined(DATA_RACE)
        family = FAMILIES.get(access.name, "")
        found = self._atomics.get(flat)
        if found is None:
            found = self._atomics[flat] = Atomics(thread, family, access.used, access.node)
        else:
            found.family = family if found.family == family else ""
            found.used |= access.used
            found.node = access.node
            if found.thread != thread:
                found.thread = SEVERAL
        if found.thread == SEVERAL and (found.used or not found.family):
            raise Undefined(ORDER_OF_ATOMICS)
        if self._floats:
            values = zip(_flat(access.old), _flat(access.operand), strict=True)
            for component, (old, operand) in zip(access.components, values, strict=True):
                operands = found.operands.setdefault(component, [old])
                operands.append(-operand if access.name == "sub" else operand)

    def finish(self, rounded: bool = False) -> None:
        """After the last thread: raises Undefined where the order of atomics on floats changes the result.

        ``rounded``: by more than the rounding of a sum.
        """
        for found in self._atomics.values() if self._floats else ():
            if rounded and found.family == "sum":
                continue
            if found.thread == SEVERAL and not all(
                commutes(found.family, operands) for operands in found.operands.values()
            ):
                raise Undefined(ORDER_OF_ATOMICS, found.node)


MakeShadow: TypeAlias = "Callable[[tuple[str, ...], t.Type], Shadow]"


def _has_floats(dtype: t.Type) -> bool:
    if isinstance(dtype, (t.Struct, t.Array, t.Tile, t.Tuple)):
        return True
    return dtype.is_float if isinstance(dtype, t.Scalar) else dtype.dtype.is_float


def commutes(family: str, operands: list[Any]) -> bool:
    """Whether every order of the operands gives the same bits, componentwise.

    A sum does when the magnitudes of all finite operands add up to a number that the float type holds, as a
    multiple of the last digit that all of them have in common: then every partial sum is exact.
    """
    columns = zip(*[np.asarray(operand).reshape(-1) for operand in operands], strict=True)
    return all(_column_commutes(family, column) for column in columns)


def _column_commutes(family: str, column: tuple[Any, ...]) -> bool:
    first = column[0]
    if not all(isinstance(number, np.floating) for number in column):
        return True  # integers; or numbers of another domain, which the exact one has checked
    numbers = [float(number) for number in column]
    if family in ("min", "max"):
        zeros = {bool(np.signbit(number)) for number in numbers if number == 0.0}
        return not any(number != number for number in numbers) and len(zeros) < 2
    ratios = [number.as_integer_ratio() for number in numbers if np.isfinite(number)]
    unit = max((denominator for _, denominator in ratios), default=1)
    multiples = [abs(numerator) * (unit // denominator) for numerator, denominator in ratios]
    limits = np.finfo(first.dtype)
    common = gcd(*multiples)
    digit = common & -common or 1  # the power of two that all are multiples of
    held = sum(multiples) // digit <= 1 << (limits.nmant + 1)
    return held and sum(multiples) / unit <= float(limits.max)
