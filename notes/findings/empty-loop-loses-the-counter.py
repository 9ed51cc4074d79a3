"""The counter of a dynamic loop that runs zero times loses the value that it had before.

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
    i = n + 5
    for i in range(n):  # noqa: B007  its value is read after the loop
        out[1] = out[1] + 1
    out[0] = i


out = wp.zeros(2, dtype=int, device="cpu")
wp.launch(kernel, dim=1, inputs=[0, out], device="cpu")
actual = int(out.numpy()[0])
print("expected: 5   actual:", actual)
sys.exit(actual != 5)
