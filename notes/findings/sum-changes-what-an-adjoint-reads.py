"""A sum in place changes the value that the adjoint of an earlier operation reads.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def component(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    v = wp.normalize(wp.vec3(x[0], x[1], 2.0))
    v[1] += x[2]
    out[0] = v[0]


@wp.kernel(module="unique")
def quotient(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    v = wp.cw_div(wp.vec2(x[0], x[0]), wp.vec2(x[1], x[1]))
    v[0] += x[2]
    out[0] = v[0]


@wp.kernel(module="unique")
def loop(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    total = wp.sqrt(x[0])
    for _ in range(n):
        total += x[2]
    out[0] = total


def derivative(kernel, values, h):
    def value(at):
        x = wp.array(at, dtype=float, device="cpu")
        out = wp.zeros(1, dtype=float, device="cpu")
        wp.launch(kernel, dim=1, inputs=[x, 2], outputs=[out], device="cpu")
        return float(out.numpy()[0])

    return np.array([(value(values + h * e) - value(values - h * e)) / (2 * h) for e in np.eye(len(values))])


def run(kernel):
    values = np.array([1.0, 2.0, 10.0])
    x = wp.array(values, dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(1, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x, 2], outputs=[out], device="cpu")
    tape.backward(out)
    actual, expected = x.grad.numpy(), derivative(kernel, values, 0.01)
    print(f"{kernel.key:10} expected: {expected.round(3).tolist()}   actual: {actual.round(3).tolist()}")
    return np.allclose(actual, expected, atol=1e-2)


good = [run(component), run(quotient), run(loop)]
sys.exit(not all(good))
