"""A slice of an array with the step 0 is taken for an index.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(table: wp.array2d(dtype=float), out: wp.array(dtype=float)):
    part = table[1:4:0]
    out[0] = part[0]


table = wp.array(np.arange(8, dtype=np.float32).reshape(4, 2), device="cpu")
out = wp.zeros(1, dtype=float, device="cpu")
try:
    wp.launch(kernel, dim=1, inputs=[table, out], device="cpu")
except Exception as error:
    print("expected: refused   actual: refused:", str(error).strip().rpartition("\n")[2])
    sys.exit(0)
print("expected: refused   actual: accepted,", out.numpy()[0])
sys.exit(1)
