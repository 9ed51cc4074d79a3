"""Kernels as text: of some Warp documents the gradient, of others that their adjoint has lost what it needs."""

from __future__ import annotations

import numpy as np

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.syntax.parse import parse

TEXT = """import warp as wp


{functions}
@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), n: int, k: wp.array(dtype=int), out: wp.array(dtype=wp.float64)):
{body}
"""
ZERO = "    s = wp.float64(0.0)\n"

# Bodies whose whole gradient is documented to be right.
KNOWN = {
    "a sum in place": ZERO + "    for i in range(n):\n        s += x[i] * x[i]\n    out[0] = s",
    "a sum": ZERO + "    for i in range(n):\n        s = s + wp.sin(x[i])\n    out[0] = s",
    "a multiple of a constant": ZERO + "    for i in range(n):\n        s = s * wp.float64(0.5) + x[i]\n    out[0] = s",
    "a while": ZERO + "    w = int(0)\n    while w < n:\n        w += 1\n        s += x[0] * x[1]\n    out[0] = s",
    "a continue": "    for i in range(n):\n        if i == 1:\n            continue\n        out[i] = x[i] * x[i]",
    "a break": "    for i in range(n):\n        if i == 2:\n            break\n        out[i] = x[i] * x[i]",
    "a break that is not taken": "    for i in range(n):\n        if i == 3:\n            break\n"
    "        out[i] = x[i] * x[i]",
    "a continue after something": ZERO + "    for i in range(n):\n        s += x[i]\n"
    "        if i == 1:\n            continue\n        s += x[i]\n    out[0] = s",
    "a return": "    for i in range(n):\n        if i == 2:\n            return\n        out[i] = x[i] * x[i]",
    "an early return": "    if n > 2:\n        out[0] = x[0] * x[1]\n        return\n    out[1] = x[2] * x[3]",
    "an empty range": "    s = x[0]\n    for i in range(n - 3):\n        s = s * x[i]\n    out[0] = s * s",
    "siblings": ZERO + "    for i in range(n):\n        s += x[i]\n"
    "    for i in range(n):\n        s += x[i] * x[i]\n    out[0] = s",
    "nested": ZERO + "    for i in range(n):\n        for j in range(i):\n            s += x[i] * x[j]\n    out[0] = s",
    "a local of one iteration": "    for i in range(n):\n        v = x[i] * x[i]\n        out[i] = v * v",
    "a counter after its loop": "    for i in range(n):\n        out[0] += x[i]\n"
    "    k[0] = i\n    out[1] = x[0] * x[1]",
    "a minimum": "    for i in range(n):\n        wp.atomic_min(out, 0, x[i] * x[i])",
    "a maximum": "    wp.atomic_max(out, 0, wp.sin(x[0]) + wp.float64(9.0))",
    "a copy in place": "    out[0] = out[0] + x[0]\n    out[0] = out[0] + x[1]",
    "a change after the reading": "    k[0] = 3\n    if k[0] == 3:\n        out[0] = x[0] * x[1]",
    "a store over a store": "    out[0] = x[0] * x[0]\n    out[0] = x[1] * x[1]",
    "a loop in a function": "    out[0] = total(x, n) * total(x, n)",
    "the other result of a builtin": "    v, w = wp.quat_to_axis_angle(wp.quatd(x[0], x[1], x[2], x[3]))\n"
    "    v[0] = x[0]\n    out[0] = w",
}
FUNCTIONS = """@wp.func
def total(x: wp.array(dtype=wp.float64), n: int):
    s = wp.float64(0.0)
    for i in range(n):
        s += x[i]
    return s


"""

# Bodies and the outputs of which nothing is documented.
MASKED = {
    "a product": (ZERO + "    for i in range(n):\n        s = s * x[i]\n    out[0] = s\n    out[1] = x[0]", [0]),
    "the last value": (
        ZERO + "    for i in range(n):\n        s += x[i]\n    out[0] = s * x[0]\n    out[1] = s + x[1]",
        [0],
    ),
    "a counter that is needed": (
        "    for i in range(n):\n        out[1] += x[i]\n    out[0] = x[0] * wp.float64(i)",
        [0],
    ),
    "what is overwritten": ("    out[0] = out[0] * x[0]\n    out[1] = x[1]", [0]),
    "in place": ("    out[0] *= x[0]\n    out[1] = x[1]", [0]),
    "an exchange": ("    wp.atomic_exch(out, 0, x[0])\n    out[1] = x[1]", [0]),
    "what an atomic returns": ("    s = wp.atomic_add(out, 0, x[0])\n    out[1] = s * x[1]", [1]),
    "a minimum of what moves": ("    out[0] = x[0]\n    wp.atomic_min(out, 0, x[1])\n    out[1] = x[1]", [0]),
    "a minimum that changes later": (
        "    wp.atomic_min(out, 0, x[1] - wp.float64(9.0))\n    out[0] += x[0]\n    out[1] = x[1]",
        [0],
    ),
    "a component assigned twice": (
        "    v = wp.vec2d(x[0], x[1])\n    v[0] = x[2]\n    out[0] = v[0]\n    out[1] = x[1]",
        [0],
    ),
    "a result that an adjoint reads": (
        "    u, s, v = wp.svd2(wp.mat22d(x[0], x[1], x[2], x[3]))\n    u[0, 0] = x[2]\n    out[0] = s[0]\n"
        "    out[1] = v[0, 0]\n    out[2] = x[1]",
        [0, 1],
    ),
    "a condition of a loop": (
        "    c = int(0)\n    for i in range(n):\n        c += 1\n"
        "    s = x[0]\n    if c > 2:\n        s = x[1]\n    out[0] = s\n    out[1] = x[1]",
        [0],
    ),
    "a place in an array": (
        "    c = int(0)\n    for i in range(n):\n        c += 1\n    out[0] = x[c % 2]\n    out[1] = x[1]",
        [0],
    ),
    "a store to such a place": (
        "    c = int(0)\n    for i in range(n):\n        c += 1\n    out[c % 2] = x[0]\n    k[0] = 1",
        [0, 1, 2, 3],
    ),
    "a continue by such a condition": (
        "    c = int(0)\n    for i in range(n):\n        c += 1\n        if c == 2:\n            continue\n"
        "        out[0] += x[0]",
        [0, 1, 2, 3],
    ),
    "a corner": ("    out[0] = wp.max(x[0], x[1] + wp.float64(0.75))\n    out[1] = x[1]", [0]),
    "a builtin without a gradient": ("    out[0] = wp.round(x[0])\n    out[1] = x[1]", []),
}

ASTRAY = {
    "a return by a condition of a loop": "    c = int(0)\n    for i in range(n):\n        c += 1\n"
    "    if c == 2:\n        return\n    out[0] = x[0]",
    "a store to a place that is not kept in": "    c = int(0)\n    for i in range(n):\n        c += 1\n"
    "    out[c] = x[0]",
}


def case_of(body: str, functions: str = "") -> Case:
    """One thread; n is 3."""
    inputs: dict[str, Input] = {
        "x": np.array([1.25, 0.5, 2.75, 1.5]),
        "n": np.array(3, dtype=np.int32),
        "k": np.zeros(4, dtype=np.int32),
        "out": np.array([7.0, 8.0, 9.0, 10.0]),
    }
    return Case(parse(TEXT.format(functions=functions, body=body)), Launch((1,), inputs))
