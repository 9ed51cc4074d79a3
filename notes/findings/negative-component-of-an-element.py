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


@wp.kernel
def of_matrices(a: wp.array(dtype=wp.mat22)):
    a[1][-1, -1] = 9.0


def run(kernel, dtype, *shape):
    size = int(np.prod(shape))
    a = wp.array(np.zeros((3, *shape)), dtype=dtype, device="cpu")
    wp.launch(kernel, dim=1, inputs=[a], device="cpu")
    actual = a.numpy().reshape(-1).tolist()
    expected = [9.0 if at == 2 * size - 1 else 0.0 for at in range(3 * size)]
    print(f"{kernel.key:11} expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(kernel, wp.vec2, 2), run(of_matrices, wp.mat22, 2, 2)]
sys.exit(not all(good))
