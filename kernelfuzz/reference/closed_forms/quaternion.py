"""Closed forms over quaternions (x, y, z, w).

Warp documents the rotations for quaternions of unit length.  What they give for others, and so their
derivatives across the unit sphere, is a matter of the formula; the ones here are the polynomials that give
Warp's values there as well (tests/reference/test_closed_forms.py holds them to that).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernelfuzz.ir.types import Quaternion
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.reference.closed_forms.numbers import Components, array_of
from kernelfuzz.reference.closed_forms.scalar import FORMS as SCALAR
from kernelfuzz.reference.closed_forms.vector import (
    PREDICATES,
    cross,
    dot,
    length,
    length_squared,
    lerp,
)
from kernelfuzz.reference.dual import value_of
from kernelfuzz.typecheck.builtins import Signature


def conjugate(q: Components) -> Components:
    x, y, z, w = q
    return array_of([-x, -y, -z, w], q)


def multiply(a: Components, b: Components) -> Components:
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
    """``v`` rotated by a unit quaternion: v (2 w^2 - 1) + 2 w (u x v) + 2 u (u . v), u the vector part."""
    u, w = q[:3], q[3]
    return v * (2 * w * w - 1) + cross(u, v) * (w * 2) + u * (dot(u, v) * 2)


def _rotate_inverse(q: Components, v: Components) -> Components:
    return rotate(conjugate(q), v)


def to_matrix(q: Components) -> Components:
    """The columns are the rotated axes."""
    one, zero = numbers.like(q[0], 1), numbers.like(q[0], 0)
    axes = [array_of([one if i == j else zero for j in range(3)], q) for i in range(3)]
    result = np.empty((3, 3), dtype=q.dtype)
    for column, axis in enumerate(axes):
        result[:, column] = rotate(q, axis)
    return result


def _normalize(q: Components) -> Components:
    size = length(q)
    if value_of(size) > 0:
        return q / size
    return array_of([numbers.like(q[0], value) for value in (0, 0, 0, 1)], q)


def _identity(signature: Signature) -> Components:
    result = signature.result
    assert isinstance(result, Quaternion)
    return np.array([0, 0, 0, 1], dtype=result.dtype.name)


def _quaternion(v: Components, w: Any) -> Components:
    return array_of([*v, w], v)


def _from_axis_angle(axis: Components, angle: Any) -> Components:
    half = angle * 0.5
    return array_of([*(axis * numbers.sin(half)), numbers.cos(half)], axis)


def _from_angles(roll: Any, pitch: Any, yaw: Any) -> Components:
    """Extrinsic x-y-z: the product of the rotations about z, y and x."""
    example = np.empty(0, dtype=roll.dtype if isinstance(roll, np.floating) else object)
    zero = numbers.like(roll, 0)

    def about(axis: int, angle: Any) -> Components:
        half = angle * 0.5
        sine = numbers.sin(half)
        return array_of([sine if i == axis else zero for i in range(3)] + [numbers.cos(half)], example)

    return multiply(multiply(about(2, yaw), about(1, pitch)), about(0, roll))


def _axis_and_angle(q: Components) -> tuple[Components, Any]:
    """The axis and the angle in [0, pi] of the rotation of a quaternion of any length but 0."""
    u, w = q[:3], q[3]
    if w < 0:
        u, w = -u, -w
    size = length(u)
    return u / size, numbers.arctan2(size, w) * 2


FORMS: dict[str, Form] = {
    "quat_identity": Form(_identity, "Built-ins, quat_identity: (0, 0, 0, 1)", exact=True, typed=True),
    "quat_inverse": Form(conjugate, "Built-ins, quat_inverse: the conjugate", exact=True),
    "normalize": Form(_normalize, "Built-ins, normalize: (0, 0, 0, 1) where the length is 0"),
    "dot": Form(dot, "Built-ins, dot", exact=True),
    "length": Form(length, "Built-ins, length", exact=True),
    "length_sq": Form(length_squared, "Built-ins, length_sq", exact=True),
    "lerp": Form(lerp, "Built-ins, lerp: a*(1-t) + b*t", exact=True),
    "quaternion": Form(_quaternion, "Built-ins, quaternion: (ijk[0], ijk[1], ijk[2], real)", exact=True),
    "quat_rotate": Form(rotate, "Built-ins, quat_rotate"),
    "quat_rotate_inv": Form(_rotate_inverse, "Built-ins, quat_rotate_inv"),
    "quat_from_axis_angle": Form(
        _from_axis_angle, "Built-ins, quat_from_axis_angle: (axis * sin(angle / 2), cos(angle / 2))"
    ),
    "quat_to_axis_angle": Form(_axis_and_angle, "Built-ins, quat_to_axis_angle"),
    "quat_to_matrix": Form(to_matrix, "Built-ins, quat_to_matrix: m @ v is quat_rotate(quat, v)"),
    "quat_rpy": Form(_from_angles, "Built-ins, quat_rpy: qz * qy * qx"),
    "mul": Form(multiply, "the Hamilton product", exact=True),
    **PREDICATES,
    "where": SCALAR["where"],
    "len": Form(len, "Built-ins, len: the number of elements", exact=True),
}
