"""The adjoint of ``a % b`` leaves out the divisor.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def operator(a: wp.array(dtype=float), b: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = a[i] % b[i]


@wp.kernel(module="unique")
def builtin(a: wp.array(dtype=float), b: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = wp.mod(a[i], b[i])


def run(kernel):
    # 7.5 = 3 * 2 + 1.5: near these values a % b is a - 3 b, and for the negative dividend a + 3 b.
    a = wp.array([7.5, -7.5], dtype=float, requires_grad=True, device="cpu")
    b = wp.array([2.0, 2.0], dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(2, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=2, inputs=[a, b], outputs=[out], device="cpu")
    tape.backward(grads={out: wp.full(2, 1.0, dtype=float, device="cpu")})
    actual = a.grad.numpy().tolist(), b.grad.numpy().tolist()
    expected = [1.0, 1.0], [-3.0, 3.0]
    print(f"{kernel.key:10} by a and b, expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(operator), run(builtin)]
sys.exit(not all(good))
