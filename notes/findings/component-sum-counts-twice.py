"""The adjoint of ``v.y += e`` counts the gradient of the component twice.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def by_letter(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    v = wp.vec3(x[0], x[1], x[2])
    v.y += 1.0
    out[0] = v.y


@wp.kernel(module="unique")
def of_a_quaternion(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    q = wp.quat(x[0], x[1], x[2], 1.0)
    q.y -= 1.0
    out[0] = q.y


@wp.kernel(module="unique")
def of_a_transform(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    t = wp.transform(wp.vec3(x[0], x[1], x[2]), wp.quat_identity())
    t.p += wp.vec3(1.0, 1.0, 1.0)
    out[0] = t.p.y


@wp.kernel(module="unique")
def by_index(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    v = wp.vec3(x[0], x[1], x[2])
    v[1] += 1.0
    out[0] = v[1]


def run(kernel):
    x = wp.array([2.0, 3.0, 4.0], dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x], outputs=[out], device="cpu")
    tape.backward(out)
    actual, expected = x.grad.numpy().tolist(), [0.0, 1.0, 0.0]
    print(f"{kernel.key:16} expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(by_letter), run(of_a_quaternion), run(of_a_transform), run(by_index)]
sys.exit(not all(good))
