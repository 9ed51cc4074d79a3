# type: ignore  Warp's annotations are values
import warp as wp


@wp.kernel
def vectors(a: wp.array(dtype=wp.vec3), m: wp.array(dtype=wp.mat33), q: wp.quat, out: wp.array2d(dtype=float)):
    i = wp.tid()
    v = a[i]
    w = wp.normalize(v) * 2.0 + wp.vec3(1.0, 2.0, 3.0)
    r = wp.quat_rotate(q, m[i] * w)
    out[i, 0] = wp.dot(r, v) + wp.length(wp.cross(v, w))
    out[i, 1] = v[0] - w[1]
