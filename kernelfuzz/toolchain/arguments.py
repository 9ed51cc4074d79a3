"""From numpy to Warp's arguments of a launch and back.

The values are those of ``kernelfuzz.ir.launch``: numpy arrays of components, a struct as a mapping of its
fields, an array of structs as a mapping of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.launch import Input, nested
from kernelfuzz.toolchain.compat.argument_types import (
    ArgumentType,
    ArrayType,
    CompositeType,
    Parameter,
    ScalarType,
    StructType,
    ValueType,
    arrays_in,
    has_float,
)
from kernelfuzz.toolchain.layouts import CONTIGUOUS, layout_of, placement
from kernelfuzz.toolchain.red_zones import Guarded, WritesOutside, guarded, itemsize


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a launch: ``values`` in the order of the parameters, and its arrays by name (``s.field``).

    ``gradients`` has those of the arrays that hold floats, where they were asked for.
    """

    parameters: tuple[Parameter, ...]
    values: list[Any]
    arrays: dict[str, Guarded]
    gradients: dict[str, Guarded]


def make_arguments(
    parameters: tuple[Parameter, ...],
    inputs: Mapping[str, Input],
    device: str,
    *,
    layout: str = CONTIGUOUS,
    requires_grad: bool = False,
) -> Arguments:
    """A fresh argument for each parameter, none of which shares memory with ``inputs``.

    Arrays lie in memory as the ``layout`` has it, between red zones.  ``requires_grad`` gives those that hold
    floats a gradient, which is zero; None stays None.  Raises ValueError where the names, the dtypes or the shapes
    are not what the kernel takes, and where there is no such layout.
    """
    names = [parameter.name for parameter in parameters]
    if missing := [name for name in names if name not in inputs]:
        raise ValueError(f"no value for the parameter {', '.join(missing)}")
    if unknown := [name for name in inputs if name not in names]:
        raise ValueError(f"the kernel has no parameter {', '.join(unknown)}; it has {', '.join(names)}")
    made = Arguments(parameters, [], {}, {})

    def array(type_: ArrayType, value: Input, name: str) -> Any:
        if value is None:
            return None
        data = _data(type_, value, name)
        place = placement(layout_of(name, layout), data.shape[: type_.ndim], itemsize(data, type_.ndim))
        warp, gradient = type_.element.warp, None
        if requires_grad and has_float(type_.element):
            gradient = made.gradients[name] = guarded(np.zeros_like(data), warp, type_.ndim, place, device)
        made.arrays[name] = guarded(data, warp, type_.ndim, place, device, gradient)
        return made.arrays[name].array

    for parameter in parameters:
        made.values.append(_value(parameter.type, inputs[parameter.name], parameter.name, array))
    return made


_MakeArray: TypeAlias = Callable[[ArrayType, Input, str], Any]


def _value(type_: ArgumentType, value: Input, where: str, array: _MakeArray) -> Any:  # noqa: RET503 - exhaustive
    match type_:
        case ArrayType():
            return array(type_, value, where)
        case ScalarType(dtype=dtype):
            return _checked(value, dtype, (), where).item()
        case CompositeType(warp=warp, dtype=dtype, shape=shape):
            # By its bytes: Warp's constructors go through Python's numbers, which are not every bit pattern.
            return warp.from_buffer_copy(np.ascontiguousarray(_checked(value, dtype, shape, where)))
        case StructType(warp=warp, fields=fields):
            members = _members(type_, value, where)
            made = warp()
            for name, field in fields:
                setattr(made, name, _value(field, members[name], f"{where}.{name}", array))
            return made
        case _:
            assert_never(type_)


def _data(type_: ArrayType, value: Input, where: str) -> np.ndarray[Any, Any]:
    """The contents of an array as Warp takes them: numpy's records for structs."""
    element = type_.element
    if not isinstance(element, StructType):
        shape = element.shape if isinstance(element, CompositeType) else ()
        return _checked(value, element.dtype, shape, where, ndim=type_.ndim)
    shape = _outer_shape(element, value, type_.ndim, where)
    records = np.zeros(shape, dtype=element.dtype)
    _fill(records, element, value, where)
    return records


