"""The backward pass calls a function that adds to an array a second time, and the array changes.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.func
def deposit(total: wp.array(dtype=float), value: float):
    total[0] += value
    return value * 2.0


@wp.kernel(module="unique")
def in_a_function(x: wp.array(dtype=float), total: wp.array(dtype=float), out: wp.array(dtype=float)):
    out[0] = deposit(total, x[0]) * total[0]


@wp.kernel(module="unique")
def in_the_kernel(x: wp.array(dtype=float), total: wp.array(dtype=float), out: wp.array(dtype=float)):
    value = x[0]
    total[0] += value
    out[0] = value * 2.0 * total[0]


def run(kernel):
    x = wp.array([3.0], dtype=float, requires_grad=True, device="cpu")
    total = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x], outputs=[total, out], device="cpu")
    tape.backward(out)
    # out = 2 x * x
    actual = x.grad.numpy().tolist(), total.numpy().tolist()
    print(f"{kernel.key:14} gradient and total, expected: ([12.0], [3.0])   actual: {actual}")
    return actual == ([12.0], [3.0])


good = [run(in_a_function), run(in_the_kernel)]
sys.exit(not all(good))
