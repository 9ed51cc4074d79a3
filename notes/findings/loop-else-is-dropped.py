"""The else clause of a loop is dropped.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def after_for(n: int, out: wp.array(dtype=int)):
    for _ in range(n):
        out[0] = out[0] + 1
    else:
        out[1] = 99


@wp.kernel(module="unique")
def after_while(n: int, out: wp.array(dtype=int)):
    i = int(0)  # noqa: RUF046, UP018  a variable: to Warp a bare 0 is a constant
    while i < n:
        i = i + 1
    else:
        out[1] = 99
    out[0] = i


def run(kernel, expected):
    out = wp.zeros(2, dtype=int, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[3, out], device="cpu")
    except Exception as error:  # as Warp does with other constructs that it does not support
        print(f"{kernel.key:11} rejected: {str(error).strip().splitlines()[-1]}")
        return True
    actual = out.numpy().tolist()
    print(f"{kernel.key:11} expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(after_for, [3, 99]), run(after_while, [3, 99])]
sys.exit(not all(good))
