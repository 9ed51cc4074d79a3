"""A chained comparison evaluates what comes after the comparison that fails.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.func
def count(a: wp.array(dtype=int)) -> int:
    a[0] = a[0] + 1
    return 5


@wp.kernel(module="unique")
def chained(n: int, a: wp.array(dtype=int)):
    if 1 < n < count(a):
        a[1] = 1


@wp.kernel(module="unique")
def control(n: int, a: wp.array(dtype=int)):
    if n > 1 and n < count(a):
        a[1] = 1


def run(kernel):
    a = wp.zeros(2, dtype=int, device="cpu")
    wp.launch(kernel, dim=1, inputs=[0, a], device="cpu")
    actual = a.numpy().tolist()
    print(f"{kernel.key:7} expected: [0, 0]   actual: {actual}")
    return actual == [0, 0]


run(control)
sys.exit(not run(chained))
