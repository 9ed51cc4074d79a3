"""A parameter of a function, or a field of a struct, that is named ret.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.struct
class Result:
    ret: int


@wp.func
def one(ret: int):
    return ret + 1


@wp.func
def two(ret_0: int, other: int):
    return ret_0 + 1, other


@wp.kernel(module="unique")
def parameter(out: wp.array(dtype=int)):
    out[0] = one(2)


@wp.kernel(module="unique")
def several(out: wp.array(dtype=int)):
    x, y = two(2, 0)
    out[0] = x + y


@wp.kernel(module="unique")
def field(out: wp.array(dtype=int)):
    s = Result()
    s.ret = 3
    out[0] = s.ret


@wp.kernel(module="unique")
def control(ret: int, out: wp.array(dtype=int)):
    out[0] = ret + 1


def run(kernel, *inputs):
    out = wp.zeros(1, dtype=int, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[*inputs, out], device="cpu")
        actual = str(out.numpy()[0])
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:9} expected: 3   actual: {actual}")
    return actual == "3"


run(control, 2)  # a parameter of a kernel
good = [run(parameter), run(several), run(field)]
sys.exit(not all(good))
