"""A store into a component of a part of a local is dropped.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def transform(out: wp.array(dtype=wp.transform)):
    t = wp.transform(wp.vec3(1.0, 2.0, 3.0), wp.quat(0.0, 0.0, 0.0, 1.0))
    t.p.x = 7.0
    t.p[1] = 8.0
    t.q.w = 0.5
    out[0] = t


@wp.kernel(module="unique")
def control(out: wp.array(dtype=wp.transform)):
    out[0] = wp.transform(wp.vec3(1.0, 2.0, 3.0), wp.quat(0.0, 0.0, 0.0, 1.0))
    out[0].p.x = 7.0
    out[0].p[1] = 8.0
    out[0].q.w = 0.5


@wp.kernel(module="unique")
def matrix(out: wp.array(dtype=wp.mat22)):
    m = wp.mat22(1.0, 2.0, 3.0, 4.0)
    m[0].x = 9.0
    out[0] = m


def run(kernel, dtype, expected):
    out = wp.zeros(1, dtype=dtype, device="cpu")
    wp.launch(kernel, dim=1, outputs=[out], device="cpu")
    actual = out.numpy()[0].tolist()
    print(f"{kernel.key:10} expected: {expected}   actual: {actual}")
    return actual == expected


run(control, wp.transform, [7.0, 8.0, 3.0, 0.0, 0.0, 0.0, 0.5])  # the same places in an array element
good = [
    run(transform, wp.transform, [7.0, 8.0, 3.0, 0.0, 0.0, 0.0, 0.5]),
    run(matrix, wp.mat22, [[9.0, 2.0], [3.0, 4.0]]),
]
sys.exit(not all(good))