def _outer_shape(type_: StructType, value: Input, ndim: int, where: str) -> tuple[int, ...]:
    """The shape of an array of structs, as its first field has it."""
    members = _members(type_, value, where)
    name, field = type_.fields[0]
    if isinstance(field, StructType):
        return _outer_shape(field, members[name], ndim, f"{where}.{name}")
    assert not isinstance(field, ArrayType), "no elements of an array hold arrays"
    shape = field.shape if isinstance(field, CompositeType) else ()
    return _checked(members[name], field.dtype, shape, f"{where}.{name}", ndim=ndim).shape[:ndim]


def _fill(records: np.ndarray[Any, Any], type_: StructType, value: Input, where: str) -> None:
    members = _members(type_, value, where)
    for name, field in type_.fields:
        place = f"{where}.{name}"
        if isinstance(field, StructType):
            _fill(records[name], field, members[name], place)
        else:
            assert not isinstance(field, ArrayType), "no elements of an array hold arrays"
            inner = field.shape if isinstance(field, CompositeType) else ()
            data = _checked(members[name], field.dtype, inner, place, ndim=records.ndim)
            if data.shape != records[name].shape:
                raise ValueError(
                    f"{place} must have the shape {records[name].shape} of the other fields, got {data.shape}"
                )
            records[name] = data


def _members(type_: StructType, value: Input, where: str) -> Mapping[str, Input]:
    names = [name for name, _ in type_.fields]
    if not isinstance(value, Mapping) or set(value) != set(names):
        got = ", ".join(value) if isinstance(value, Mapping) else type(value).__name__
        raise ValueError(f"{where} must be a mapping of the struct's fields {', '.join(names)}, got {got}")
    return value


def _checked(
    value: Input, dtype: np.dtype[Any], shape: tuple[int, ...], where: str, *, ndim: int = 0
) -> np.ndarray[Any, Any]:
    """``value``, which is an array of ``ndim`` dimensions whose elements have ``shape``."""
    if not isinstance(value, (np.ndarray, np.generic)):
        raise ValueError(f"{where} must be a numpy array of {dtype}, got {type(value).__name__}")
    if value.dtype != dtype:
        raise ValueError(f"{where} must have the dtype {dtype}, got {value.dtype}")
    if value.ndim != ndim + len(shape) or value.shape[ndim:] != shape:
        dimensions = "" if ndim == 0 else f"{ndim} dimensions and then "
        raise ValueError(f"{where} must have {dimensions}the shape {shape}, got {value.shape}")
    return np.asarray(value)


# --------------------------------------------------------------------------------------- reading back


def check_red_zones(arguments: Arguments) -> None:
    """Raise WritesOutside where an array, or a gradient, has something written around it."""
    for title, arrays in (("", arguments.arrays), ("the gradient of ", arguments.gradients)):
        for name, array in arrays.items():
            if where := array.outside():
                raise WritesOutside(f"writes outside of {title}{name}, {where}")


def read_arrays(arguments: Arguments) -> dict[str, Input]:
    """The contents of every array of the launch; of a struct that holds arrays, of these."""
    types = _array_types(arguments.parameters)
    return nested(
        {tuple(name.split(".")): _read(types[name].element, array.values()) for name, array in arguments.arrays.items()}
    )


def read_gradients(arguments: Arguments) -> dict[str, Input]:
    """The gradient of every array that holds floats; of structs, the fields that do."""
    types = _array_types(arguments.parameters)
    return nested(
        {
            tuple(name.split(".")): _read(types[name].element, gradient.values(), floats=True)
            for name, gradient in arguments.gradients.items()
        }
    )


def _array_types(parameters: tuple[Parameter, ...]) -> dict[str, ArrayType]:
    """The types of the arrays among the parameters and in them, by name."""
    return {".".join((each.name, *path)): type_ for each in parameters for path, type_ in arrays_in(each.type)}


