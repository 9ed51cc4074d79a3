"""Closed forms over quaternions (x, y, z, w), transforms (a translation p, then a rotation q) and spatial vectors.

Warp documents the rotations for quaternions of unit length.  What they give for others, and so their
derivatives across the unit sphere, is a matter of the formula; the ones here are the polynomials that give
Warp's values there as well (tests/reference/test_closed_forms.py compares them).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernelfuzz.ir.types import Quaternion, Transform
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.closed_forms.linear import apply, cross, dot, length
from kernelfuzz.reference.closed_forms.numbers import Components, array_of
from kernelfuzz.reference.dual import value_of
from kernelfuzz.typecheck.builtins import Signature


def conjugate(q: Components) -> Components:
    x, y, z, w = q
    return array_of([-x, -y, -z, w], q)


def quat_multiply(a: Components, b: Components) -> Components:
    """The Hamilton product."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    return array_of(
        [
            aw * bx + bw * ax + ay * bz - by * az,
            aw * by + bw * ay + az * bx - bz * ax,
            aw * bz + bw * az + ax * by - bx * ay,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        a,
    )


def rotate(q: Components, v: Components) -> Components:
    """``v`` rotated by a unit quaternion: v (2 w^2 - 1) + 2 u (u . v) + 2 w (u x v), u the vector part."""
    u, w = q[:3], q[3]
    return _on_the_axis(q, v) + cross(u, v) * w * 2


def rotate_inverse(q: Components, v: Components) -> Components:
    u, w = q[:3], q[3]
    return _on_the_axis(q, v) - cross(u, v) * w * 2


def _on_the_axis(q: Components, v: Components) -> Components:
    u, w = q[:3], q[3]
    return v * (2 * w * w - 1) + u * (2 * dot(u, v))


def quat_to_matrix(q: Components) -> Components:
    """The columns are the rotated axes."""
    one, zero = numbers.like(q[0], 1), numbers.like(q[0], 0)
    axes = [array_of([one if i == j else zero for j in range(3)], q) for i in range(3)]
    result = np.empty((3, 3), dtype=q.dtype)
    for column, axis in enumerate(axes):
        result[:, column] = rotate(q, axis)
    return result


def normalize(q: Components) -> Components:
    size = length(q)
    if value_of(size) > 0:
        return q * (1 / size)
    return array_of([numbers.like(q[0], value) for value in (0, 0, 0, 1)], q)


def quat_from_matrix(m: Components) -> Components:
    """The unit quaternion of a rotation matrix, from the largest of its four components.

    S. W. Shepperd, "Quaternion from Rotation Matrix", 1978.
    """
    if m[0, 0] + m[1, 1] + m[2, 2] >= 0:
        root = numbers.sqrt(m[0, 0] + m[1, 1] + m[2, 2] + 1)
        rest = 0.5 / root
        parts = [(m[2, 1] - m[1, 2]) * rest, (m[0, 2] - m[2, 0]) * rest, (m[1, 0] - m[0, 1]) * rest, 0.5 * root]
        return normalize(array_of(parts, m))
    i = 1 if m[1, 1] > m[0, 0] else 0
    i = 2 if m[2, 2] > m[i, i] else i
    j, k = (i + 1) % 3, (i + 2) % 3
    root = numbers.sqrt((m[i, i] - (m[j, j] + m[k, k])) + 1)
    rest = 0.5 / root
    parts = [0.5 * root] * 4
    parts[j], parts[k], parts[3] = (m[i, j] + m[j, i]) * rest, (m[k, i] + m[i, k]) * rest, (m[k, j] - m[j, k]) * rest
    return normalize(array_of(parts, m))


def quat_identity(signature: Signature) -> Components:
    result = signature.result
    assert isinstance(result, Quaternion)
    return np.array([0, 0, 0, 1], dtype=result.dtype.name)


def quaternion(v: Components, w: Any) -> Components:
    return array_of([*v, w], v)


def from_axis_angle(axis: Components, angle: Any) -> Components:
    half = angle * 0.5
    return array_of([*(axis * numbers.sin(half)), numbers.cos(half)], axis)


def from_angles(roll: Any, pitch: Any, yaw: Any) -> Components:
    """Extrinsic x-y-z: the product of the rotations about z, y and x."""
    example = np.empty(0, dtype=roll.dtype if isinstance(roll, np.floating) else object)
    zero = numbers.like(roll, 0)

    def about(axis: int, angle: Any) -> Components:
        half = angle * 0.5
        sine = numbers.sin(half)
        return array_of([sine if i == axis else zero for i in range(3)] + [numbers.cos(half)], example)

    return quat_multiply(quat_multiply(about(2, yaw), about(1, pitch)), about(0, roll))


