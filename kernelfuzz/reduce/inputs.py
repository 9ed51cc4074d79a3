"""Simpler values of the inputs: whole parameters first, then their halves, then single numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kernelfuzz.ir.launch import Case, Input, leaves
from kernelfuzz.reduce.edit import Change, Edit, Tree
from kernelfuzz.reduce.expressions import simpler_numbers
from kernelfuzz.reduce.measure import number_rank

# An array with more numbers than this that are not simple is only simplified in runs.
MOST_SINGLE = 24


def simplify_inputs(tree: Tree) -> Iterator[Edit]:
    """Zeros and ones for whole arrays, for runs of their components, and for each component alone."""
    for path, array in leaves(tree.case.launch.inputs):
        yield from _simplify(path, array)


def _simplify(path: tuple[str, ...], array: np.ndarray[Any, Any]) -> Iterator[Edit]:
    flat = array.reshape(-1).tolist()
    busy = [position for position, value in enumerate(flat) if number_rank(value) > 0]
    size = len(busy)
    while size > 1:
        for low in range(0, len(busy), size):
            positions = tuple(busy[low : low + size])
            yield _edit(path, positions, 0)
            if any(number_rank(flat[position]) > number_rank(type(flat[position])(1)) for position in positions):
                yield _edit(path, positions, 1)
        size = (size + 1) // 2 if size > 2 else 0
    if len(busy) <= MOST_SINGLE:
        for position in busy:
            for value in simpler_numbers(flat[position]):
                if _fits(value, array.dtype):
                    yield _edit(path, (position,), value)


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "b":
        return value in (0, 1)
    return dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _edit(path: tuple[str, ...], positions: tuple[int, ...], value: float) -> Edit:
    return Edit(0, ("input", path, positions, value), change=with_element(path, positions, value))


def with_element(path: tuple[str, ...], positions: tuple[int, ...], value: float) -> Change:
    def replaced(known: Input, fields: tuple[str, ...]) -> Input:
        if isinstance(known, dict):
            first, *rest = fields
            return {name: replaced(field, tuple(rest)) if name == first else field for name, field in known.items()}
        flat = known.reshape(-1).copy()
        inside = [position for position in positions if position < flat.size]
        flat[inside] = value
        return flat.reshape(known.shape)

    def change(case: Case) -> Case | None:
        name, *fields = path
        inputs = case.launch.inputs
        if name not in inputs or not _has(inputs[name], tuple(fields)):
            return None
        new = replaced(inputs[name], tuple(fields))
        return replace(case, launch=replace(case.launch, inputs={**inputs, name: new}))

    return change


def _has(value: Input, fields: tuple[str, ...]) -> bool:
    for field in fields:
        if not isinstance(value, dict) or field not in value:
            return False
        value = value[field]
    return not isinstance(value, dict)
