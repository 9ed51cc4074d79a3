"""The adjoint of ``m[-1]``, the last row of a matrix, does not reach the matrix.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(a: wp.array(dtype=wp.mat22), out: wp.array(dtype=wp.vec2)):
    m = a[0] * 1.0
    out[0] = m[-1]


a = wp.array([[[1.0, 2.0], [3.0, 4.0]]], dtype=wp.mat22, requires_grad=True, device="cpu")
out = wp.zeros(1, dtype=wp.vec2, requires_grad=True, device="cpu")
with wp.Tape() as tape:
    wp.launch(kernel, dim=1, inputs=[a], outputs=[out], device="cpu")
tape.backward(grads={out: wp.array([[1.0, 2.0]], dtype=wp.vec2, device="cpu")})
actual = a.grad.numpy()[0].tolist()
print(f"expected: [[0.0, 0.0], [1.0, 2.0]]   actual: {actual}")
sys.exit(actual != [[0.0, 0.0], [1.0, 2.0]])
