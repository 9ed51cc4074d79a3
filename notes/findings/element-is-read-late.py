"""An array element that is an operand is read after the calls in later operands.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.func
def bump(a: wp.array(dtype=int)) -> int:
    a[0] = a[0] + 100
    return 1


@wp.func
def pair(x: int, y: int) -> int:
    return 10 * x + y


@wp.kernel(module="unique")
def operand(a: wp.array(dtype=int)):
    a[1] = a[0] + bump(a)


@wp.kernel(module="unique")
def argument(a: wp.array(dtype=int)):
    a[1] = pair(a[0], bump(a))


@wp.kernel(module="unique")
def augmented(a: wp.array(dtype=int)):
    a[0] *= bump(a) + 1
    a[1] = a[0]


@wp.kernel(module="unique")
def control(a: wp.array(dtype=int)):
    a[1] = +a[0] + bump(a)


def run(kernel, expected):
    a = wp.array([2, 0], dtype=int, device="cpu")
    wp.launch(kernel, dim=1, inputs=[a], device="cpu")
    actual = int(a.numpy()[1])
    print(f"{kernel.key:9} expected: {expected}   actual: {actual}")
    return actual == expected


run(control, 3)
good = [run(operand, 3), run(argument, 21), run(augmented, 4)]
sys.exit(not all(good))
