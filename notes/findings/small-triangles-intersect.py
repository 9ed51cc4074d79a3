"""wp.intersect_tri_tri says that small triangles intersect which lie above one another.

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


# Two right triangles with legs of 1, the second a tenth above the first; then all of it a hundredth as large.
triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
points = np.array([*triangle, *(triangle + np.array([0, 0, 0.1]))])
wrong = 0
for kernel, dtype in ((single, wp.vec3), (double, wp.vec3d)):
    for scale in (1, 0.01):
        p = wp.array(points * scale, dtype=dtype, device="cpu")
        out = wp.zeros(1, dtype=int, device="cpu")
        wp.launch(kernel, dim=1, inputs=[p, out], device="cpu")
        actual = int(out.numpy()[0])
        print(f"{kernel.key}, legs of {scale}: expected: 0   actual: {actual}")
        wrong += actual != 0
sys.exit(wrong > 0)
