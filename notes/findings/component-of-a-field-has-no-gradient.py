"""The adjoint of ``s.v.x = e`` is missing: a component of a field of a local struct.

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
    v: wp.vec3


@wp.kernel(module="unique")
def assigned(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    body = Body()
    body.v.x = x[0]
    out[0] = body.v.x * 3.0


@wp.kernel(module="unique")
def added(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    body = Body()
    body.v.x += x[0]
    out[0] = body.v.x * 3.0


@wp.kernel(module="unique")
def by_index(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    body = Body()
    body.v[0] = x[0]
    out[0] = body.v[0] * 3.0


@wp.kernel(module="unique")
def local(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    v = wp.vec3()
    v.x = x[0]
    out[0] = v.x * 3.0


def run(kernel):
    x = wp.array([2.0], dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x], outputs=[out], device="cpu")
    tape.backward(out)
    actual = x.grad.numpy().tolist()
    print(f"{kernel.key:10} expected: [3.0]   actual: {actual}")
    return actual == [3.0]


good = [run(assigned), run(added), run(by_index), run(local)]
sys.exit(not all(good))
