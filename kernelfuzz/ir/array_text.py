"""Numpy arrays as Python text that a person can read, and that gives the same bits."""

from __future__ import annotations

import math
import pprint
from typing import Any

import numpy as np

# A line is broken where it gets longer than this, as the formatter of this project does.
WIDTH = 110


class _Text:
    """A piece of text among the values that pprint lays out."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def plain_text(value: Any) -> str:
    """A numpy number as text that gives the same bits when an array of its dtype is made of it.

    As Python writes numbers: the text of numpy's own depends on its release.  ``nan``, ``inf``, ``-inf``.
    """
    kind = value.dtype.kind
    if kind == "b":
        return repr(bool(value))
    if kind in "iu":
        return repr(int(value))
    wide = float(value)
    # The shortest text of a narrow float, unless rounding it twice ends elsewhere.
    short = repr(float(str(value)))
    same = value.dtype.type(float(short)) == value
    return short if same or math.isnan(wide) else repr(wide)


def number_text(value: Any) -> str:
    """A numpy number as an expression that gives the same bits, with numpy as ``np``."""
    text = plain_text(value)
    return text.replace("nan", "np.nan").replace("inf", "np.inf")


def _nested(value: np.ndarray[Any, Any]) -> Any:
    if value.ndim == 0:
        return _Text(number_text(value[()]))
    return [_nested(inner) for inner in value]


def list_text(value: np.ndarray[Any, Any], indent: int = 4, room: int = 0) -> str:
    """The values as nested lists; ``indent`` is that of the lines after the first, ``room`` what else the
    first line has to hold."""
    text = pprint.pformat(_nested(value), width=WIDTH - indent - room, compact=True)
    return text.replace("\n", "\n" + " " * indent)


def uniform(value: np.ndarray[Any, Any]) -> str | None:
    """The one number that all elements of an array are, as text; None where they differ or are few."""
    if value.size < 4:
        return None
    texts = {number_text(each) for each in np.ravel(value)}
    return texts.pop() if len(texts) == 1 else None


def shape_text(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else repr(shape)


def numpy_text(value: np.ndarray[Any, Any], indent: int = 4, room: int = 0) -> str:
    """An expression for what numpy can make an array of: a list, a number, or ``np.full``."""
    if value.ndim == 0:
        return number_text(value[()])
    same = uniform(value)
    if same is not None:
        return f"np.full({shape_text(value.shape)}, {same})"
    if value.size == 0:
        return f"np.zeros({shape_text(value.shape)})"
    return list_text(value, indent, room)


def array_text(value: np.ndarray[Any, Any]) -> str:
    """An expression for the array itself, on one line where that is short."""
    name = "bool_" if value.dtype == np.bool_ else value.dtype.name
    return f"np.array({numpy_text(value, indent=0)}, dtype=np.{name})"
