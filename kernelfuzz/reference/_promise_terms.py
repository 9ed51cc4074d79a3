"""The terms of promises (``kernelfuzz.reference.promises``): numpy only, as scripts carry the text of what they use."""

import numpy as np


def near(left, right, tolerance):
    """Whether no component differs by more than this part of the largest component of what it must be."""
    return bool(np.all(np.abs(np.asarray(left) - right) <= tolerance * np.max(np.abs(right))))


def moderate(a, eps):
    """Whether the fourth powers of the largest component stay far from overflow and underflow."""
    most = {2**-10: 2.0**2, 2**-23: 2.0**30}.get(eps, 2.0**254)
    size = np.max(np.abs(a))
    return bool(size == 0 or 1 / most <= size <= most)


def largest(*points):
    """The largest component of vectors, without its sign."""
    return np.max(np.abs(points))


def unit(v, eps):
    """Whether a vector or quaternion has length 1, as far as rounding its components lets it have."""
    return bool(abs(np.linalg.norm(v) - 1) <= 4 * eps)


def rotation(m, eps):
    """Whether a matrix is orthonormal with determinant +1, as far as rounding its components lets it be."""
    return bool(np.all(np.abs(m @ m.T - np.eye(3)) <= 8 * eps) and np.linalg.det(m) > 0)


def product(p, q):
    """The Hamilton product of two quaternions (x, y, z, w)."""
    return np.array([*(p[3] * q[:3] + q[3] * p[:3] + np.cross(p[:3], q[:3])), p[3] * q[3] - p[:3] @ q[:3]])


def about(axis, angle):
    """The quaternion of a rotation; its axis does not matter where its angle is 0."""
    return (
        np.array([0, 0, 0, 1]) if angle == 0 else np.array([*(np.sin(angle / 2) * np.asarray(axis)), np.cos(angle / 2)])
    )


def rotating(q):
    """The matrix whose columns are the axes, turned by a unit quaternion."""
    turn = 2 * np.cross(q[:3], np.eye(3))
    return (np.eye(3) + q[3] * turn + np.cross(q[:3], turn)).T


def gap(v0, v1, v2, u0, u1, u2):
    """How far the boxes of two triangles are apart along an axis; negative where they overlap."""
    v, u = [v0, v1, v2], [u0, u1, u2]
    return np.max([np.min(v, axis=0) - np.max(u, axis=0), np.min(u, axis=0) - np.max(v, axis=0)])


def parting(p1, q1, p2, q2):
    """The distance of two edges, at weights that divide each into sixteen parts."""
    s, t = np.meshgrid(np.linspace(0, 1, 17), np.linspace(0, 1, 17))
    between = p1 + s[..., None] * (q1 - p1) - p2 - t[..., None] * (q2 - p2)
    return np.min(np.linalg.norm(between, axis=-1))