def axis_and_angle(q: Components) -> tuple[Components, Any]:
    """The axis and the angle in [0, pi] of the rotation of a quaternion of any length but 0."""
    u, w = q[:3], q[3]
    if w < 0:
        u, w = -u, -w
    size = length(u)
    return u / size, numbers.arctan2(size, w) * 2


# -------------------------------------------------------------- transforms, spatial vectors


def transform_identity(signature: Signature) -> Components:
    result = signature.result
    assert isinstance(result, Transform)
    return np.array([0, 0, 0, 0, 0, 0, 1], dtype=result.dtype.name)


def joined(*parts: Components) -> Components:
    return array_of([x for part in parts for x in part], parts[0])


def translation(t: Components) -> Components:
    return t[:3]


def rotation(t: Components) -> Components:
    return t[3:]


def transform_from_matrix(m: Components) -> Components:
    return joined(m[:3, 3], quat_from_matrix(m))


def transform_inverse(t: Components) -> Components:
    inverse = conjugate(t[3:])
    return joined(-rotate(inverse, t[:3]), inverse)


def transform_multiply(a: Components, b: Components) -> Components:
    return joined(rotate(a[3:], b[:3]) + a[:3], quat_multiply(a[3:], b[3:]))


def transform_point(t: Components, v: Components) -> Components:
    return t[:3] + rotate(t[3:], v)


def transform_vector(t: Components, v: Components) -> Components:
    return rotate(t[3:], v)


def affine_point(m: Components, v: Components) -> Components:
    return apply(m[:3], array_of([*v, numbers.like(v[0], 1)], v))


def affine_vector(m: Components, v: Components) -> Components:
    return apply(m[:3], array_of([*v, numbers.like(v[0], 0)], v))


def _affine(linear: Components, p: Components) -> Components:
    result = np.empty((4, 4), dtype=p.dtype)
    result[:3, :3], result[:3, 3] = linear, p
    result[3] = array_of([numbers.like(p[0], value) for value in (0, 0, 0, 1)], p)
    return result


def transform_to_matrix(t: Components) -> Components:
    return _affine(quat_to_matrix(t[3:]), t[:3])


def compose(p: Components, q: Components, scale: Components) -> Components:
    return _affine(quat_to_matrix(q) * scale, p)


def decompose(m: Components) -> tuple[Components, Components, Components]:
    """Translation, rotation and scale: the lengths of the columns, which are divided by them."""
    scale = array_of([length(column) for column in m[:3, :3].T], m)
    turned = [column / size if value_of(size) != 0 else column for column, size in zip(m[:3, :3].T, scale, strict=True)]
    return m[:3, 3].copy(), quat_from_matrix(np.array(turned, dtype=m.dtype).T), scale


def spatial_cross(a: Components, b: Components) -> Components:
    return joined(cross(a[:3], b[:3]), cross(a[3:], b[:3]) + cross(a[:3], b[3:]))


def spatial_cross_dual(a: Components, b: Components) -> Components:
    return joined(cross(a[:3], b[:3]) + cross(a[3:], b[3:]), cross(a[:3], b[3:]))


def spatial_adjoint(r: Components, s: Components) -> Components:
    result = np.empty((6, 6), dtype=r.dtype)
    result[:] = numbers.like(r[0, 0], 0)
    result[:3, :3] = result[3:, 3:] = r
    result[3:, :3] = s
    return result


def spatial_top(a: Components) -> Components:
    return a[:3]


def spatial_bottom(a: Components) -> Components:
    return a[3:]


def velocity_at(twist: Components, point: Components) -> Components:
    """The linear velocity of a point of a body: v + w x r, of a twist (w, v)."""
    return twist[3:] + cross(twist[:3], point)


def transform_twist(t: Components, x: Components) -> Components:
    """A twist (w, v) in another frame: (R w, R v + p x R w)."""
    angular = rotate(t[3:], x[:3])
    return joined(angular, rotate(t[3:], x[3:]) + cross(t[:3], angular))


def transform_wrench(t: Components, x: Components) -> Components:
    """A wrench (torque, force) in another frame: (R torque + p x R force, R force)."""
    force = rotate(t[3:], x[3:])
    return joined(rotate(t[3:], x[:3]) + cross(t[:3], force), force)
