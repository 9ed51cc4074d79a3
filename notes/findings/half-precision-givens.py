"""wp.qr3 and wp.svd3 of float16 divide zero by zero where a column has a zero where they look for a pivot.

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
def decomposed(a: wp.array(dtype=wp.mat33h), q: wp.array(dtype=wp.mat33h), u: wp.array(dtype=wp.mat33h)):
    i = wp.tid()
    q_part, _r = wp.qr3(a[i])
    u_part, _s, _v = wp.svd3(a[i])
    q[i] = q_part
    u[i] = u_part


# Nothing; a permutation of the axes; a matrix of rank 1.
matrices = np.array([np.zeros((3, 3)), np.eye(3)[[1, 2, 0]], np.diag([1, 0, 0])], np.float16)
a = wp.array(matrices, dtype=wp.mat33h, device="cpu")
q = wp.zeros(3, dtype=wp.mat33h, device="cpu")
u = wp.zeros(3, dtype=wp.mat33h, device="cpu")
wp.launch(decomposed, dim=3, inputs=[a, q, u], device="cpu")
found = [int(np.isnan(each.numpy()).any(axis=(1, 2)).sum()) for each in (q, u)]
print("matrices with NaN in q, and in u: expected: [0, 0]   actual:", found)
sys.exit(found != [0, 0])
