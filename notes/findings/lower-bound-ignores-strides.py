"""wp.lower_bound and wp.sample_cdf search an array that is not contiguous as if it were.

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
def search(a: wp.array(dtype=int), cdf: wp.array(dtype=float), out: wp.array(dtype=int)):
    out[0] = wp.lower_bound(a, 5)
    out[1] = wp.lower_bound(a, 1, 4, 5)
    out[2] = wp.sample_cdf(wp.rand_init(7), cdf)
    out[3] = a[2]


def searched(a, cdf):
    out = wp.zeros(4, dtype=int, device="cpu")
    wp.launch(search, dim=1, inputs=[a, cdf, out], device="cpu")
    return out.numpy().tolist()


# Every second element: 1, 3, 5, 7 and 0.1, 0.2, 0.3, 1.0.
numbers = wp.array(np.array([1, 0, 3, 0, 5, 0, 7, 0], np.int32), dtype=int, device="cpu")[::2]
parts = wp.array(np.array([0.1, 2, 0.2, 2, 0.3, 2, 1, 2], np.float32), dtype=float, device="cpu")[::2]
assert numbers.numpy().tolist() == [1, 3, 5, 7]

expected = searched(numbers.contiguous(), parts.contiguous())
actual = searched(numbers, parts)
print("expected:", expected, "  actual:", actual)
sys.exit(actual != expected or expected[:2] != [2, 2])
