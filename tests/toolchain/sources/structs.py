# type: ignore  Warp's annotations are values
import warp as wp


@wp.struct
class Inner:
    weight: float
    axis: wp.vec3


@wp.struct
class Outer:
    inner: Inner
    values: wp.array(dtype=float)
    count: int


@wp.kernel
def structs(o: Outer, many: wp.array(dtype=Inner), out: wp.array(dtype=float)):
    i = wp.tid()
    one = many[i]
    fresh = Inner()
    fresh.weight = o.inner.weight * one.axis[0]
    many[i] = fresh
    if i < o.count:
        out[i] = o.values[i] + fresh.weight
