"""An augmented assignment to a row of a matrix in an array is dropped.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def kernel(out: wp.array(dtype=wp.mat22)):
    out[0][1] += wp.vec2(10.0, 20.0)


out = wp.array([[[1.0, 2.0], [3.0, 4.0]]], dtype=wp.mat22, device="cpu")
wp.launch(kernel, dim=1, outputs=[out], device="cpu")
actual = out.numpy()[0].tolist()
print("expected: [[1.0, 2.0], [13.0, 24.0]]   actual:", actual)
sys.exit(actual != [[1.0, 2.0], [13.0, 24.0]])
