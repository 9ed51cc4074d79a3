"""A chained comparison of array elements.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(a: wp.array(dtype=int), out: wp.array(dtype=wp.bool)):
    out[0] = a[0] < a[1] < a[2]


a = wp.array([1, 2, 3], dtype=int, device="cpu")
out = wp.zeros(1, dtype=wp.bool, device="cpu")
try:
    wp.launch(kernel, dim=1, inputs=[a], outputs=[out], device="cpu")
    actual = str(bool(out.numpy()[0]))
except Exception as error:
    actual = "rejected: " + str(error).strip().splitlines()[-1]
print("1 < 2 < 3   expected: True   actual:", actual)
sys.exit(actual != "True")
