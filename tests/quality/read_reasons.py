"""Why a kernel is not read, in the words of a table: the first row that a message fits has it."""

from __future__ import annotations

import re

# The words of ParseError, the most particular first.
REASONS: tuple[tuple[str, str], ...] = (
    (
        "geometry builtin",
        r"builtin (mesh_|bvh_|hash_grid_|closest_point_edge)|(mesh|bvh|hash_grid)_query|HashGrid|\bBvh",
    ),
    ("volume builtin", r"builtin volume_"),
    ("texture", r"[Tt]exture"),
    ("block_dim()", r"builtin block_dim"),
    ("print, printf, expect", r"builtin (print|printf|expect_\w+|breakpoint)"),
    ("tile option or overload", r"offset of tile|\btile\w* does not take|builtin tile_\w+ .*with|tile\(.*is no type"),
    ("tile builtin", r"builtin (un)?tile"),
    ("local arrays", r"builtin (zeros|array|empty|full|ones)\b"),
    ("another builtin", r"the IR has no builtin"),
    ("generic", r"generic|Any\b"),
    ("is None", r" is (not )?None"),
    ("truth of an array, an int or another value", r"must be bool|no operator not for"),
    ("assignment to a parameter", r"is a parameter and cannot be assigned"),
    ("overloaded function", r"may be overloads"),
    ("a parameter of a factory", r"is a parameter of \S+, and no call of that"),
    ("custom gradient", r"gradient of its own"),
    ("native snippet", r"native"),
    ("starred arguments", r"unpacked arguments"),
    ("a statement", r"no statement like|no loop like|cannot assign to|assigns to several"),
    (
        "an expression",
        r"no expression like|no methods like|no attribute|without an effect|does not take \d+ indices|^no ",
    ),
    ("a capture that is no number", r"can capture|is no value that the IR has"),
    ("a class or function of Python", r"is a class and no struct|function of Python|more than fields|can call"),
    ("a type", r"is no type|does not fit the IR"),
    ("a value that is not known", r"cannot be told|is not defined|defined by itself|has no value"),
    ("a call that does not fit", r"does not take|takes |gets no|called with arguments by name|has to be a"),
)


def reason(message: str) -> str:
    """The row of a message."""
    return next((name for name, pattern in REASONS if re.search(pattern, message)), "other")
