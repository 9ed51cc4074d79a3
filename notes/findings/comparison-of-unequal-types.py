"""A comparison of values of different types is accepted, and C++ converts one of them.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(
    a: wp.array(dtype=wp.int32),
    b: wp.array(dtype=wp.uint32),
    c: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.bool),
):
    out[0] = a[0] < b[0]
    out[1] = a[1] == c[0]


a = wp.array([-1, 2**24 + 1], dtype=wp.int32, device="cpu")
b = wp.array([1], dtype=wp.uint32, device="cpu")
c = wp.array([2.0**24], dtype=wp.float32, device="cpu")
out = wp.zeros(2, dtype=wp.bool, device="cpu")
try:
    wp.launch(kernel, dim=1, inputs=[a, b, c, out], device="cpu")
except Exception as error:
    print("expected: refused   actual: refused:", str(error).strip().rpartition("\n")[2])
    sys.exit(0)
less, equal = (bool(each) for each in out.numpy())
print(f"int32 -1 < uint32 1                   expected: refused   actual: {less} (Python: True)")
print(f"int32 16777217 == float32 16777216.0  expected: refused   actual: {equal} (Python: False)")
sys.exit(1)
