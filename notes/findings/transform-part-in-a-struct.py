"""An assignment to a part of a transform in a struct is rejected.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.struct
class Body:
    pose: wp.transform


@wp.kernel(module="unique")
def kernel(out: wp.array(dtype=wp.transform)):
    body = Body()
    body.pose = wp.transform(wp.vec3(1.0, 2.0, 3.0), wp.quat(0.0, 0.0, 0.0, 1.0))
    body.pose.p = wp.vec3(7.0, 8.0, 9.0)
    out[0] = body.pose


expected = [7.0, 8.0, 9.0, 0.0, 0.0, 0.0, 1.0]
out = wp.zeros(1, dtype=wp.transform, device="cpu")
try:
    wp.launch(kernel, dim=1, outputs=[out], device="cpu")
    actual = out.numpy()[0].tolist()
except Exception as error:
    actual = "rejected: " + str(error).strip().splitlines()[-1]
print(f"expected: {expected}   actual: {actual}")
sys.exit(actual != expected)
