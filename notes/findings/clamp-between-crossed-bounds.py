"""The adjoint of ``wp.clamp(x, a, b)`` with a > b goes to a, though the result is b.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    out[0] = wp.clamp(a[0], a[1], a[2])


a = wp.array([0.0, 2.0, 1.0], dtype=float, requires_grad=True, device="cpu")
out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
with wp.Tape() as tape:
    wp.launch(kernel, dim=1, inputs=[a], outputs=[out], device="cpu")
tape.backward(grads={out: wp.full(1, 1.0, dtype=float, device="cpu")})
actual = out.numpy()[0], a.grad.numpy().tolist()
expected = 1.0, [0.0, 0.0, 1.0]
print(f"expected: {expected}   actual: {actual}")
sys.exit(actual != expected)
