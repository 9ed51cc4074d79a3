"""Arrays that a kernel makes itself: of memory at an address, or of zeros that live as long as the thread.

The first argument of ``wp.array(ptr=..., shape=..., dtype=...)`` is the address, the others are its sizes.  The
reference computes nothing with them: what is at an address is not a matter of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Keyword

Rule = Callable[[tuple[t.Type, ...], Mapping[str, Keyword]], "t.Type | None"]


def _at_address(types: tuple[t.Type, ...], keywords: Mapping[str, Keyword]) -> t.Type | None:
    dtype = keywords.get("dtype")
    match types:
        case (t.Scalar(bits=64) as address, *sizes) if address.is_integer and 1 <= len(sizes) <= 4:
            known = set(keywords) == {"dtype"} and all(size == t.INT32 for size in sizes)
            return _array(dtype, len(sizes)) if known else None
        case _:
            return None


def _of_zeros(types: tuple[t.Type, ...], keywords: Mapping[str, Keyword]) -> t.Type | None:
    sizes = keywords.get("shape")
    shape = (sizes,) if type(sizes) is int else sizes
    known = not types and set(keywords) == {"shape", "dtype"} and isinstance(shape, tuple) and 1 <= len(shape) <= 4
    return _array(keywords["dtype"], len(shape)) if known and isinstance(shape, tuple) else None


def _array(dtype: Keyword | None, rank: int) -> t.Type | None:
    match dtype:
        case t.Scalar() | t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Struct():
            return t.Array(dtype, rank)
        case _:
            return None


# "Built-Ins Reference", array and zeros: "Fixed-Size Arrays" of the user guide.
LOCAL_ARRAYS: dict[str, Rule] = {"array": _at_address, "zeros": _of_zeros}
