"""A matrix of one row that is made of two components does not compile.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True

mat12 = wp.types.matrix(shape=(1, 2), dtype=wp.float32)
mat21 = wp.types.matrix(shape=(2, 1), dtype=wp.float32)


@wp.kernel(module="unique")
def one_row(out: wp.array(dtype=mat12)):
    out[0] = mat12(1.0, 2.0)


@wp.kernel(module="unique")
def one_column(out: wp.array(dtype=mat21)):
    out[0] = mat21(1.0, 2.0)


def run(kernel, dtype):
    out = wp.zeros(1, dtype=dtype, device="cpu")
    try:
        wp.launch(kernel, dim=1, outputs=[out], device="cpu")
        actual = out.numpy()[0].reshape(-1).tolist()
    except Exception as error:
        actual = "does not compile: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:10} expected: [1.0, 2.0]   actual: {actual}")
    return actual == [1.0, 2.0]


good = [run(one_row, mat12), run(one_column, mat21)]
sys.exit(not all(good))
