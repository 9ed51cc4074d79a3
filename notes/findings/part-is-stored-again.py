"""The backward pass stores into a part of an array's element a second time.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def part(x: wp.array(dtype=float), out: wp.array(dtype=wp.vec2)):
    out[0].x = x[0]
    out[0] = wp.vec2(7.0, 7.0)


@wp.kernel(module="unique")
def control(x: wp.array(dtype=float), out: wp.array(dtype=wp.vec2)):
    out[0] = wp.vec2(x[0], 0.0)
    out[0] = wp.vec2(7.0, 7.0)


def run(kernel):
    x = wp.array([1.0], dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(1, dtype=wp.vec2, requires_grad=True, device="cpu")
    tape = wp.Tape()
    with tape:
        wp.launch(kernel, dim=1, inputs=[x, out], device="cpu")
    tape.backward(grads={out: wp.ones(1, dtype=wp.vec2, device="cpu")})
    actual = out.numpy()[0].tolist()
    print(f"{kernel.key:8} out[0] after the backward pass   expected: [7.0, 7.0]   actual: {actual}")
    return actual == [7.0, 7.0]


good = [run(control), run(part)]
sys.exit(not all(good))
