"""Constants of a module and literals of a kernel, which do not keep the same numbers."""

from __future__ import annotations

import math
import struct

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import FLOAT32, INT32
from kernelfuzz.ir.walk import walk


def in_a_kernel(constant: n.Constant) -> n.Literal | n.Construct | None:
    """The value of a constant as a kernel may write it down; None where its digits may be lost there.

    "Warp makes an int32 constant of a Python integer before it converts it" (observed), and a float32 one of a Python
    float before 1.19.
    """
    literals = [node for node in walk(constant.value) if isinstance(node, n.Literal)]
    return constant.value if all(map(_is_kept, literals)) else None


def _is_kept(literal: n.Literal) -> bool:
    if not literal.type.is_float:
        low, high = INT32.limits
        return low <= literal.value <= high
    if literal.type == FLOAT32:
        return True
    value = float(literal.value)
    if not math.isfinite(value):
        return True
    return abs(value) <= FLOAT32.largest and struct.unpack("f", struct.pack("f", value))[0] == value
