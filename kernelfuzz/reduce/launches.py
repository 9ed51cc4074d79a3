"""Cuts of a launch: a smaller grid, fewer axes, shorter arrays with fewer axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.types import INT32, Array, Tuple
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.reduce.edit import Change, Edit, Tree

AXES = ("x", "y", "z", "w")

# Of a longer axis only some threads or elements are tried alone.
MOST_ALONE = 8


def map_arrays(value: Input, change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Input:
    """``change`` applied to every numpy array of an input."""
    if isinstance(value, dict):
        return {name: map_arrays(field, change) for name, field in value.items()}
    return np.ascontiguousarray(change(np.asarray(value)))


def axes_of(param: n.Param) -> tuple[int | str, ...]:
    """What each axis of an array parameter is as long as."""
    assert isinstance(param.type, Array)
    return param.shape or AXES[: param.type.ndim]


def lengths_of(value: Input) -> tuple[int, ...]:
    """The shape of an input; of a struct that of its first field."""
    while isinstance(value, dict):
        if not value:
            return ()
        value = next(iter(value.values()))
    return value.shape


def _smaller_sizes(size: int) -> list[int]:
    return [new for new in dict.fromkeys((1, 2, 3, size // 2, size - 1)) if 0 < new < size]


def _starts(size: int) -> list[int]:
    """Which elements are tried alone, besides the first."""
    starts = dict.fromkeys((*range(1, min(size, MOST_ALONE)), size // 2, size - 1))
    return [start for start in starts if 0 < start < size]


# ------------------------------------------------------------------- the grid


def shrink_grid(tree: Tree) -> Iterator[Edit]:
    """Fewer threads along one axis of the grid, or along all, with arrays that are as long."""
    dim = tree.case.launch.dim
    if len(dim) > 1 and max(dim) > 1:
        yield Edit(4, ("dim", "all", 1), change=_grid_of_one)
    for axis, size in enumerate(dim):
        for new in _smaller_sizes(size):
            yield Edit(4, ("dim", axis, new), change=_resized_grid(axis, new))
        for start in _starts(size):
            yield Edit(4, ("thread", axis, start), change=_resized_grid(axis, 1, start))


def _grid_of_one(case: Case) -> Case | None:
    new: Case | None = case
    for axis in range(len(case.launch.dim)):
        new = _resized_grid(axis, 1)(new) or new if new is not None else None
    return new


def _resized_grid(axis: int, new: int, start: int = 0) -> Change:
    """``new`` threads along an axis, with what arrays along it have from ``start`` on."""

    def change(case: Case) -> Case | None:
        launch = case.launch
        if axis >= len(launch.dim) or launch.dim[axis] < start + new or launch.dim[axis] == new:
            return None
        inputs = dict(launch.inputs)
        for param in case.kernel.params:
            if isinstance(param.type, Array) and param.name in inputs:
                for position, size in enumerate(axes_of(param)):
                    if size == AXES[axis]:
                        inputs[param.name] = _cut(inputs[param.name], position, new, start)
        dim = (*launch.dim[:axis], new, *launch.dim[axis + 1 :])
        return replace(case, launch=replace(launch, dim=dim, inputs=inputs))

    return change


def _cut(value: Input, axis: int, length: int, start: int = 0) -> Input:
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
        left = _without(dim, axis)
        renamed = dict(zip(_without(AXES[: len(dim)], axis), AXES, strict=False))
        params = [_with_axes(param, axis, renamed) for param in case.kernel.params]

        def fewer(node: n.Node) -> n.Node:
            match node:
                case n.Unpack(names=names, values=(n.Call(name="tid"),)) if len(names) == len(dim):
                    kept = _without(names, axis)
                    if len(kept) == 1:
                        return n.Assign(n.Name(kept[0], INT32), n.Call("tid", (), INT32))
                    return n.Unpack(kept, (n.Call("tid", (), Tuple((INT32,) * len(kept))),))
                case _:
                    return node

        kernel = replace(transform(case.kernel, fewer), params=tuple(params))
        return Case(kernel, replace(smaller.launch, dim=left))

    return change


def _with_axes(param: n.Param, axis: int, renamed: Mapping[str, str]) -> n.Param:
    if not isinstance(param.type, Array):
        return param
    sizes = [1 if size == AXES[axis] else renamed.get(str(size), size) for size in axes_of(param)]
    return replace(param, shape=tuple(sizes))


def _without(values: tuple[Any, ...], position: int) -> tuple[Any, ...]:
    return (*values[:position], *values[position + 1 :])


def drop_tiled(tree: Tree) -> Iterator[Edit]:
    """A plain launch, where no tile is left."""
    if tree.case.launch.tiled and not any(name.startswith("tile_") for name in builtins_used(tree.kernel)):
        yield Edit(1, "tiled", change=lambda case: replace(case, launch=replace(case.launch, tiled=False)))


# --------------------------------------------------------------------- arrays


def shorten_arrays(tree: Tree) -> Iterator[Edit]:
    """Fewer elements along an axis whose length is a number."""
    for param in tree.kernel.params:
        if not isinstance(param.type, Array):
            continue
        for position, size in enumerate(axes_of(param)):
            if isinstance(size, int):
                for new in _smaller_sizes(size):
                    label = ("length", param.name, position, new)
                    yield Edit(2, label, change=_shortened(param.name, position, new))
                for start in _starts(size):
                    label = ("element", param.name, position, start)
                    yield Edit(2, label, change=_shortened(param.name, position, 1, start))


def _param(kernel: n.Kernel, name: str) -> n.Param | None:
    return next((param for param in kernel.params if param.name == name), None)


def _with_param(case: Case, name: str, new: n.Param, value: Input) -> Case:
    params = tuple([new if param.name == name else param for param in case.kernel.params])
    inputs = {**case.launch.inputs, name: value}
    return Case(replace(case.kernel, params=params), replace(case.launch, inputs=inputs))


def _shortened(name: str, axis: int, new: int, start: int = 0) -> Change:
    def change(case: Case) -> Case | None:
        param = _param(case.kernel, name)
        if param is None or not isinstance(param.type, Array) or axis >= len(axes_of(param)):
            return None
        size = axes_of(param)[axis]
        if not isinstance(size, int) or size < start + new or size == new:
            return None
        sizes = (*axes_of(param)[:axis], new, *axes_of(param)[axis + 1 :])
        value = _cut(case.launch.inputs[name], axis, new, start)
        return _with_param(case, name, replace(param, shape=sizes), value)

    return change


def drop_array_axes(tree: Tree) -> Iterator[Edit]:
    """An axis of an array parameter: only what is at its beginning is left."""
    for param in tree.kernel.params:
        if isinstance(param.type, Array) and param.type.ndim > 1:
            for axis in reversed(range(param.type.ndim)):
                label = ("ndim", param.name, param.type.ndim, axis)
                yield Edit(4, label, change=_with_fewer_axes(param.name, axis))


def _with_fewer_axes(name: str, axis: int) -> Change:
    def change(case: Case) -> Case | None:
        param = _param(case.kernel, name)
        if param is None or not isinstance(param.type, Array) or not axis < param.type.ndim > 1:
            return None
        type_, ndim = Array(param.type.dtype, param.type.ndim - 1), param.type.ndim
        old = n.Name(name, param.type)

        def fewer(node: n.Node) -> n.Node:
            match node:
                case n.Index(value=value, indices=indices) if value == old and len(indices) == ndim:
                    return n.Index(n.Name(name, type_), _without(indices, axis), node.type)
                case n.ArrayShape(array=array) if array == old:
                    return n.Literal(1, INT32)
                case n.Call(name=builtin, args=(first, *rest)) if first == old and builtin.startswith("atomic_"):
                    return replace(node, args=(n.Name(name, type_), *_without(tuple(rest), axis)))
                case n.CallFunction():
                    return node
                case _:
                    return node

        body = tuple([transform(statement, fewer) for statement in case.kernel.body])
        shape = _without(axes_of(param), axis)
        value = map_arrays(case.launch.inputs[name], lambda array: array[(slice(None),) * axis + (0,)])
        return _with_param(
            replace(case, kernel=replace(case.kernel, body=body)),
            name,
            replace(param, type=type_, shape=shape),
            value,
        )

    return change
