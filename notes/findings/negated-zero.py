"""The negation of a scalar zero has the wrong sign.

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
def scalar(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    out[0] = -x[0]
    out[1] = wp.neg(x[0])
    out[2] = 1.0 / (-x[0])
    out[3] = wp.atan2(-x[0], -1.0)


@wp.kernel(module="unique")
def tile(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    wp.tile_store(out, -wp.tile_load(x, shape=4))


@wp.kernel(module="unique")
def control(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    zero = 0.0
    v = -wp.vec2(x[0], x[0])
    out[0] = -zero
    out[1] = v[0]
    out[2] = x[0] * -1.0
    out[3] = wp.atan2(v[1], -1.0)


def run(kernel, expected, tiled=False):
    expected = np.array(expected, dtype=np.float32)
    x = wp.zeros(4, dtype=float, device="cpu")
    out = wp.zeros(4, dtype=float, device="cpu")
    if tiled:
        wp.launch_tiled(kernel, dim=1, inputs=[x, out], block_dim=32, device="cpu")
    else:
        wp.launch(kernel, dim=1, inputs=[x, out], device="cpu")
    actual = out.numpy()
    print(f"{kernel.key:8} expected: {expected}   actual: {actual}")
    return np.array_equal(actual, expected) and np.array_equal(np.signbit(actual), np.signbit(expected))


run(control, [-0.0, -0.0, -0.0, -np.pi])  # a constant, a vector, a product
good = [
    run(scalar, [-0.0, -0.0, -np.inf, -np.pi]),
    run(tile, [-0.0, -0.0, -0.0, -0.0], tiled=True),
]
sys.exit(not all(good))
