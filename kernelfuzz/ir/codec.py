"""Launch inputs and outputs as JSON and back, in the three forms that this project writes.

======== =========================================== =========================================
form     an array of ``n`` numbers                    a struct
======== =========================================== =========================================
data     ``data``: base64 of its ``n`` elements       a mapping ``fields``
numbers  ``values``: ``n`` numbers                    a mapping ``fields``
texts    ``values``: ``n`` texts (``plain_text``)     one entry per field, ``parameter.field``
======== =========================================== =========================================

Every entry states ``dtype`` (numpy's name) and ``shape`` beside its elements, which come in C order.  An array that
is not given (None) has the dtype ``none``, no elements and no axes.  All forms
keep every bit, with one exception: ``numbers`` and ``texts`` write each NaN as ``nan``, without its payload.
``data`` is what processes of one machine exchange, whatever their numpy; a finding holds ``numbers``, which a
person can read; the row of a corpus holds ``texts``, whose schema has no nested types.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from kernelfuzz.ir.array_text import plain_text
from kernelfuzz.ir.launch import Input, Launch, NumpyArray, given_or_not

# The dtype of an array that is not given.
_NONE = "none"


def encode(values: Mapping[str, Input], *, numbers: bool = False) -> dict[str, Any]:
    """Values by name in the form ``data``, or ``numbers``; ``json`` takes the result without its NaN."""
    write = _numbers if numbers else _data

    def entry(value: Input) -> dict[str, Any]:
        if value is None:
            return {"dtype": _NONE, "shape": [], "values": []}
        if not isinstance(value, np.ndarray):
            return {"fields": {name: entry(field) for name, field in value.items()}}
        return {"dtype": value.dtype.name, "shape": list(value.shape), **write(value)}

    return {name: entry(value) for name, value in values.items()}


def decode(entries: Mapping[str, Any]) -> dict[str, Input]:
    """The values that ``encode`` wrote in either form.

    Raises ValueError, KeyError or TypeError where the entries are not as it writes them.
    """
    return {name: decode(entry["fields"]) if "fields" in entry else _array(entry) for name, entry in entries.items()}


def encode_texts(values: Mapping[str, Input]) -> list[dict[str, Any]]:
    """Values as entries in the form ``texts``; a scalar has the shape ``()``."""
    return [
        {
            "name": ".".join(path),
            "dtype": _NONE if array is None else array.dtype.name,
            "shape": () if array is None else array.shape,
            "values": () if array is None else tuple(map(plain_text, array.ravel())),
        }
        for path, array in given_or_not(values)
    ]


def decode_texts(entries: Iterable[Mapping[str, Any]]) -> dict[str, Input]:
    """The values that ``encode_texts`` wrote.

    Raises ValueError, TypeError, OverflowError or AttributeError where the entries are not as it writes them.
    """
    values: dict[str, Any] = {}
    for entry in entries:
        *path, last = entry["name"].split(".")
        inside = values
        for name in path:
            inside = inside.setdefault(name, {})
        inside[last] = _array(entry)
    return values


def encode_launch(launch: Launch, *, numbers: bool = False) -> dict[str, Any]:
    """A launch with its grid: ``dim``, ``tiled``, and ``inputs`` as ``encode`` writes them."""
    return {"dim": list(launch.dim), "tiled": launch.tiled, "inputs": encode(launch.inputs, numbers=numbers)}


def decode_launch(entry: Mapping[str, Any]) -> Launch:
    """The launch that ``encode_launch`` wrote.  Raises what ``decode`` does."""
    return Launch(tuple(entry["dim"]), decode(entry["inputs"]), entry["tiled"])


def _data(array: NumpyArray) -> dict[str, Any]:
    return {"data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def _numbers(array: NumpyArray) -> dict[str, Any]:
    numbers: list[Any] = np.ravel(array).tolist()
    return {"values": [repr(each) if isinstance(each, float) and not math.isfinite(each) else each for each in numbers]}


# What a text stands for in the form ``texts``, and where JSON lacks the number; by the kind of the dtype.
_READERS: dict[str, Callable[[str], object]] = {"b": "True".__eq__, "f": float}


def _array(entry: Mapping[str, Any]) -> NumpyArray | None:
    if entry["dtype"] == _NONE:
        return None
    dtype = np.dtype(entry["dtype"])
    if "data" in entry:
        flat: NumpyArray = np.frombuffer(base64.b64decode(entry["data"]), dtype=dtype)
    else:
        read = _READERS.get(dtype.kind, int)
        flat = np.array([read(each) if isinstance(each, str) else each for each in entry["values"]], dtype=dtype)
    return np.reshape(flat, tuple(entry["shape"]))
