"""A name that a tuple assignment binds to an array element cannot be any other variable.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def existing(a: wp.array(dtype=int), out: wp.array(dtype=int)):
    x = a[0] + 1
    x, y = a[0], 3
    out[0] = x + y


@wp.kernel(module="unique")
def later(a: wp.array(dtype=int), out: wp.array(dtype=int)):
    x, y = a[0], 3
    x = x + y
    out[0] = x


@wp.kernel(module="unique")
def control(a: wp.array(dtype=int), out: wp.array(dtype=int)):
    x = a[0] + 1
    x = a[0]
    y = 3
    x = x + y
    out[0] = x


def run(kernel):
    a = wp.array([2], dtype=int, device="cpu")
    out = wp.zeros(1, dtype=int, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[a, out], device="cpu")
        actual = str(out.numpy()[0])
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:8} expected: 5   actual: {actual}")
    return actual == "5"


run(control)
good = [run(existing), run(later)]
sys.exit(not all(good))
