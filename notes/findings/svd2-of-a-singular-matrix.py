"""wp.svd2 gives NaN for the singular value of a singular matrix that is 0.

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
def values(a: wp.array(dtype=wp.mat22), out: wp.array(dtype=wp.vec2)):
    i = wp.tid()
    _u, s, _v = wp.svd2(a[i])
    out[i] = s


# Columns that are multiples of one another: exactly so in the first two matrices, up to rounding in all others.
rows = np.random.default_rng(0).normal(size=(1000, 2))
matrices = [[[1, 2], [2, 4]], [[3, 1], [6, 2]], *(np.outer(row, [1, 0.3]) for row in rows)]
a = wp.array(np.array(matrices, np.float32), dtype=wp.mat22, device="cpu")
out = wp.zeros(len(matrices), dtype=wp.vec2, device="cpu")
wp.launch(values, dim=len(matrices), inputs=[a, out], device="cpu")
missing = int(np.isnan(out.numpy()).any(axis=1).sum())
print(f"matrices of {len(matrices)} with a singular value NaN: expected: 0   actual: {missing}")
sys.exit(missing > 0)
