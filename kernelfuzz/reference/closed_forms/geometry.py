"""Closed forms over points: edges, and triangles.

Both are published algorithms.  Far from degenerate inputs they give what Warp documents, which is asked besides
(``kernelfuzz.reference.promises``); near them, what rounding leaves of the algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.reference.closed_forms import numbers, scalar
from kernelfuzz.reference.closed_forms.linear import cross, dot, length
from kernelfuzz.reference.closed_forms.numbers import Components, array_of
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import Corner
from kernelfuzz.typecheck.builtins import at_least

PARALLEL = "edges that are nearly parallel"

# "Gradient-stable for near-parallel edges" (Changelog, 1.14.0, GH-1437): the squared sine of the angle below which no
# derivative is asked for.
_NEARLY_PARALLEL = 1e-4

# Möller's EPSILON: a vertex that is nearer to a plane, times twice the area of the triangle, lies in it.
COPLANAR = 1e-6


def closest_points(p1: Components, q1: Components, p2: Components, q2: Components, epsilon: Any) -> Components:
    """The weights of the closest points of two edges, and their distance: shape (3,).

    C. Ericson, "Real-Time Collision Detection", 2005, 5.1.9.
    """
    d1, d2, r = q1 - p1, q2 - p2, p1 - p2
    a, e = dot(d1, d1), dot(d2, d2)
    zero = numbers.like(a, 0)
    if a <= epsilon and e <= epsilon:
        s, t = zero, zero
    elif a <= epsilon:
        s, t = zero, dot(d2, r) / e
        if at_least(1, 14):
            t = _clamped(t)
    elif e <= epsilon:
        s, t = _clamped(-dot(d1, r) / a), zero
    else:
        s, t = _weights(a, dot(d1, d2), dot(d1, r), e, dot(d2, r))
    return array_of([s, t, length((p2 + d2 * t) - (p1 + d1 * s))], p1)


def _weights(a: Any, b: Any, c: Any, e: Any, f: Any) -> tuple[Any, Any]:
    """Of two edges that are no points: ``s`` on the lines, clamped; then ``t``; where that is clamped, ``s`` anew."""
    between = _difference(a, e, b, b)
    if isinstance(between, Dual) and between.value <= _NEARLY_PARALLEL * value_of(a * e):
        raise Corner(PARALLEL)
    s = _clamped(_difference(b, f, c, e) / between) if value_of(between) > 0 else numbers.like(a, 0)
    t = (b * s + f) / e
    if t < 0:
        return _clamped(-c / a), numbers.like(a, 0)
    return (_clamped((b - c) / a), numbers.like(a, 1)) if t > 1 else (s, t)


def _clamped(x: Any) -> Any:
    return scalar.clamp(x, numbers.like(x, 0), numbers.like(x, 1))


def _difference(a: Any, b: Any, c: Any, d: Any) -> Any:
    """``a * b - c * d``, since 1.14 (GH-1437) by Kahan's algorithm with fused operations."""
    product = c * d
    if not at_least(1, 14):
        return a * b - product
    return numbers.fused(a, b, -product) + numbers.fused(-c, d, product)


# --------------------------------------------------------------------------- triangles

Triangle: TypeAlias = "Sequence[Components]"


def triangles_meet(*corners: Components) -> int:
    """1 if two triangles intersect, 0 otherwise; ``corners`` are the three of one, then those of the other.

    "Möller's method" (Built-ins, intersect_tri_tri): T. Möller, "A Fast Triangle-Triangle Intersection Test", Journal
    of Graphics Tools 2(2), 1997, as its author updated it in 1999, without divisions.
    """
    points = [np.array([value_of(x) for x in corner]) for corner in corners]
    v, u = points[:3], points[3:]
    normal_v, heights_u = _heights(v, u)
    if _on_one_side(heights_u):
        return 0
    normal_u, heights_v = _heights(u, v)
    if _on_one_side(heights_v):
        return 0
    along = _largest_component(cross(normal_v, normal_u))
    first, second = (
        _interval([corner[along] for corner in each], heights) for each, heights in ((v, heights_v), (u, heights_u))
    )
    if first is None or second is None:
        return _coplanar_meet(normal_v, v, u)
    return _intervals_meet(first, second)