def _read(type_: ValueType, data: np.ndarray[Any, Any], *, floats: bool = False) -> Input:
    if isinstance(type_, StructType):
        return {
            name: _read(field, data[name], floats=floats)
            for name, field in type_.fields
            if not isinstance(field, ArrayType) and (not floats or has_float(field))
        }
    # A copy: the data lie in the memory of the array.
    return np.array(data, dtype=type_.dtype, order="C", copy=True)


# ------------------------------------------------------------------------------------------ gradients


def set_gradients(arguments: Arguments, seeds: Mapping[str, Input]) -> None:
    """Write ``seeds`` into the gradients of the arrays that they name; the others keep theirs.

    Seeds have the form of ``read_gradients``.  Raises ValueError at a name that is no array of floats, and
    at a shape or dtype that is not the array's.
    """
    types = _array_types(arguments.parameters)
    for name, seed in _by_array(arguments.parameters, seeds):
        if name not in arguments.gradients:
            raise ValueError(f"a seed for {name}, which is no array of floats")
        type_, gradient = types[name], arguments.gradients[name]
        shape = gradient.array.shape
        data = _data(type_, _with_zeros(type_.element, seed, shape), f"the seed of {name}")
        if data.shape[: type_.ndim] != shape:
            raise ValueError(f"the seed of {name} must have the shape {shape}, got {data.shape[: type_.ndim]}")
        gradient.write(data)


def _by_array(parameters: tuple[Parameter, ...], seeds: Mapping[str, Input]) -> Iterator[tuple[str, Input]]:
    """What seeds have for each array, by its name."""
    structs = {each.name for each in parameters if isinstance(each.type, StructType)}

    def inside(name: str, seed: Input, type_: ArgumentType) -> Iterator[tuple[str, Input]]:
        if isinstance(type_, StructType) and isinstance(seed, Mapping):
            fields = dict(type_.fields)
            for field, inner in seed.items():
                yield from inside(f"{name}.{field}", inner, fields[field])
        else:
            yield name, seed

    types = {each.name: each.type for each in parameters}
    for name, seed in seeds.items():
        if name in structs:
            yield from inside(name, seed, types[name])
        else:
            yield name, seed


def _with_zeros(type_: ValueType, seed: Input, shape: tuple[int, ...]) -> Input:
    """The seed of an array of structs with the fields that are no floats put back, as zeros."""
    if not isinstance(type_, StructType) or not isinstance(seed, Mapping):
        return seed
    whole: dict[str, Input] = dict(seed)
    for name, field in type_.fields:
        if name in whole:
            assert not isinstance(field, ArrayType), "no elements of an array hold arrays"
            whole[name] = _with_zeros(field, whole[name], shape)
        elif not isinstance(field, ArrayType) and not has_float(field):
            whole[name] = _zeros(field, shape)
    return whole


def _zeros(type_: ValueType, shape: tuple[int, ...]) -> Input:
    if isinstance(type_, StructType):
        return {name: _zeros(field, shape) for name, field in type_.fields if not isinstance(field, ArrayType)}
    inner = type_.shape if isinstance(type_, CompositeType) else ()
    return np.zeros(shape + inner, type_.dtype)


def adjoint_arguments(arguments: Arguments) -> list[Any]:
    """What goes with the arguments into an adjoint launch: the gradients of the arrays.

    As ``wp.Tape`` does it: nothing for scalars and composites, an empty struct for a struct, whose arrays have their
    gradients with them.
    """
    adjoints: list[Any] = []
    for parameter in arguments.parameters:
        match parameter.type:
            case ArrayType():
                gradient = arguments.gradients.get(parameter.name)
                adjoints.append(gradient and gradient.array)
            case StructType(warp=warp):
                adjoints.append(warp())
            case ScalarType() | CompositeType():
                adjoints.append(None)
    return adjoints
