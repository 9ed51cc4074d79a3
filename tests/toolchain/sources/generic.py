# type: ignore  Warp's annotations are values
from typing import Any

import warp as wp


@wp.func
def doubled(x: Any):
    return x + x


@wp.kernel
def generic(a: wp.array(dtype=Any)):
    a[wp.tid()] = doubled(a[wp.tid()])


wp.overload(generic, [wp.array(dtype=float)])
wp.overload(generic, [wp.array(dtype=wp.vec3)])
