"""The types of a Warp kernel, as a closed union of frozen dataclasses.

A type is a value: two types are the same type exactly when they compare equal.  The names and the
rules follow Warp's documentation ("Basics: Vectors, Matrices, Quaternions, Transforms, Structs").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.ir.printed import Printed


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Scalar(Printed):
    """A scalar type: one row holds what is known of it.

    ``name`` is Warp's and numpy's, ``kind`` is ``bool``, ``int``, ``uint`` or ``float``, ``suffix`` what Warp's
    names of vectors and matrices of it end in (``vec3f``; empty where there are none), ``precision`` the bits of
    the significand of a float, the implicit one included (IEEE 754, table 3.5): its limits follow from that.

    There is one object for each, so that they are compared and hashed by identity: that is done everywhere.
    """

    name: str
    kind: str
    bits: int
    suffix: str = ""
    precision: int = 0

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest value of an integer type (0 and 1 for bool)."""
        if self.kind == "bool":
            return 0, 1
        if self.kind == "int":
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        if self.kind == "uint":
            return 0, (1 << self.bits) - 1
        raise ValueError(f"{self.name} is not an integer type")

    @property
    def largest_exponent(self) -> int:
        """The exponent of the largest values of a float type; that of the smallest normal one is 1 minus it."""
        return (1 << (self.bits - self.precision - 1)) - 1

    @property
    def largest(self) -> float:
        """The largest finite value of a float type."""
        return math.ldexp((1 << self.precision) - 1, self.largest_exponent - self.precision + 1)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive value of a float type that is not subnormal."""
        return math.ldexp(1.0, 1 - self.largest_exponent)

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next larger value of a float type."""
        return math.ldexp(1.0, 1 - self.precision)

    def __repr__(self) -> str:
        return self.name.upper()  # the constant of this module that is the object

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], Scalar], tuple[str]]:
        # A copy, also one in another process, is the object itself.
        return _by_name, (self.name,)


BOOL = Scalar("bool", "bool", 8)
INT8 = Scalar("int8", "int", 8, "b")
INT16 = Scalar("int16", "int", 16, "s")
INT32 = Scalar("int32", "int", 32, "i")
INT64 = Scalar("int64", "int", 64, "l")
UINT8 = Scalar("uint8", "uint", 8, "ub")
UINT16 = Scalar("uint16", "uint", 16, "us")
UINT32 = Scalar("uint32", "uint", 32, "ui")
UINT64 = Scalar("uint64", "uint", 64, "ul")
FLOAT16 = Scalar("float16", "float", 16, "h", 11)
FLOAT32 = Scalar("float32", "float", 32, "f", 24)
FLOAT64 = Scalar("float64", "float", 64, "d", 53)

# Simplest first: shrinking moves a dtype towards the front of these.
SIGNED = (INT32, INT64, INT16, INT8)
UNSIGNED = (UINT32, UINT64, UINT16, UINT8)
INTEGERS = SIGNED + UNSIGNED
FLOATS = (FLOAT32, FLOAT64, FLOAT16)
NUMBERS = FLOATS + INTEGERS
SCALARS = (*NUMBERS, BOOL)
SCALAR_BY_NAME = {scalar.name: scalar for scalar in SCALARS}


def _by_name(name: str) -> Scalar:
    return SCALAR_BY_NAME[name]


@dataclass(frozen=True, slots=True, repr=False)
class Vector(Printed):
    """``wp.vec3``, ``wp.types.vector(length, dtype)``; length 6 is also Warp's spatial vector."""

    length: int
    dtype: Scalar


@dataclass(frozen=True, slots=True, repr=False)
class Matrix(Printed):
    """``wp.mat33``, ``wp.types.matrix((rows, columns), dtype)``; 6x6 is also Warp's spatial matrix."""

    rows: int
    columns: int
    dtype: Scalar


@dataclass(frozen=True, slots=True, repr=False)
class Quaternion(Printed):
    """``wp.quat``: x, y, z, w over a float type."""

    dtype: Scalar


@dataclass(frozen=True, slots=True, repr=False)
class Transform(Printed):
    """``wp.transform``: a translation ``p`` (a 3-vector) and a rotation ``q`` (a quaternion)."""

    dtype: Scalar


