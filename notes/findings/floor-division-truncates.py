"""`//` of integers truncates where an operand is negative.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def kernel(a: wp.array(dtype=int), out: wp.array(dtype=int)):
    out[0] = a[0] // a[1]
    out[1] = wp.floordiv(a[0], a[1])
    x = a[0]
    x //= a[1]
    out[2] = x


a = wp.array([-7, 2], dtype=int, device="cpu")
out = wp.zeros(3, dtype=int, device="cpu")
wp.launch(kernel, dim=1, inputs=[a, out], device="cpu")
actual = out.numpy().tolist()
print(f"expected: {[-4, -4, -4]}   actual: {actual}")
sys.exit(actual != [-4, -4, -4])
