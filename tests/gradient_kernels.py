"""Kernels over float64 whose adjoint released Warp gets wrong, by the bug, as text."""

from __future__ import annotations

import numpy as np

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.syntax.parse import parse

HEAD = """import warp as wp


@wp.struct
class Body:
    v: wp.vec3d
    t: wp.transformd


{functions}
@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), total: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
{body}
"""

DEPOSIT = """@wp.func
def deposit(total: wp.array(dtype=wp.float64), value: wp.float64):
    total[0] += value
    result = value * wp.float64(2.0)
    return result


"""
TWICE = """@wp.func
def twice(total: wp.array(dtype=wp.float64), value: wp.float64):
    first = deposit(total, value)
    return first + deposit(total, wp.sin(first))


"""
ONLY_STORES = """@wp.func
def put(total: wp.array(dtype=wp.float64), v: wp.vec3d):
    w = v * wp.float64(3.0)
    total[0] += w[1]


"""
POINT = "    v = wp.vec3d(x[0], x[1], x[2])\n"

# By the slug of the bug: the functions of a kernel and its body.
TEXTS: dict[str, list[tuple[str, str]]] = {
    "component-sum-counts-twice": [
        ("", POINT + "    v.y += wp.float64(1.0)\n    out[0] = v[1] * v[0]"),
        ("", "    q = wp.quatd(x[0], x[1], x[2], x[3])\n    q.w -= x[0]\n    out[0] = q[3]"),
        (
            "",
            POINT + "    t = wp.transformd(v, wp.quatd(x[0], x[1], x[2], x[3]))\n"
            "    t.p += v\n    out[0] = t[1] + t[4]",
        ),
    ],
    "component-of-a-field-has-no-gradient": [
        ("", "    b = Body()\n    b.v.x = x[0]\n    out[0] = b.v[0] * x[1]"),
        ("", "    b = Body()\n    b.v[2] = x[0]\n    out[0] = b.v[2] * x[1]"),
        ("", "    b = Body()\n    b.v.y += x[0]\n    out[0] = b.v[1] * x[1]"),
        ("", "    b = Body()\n    b.v.z -= x[0]\n    out[0] = b.v[2] * x[1]"),
    ],
    "remainder-ignores-the-divisor": [
        ("", "    out[0] = x[3] % x[1]"),
        ("", "    out[0] = wp.mod(x[3], x[1]) + (x[3] % x[2]) % x[0]"),
        ("", "    a = x[3]\n    a %= x[1]\n    out[0] = a"),
    ],
    "replayed-function-adds-again": [
        (DEPOSIT, "    out[0] = deposit(total, x[0]) * total[0]"),
        (
            DEPOSIT + TWICE,
            "    a = x[0] + x[1]\n    b = wp.sin(a) * twice(total, a)\n    out[0] = b * total[0] + a",
        ),
        (ONLY_STORES, POINT + "    put(total, v)\n    out[0] = total[0] * v[1]"),
    ],
    "sum-changes-what-an-adjoint-reads": [
        ("", "    v = wp.normalize(wp.vec3d(x[0], x[1], x[2]))\n    v[1] += x[2]\n    out[0] = v[0]"),
        ("", POINT + "    d = wp.dot(v, v)\n    v[1] += x[2]\n    out[0] = v[0] + d"),
        (
            "",
            "    m = wp.mat22d(x[0], x[1], x[2], x[3])\n    m[0, 0] += (m * m)[0, 0]\n    out[0] = m[0, 0]",
        ),
        (
            "",
            "    a = wp.sqrt(x[0])\n    for i in range(len(total)):\n        a += x[2]\n    out[0] = a",
        ),
        (
            "",
            "    a = x[0]\n    b = a * a\n    c = int(0)\n    if c == 0:\n        b = a * b\n"
            "    for i in range(len(total)):\n        a = x[i + 1]\n        c = i\n    out[0] = a + b",
        ),
    ],
    "local-of-a-loop-has-no-gradient": [
        ("", "    for i in range(len(total)):\n        a = x[i]\n    out[0] = a"),
        (
            "",
            "    w = int(0)\n    while w < 2:\n        w += 1\n        for i in range(17):\n"
            "            v = wp.vec3d(x[0], x[1], x[2]) * x[3]\n        u = v\n    out[0] = u[1]",
        ),
    ],
}

# The same of bugs that no rewrite keeps clear of.
PREDICTED: dict[str, list[tuple[str, str]]] = {
    "field-has-no-gradient": [
        ("", POINT + "    b = Body()\n    b.v = v\n    out[0] = b.v[1] + x[0]"),
        ("", POINT + "    b = Body(v, wp.transformd())\n    b.v += v\n    out[0] = b.v[1] * x[0]"),
    ],
    "ternary-element-has-no-gradient": [
        ("", "    out[0] = (x[0] if x[1] > x[2] else x[3]) * x[0]"),
        ("", "    out[0] = x[0] if x[1] < x[2] else x[3] + x[0]"),
    ],
    "empty-range-runs-backwards": [
        ("", "    n = len(total) - len(total)\n    for i in range(2, n + 2, -2):\n        out[0] += x[i] * x[0]"),
        ("", "    n = len(total) - len(total)\n    for i in range(1, n + 1, 3):\n        out[0] += x[i]"),
    ],
    "negative-row-has-no-gradient": [
        ("", "    m = wp.mat22d(x[0], x[1], x[2], x[3])\n    v = m[-1]\n    out[0] = v[0] * x[0]"),
        ("", "    m = wp.mat22d(x[0], x[1], x[2], x[3])\n    v = m[len(total) - 3]\n    out[0] = v[1] + m[1][0]"),
    ],
    "clamp-between-crossed-bounds": [("", "    out[0] = wp.clamp(x[0] - x[1], x[1], -x[2])")],
    "leaving-a-dynamic-loop": [
        ("", "    for i in range(len(total)):\n        if i == 1:\n            break\n        out[0] += x[i]"),
        ("", "    for i in range(len(total)):\n        out[0] += x[i]\n        return"),
        (
            "",
            "    for i in range(len(total)):\n        out[0] += x[i]\n        if i == 1:\n"
            "            return\n    out[0] += x[3]",
        ),
        (
            "",
            "    s = x[0]\n    v = wp.vec2d(x[1], x[1])\n    for i in range(len(total)):\n        s += x[2]\n"
            "        v = v + v\n        v[0] += x[3]\n        out[0] += s\n        if i >= 0:\n            return\n"
            "    out[0] += s + v[0]",
        ),
        (
            "",
            "    s = wp.float64(0.0)\n    w = int(0)\n    while w < 2:\n        w += 1\n        s += x[0]\n"
            "        if x[1] > x[0]:\n            continue\n        s += x[1]\n    out[0] = s",
        ),
        (
            "",
            "    w = int(0)\n    while w < 2:\n        w += 1\n        for i in range(3):\n"
            "            out[0] += x[i]\n            if i == 1:\n                break",
        ),
    ],
}


def case_of(functions: str, body: str) -> Case:
    """One thread; ``total`` has two elements."""
    kernel = parse(HEAD.format(functions=functions, body=body))
    inputs = {"x": np.array([1.0, 2.0, 2.75, 7.25]), "total": np.zeros(2), "out": np.zeros(1)}
    return Case(kernel, Launch((1,), inputs))
