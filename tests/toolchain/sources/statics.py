# type: ignore  Warp's annotations are values
import warp as wp


def scaled_by(i):
    @wp.func
    def scaled(x: float):
        return x * float(i)

    return scaled


FUNCTIONS = [scaled_by(i) for i in range(3)]


@wp.kernel
def statics(a: wp.array(dtype=float)):
    t = wp.tid()
    total = float(wp.static(2.0 * 3.0))
    for i in range(wp.static(len(FUNCTIONS))):
        total += wp.static(FUNCTIONS[i])(a[t]) + wp.static(scaled_by(i + 5))(a[t])
    a[t] = total
