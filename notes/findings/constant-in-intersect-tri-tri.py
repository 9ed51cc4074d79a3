"""A captured vector as an argument of intersect_tri_tri.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True

CORNER = wp.constant(wp.vec3(0.0, 0.0, 0.0))


@wp.kernel(module="unique")
def copied(p: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    corner = CORNER
    out[0] = wp.intersect_tri_tri(corner, p[0], p[1], p[2], p[3], p[4])


@wp.kernel(module="unique")
def captured(p: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    out[0] = wp.intersect_tri_tri(CORNER, p[0], p[1], p[2], p[3], p[4])


def run(kernel):
    # Triangles in the planes z = 0 and x = 0.25 that cross.
    points = [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.25, 0.25, -1.0], [0.25, 0.25, 1.0], [0.25, 1.0, 0.0]]
    p = wp.array(points, dtype=wp.vec3, device="cpu")
    out = wp.zeros(1, dtype=int, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[p], outputs=[out], device="cpu")
        actual = str(out.numpy()[0])
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:8} expected: 1   actual: {actual}")
    return actual == "1"


run(copied)
sys.exit(not run(captured))
