"""wp.intersect_tri_tri over float32 says that large triangles intersect which are far apart.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def single(p: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    out[0] = wp.intersect_tri_tri(p[0], p[1], p[2], p[3], p[4], p[5])


@wp.kernel(module="unique")
def double(p: wp.array(dtype=wp.vec3d), out: wp.array(dtype=int)):
    out[0] = wp.intersect_tri_tri(p[0], p[1], p[2], p[3], p[4], p[5])


# x + y is at most 2 in the first triangle, at least 4 in the second; then all of it a thousand times as large.
points = np.array([[-1, -1, 0], [2, 0, 0], [0, 2, 0], [1, 3, 1], [2, 3, -1], [2, 4, 0.5]])
wrong = 0
for kernel, dtype in ((single, wp.vec3), (double, wp.vec3d)):
    for scale in (1, 1000):
        p = wp.array(points * scale, dtype=dtype, device="cpu")
        out = wp.zeros(1, dtype=int, device="cpu")
        wp.launch(kernel, dim=1, inputs=[p, out], device="cpu")
        actual = int(out.numpy()[0])
        print(f"{kernel.key}, edges of about {scale}: expected: 0   actual: {actual}")
        wrong += actual != 0
sys.exit(wrong > 0)
