"""A conditional expression loads an element where its condition is false.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def expression(a: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    out[0] = a[0] if n > 3 else 2.0


@wp.kernel(module="unique")
def control(a: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    out[0] = +a[0] if n > 3 else 2.0


def run(kernel, n, expected):
    a = wp.array([1.0], dtype=float, device="cpu")
    out = wp.zeros(1, dtype=float, device="cpu")
    wp.launch(kernel, dim=1, inputs=[a, n, out], device="cpu")
    actual = float(out.numpy()[0])
    print(f"{kernel.key:10} n = {n}   expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(kernel, n, expected) for kernel in (control, expression) for n, expected in ((5, 1.0), (1, 2.0))]
sys.exit(not all(good))
