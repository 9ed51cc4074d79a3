"""The adjoint of ``a[0] if c else x`` does not reach the element of the array.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(a: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    out[0] = a[0] if n > 3 else a[1]


a = wp.array([2.0, 3.0], dtype=float, requires_grad=True, device="cpu")
out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
with wp.Tape() as tape:
    wp.launch(kernel, dim=1, inputs=[a, 4], outputs=[out], device="cpu")
tape.backward(grads={out: wp.full(1, 1.0, dtype=float, device="cpu")})
actual = a.grad.numpy().tolist()
print(f"expected: [1.0, 0.0]   actual: {actual}")
sys.exit(actual != [1.0, 0.0])
