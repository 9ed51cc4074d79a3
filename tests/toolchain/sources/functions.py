# type: ignore  Warp's annotations are values
import warp as wp


@wp.func
def square(x: float):
    return x * x


@wp.func
def square(x: wp.vec3):  # noqa: F811  Warp overloads by type
    return wp.dot(x, x)


@wp.func
def both(x: float, v: wp.vec3):
    return square(x) + 1.0, square(v)


@wp.kernel
def functions(a: wp.array(dtype=float), v: wp.array(dtype=wp.vec3)):
    i = wp.tid()
    p, q = both(a[i], v[i])
    a[i] = p * q
