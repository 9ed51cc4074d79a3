# type: ignore  Warp's annotations are values
import warp as wp


@wp.kernel(module="unique")
def first(a: wp.array(dtype=float)):
    a[wp.tid()] = 1.0


@wp.kernel
def second(a: wp.array(dtype=float)):
    a[wp.tid()] = 2.0
