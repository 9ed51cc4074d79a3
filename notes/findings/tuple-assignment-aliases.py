"""A tuple assignment binds names to the variables of the right side, not to their values.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel(module="unique")
def swapped(n: int, out: wp.array(dtype=int)):
    p = n + 1
    q = n + 2
    for _ in range(n):
        p, q = q, p
    out[0] = p
    out[1] = q


@wp.kernel(module="unique")
def changed(n: int, out: wp.array(dtype=int)):
    c = n + 1
    d = n + 2
    p, q = c, d
    for _ in range(n):
        p = p + 100
        q = q + 200
    out[0] = c
    out[1] = d


@wp.kernel(module="unique")
def elements(n: int, out: wp.array(dtype=int)):
    p, q = out[0], out[1]
    out[0] = q
    out[1] = p


@wp.kernel(module="unique")
def existing(n: int, out: wp.array(dtype=int)):
    x = out[0] + 1
    x, y = out[0], n
    out[0] = x + y


@wp.kernel(module="unique")
def later(n: int, out: wp.array(dtype=int)):
    x, y = out[0], n
    x = x + y
    out[0] = x


def run(kernel, expected, initial=(0, 0)):
    out = wp.array(list(initial), dtype=int, device="cpu")
    try:
        wp.launch(kernel, dim=1, inputs=[3, out], device="cpu")
        actual = out.numpy().tolist()
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:10} expected: {expected}   actual: {actual}")
    return actual == expected


good = [
    run(swapped, [5, 4]),
    run(changed, [4, 5]),
    run(elements, [8, 7], initial=(7, 8)),
    run(existing, [5, 0], initial=(2, 0)),
    run(later, [5, 0], initial=(2, 0)),
]
sys.exit(not all(good))
