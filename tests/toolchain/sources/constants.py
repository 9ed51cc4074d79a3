# type: ignore  Warp's annotations are values
import warp as wp

COUNT = wp.constant(4)
SCALE = wp.constant(2.5)
AXIS = wp.constant(wp.vec3(0.0, 1.0, 0.0))
PLAIN = 7


@wp.kernel
def constants(a: wp.array(dtype=float)):
    i = wp.tid()
    for j in range(COUNT):
        a[i] = a[i] * SCALE + AXIS[1] + float(PLAIN) + float(j)
