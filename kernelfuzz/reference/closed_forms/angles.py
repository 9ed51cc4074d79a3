"""Closed forms of quaternions by Euler angles, and of the part of a rotation that turns about one axis."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from kernelfuzz.reference.closed_forms import numbers, scalar
from kernelfuzz.reference.closed_forms.linear import dot
from kernelfuzz.reference.closed_forms.numbers import Components, array_of
from kernelfuzz.reference.closed_forms.rotation import normalize, quat_multiply
from kernelfuzz.reference.dual import Dual
from kernelfuzz.reference.undefined import OUTSIDE_DOMAIN, Undefined
from kernelfuzz.typecheck.builtins import at_least

# The angle below which the algorithm of ``to_euler`` takes the second rotation for none, or for a half turn.
GIMBAL_LOCK = 1e-6


def _about(example: Components, axis: int, angle: Any) -> Components:
    half = angle * 0.5
    zero = numbers.like(angle, 0)
    parts = [zero, zero, zero, numbers.cos(half)]
    parts[axis] = numbers.sin(half)
    return array_of(parts, example)


def _check_axes(*axes: int) -> None:
    """A sequence of axes "in {0, 1, 2}", each "different from" the one before it (Built-ins, quat_from_euler)."""
    in_range = all(0 <= axis <= 2 for axis in axes)
    if not in_range or any(first == second for first, second in pairwise(axes)):
        raise Undefined(OUTSIDE_DOMAIN)


def from_euler(angles: Components, i: int, j: int, k: int) -> Components:
    """The product of the rotations about the axes k, j and i, each by the angle of its axis."""
    _check_axes(i, j, k)
    first, second, third = (_about(angles, axis, angles[axis]) for axis in (i, j, k))
    return quat_multiply(third, quat_multiply(second, first))


def to_euler(q: Components, i: int, j: int, k: int) -> Components:
    """The angles of a rotation about the fixed axes i, j and k, in this order.

    E. Bernardes and S. Viollet, "Quaternion to Euler angles conversion: A direct, general and computationally
    efficient method", PLOS ONE 17(11), 2022.  Where ``i == k`` the third angle is in the place of the axis that
    is neither.
    """
    _check_axes(i, j, k)
    proper = i == k
    k = 3 - i - j if proper else k
    parity = (i - j) * (j - k) * (k - i) // 2
    a, b, c, d = q[3], q[i], q[j], q[k] * parity
    if not proper:
        a, b, c, d = a - q[j], b + q[k] * parity, c + q[3], d - q[i]
    second = numbers.arccos(numbers.divide(2 * (a * a + b * b), a * a + b * b + c * c + d * d) - 1)
    half_sum, half_difference = numbers.arctan2(b, a), numbers.arctan2(d, c)
    zero = numbers.like(second, 0)
    if abs(second) < _rounded(second, GIMBAL_LOCK):
        first, third = zero, 2 * half_sum - zero
    elif abs(second - _rounded(second, math.pi)) < _rounded(second, GIMBAL_LOCK):
        first, third = zero, 2 * half_difference + zero
    else:
        first, third = half_sum - half_difference, half_sum + half_difference
    if not proper:
        second, third = second - _rounded(second, math.pi / 2), third * parity
    angles = [zero] * 3
    angles[i], angles[j], angles[k] = first, second, third
    return array_of(angles, q)


def _rounded(like: Any, value: float) -> Any:
    """A constant in the precision of a number."""
    return value if isinstance(like, Dual) else type(like)(value)


def to_rpy(q: Components) -> Components:
    """The roll, pitch and yaw of a unit quaternion: the inverse of ``rotation.from_angles``."""
    x, y, z, w = q
    roll = numbers.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    one = numbers.like(x, 1)
    pitch = numbers.arcsin(scalar.clamp(2 * (w * y - z * x), -one, one))
    yaw = numbers.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return array_of([roll, pitch, yaw], q)


def twist(axis: Components, q: Components) -> Components:
    """The part of a rotation that turns about a unit axis: what is left of a swing-twist decomposition."""
    along = dot(q[:3], axis)
    return normalize(array_of([*(axis * along), q[3]], q))


def twist_angle(axis: Components, q: Components) -> Any:
    """Its angle, without a sign.

    Before 1.16 (GH-1631) as the arc cosine of the real part, which loses the digits of small angles.
    """
    if not at_least(1, 16):
        return 2 * numbers.arccos(twist(axis, q)[3])
    return 2 * numbers.arctan2(abs(dot(axis, q[:3])), q[3])


def signed_twist_angle(axis: Components, q: Components) -> Any:
    return 2 * numbers.arctan2(dot(axis, q[:3]), q[3])
