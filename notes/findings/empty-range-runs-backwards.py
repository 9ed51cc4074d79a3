"""The adjoint of a loop over ``range(0, 0, 2)`` runs its body once.

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
    for i in range(0, n, 2):
        out[0] += a[i]


a = wp.array([2.0, 3.0], dtype=float, requires_grad=True, device="cpu")
out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
with wp.Tape() as tape:
    wp.launch(kernel, dim=1, inputs=[a, 0], outputs=[out], device="cpu")
tape.backward(grads={out: wp.full(1, 1.0, dtype=float, device="cpu")})
actual = a.grad.numpy().tolist()
print(f"expected: [0.0, 0.0]   actual: {actual}")
sys.exit(actual != [0.0, 0.0])
