"""A captured vector with an infinite component.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True

NUMBER = wp.constant(wp.inf)
VECTOR = wp.constant(wp.vec2(wp.inf, 1.0))


@wp.kernel(module="unique")
def number(out: wp.array(dtype=wp.vec2)):
    out[0] = wp.vec2(NUMBER, 1.0)


@wp.kernel(module="unique")
def vector(out: wp.array(dtype=wp.vec2)):
    out[0] = VECTOR


def run(kernel):
    out = wp.zeros(1, dtype=wp.vec2, device="cpu")
    try:
        wp.launch(kernel, dim=1, outputs=[out], device="cpu")
        actual = str(out.numpy()[0].tolist())
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    expected = str(np.array([np.inf, 1.0], dtype=np.float32).tolist())
    print(f"{kernel.key:6} expected: {expected}   actual: {actual}")
    return actual == expected


run(number)
sys.exit(not run(vector))
