# type: ignore  Warp's annotations are values
import warp as wp


@wp.struct
class Pair:
    first: float
    second: float


@wp.struct
class Unused:
    x: float


@wp.func
def deep(x: float):
    return x + 1.0


@wp.func
def shared(x: float):
    return deep(x) * 2.0


@wp.func
def swapped(p: Pair):
    q = Pair()
    q.first = p.second
    q.second = p.first
    return q


@wp.kernel
def zeta(a: wp.array(dtype=float)):
    a[wp.tid()] = shared(a[wp.tid()])


@wp.kernel
def alpha(p: wp.array(dtype=Pair)):
    p[wp.tid()] = swapped(p[wp.tid()])


@wp.kernel(enable_backward=False)
def middle(a: wp.array(dtype=float)):
    a[wp.tid()] = deep(a[wp.tid()])
