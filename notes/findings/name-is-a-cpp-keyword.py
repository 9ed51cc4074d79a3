"""A kernel parameter, or a field of a struct, whose name is a keyword of C++.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.struct
class Settings:
    default: int


@wp.func
def increased(new: int):
    return new + 1


@wp.kernel(module="unique")
def parameter(new: int, out: wp.array(dtype=int)):
    out[0] = new + 1


@wp.kernel(module="unique")
def field(n: int, out: wp.array(dtype=int)):
    s = Settings()
    s.default = n + 1
    out[0] = s.default


@wp.kernel(module="unique")
def control(n: int, out: wp.array(dtype=int)):
    default = increased(n)
    out[0] = default


def run(kernel):
    out = wp.zeros(1, dtype=int, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[2, out], device="cpu")
        actual = str(out.numpy()[0])
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:9} expected: 3   actual: {actual}")
    return actual == "3"


run(control)
good = [run(parameter), run(field)]
sys.exit(not all(good))
