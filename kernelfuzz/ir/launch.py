"""What a kernel is launched with: the grid, and a value for every parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir.array_text import array_text
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.printed import Printed
from kernelfuzz.ir.types import Struct, Type, holds_array

# The parameter and the fields that lead to an array.
Path: TypeAlias = "tuple[str, ...]"
NumpyArray: TypeAlias = "np.ndarray[Any, Any]"

# A scalar or composite value is a numpy array of its components, a struct a mapping of its fields; None stands for
# an array that is not given.
Input: TypeAlias = "NumpyArray | dict[str, Input] | None"


@dataclass(frozen=True, slots=True, repr=False)
class Launch(Printed):
    """A launch: the grid (1 to 4 numbers) and a value for each parameter by name.

    Arrays are numpy arrays of the shape of the array followed by that of its element; an array of structs
    is a mapping of such arrays by field, and a struct that holds arrays has these among its fields.  None is no array,
    which only an array can be.
    ``tiled``: one block for each point of the grid (``wp.launch_tiled``).
    """

    dim: tuple[int, ...]
    inputs: Mapping[str, Input]
    tiled: bool = False

    def __repr__(self) -> str:
        return f"Launch({self.dim!r}, {input_text(self.inputs)}{', tiled=True' if self.tiled else ''})"


@dataclass(frozen=True, slots=True, repr=False)
class Case(Printed):
    """A kernel and one launch of it: what an oracle judges and what reduction makes smaller."""

    kernel: Kernel
    launch: Launch


def input_text(value: Input | Mapping[str, Input]) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return array_text(value)
    return "{" + ", ".join([f"{name!r}: {input_text(inner)}" for name, inner in value.items()]) + "}"


def leaves(value: Input | Mapping[str, Input]) -> Iterator[tuple[Path, NumpyArray]]:
    """Yield every numpy array in a value, or in values by name, with the names that lead to it, in order."""
    return ((path, array) for path, array in given_or_not(value) if array is not None)


def given_or_not(value: Input | Mapping[str, Input], path: Path = ()) -> Iterator[tuple[Path, NumpyArray | None]]:
    """``leaves``, and None for each array that is not given."""
    if value is None or isinstance(value, np.ndarray):
        yield path, value
    else:
        for name, inner in value.items():
            yield from given_or_not(inner, (*path, name))


def arrays_of(type_: Type, value: Input) -> Input:
    """What a launch gives an array, or a struct that holds arrays: of this the fields that are such."""
    if not isinstance(type_, Struct):
        return value
    assert isinstance(value, Mapping)
    return {name: arrays_of(field, value[name]) for name, field in type_.fields if holds_array(field)}


def nested(arrays: Mapping[Path, Input]) -> dict[str, Input]:
    """Arrays by the names that lead to them as values by name: the fields of a struct in a mapping."""
    result: dict[str, Any] = {}
    for (*above, last), array in arrays.items():
        inside = result
        for name in above:
            inside = inside.setdefault(name, {})
        inside[last] = array
    return result


def flattened(values: Mapping[str, Input]) -> dict[str, NumpyArray]:
    """Return every numpy array in values by name; that of a field of a struct is called ``s.position``."""
    return {".".join(path): array for path, array in leaves(values)}
