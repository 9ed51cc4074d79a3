"""A store into a component of a matrix by indices of two widths does not compile.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def both(out: wp.array(dtype=wp.mat22)):
    m = wp.mat22(1.0, 2.0, 3.0, 4.0)
    m[1, 0] = 7.0
    out[0] = m


@wp.kernel(module="unique")
def wide(out: wp.array(dtype=wp.mat22)):
    m = wp.mat22(1.0, 2.0, 3.0, 4.0)
    m[wp.int64(1), wp.int64(0)] = 7.0
    out[0] = m


@wp.kernel(module="unique")
def mixed(out: wp.array(dtype=wp.mat22)):
    m = wp.mat22(1.0, 2.0, 3.0, 4.0)
    m[wp.int64(1), wp.int8(0)] = 7.0
    out[0] = m


@wp.kernel(module="unique")
def of_a_vector(out: wp.array(dtype=wp.mat22)):
    v = wp.vec2(3.0, 4.0)
    v[wp.int64(0)] = 7.0
    out[0] = wp.mat22(1.0, 2.0, v[0], v[1])


def run(kernel):
    out = wp.zeros(1, dtype=wp.mat22, device="cpu")
    try:
        wp.launch(kernel, dim=1, outputs=[out], device="cpu")
        actual = out.numpy()[0].reshape(-1).tolist()
    except Exception as error:
        actual = "does not compile: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:12} expected: [1.0, 2.0, 7.0, 4.0]   actual: {actual}")
    return actual == [1.0, 2.0, 7.0, 4.0]


good = [run(kernel) for kernel in (both, wide, mixed, of_a_vector)]
sys.exit(not all(good))
