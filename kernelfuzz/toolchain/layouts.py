"""How the elements of an array lie in memory: one row for each layout."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

Shape: TypeAlias = "tuple[int, ...]"

CONTIGUOUS = "contiguous"
# Each array of a launch in a layout of its own, which depends on its name.
MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Layout:
    """An array is a view of a block of memory: of each axis the first elements are ``skipped``, and then every
    ``step``-th is taken, backwards where that is negative.  ``transposed``: the block has the axes in reverse."""

    skipped: int = 0
    step: int = 1
    transposed: bool = False


_ROWS: dict[str, Layout] = {
    CONTIGUOUS: Layout(),
    # Aligned as its elements are, and no better.
    "offset": Layout(skipped=1),
    "strided": Layout(step=2),
    "reversed": Layout(step=-1),
    "transposed": Layout(transposed=True),
}

LAYOUTS: tuple[str, ...] = (*_ROWS, MIXED)


def layout_of(array: str, layout: str) -> Layout:
    """The layout of the array with this name.  Raises ValueError where there is no such layout of a launch."""
    if layout not in LAYOUTS:
        raise ValueError(f"a layout is one of {', '.join(LAYOUTS)}, got {layout!r}")
    names = list(_ROWS)
    return _ROWS[names[zlib.crc32(array.encode()) % len(names)] if layout == MIXED else layout]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the elements of an array lie in a block of ``size`` bytes.

    The first is at ``offset`` and the others are ``strides`` apart, in bytes; none is below ``low``, and
    ``high`` is where the last one in memory ends.
    """

    size: int
    offset: int
    strides: tuple[int, ...]
    low: int
    high: int


@lru_cache(maxsize=1024)
def placement(row: Layout, shape: Shape, itemsize: int) -> Placement:
    """Where the elements of an array of this shape lie, each of ``itemsize`` bytes."""
    sizes = tuple([row.skipped + size * abs(row.step) for size in shape])
    block: np.ndarray[Any, Any] = np.empty(sizes[::-1] if row.transposed else sizes, np.dtype((np.void, itemsize)))
    view = (block.T if row.transposed else block)[(slice(row.skipped or None, None, row.step),) * len(shape)]
    if not view.size:
        return Placement(block.nbytes, 0, view.strides, 0, 0)
    offset = view.__array_interface__["data"][0] - block.__array_interface__["data"][0]
    steps = [(size - 1) * stride for size, stride in zip(shape, view.strides, strict=True)]
    low = offset + sum(min(0, step) for step in steps)
    high = offset + sum(max(0, step) for step in steps) + itemsize
    return Placement(block.nbytes, offset, view.strides, low, high)
