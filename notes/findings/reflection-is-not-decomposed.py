"""wp.transform_decompose of a matrix with a scale that is negative or zero gives another rotation than it was made of.

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
def rebuilt(
    q: wp.array(dtype=wp.quat), s: wp.array(dtype=wp.vec3), m: wp.array(dtype=wp.mat44), out: wp.array(dtype=wp.mat44)
):
    i = wp.tid()
    m[i] = wp.transform_compose(wp.vec3(1.0, 2.0, 3.0), q[i], s[i])
    position, rotation, scale = wp.transform_decompose(m[i])
    out[i] = wp.transform_compose(position, rotation, scale)


# By no angle and by some, with a negative scale, two of them, none, and one that is zero.
turns = np.array([[0, 0, 0, 1], [0, 0, 0.6, 0.8], [0, 0, 0.6, 0.8], [0, 0, 0.6, 0.8]], np.float32)
scales = np.array([[-1, 2, 3], [-1, -2, 3], [1, 2, 3], [0, 2, 3]], np.float32)
q = wp.array(turns, dtype=wp.quat, device="cpu")
s = wp.array(scales, dtype=wp.vec3, device="cpu")
m = wp.zeros(len(turns), dtype=wp.mat44, device="cpu")
out = wp.zeros(len(turns), dtype=wp.mat44, device="cpu")
wp.launch(rebuilt, dim=len(turns), inputs=[q, s, m, out], device="cpu")
for scale, wanted, got in zip(scales, m.numpy(), out.numpy(), strict=True):
    print(
        "scales",
        scale.tolist(),
        "expected:",
        wanted[:2, :2].round(2).tolist(),
        "  actual:",
        got[:2, :2].round(2).tolist(),
    )
sys.exit(not np.allclose(m.numpy(), out.numpy(), atol=1e-4))
