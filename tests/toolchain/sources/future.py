# type: ignore  Warp's annotations are values
from __future__ import annotations

import warp as wp

# A stray "quote, and // slashes in a "string" below.
TEXT = "// it's"


@wp.struct
class Point:
    x: float


@wp.kernel
def future(a: wp.array(dtype=float), p: Point):
    # it's a "comment // with quotes
    a[wp.tid()] = p.x
