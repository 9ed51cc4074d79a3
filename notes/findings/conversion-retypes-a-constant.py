"""A conversion of a constant to a 64-bit type changes the constant itself.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def rejected(out64: wp.array(dtype=wp.int64), out32: wp.array(dtype=wp.int32)):
    for i in range(1, 3):
        out64[i] = wp.int64(i)
        out32[i] = i


@wp.kernel(module="unique")
def aliased(times: int, out: wp.array(dtype=wp.int64)):
    n = 7
    total = wp.int64(n)
    for _ in range(times):
        total = total + wp.int64(1)
    out[0] = total
    out[1] = wp.int64(n)


@wp.kernel
def uninitialised(flag: int, out: wp.array(dtype=wp.int64)):
    n = 7
    if flag > 0:
        out[0] = wp.int64(n)
    out[1] = wp.int64(n)


# The optimiser is free to hide an uninitialised read, and does.
uninitialised.module.options["mode"] = "debug"
uninitialised.module.options["optimization_level"] = 0


def run(kernel, expected, *inputs):
    out = wp.zeros(3, dtype=wp.int64, device="cpu")
    extra = [wp.zeros(3, dtype=wp.int32, device="cpu")] if kernel is rejected else []
    try:
        wp.launch(kernel, dim=1, inputs=[*inputs, out, *extra], device="cpu")
        actual = out.numpy().tolist()
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:14} expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(rejected, [0, 1, 2]), run(aliased, [10, 7, 0], 3), run(uninitialised, [0, 7, 0], 0)]
sys.exit(not all(good))
