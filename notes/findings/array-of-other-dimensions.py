"""A function takes an array of other dimensions than it declares.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.func
def second(table: wp.array2d(dtype=float)) -> float:
    return table[0, 1]


@wp.func
def length(row: wp.array(dtype=float)) -> int:
    return len(row)


@wp.kernel(module="unique")
def row_for_table(table: wp.array2d(dtype=float), out: wp.array(dtype=float)):
    out[0] = second(table[0])


@wp.kernel(module="unique")
def table_for_row(table: wp.array2d(dtype=float), out: wp.array(dtype=float)):
    out[0] = float(length(table))


accepted = False
for kernel in (row_for_table, table_for_row):
    table = wp.array(np.arange(1, 10, dtype=np.float32).reshape(3, 3), device="cpu")
    out = wp.zeros(1, dtype=float, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[table, out], device="cpu")
        actual = f"accepted, {out.numpy()[0]}"
        accepted = True
    except Exception as error:
        actual = "refused: " + str(error).strip().rpartition("\n")[2]
    print(f"{kernel.key}   expected: refused   actual: {actual}")
sys.exit(accepted)
