"""The adjoint of a dynamic loop that is left early counts other iterations than those that ran.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def left_by_break(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    for i in range(n):
        if i == 2:
            break
        out[i] = x[i] * 2.0


@wp.kernel(module="unique")
def left_by_return(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    for i in range(n):
        if i == 2:
            return
        out[i] = x[i] * 2.0


@wp.kernel(module="unique")
def guarded(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    for i in range(n):
        if i < 2:
            out[i] = x[i] * 2.0


def run(kernel):
    x = wp.array([1.0, 2.0, 3.0, 4.0], dtype=float, requires_grad=True, device="cpu")
    out = wp.zeros(4, dtype=float, requires_grad=True, device="cpu")
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x, 4], outputs=[out], device="cpu")
    tape.backward(grads={out: wp.full(4, 1.0, dtype=float, device="cpu")})
    actual, expected = x.grad.numpy().tolist(), [2.0, 2.0, 0.0, 0.0]
    print(f"{kernel.key:14} out: {out.numpy().tolist()}   gradient expected: {expected}   actual: {actual}")
    return actual == expected


def run_on_short_arrays(kernel):
    """The gradient is the first two elements of a longer array: what lies behind them can be looked at."""
    x, out = wp.ones(2, dtype=float, device="cpu"), wp.zeros(2, dtype=float, device="cpu")
    behind = wp.zeros(4, dtype=float, device="cpu")
    ones = wp.full(4, 1.0, dtype=float, device="cpu")
    wp.launch(
        kernel, dim=1, inputs=[x, 4], outputs=[out], adjoint=True, device="cpu",
        adj_inputs=[behind[:2], 0], adj_outputs=[ones[:2]],
    )  # fmt: skip
    actual, expected = behind.numpy().tolist(), [2.0, 2.0, 0.0, 0.0]
    print(f"{kernel.key:14} memory of a gradient of two elements expected: {expected}   actual: {actual}")
    return actual == expected


good = [run(left_by_break), run(left_by_return), run(guarded), run_on_short_arrays(left_by_break)]
sys.exit(not all(good))
