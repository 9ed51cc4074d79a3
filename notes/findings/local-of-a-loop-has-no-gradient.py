"""A local that is bound first in a dynamic loop has no gradient after it.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def control(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    last = float(0.0)  # noqa: UP018
    for i in range(n):
        last = x[i]
    out[0] = last


@wp.kernel(module="unique")
def counted(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    for i in range(n):
        last = x[i]
    out[0] = last


@wp.kernel(module="unique")
def left(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    for i in range(4):
        last = x[2]
        if i > n:
            break
    out[0] = last


@wp.kernel(module="unique")
def running(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    i = int(0)  # noqa: RUF046, UP018
    while i < n:
        last = x[2]
        i += 1
    out[0] = last


def run(kernel):
    x = wp.array([1.0, 2.0, 4.0], dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x, 3], outputs=[out], device="cpu")
    tape.backward(out)
    expected = [0.0, 0.0, 1.0]
    actual = x.grad.numpy().tolist()
    print(f"{kernel.key:8} value: {out.numpy()[0]}   expected: {expected}   actual: {actual}")
    return np.array_equal(actual, expected)


if not run(control):
    sys.exit("the control kernel has no gradient either: this Warp shows nothing")
good = [run(counted), run(left), run(running)]
sys.exit(not all(good))