@dataclass(frozen=True, slots=True, repr=False)
class Struct(Printed):
    """A ``@wp.struct`` class: its name and its fields in order of declaration."""

    name: str
    fields: tuple[tuple[str, Type], ...]

    def field(self, name: str) -> Type | None:
        """The type of the field ``name``, or None where there is none."""
        return dict(self.fields).get(name)


@dataclass(frozen=True, slots=True, repr=False)
class Array(Printed):
    """``wp.array(dtype=..., ndim=...)`` with 1 to 4 dimensions."""

    dtype: Value
    ndim: int = 1


@dataclass(frozen=True, slots=True, repr=False)
class Tile(Printed):
    """A tile of a block: what ``wp.tile_load`` and ``wp.tile_zeros`` return; an axis of 0 has the block's threads."""

    dtype: Scalar
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Tuple(Printed):
    """What a function with several returned values returns, and ``wp.tid()`` over several axes."""

    elements: tuple[Type, ...]


Composite: TypeAlias = Vector | Matrix | Quaternion | Transform
Value: TypeAlias = Scalar | Vector | Matrix | Quaternion | Transform | Struct
Type: TypeAlias = Scalar | Vector | Matrix | Quaternion | Transform | Struct | Array | Tile | Tuple


def component(type_: Composite) -> Scalar:
    """The scalar type that a vector, matrix, quaternion or transform is made of."""
    return type_.dtype


def shape(type_: Composite) -> tuple[int, ...]:
    """The shape of a composite type: ``(length,)`` or ``(rows, columns)``."""
    if isinstance(type_, Matrix):
        return (type_.rows, type_.columns)
    if isinstance(type_, Vector):
        return (type_.length,)
    return (4,) if isinstance(type_, Quaternion) else (7,)


def has_floats(type_: Type) -> bool:
    """Whether anything that a type is made of is a float."""
    match type_:
        case Scalar():
            return type_.is_float
        case Struct(fields=fields):
            return any(has_floats(field) for _, field in fields)
        case Tuple(elements=elements):
            return any(map(has_floats, elements))
        case Vector() | Matrix() | Quaternion() | Transform() | Array() | Tile():
            return has_floats(type_.dtype)


def holds_array(type_: Type) -> bool:
    """Whether a type is an array, or a struct with an array in it."""
    if isinstance(type_, Struct):
        return any(holds_array(field) for _, field in type_.fields)
    return isinstance(type_, Array)


def warp_name(type_: Scalar | Composite) -> str | None:
    """The name under which ``warp`` exports the type (``vec3f``), or None where it exports none."""
    if isinstance(type_, Scalar):
        return type_.name
    suffix, is_float = type_.dtype.suffix, type_.dtype.is_float
    if not suffix:
        return None
    match type_:
        case Vector(length=2 | 3 | 4 as length):
            return f"vec{length}{suffix}"
        case Vector(length=6) if is_float:
            return f"spatial_vector{suffix}"
        case Matrix(rows=rows, columns=columns) if is_float and rows == columns and rows in (2, 3, 4):
            return f"mat{rows}{columns}{suffix}"
        case Matrix(rows=6, columns=6) if is_float:
            return f"spatial_matrix{suffix}"
        case Quaternion() if is_float:
            return f"quat{suffix}"
        case Transform() if is_float:
            return f"transform{suffix}"
        case _:
            return None


def type_name(type_: Type) -> str:
    """A short name of any type, for messages and for the aliases that a rendered module declares."""
    match type_:
        case Vector(length=length, dtype=dtype):
            return warp_name(type_) or f"vec{length}{dtype.suffix or dtype.name}"
        case Matrix(rows=rows, columns=columns, dtype=dtype):
            return warp_name(type_) or f"mat{rows}x{columns}{dtype.suffix or dtype.name}"
        case Scalar() | Quaternion() | Transform():
            return warp_name(type_) or f"{type(type_).__name__.lower()}({type_.dtype})"  # pyright: ignore
        case Struct(name=name):
            return name
        case Array(dtype=dtype, ndim=ndim):
            return f"array{ndim}d({type_name(dtype)})"
        case Tile(dtype=dtype, shape=shape_):
            return f"tile({dtype}, {shape_})"
        case Tuple(elements=elements):
            return "(" + ", ".join(type_name(element) for element in elements) + ")"
