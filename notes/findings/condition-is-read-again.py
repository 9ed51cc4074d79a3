"""A condition that is an array element is read again after the branch.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.func
def take(flags: wp.array(dtype=bool)) -> int:
    flags[0] = False
    return 7


@wp.kernel(module="unique")
def branch(flags: wp.array(dtype=bool), out: wp.array(dtype=int)):
    n = 1
    if flags[0]:
        flags[0] = False
        n = 7
    out[0] = n


@wp.kernel(module="unique")
def expression(flags: wp.array(dtype=bool), out: wp.array(dtype=int)):
    out[0] = take(flags) if flags[0] else 1


@wp.kernel(module="unique")
def control(flags: wp.array(dtype=bool), out: wp.array(dtype=int)):
    n = 1
    flag = not flags[0]
    if not flag:
        flags[0] = False
        n = 7
    out[0] = n


def run(kernel, expected):
    flags = wp.array([True], dtype=bool, device="cpu")
    out = wp.zeros(1, dtype=int, device="cpu")
    wp.launch(kernel, dim=1, inputs=[flags, out], device="cpu")
    actual = int(out.numpy()[0])
    print(f"{kernel.key:10} expected: {expected}   actual: {actual}")
    return actual == expected


run(control, 7)
good = [run(branch, 7), run(expression, 7)]
sys.exit(not all(good))
