"""A vector that is stored into a slice of itself is read while it changes.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def by_itself(out: wp.array(dtype=wp.vec3)):
    v = wp.vec3(1.0, 2.0, 3.0)
    v[::-1] = v
    out[0] = v


@wp.kernel
def by_a_copy(out: wp.array(dtype=wp.vec3)):
    v = wp.vec3(1.0, 2.0, 3.0)
    w = v
    v[::-1] = w
    out[0] = v


@wp.kernel
def by_columns(out: wp.array(dtype=wp.mat22)):
    m = wp.mat22(1.0, 2.0, 3.0, 4.0)
    m[:, ::-1] = m
    out[0] = m


def run(kernel, dtype, expected):
    out = wp.zeros(1, dtype=dtype, device="cpu")
    wp.launch(kernel, dim=1, inputs=[out], device="cpu")
    actual = out.numpy()[0].reshape(-1).tolist()
    print(f"{kernel.key:10} expected: {expected}   actual: {actual}")
    return actual == expected


good = [
    run(by_itself, wp.vec3, [3.0, 2.0, 1.0]),
    run(by_a_copy, wp.vec3, [3.0, 2.0, 1.0]),
    run(by_columns, wp.mat22, [2.0, 1.0, 4.0, 3.0]),
]
sys.exit(not all(good))
