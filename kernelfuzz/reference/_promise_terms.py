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


def orthogonal(m, eps):
    """Whether the columns of a matrix are orthogonal, as far as rounding lets them be, and of moderate size or zero."""
    lengths = np.linalg.norm(m, axis=0)
    turned = m / np.where(lengths > 0, lengths, 1)
    right = np.all(np.abs(turned.T @ turned)[~np.eye(3, dtype=bool)] <= 8 * eps)
    return bool(right and all(moderate(column, eps) for column in m.T))


def product(p, q):
    """The Hamilton product of two quaternions (x, y, z, w)."""
    return np.array([*(p[3] * q[:3] + q[3] * p[:3] + np.cross(p[:3], q[:3])), p[3] * q[3] - p[:3] @ q[:3]])


def about(axis, angle):
    """The quaternion of a rotation; its axis does not matter where its angle is 0."""
    return (
        np.array([0, 0, 0, 1]) if angle == 0 else np.array([*(np.sin(angle / 2) * np.asarray(axis)), np.cos(angle / 2)])
    )


def turned(e, a, b, c, third):
    """The quaternion of rotations about the fixed axes a, b and c, by e[a], e[b] and e[third]."""
    turns = [about(np.eye(3)[int(axis)], e[int(at)]) for axis, at in ((a, a), (b, b), (c, third))]
    return product(turns[2], product(turns[1], turns[0]))


def rotating(q):
    """The matrix whose columns are the axes, turned by a unit quaternion."""
    turn = 2 * np.cross(q[:3], np.eye(3))
    return (np.eye(3) + q[3] * turn + np.cross(q[:3], turn)).T


def thickness(*triangles):
    """The smallest height of any of these triangles, by their corners: 0 where one is no more than an edge."""
    heights = []
    for a, b, c in np.reshape(triangles, (-1, 3, 3)):
        longest = np.max(np.linalg.norm([b - a, c - b, a - c], axis=1))
        heights.append(np.linalg.norm(np.cross(b - a, c - a)) / longest if longest else 0.0)
    return min(heights)


def separation(v0, v1, v2, u0, u1, u2):
    """How far apart two triangles are, along the axis that separates them best; negative where none does."""
    v, u = np.array([v0, v1, v2]), np.array([u0, u1, u2])
    e, f = np.roll(v, -1, axis=0) - v, np.roll(u, -1, axis=0) - u
    n, m = np.cross(e[0], e[1]), np.cross(f[0], f[1])
    axes = np.array([n, m, *np.cross(e[:, None], f).reshape(9, 3), *np.cross(n, e), *np.cross(m, f)])
    lengths = np.linalg.norm(axes, axis=1)
    axes = axes[lengths > 0] / lengths[lengths > 0][:, None]
    on_v, on_u = v @ axes.T, u @ axes.T
    return np.max([on_u.min(axis=0) - on_v.max(axis=0), on_v.min(axis=0) - on_u.max(axis=0)])


def elevations(v0, v1, v2, u0, u1, u2):
    """The heights of the corners of either triangle above the other, times twice the area of that: shape (2, 3)."""
    return np.array(
        [
            [np.cross(v1 - v0, v2 - v0) @ (u - v0) for u in (u0, u1, u2)],
            [np.cross(u1 - u0, u2 - u0) @ (v - u0) for v in (v0, v1, v2)],
        ]
    )


def nearest(p1, q1, p2, q2, epsilon):
    """The distance of two edges, where one whose squared length is not above ``epsilon`` is its first point."""
    d, e = (q - p if np.sum((q - p) ** 2) > epsilon else 0 * p for p, q in ((p1, q1), (p2, q2)))
    r = p1 - p2
    products = np.array([[d @ d, -(d @ e)], [-(d @ e), e @ e]])
    inside = np.linalg.solve(products, [-(d @ r), e @ r]) if np.linalg.det(products) > 0 else np.full(2, -1)
    pairs = [tuple(inside)] if np.all((inside >= 0) & (inside <= 1)) else []
    for end in (0, 1):
        pairs.append((end, np.clip(e @ (r + end * d) / (e @ e), 0, 1) if e.any() else 0))
        pairs.append((np.clip(d @ (end * e - r) / (d @ d), 0, 1) if d.any() else 0, end))
    return min([np.linalg.norm(r + s * d - t * e) for s, t in pairs])
