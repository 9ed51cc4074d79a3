"""wp.svd2 of a rotation or a reflection, scaled or not, gives the identity for both factors.

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
def rebuilt(a: wp.array(dtype=wp.mat22), out: wp.array(dtype=wp.mat22)):
    i = wp.tid()
    u, s, v = wp.svd2(a[i])
    out[i] = u * wp.diag(s) * wp.transpose(v)


# A rotation by a right angle, one by a half turn times 3, a reflection; and a matrix that is none.
matrices = np.array([[[0, -1], [1, 0]], [[-3, 0], [0, -3]], [[1, 0], [0, -1]], [[2, 1], [0, 1]]], np.float32)
a = wp.array(matrices, dtype=wp.mat22, device="cpu")
out = wp.zeros(len(matrices), dtype=wp.mat22, device="cpu")
wp.launch(rebuilt, dim=len(matrices), inputs=[a, out], device="cpu")
actual = out.numpy()
for wanted, got in zip(matrices, actual, strict=True):
    print("expected:", wanted.tolist(), "  actual:", got.round(6).tolist())
sys.exit(not np.allclose(actual, matrices, atol=1e-4))
