"""Arrays of a launch between bands of a known pattern: what is written outside of an array changes them.

Bands lie before and behind the memory of an array, and what is between the elements of one that is not contiguous is
pattern too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.toolchain.layouts import Placement

Bytes: TypeAlias = "np.ndarray[Any, Any]"

# A small number in every type of floats, so that what is added to it changes it, and none that kernels compute.
PATTERN = 0xA5

# A band has at least so many bytes, those of so many elements, and those of the array: what ignores its strides
# stays inside.
_BAND_BYTES, _BAND_ELEMENTS = 256, 64

# The block of a contiguous array is aligned as well as any allocation of Warp's.
_ALIGNMENT = 64


class WritesOutside(Exception):
    """A launch wrote outside of an array; the message says of which one and where."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """An array of Warp, the bytes that it lies in, which are an array of Warp too, and where in them.

    The block of the placement is behind ``band`` bytes.  ``dtype`` and ``inner`` are the type and the shape of an
    element for numpy; ``itemsize`` are its bytes.
    """

    array: Any
    memory: Any
    band: int
    placement: Placement
    dtype: np.dtype[Any]
    inner: tuple[int, ...]
    itemsize: int

    def values(self) -> np.ndarray[Any, Any]:
        """The contents: on the CPU the memory itself, of a device a copy."""
        return self._elements(self.memory.numpy())

    def write(self, data: np.ndarray[Any, Any]) -> None:
        """Set the contents."""
        memory = self.memory.numpy()
        self._elements(memory)[...] = data
        if not self.array.device.is_cpu:
            self.memory.assign(memory)

    def outside(self) -> str:
        """Say where something was written first, in the order of addresses; an empty text where nothing was."""
        place, itemsize, start = self.placement, self.itemsize, self.band
        found = self.memory.numpy().copy()
        shape, strides = (*self.array.shape, itemsize), (*place.strides, 1)
        np.ndarray(shape, np.uint8, found, start + place.offset, strides)[...] = PATTERN
        changed = np.flatnonzero(found != PATTERN)
        if not changed.size:
            return ""
        # Of what was written, some bytes may be as they were: so many are told as it has.
        at, unit = int(changed[0]) - start, self.dtype.itemsize
        if at < place.low:
            return f"{_distance(-((at - place.low) // unit) * unit, itemsize)} before its start"
        if at >= place.high:
            return f"{_distance(((at - place.high) // unit + 1) * unit, itemsize)} after its end"
        return "between its elements"

    def _elements(self, memory: Bytes) -> np.ndarray[Any, Any]:
        start = self.band + self.placement.offset
        inside = np.empty(self.inner, self.dtype).strides
        shape, strides = (*self.array.shape, *self.inner), (*self.placement.strides, *inside)
        return np.ndarray(shape, self.dtype, memory, start, strides)


def guarded(
    data: np.ndarray[Any, Any], type_: Any, ndim: int, place: Placement, device: str, gradient: Guarded | None = None
) -> Guarded:
    """An array with the contents of ``data``, whose first ``ndim`` axes are the array's, the others its elements'.

    ``type_`` is Warp's type of an element; ``gradient`` lies in the same way in memory of its own.
    """
    import warp as wp

    shape, inner = data.shape[:ndim], data.shape[ndim:]
    band = _band(itemsize(data, ndim), place.size)
    memory = wp.array(_filled(band + place.size + band), dtype=wp.uint8, device=device, copy=device != "cpu")
    assert memory.ptr is not None
    array = wp.array(
        ptr=memory.ptr + band + place.offset,
        dtype=type_,
        shape=shape,
        strides=place.strides,
        # Warp would compute it from strides that may be negative.
        capacity=place.size,
        device=device,
        grad=None if gradient is None else gradient.array,
    )
    made = Guarded(array, memory, band, place, data.dtype, inner, itemsize(data, ndim))
    made.write(data)
    return made


def _filled(size: int) -> Bytes:
    """So many bytes of pattern, aligned."""
    found = np.full(size + _ALIGNMENT, PATTERN, np.uint8)
    start = -found.__array_interface__["data"][0] % _ALIGNMENT
    return found[start : start + size]


def itemsize(data: np.ndarray[Any, Any], ndim: int) -> int:
    """The bytes of an element of an array, of which ``data`` has ``ndim`` axes."""
    return data.dtype.itemsize * math.prod(data.shape[ndim:])


def _band(itemsize: int, size: int) -> int:
    """The bytes of a band beside a block of ``size`` bytes: a multiple of the alignment."""
    return -(-max(_BAND_BYTES, _BAND_ELEMENTS * itemsize, size) // _ALIGNMENT) * _ALIGNMENT


def _distance(count: int, itemsize: int) -> str:
    """So many bytes, in elements where it is a number of them."""
    elements, rest = divmod(count, itemsize)
    if rest:
        return f"{count} bytes"
    return f"{elements} element{'' if elements == 1 else 's'}"
