"""A subscript of a slice: Warp merges the two subscripts into one.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def row(out: wp.array(dtype=wp.vec3)):
    m = wp.mat33(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    out[0] = m[:][0]


@wp.kernel(module="unique")
def element(out: wp.array(dtype=float)):
    v = wp.vec4(10.0, 20.0, 30.0, 40.0)
    out[0] = v[1:3][0]


@wp.kernel(module="unique")
def slice_of_slice(out: wp.array(dtype=wp.vec2)):
    v = wp.vec4(10.0, 20.0, 30.0, 40.0)
    out[0] = v[:3][1:3]


@wp.kernel(module="unique")
def of_an_array(a: wp.array2d(dtype=float), out: wp.array(dtype=float)):
    out[0] = a[1:][1][0]


def run(kernel, dtype, expected, *inputs):
    out = wp.zeros(1, dtype=dtype, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=inputs, outputs=[out], device="cpu")
        actual = out.numpy()[0].tolist()
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:14} expected: {expected}   actual: {actual}")
    return actual == expected


good = [
    run(row, wp.vec3, [1.0, 2.0, 3.0]),
    run(element, float, 20.0),
    run(slice_of_slice, wp.vec2, [20.0, 30.0]),
    run(
        of_an_array,
        float,
        7.0,
        wp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], dtype=float, device="cpu"),
    ),
]
sys.exit(not all(good))
