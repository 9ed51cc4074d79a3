"""Cuts of a launch: a smaller grid, fewer axes, shorter arrays with fewer axes, simpler numbers in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input, leaves
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.reduce.cut_expressions import simpler_numbers
from kernelfuzz.reduce.edit import Change, Edit, Tree, with_inputs, with_param, without
from kernelfuzz.reduce.measure import number_rank
from kernelfuzz.reduce.search import runs

AXES = ("x", "y", "z", "w")

# Of a longer axis only some threads or elements are tried alone.
MOST_ALONE = 8

# An array with more numbers than this that are not simple is only simplified in runs.
MOST_SINGLE = 24


def map_arrays(value: Input, change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Input:
    """``change`` applied to every numpy array of an input."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: map_arrays(field, change) for name, field in value.items()}
    return np.ascontiguousarray(change(np.asarray(value)))


def axes_of(param: n.Param) -> tuple[int | str, ...]:
    """The length of each axis of a parameter: a number or the name of an axis of the grid; () if it is no array."""
    return (param.shape or AXES[: param.type.ndim]) if isinstance(param.type, t.Array) else ()


def _cuts(size: int) -> list[tuple[int, int]]:
    """The lengths that an axis is cut to and where they start: shorter ones, then single elements."""
    smaller = dict.fromkeys((1, 2, 3, size // 2, size - 1))
    starts = dict.fromkeys((*range(1, min(size, MOST_ALONE)), size // 2, size - 1))
    cuts = [*[(new, 0) for new in smaller], *[(1, start) for start in starts]]
    return [(new, start) for new, start in cuts if 0 < new < size and start < size]


# ------------------------------------------------------------------- the grid


def shrink_grid(tree: Tree) -> Iterator[Edit]:
    """Fewer threads along one axis of the grid, or along all, with arrays that are as long."""
    dim = tree.case.launch.dim
    if len(dim) > 1 and max(dim) > 1:
        yield Edit(4, ("dim", "all", 1), change=_grid_of_one)
    for axis, size in enumerate(dim):
        for new, start in _cuts(size):
            yield Edit(4, ("dim", axis, new, start), change=_resized_grid(axis, new, start))


def _grid_of_one(case: Case) -> Case:
    for axis in range(len(case.launch.dim)):
        case = _resized_grid(axis, 1)(case) or case
    return case


def _resized_grid(axis: int, new: int, start: int = 0) -> Change:
    """``new`` threads along an axis, with what arrays along it have from ``start`` on."""

    def change(case: Case) -> Case | None:
        launch = case.launch
        if axis >= len(launch.dim) or launch.dim[axis] < start + new or launch.dim[axis] == new:
            return None
        inputs = dict(launch.inputs)
        for param in case.kernel.params:
            if isinstance(param.type, t.Struct):
                inputs[param.name] = _cut_fields(param.type, inputs[param.name], axis, new, start)
            for position, size in enumerate(axes_of(param)):
                if size == AXES[axis]:
                    inputs[param.name] = _cut(inputs[param.name], position, new, start)
        dim = (*launch.dim[:axis], new, *launch.dim[axis + 1 :])
        return replace(case, launch=replace(launch, dim=dim, inputs=inputs))

    return change


def _cut_fields(struct: t.Struct, value: Input, axis: int, length: int, start: int) -> Input:
    """The arrays in a struct, which are as long as the axes of the grid."""
    assert isinstance(value, dict)
    made = dict(value)
    for name, field in struct.fields:
        if isinstance(field, t.Struct):
            made[name] = _cut_fields(field, value[name], axis, length, start)
        elif isinstance(field, t.Array) and axis < field.ndim:
            made[name] = _cut(value[name], axis, length, start)
    return made


def _cut(value: Input, axis: int, length: int, start: int) -> Input:
    return map_arrays(value, lambda array: array[(slice(None),) * axis + (slice(start, start + length),)])


def drop_axes(tree: Tree) -> Iterator[Edit]:
    """An axis of the grid: its thread index reads zero, arrays along it have one row."""
    axes = len(tree.case.launch.dim)
    if axes > 1:
        for axis in reversed(range(axes)):
            yield Edit(5, ("axis", axis, axes), change=_without_axis(axis))


def _without_axis(axis: int) -> Change:
    def change(case: Case) -> Case | None:
        dim = case.launch.dim
        if axis >= len(dim) or len(dim) < 2:
            return None
        smaller = _resized_grid(axis, 1)(case) or case
        left = without(dim, axis)
        renamed = dict(zip(without(AXES[: len(dim)], axis), AXES, strict=False))

        def with_axes(param: n.Param) -> n.Param:
            sizes = [1 if size == AXES[axis] else renamed.get(str(size), size) for size in axes_of(param)]
            return replace(param, shape=tuple(sizes))

        def fewer(node: n.Node) -> n.Node:
            match node:
                case n.Unpack(names=names, values=(n.Call(name="tid"),)) if len(names) == len(dim):
                    kept = without(names, axis)
                    if len(kept) == 1:
                        return n.Assign(n.Name(kept[0], t.INT32), n.Call("tid", (), t.INT32))
                    return n.Unpack(kept, (n.Call("tid", (), t.Tuple((t.INT32,) * len(kept))),))
                case _:
                    return node

        kernel = replace(transform(case.kernel, fewer), params=tuple(map(with_axes, case.kernel.params)))
        return Case(kernel, replace(smaller.launch, dim=left))

    return change


def drop_tiled(tree: Tree) -> Iterator[Edit]:
    """A plain launch, where no tile is left."""
    if tree.case.launch.tiled and not any(name.startswith("tile_") for name in builtins_used(tree.kernel)):
        yield Edit(1, "tiled", change=lambda case: replace(case, launch=replace(case.launch, tiled=False)))


# --------------------------------------------------------------------- arrays


def shorten_arrays(tree: Tree) -> Iterator[Edit]:
    """Fewer elements along an axis whose length is a number."""
    for param in tree.kernel.params:
        for position, size in enumerate(axes_of(param)):
            if isinstance(size, int):
                for new, start in _cuts(size):
                    label = ("length", param.name, position, new, start)
                    yield Edit(2, label, change=_shortened(param.name, position, new, start))


def _shortened(name: str, axis: int, new: int, start: int) -> Change:
    def change(case: Case) -> Case | None:
        for param in case.kernel.params:
            sizes = axes_of(param)
            if param.name == name and axis < len(sizes):
                size = sizes[axis]
                if isinstance(size, int) and start + new <= size != new:
                    shape = (*sizes[:axis], new, *sizes[axis + 1 :])
                    value = _cut(case.launch.inputs[name], axis, new, start)
                    return with_param(case, replace(param, shape=shape), value)
        return None

    return change


def drop_array_axes(tree: Tree) -> Iterator[Edit]:
    """An axis of an array parameter: only what is at its beginning is left."""
    for param in tree.kernel.params:
        if isinstance(param.type, t.Array) and param.type.ndim > 1:
            for axis in reversed(range(param.type.ndim)):
                label = ("ndim", param.name, param.type.ndim, axis)
                yield Edit(4, label, change=_with_fewer_axes(param.name, axis))


def _with_fewer_axes(name: str, axis: int) -> Change:
    def change(case: Case) -> Case | None:
        param = next((param for param in case.kernel.params if param.name == name), None)
        if param is None or not isinstance(param.type, t.Array) or not axis < param.type.ndim > 1:
            return None
        type_, ndim = t.Array(param.type.dtype, param.type.ndim - 1), param.type.ndim
        old = n.Name(name, param.type)

        def fewer(node: n.Node) -> n.Node:
            match node:
                case n.Index(value=value, indices=indices) if value == old and len(indices) == ndim:
                    return n.Index(n.Name(name, type_), without(indices, axis), node.type)
                case n.ArrayShape(array=array) if array == old:
                    return n.Literal(1, t.INT32)
                case n.Call(name=builtin, args=(first, *rest)) if first == old and builtin.startswith("atomic_"):
                    return replace(node, args=(n.Name(name, type_), *without(tuple(rest), axis)))
                case _:
                    return node

        body = tuple([transform(statement, fewer) for statement in case.kernel.body])
        new = replace(param, type=type_, shape=without(axes_of(param), axis))
        value = map_arrays(case.launch.inputs[name], lambda array: array[(slice(None),) * axis + (0,)])
        return with_param(replace(case, kernel=replace(case.kernel, body=body)), new, value)

    return change


# --------------------------------------------------------------------- numbers


def simplify_inputs(tree: Tree) -> Iterator[Edit]:
    """Zeros and ones for whole arrays, for runs of their components, and for each component alone; or no array."""
    for param in tree.kernel.params:
        if param.optional and tree.case.launch.inputs[param.name] is not None:
            yield Edit(1, ("not given", param.name), change=_not_given(param.name))
    for path, array in leaves(tree.case.launch.inputs):
        flat = array.reshape(-1).tolist()
        busy = [position for position, value in enumerate(flat) if number_rank(value) > 0]
        for low, high in runs(len(busy)):
            if high - low > 1:
                yield _numbers(path, tuple(busy[low:high]), 0)
                if any(number_rank(flat[each]) > number_rank(type(flat[each])(1)) for each in busy[low:high]):
                    yield _numbers(path, tuple(busy[low:high]), 1)
        for position in busy if len(busy) <= MOST_SINGLE else ():
            for value in simpler_numbers(flat[position]):
                if _fits(value, array.dtype):
                    yield _numbers(path, (position,), value)


def _not_given(name: str) -> Change:
    def change(case: Case) -> Case | None:
        given = any(param.name == name and param.optional for param in case.kernel.params)
        return with_inputs(case, {**case.launch.inputs, name: None}) if given else None

    return change


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "b":
        return value in (0, 1)
    return dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _numbers(path: tuple[str, ...], positions: tuple[int, ...], value: float) -> Edit:
    return Edit(0, ("input", path, positions, value), change=with_element(path, positions, value))


def with_element(path: tuple[str, ...], positions: tuple[int, ...], value: float) -> Change:
    """Numbers of an input, which a path of names leads to, replaced by another."""

    def replaced(known: Input, fields: tuple[str, ...]) -> Input:
        assert known is not None, "there is no number in what is not given"
        if isinstance(known, dict):
            return {name: replaced(field, fields[1:]) if name == fields[0] else field for name, field in known.items()}
        flat = known.reshape(-1).copy()
        flat[[position for position in positions if position < flat.size]] = value
        return flat.reshape(known.shape)

    def change(case: Case) -> Case | None:
        inputs = case.launch.inputs
        if path not in dict(leaves(inputs)):
            return None
        return with_inputs(case, {**inputs, path[0]: replaced(inputs[path[0]], path[1:])})

    return change
