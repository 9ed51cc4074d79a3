# type: ignore  Warp's annotations are values
import warp as wp


def make(scale, function):
    @wp.kernel
    def scaled(a: wp.array(dtype=float)):
        i = wp.tid()
        a[i] = function(a[i]) * float(scale)

    return scaled


def make_function(power):
    @wp.func
    def raised(x: float):
        return wp.pow(x, float(power))

    return raised


double = make(2, make_function(3))
triple = make(3, make_function(2))
