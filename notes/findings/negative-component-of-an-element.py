"""A store into a component of an array's element, counted from the end, goes outside of the element.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(a: wp.array(dtype=wp.vec2)):
    a[1][-1] = 9.0


a = wp.array(np.zeros((3, 2)), dtype=wp.vec2, device="cpu")
wp.launch(kernel, dim=1, inputs=[a], device="cpu")
actual = a.numpy().tolist()
expected = [[0.0, 0.0], [0.0, 9.0], [0.0, 0.0]]
print(f"expected: {expected}   actual: {actual}")
sys.exit(actual != expected)
