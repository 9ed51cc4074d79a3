"""How far derivatives may be apart, by the narrowest float that a kernel computes with."""

from __future__ import annotations

from dataclasses import dataclass

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.walk import walk


@dataclass(frozen=True, slots=True)
class Precision:
    """How far two derivatives of one value may be apart.

    ``relative``: rounding, which conditioning multiplies.  ``absolute``, against the largest derivative of the
    launch and the largest gradient that it starts from: what cancels leaves rounding of that size, also where all
    derivatives are zero.  ``cancelled``, against the largest derivative of anything on the way: so much may be left
    where it cancels.
    """

    relative: float
    absolute: float
    cancelled: float


# By the narrowest float that is computed with on the way.
PRECISIONS = {
    t.FLOAT64: Precision(1e-6, 1e-9, 1e-12),
    t.FLOAT32: Precision(1e-3, 1e-5, 1e-6),
    t.FLOAT16: Precision(2e-2, 2e-3, 4e-3),
}


def narrowest_float(kernel: Kernel) -> t.Scalar:
    """The float type of least precision that anything in the kernel has; float64 where there is none."""
    types = {getattr(node, "type", None) for node in walk(kernel)}
    composites = (t.Vector, t.Matrix, t.Quaternion, t.Transform, t.Tile)
    found = {each.dtype if isinstance(each, composites) else each for each in types}
    return min((each for each in PRECISIONS if each in found), key=lambda each: each.precision, default=t.FLOAT64)
