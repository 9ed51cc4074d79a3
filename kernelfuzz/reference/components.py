"""Parts of values: ``v.x``, ``m[i]``, ``v[0:2]``, ``t.p``, ``s.field``: how one is read and replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Attribute, Index, Slice
from kernelfuzz.reference.compiled import Evaluate, Frame, Names
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.undefined import INDEX_OUT_OF_RANGE, Undefined

COMPONENTS = {"x": 0, "y": 1, "z": 2, "w": 3}
TRANSFORM_PARTS = {"p": slice(0, 3), "q": slice(3, 7)}


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a value to a part of it: ``key`` says which, in a frame."""

    key: Callable[[Frame], Any]
    read: Callable[[Value, Any], Value]
    replace: Callable[[Value, Any, Value], Value]


def _replace_field(value: Any, name: Any, new: Value) -> Value:
    return {**value, name: new}


def _replace_component(value: Any, key: Any, new: Value) -> Value:
    copied = value.copy()
    copied[key] = new
    return copied


def _read_field(value: Any, name: Any) -> Value:
    return value[name]


def _read_number(value: Any, key: Any) -> Value:
    return value[key]


def _read_whole_number(value: Any, key: Any) -> Value:
    return value.item(key)


def _read_several(value: Any, key: Any) -> Value:
    return value[key].copy()


def _component(key: Callable[[Frame], Any], type_: t.Type) -> Step:
    if not isinstance(type_, t.Scalar):
        return Step(key, _read_several, _replace_component)
    return Step(key, _read_number if type_.is_float else _read_whole_number, _replace_component)


def attribute(node: Attribute) -> Step:
    """The step of ``value.name``."""
    container: t.Type = node.value.type
    match container:
        case t.Struct():
            return Step(_constant(node.name), _read_field, _replace_field)
        case t.Transform():
            return _component(_constant(TRANSFORM_PARTS[node.name]), node.type)
        case _:
            return _component(_constant(COMPONENTS[node.name]), node.type)


def subscript(node: Index, names: Names) -> Step:
    """The step of ``value[indices]`` where the value is no array.

    An index counts from the end where it is negative ("Runtime: Indexing and Slicing" of Warp's user guide).
    """
    container: t.Type = node.value.type
    match container:
        case t.Array() | t.Struct() | t.Tile() | t.Tuple() | t.Scalar():
            raise TypeError(f"{container} has no components")
        case _:
            pass
    first = node.indices[0]
    if isinstance(first, Slice):
        return _component(_constant(slice(first.start, first.stop, first.step)), node.type)
    sizes = t.shape(container)
    axes = [
        _bounded(names.expression(index), size)
        for index, size in zip(node.indices, sizes, strict=False)
        if not isinstance(index, Slice)
    ]
    if len(axes) == 1:
        return _component(axes[0], node.type)
    row, column = axes
    assert isinstance(container, t.Matrix)
    return _component(lambda frame: (row(frame), column(frame)), node.type)


def _bounded(index: Evaluate, size: int) -> Callable[[Frame], int]:
    def checked(frame: Frame) -> int:
        found = index(frame)
        if -size <= found < size:
            return found
        raise Undefined(INDEX_OUT_OF_RANGE)

    return checked


def _constant(key: Any) -> Callable[[Frame], Any]:
    return lambda _: key
