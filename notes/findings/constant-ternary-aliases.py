"""A conditional expression whose condition is a constant makes an alias.

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
    c = n + 1
    p = c if True else 3
    for _ in range(n):
        p = p + 100
    out[0] = p
    out[1] = c


out = wp.zeros(2, dtype=int, device="cpu")
wp.launch(kernel, dim=1, inputs=[3, out], device="cpu")
actual = out.numpy().tolist()
print("expected: [304, 4]   actual:", actual)
sys.exit(actual != [304, 4])
