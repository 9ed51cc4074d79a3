"""Calls that tell something while a kernel runs and give nothing back: ``print``, ``wp.printf``, checks, ``assert``.

A text is no value of a kernel: it is the keyword ``TEXT`` of the call.  ``assert`` is a statement of Python that Warp
keeps in debug builds; here it is a call of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.typecheck.operators import is_tested

TEXT = "text"

Types = tuple[t.Type, ...]

_COMPOSITES = (t.Vector, t.Matrix, t.Quaternion, t.Transform)


def _one_value(types: Types, text: str | None) -> bool:
    if text is not None:
        return not types
    return len(types) == 1 and isinstance(types[0], (t.Scalar, *_COMPOSITES))


def _formatted(types: Types, text: str | None) -> bool:
    return text is not None and all(isinstance(each, t.Scalar) for each in types)


def _equal(types: Types, text: str | None) -> bool:
    match types:
        case (left, right):
            return text is None and left == right and isinstance(left, (t.Scalar, t.Vector, t.Matrix))
        case _:
            return False


def _near(types: Types, text: str | None) -> bool:
    match types:
        case (left, right, t.Scalar() as tolerance):
            same = left == right and tolerance == (left if isinstance(left, t.Scalar) else getattr(left, "dtype", None))
            return text is None and tolerance.is_float and same and isinstance(left, (t.Scalar, t.Vector, t.Matrix))
        case _:
            return False


def _asserted(types: Types, text: str | None) -> bool:
    return len(types) == 1 and is_tested(types[0], "operand")


# What each takes ("Built-Ins Reference", Utility): its values, and a text or none.
MESSAGES: Mapping[str, Callable[[Types, str | None], bool]] = {
    "print": _one_value,
    "printf": _formatted,
    "expect_eq": _equal,
    "expect_neq": _equal,
    "expect_near": _near,
    "assert": _asserted,
}


def text_of_message(keywords: tuple[tuple[str, Keyword], ...]) -> str | None:
    """The text that a call has among its arguments; None where it has none."""
    found = dict(keywords).get(TEXT)
    return found if isinstance(found, str) else None


def message_call(name: str, types: Types, keywords: tuple[tuple[str, Keyword], ...]) -> t.Type | None:
    """The type of a call that tells something, which is nothing; None where there is no such call."""
    known = [key for key, _ in keywords] in ([], [TEXT])
    return t.Tuple(()) if known and MESSAGES[name](types, text_of_message(keywords)) else None
