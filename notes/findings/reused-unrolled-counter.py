"""A dynamic loop changes the counter that an unrolled loop left behind.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def kernel(n: int, out: wp.array(dtype=int)):
    for i in range(3):
        out[1] = i
    for _ in range(n):
        i = i + 1
    out[0] = i


out = wp.zeros(2, dtype=int, device="cpu")
wp.launch(kernel, dim=1, inputs=[3, out], device="cpu")
actual = int(out.numpy()[0])
print("expected: 5   actual:", actual)
sys.exit(actual != 5)