def _heights(triangle: Triangle, others: Triangle) -> tuple[Components, list[Any]]:
    """The normal of a triangle, and the heights of points above its plane, times the length of the normal."""
    normal = cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
    offset = -dot(normal, triangle[0])
    heights = [dot(normal, point) + offset for point in others]
    return normal, [numbers.like(each, 0) if abs(float(each)) < COPLANAR else each for each in heights]


def _on_one_side(heights: Sequence[Any]) -> bool:
    return bool(heights[0] * heights[1] > 0 and heights[0] * heights[2] > 0)


def _largest_component(v: Components) -> int:
    """Its place; the first of equal ones."""
    sizes, best = np.abs(v), 0
    for at in (1, 2):
        if sizes[at] > sizes[best]:
            best = at
    return best


def _interval(places: Sequence[Any], heights: Sequence[Any]) -> tuple[Any, ...] | None:
    """Where a triangle crosses the line in which both planes meet, in terms of quotients; None: it lies in both."""
    if heights[0] * heights[1] > 0:
        apex = 2
    elif heights[0] * heights[2] > 0:
        apex = 1
    elif heights[1] * heights[2] > 0 or heights[0] != 0:
        apex = 0
    elif heights[1] != 0:
        apex = 1
    elif heights[2] != 0:
        apex = 2
    else:
        return None
    height = heights[apex]
    left, right = [at for at in range(3) if at != apex]
    return (
        places[apex],
        (places[left] - places[apex]) * height,
        (places[right] - places[apex]) * height,
        height - heights[left],
        height - heights[right],
    )


def _intervals_meet(first: tuple[Any, ...], second: tuple[Any, ...]) -> int:
    a, b, c, x0, x1 = first
    d, e, f, y0, y1 = second
    xx, yy = x0 * x1, y0 * y1
    both = xx * yy
    ends_v = _sorted(a * both + b * x1 * yy, a * both + c * x0 * yy)
    ends_u = _sorted(d * both + e * xx * y1, d * both + f * xx * y0)
    return 0 if ends_v[1] < ends_u[0] or ends_u[1] < ends_v[0] else 1


def _sorted(low: Any, high: Any) -> tuple[Any, Any]:
    return (high, low) if low > high else (low, high)


def _coplanar_meet(normal: Components, v: Triangle, u: Triangle) -> int:
    """Triangles in one plane, projected along the largest component of its normal."""
    x, y, z = np.abs(normal)
    kept = ([1, 2] if x > z else [0, 1]) if x > y else [0, 1] if z > y else [0, 2]
    v, u = [corner[kept] for corner in v], [corner[kept] for corner in u]
    if any(_edges_meet(v[at], v[(at + 1) % 3], u[to], u[(to + 1) % 3]) for at in range(3) for to in range(3)):
        return 1
    return int(_inside(v[0], u) or _inside(u[0], v))


def _edges_meet(v0: Components, v1: Components, u0: Components, u1: Components) -> bool:
    """F. Antonio, "Faster Line Segment Intersection", Graphics Gems III, 1992."""
    (ax, ay), (bx, by), (cx, cy) = v1 - v0, u0 - u1, v0 - u0
    f, d, e = ay * bx - ax * by, by * cx - bx * cy, ax * cy - ay * cx
    return bool((0 <= d <= f and 0 <= e <= f) if f > 0 else f < 0 and f <= d <= 0 and f <= e <= 0)


def _inside(point: Components, triangle: Triangle) -> bool:
    sides: list[Any] = []
    for at in range(3):
        (x, y), (to_x, to_y) = triangle[at], triangle[(at + 1) % 3]
        a, b = to_y - y, -(to_x - x)
        sides.append(a * point[0] + b * point[1] + (-a * x - b * y))
    return bool(sides[0] * sides[1] > 0 and sides[0] * sides[2] > 0)
