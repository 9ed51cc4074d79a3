"""What Warp's documentation promises of builtins that no formula defines: ONE table, one row per builtin.

The reference takes the value of such a builtin from Warp itself, called from Python scope, so a wrong one would be
compared with itself, or from an algorithm whose rounding nothing documents.  A promise says what must be true of it all
the same: ``u * diag(s) * v^T = a``, a range, a round trip.  It is a Python expression over the arguments and the
results, in float64 (``promised_calls`` evaluates it); the scripts of findings carry it as it stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Promise:
    """What is true of a call of a builtin.

    ``names`` names the arguments and the results ("a -> u s v"); one with a star stands for all arguments that are
    left.  ``holds`` are the expressions that are true ``given`` another one; ``says`` is where Warp says so.  They may
    use ``np``, ``eps`` (the distance from 1 to the next number of the type), the functions of ``_promise_terms``, and
    ``tolerance``, which is ``within``; ``why`` is its reason.
    ``broken`` has known bugs, each with what is true of a call that meets it, beside a broken promise.
    """

    builtin: str
    names: str
    holds: tuple[str, ...]
    says: str
    given: str = "True"
    within: str = "64 * eps"
    why: str = "a few roundings"
    broken: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def arguments(self) -> list[str]:
        return self.names.partition("->")[0].split()

    @property
    def results(self) -> list[str]:
        return self.names.partition("->")[2].split()


def _promise(builtin: str, names: str, *holds: str, says: str, **columns: Any) -> Promise:
    return Promise(builtin, names, holds, says, **columns)


_JACOBI: Mapping[str, Any] = {
    "within": "256 * eps**0.5",
    "why": "four sweeps of Jacobi's iteration, documented as an approximation: of 1,400,000 float32 matrices the worst"
    " was off by 37 * eps**0.5",
}
_RING = "near(np.linalg.norm(x), 1, tolerance)"
_BALL = "np.linalg.norm(x) <= 1 + tolerance"
_SQUARE = "np.all((-0.5 <= x) & (x < 0.5))"
_LATTICE = "not np.all(x == np.floor(x)) or n == 0"
_LATTICE_SAYS = "Perlin noise, by its definition 0 at the points of the lattice"
_REAL = "all numbers of the result are finite"

_ROWS = (
    _promise(
        "svd2", "a -> u s v",
        "near(u @ np.diag(s) @ v.T, a, tolerance)", "near(u.T @ u, np.eye(2), tolerance)",
        "near(v.T @ v, np.eye(2), tolerance)", "s[0] >= s[1] * (1 - tolerance) >= 0",
        given="moderate(a, eps)",
        says="A = U * wp.diag(sigma) * wp.transpose(V); U and V are orthogonal; singular values are nonnegative and"
        " sorted from largest to smallest",
        within="16 * eps**0.5", why="the eigenvalues of a^T a, whose smaller one loses half of the digits",
        broken={
            "svd2-of-a-rotation": "(u == np.eye(2)).all() and (v == np.eye(2)).all() and s[0] == s[1]"
            " and near(s @ s, np.sum(a * a), tolerance)",
            "svd2-of-a-singular-matrix": "np.isnan(s[1]) and near(u[:, :1] * s[0] @ v[:, :1].T, a, tolerance)"
            " and near(u.T @ u, np.eye(2), tolerance) and near(v.T @ v, np.eye(2), tolerance)",
            "svd2-of-columns-alike": "0 < abs(np.diff(np.sum(a * a, axis=0)))[0] <= 1024 * eps * abs(a[:, 0] @ a[:, 1])"
            " and near(np.nan_to_num(s), np.linalg.svd(a)[1], tolerance) and near(v.T @ v, np.eye(2), tolerance)"
            " and near(u[:, 0] * s[0], a @ v[:, 0], tolerance) and near(abs(u[:, 1]), abs(u[::-1, 0]), tolerance)",
        },
    ),
    _promise(
        "svd3", "a -> u s v",
        "near(u @ np.diag(s) @ v.T, a, tolerance)", "near(u.T @ u, np.eye(3), tolerance)",
        "near(v.T @ v, np.eye(3), tolerance)", "near([np.linalg.det(u), np.linalg.det(v)], 1, tolerance)",
        "np.all(np.diff(np.abs(s)) <= tolerance * np.max(np.abs(a)))",
        "min(s[0], s[1]) >= -tolerance * np.max(np.abs(a))",
        "abs(np.linalg.det(a)) <= tolerance * np.max(np.abs(a)) ** 3 or s[2] * np.linalg.det(a) > 0",
        given="moderate(a, eps) and (not a.any() or np.max(np.abs(a)) >= 2**-6)",
        says="A = U * wp.diag(sigma) * wp.transpose(V); U and V are orthogonal matrices with determinant +1; sigma is"
        " sorted by decreasing magnitude, its first two components are nonnegative, and the last has the sign of the"
        " determinant",
        broken={"half-precision-givens": "eps == 2**-10 and np.isnan(u).any()"},
        **_JACOBI,
    ),
    _promise(
        "qr3", "a -> q r",
        "near(q @ r, a, tolerance)", "near(q.T @ q, np.eye(3), tolerance)", "near(np.linalg.det(q), 1, tolerance)",
        "np.all(np.abs(np.tril(r, -1)) <= max(tolerance, eps**0.5) * np.max(np.abs(a)))",
        given="moderate(a, eps) and (not a.any() or np.max(np.abs(a)) >= 2**-6)",
        says="A = Q * R; Q is an orthogonal matrix with determinant +1; R is upper triangular",
        within="64 * eps if eps < 2**-10 else 2",
        why="three Givens rotations, which leave what is below 1e-6: of 1,400,000 matrices the worst was off by 17 eps;"
        " in float16 the squares of small components are 0, so that only NaN tells",
        broken={"half-precision-givens": "eps == 2**-10 and np.isnan(q).any()"},
    ),
    _promise(
        "eig3", "a -> q d",
        "near(q @ np.diag(d) @ q.T, a, tolerance)", "near(q.T @ q, np.eye(3), tolerance)",
        "near(np.linalg.det(q), 1, tolerance)",
        given="moderate(a, eps) and (a == a.T).all()",
        says="A = Q * wp.diag(d) * wp.transpose(Q) up to numerical error; the columns of Q form a right-handed"
        " orthonormal basis",
        **_JACOBI,
    ),
    _promise(
        "inverse", "a -> r",
        "near(a @ r, np.eye(len(a)), tolerance * np.linalg.cond(a) ** 2)",
        given="moderate(a, eps) and np.linalg.cond(a) ** 2 * eps < 2**-6",
        says="the product with the input is the identity in exact arithmetic",
        why="cofactors: an error grows with the square of the condition number",
    ),
    _promise(
        "quat_from_matrix", "m -> q",
        "unit(q, tolerance)", "near(rotating(q), m[:3, :3], tolerance)",
        given="rotation(m[:3, :3], eps)",
        says="a unit quaternion q such that quat_to_matrix(q) equals the top-left 3x3 block of mat",
    ),
    _promise(
        "quat_to_matrix", "q -> m",
        "near(m, rotating(q), tolerance)", "rotation(m, tolerance)",
        given="unit(q, eps)",
        says="the rotation matrix such that m @ v equals quat_rotate(quat, v)",
    ),
    _promise(
        "quat_from_axis_angle", "axis angle -> q",
        "near(q, about(axis, angle), tolerance)",
        given="unit(axis, eps) and abs(angle) <= 8",
        says="the quaternion (axis * sin(angle / 2), cos(angle / 2))",
    ),
    _promise(
        "quat_to_axis_angle", "q -> axis angle",
        "0 <= angle <= np.pi * (1 + eps)", "angle == 0 or unit(axis, tolerance)",
        "near(about(axis, angle), q, tolerance) or near(about(axis, angle), -q, tolerance)",
        given="unit(q, eps)",
        says="quat_from_axis_angle(axis, angle) equals normalize(quat) or -normalize(quat); angle is in [0, pi]",
    ),
    _promise(
        "quat_rpy", "roll pitch yaw -> q",
        "near(q, product(product(about([0, 0, 1], yaw), about([0, 1, 0], pitch)), about([1, 0, 0], roll)), tolerance)",
        given="largest(roll, pitch, yaw) <= 8",
        says="the unit quaternion qz * qy * qx",
    ),
    _promise(
        "quat_from_euler", "e a b c -> q",
        "near(q, turned(e, a, b, c, c), tolerance)",
        given="largest(e) <= 8",
        says="the unit quaternion qk * qj * qi",
    ),
    _promise(
        "quat_to_euler", "q a b c -> e",
        "near(rotating(turned(e, a, b, c, 3 - a - b if a == c else c)), rotating(q), tolerance)",
        "-tolerance <= e[int(b)] + (0 if a == c else np.pi / 2) <= np.pi + tolerance",
        "largest(e) <= 2 * np.pi + tolerance",
        given="unit(q, eps)",
        says="the same rotation as q, including at gimbal lock; where the last axis is the first, the third angle is in"
        " the place of the axis that is neither",
        within="16 * eps**0.5", why="the arc cosine loses half of the digits near gimbal lock",
    ),
    _promise(
        "quat_to_rpy", "q -> e",
        "near(rotating(turned(e, 0, 1, 2, 2)), rotating(q), tolerance)",
        "largest(e[0], e[2]) <= np.pi + tolerance", "abs(e[1]) <= np.pi / 2 + tolerance",
        given="unit(q, eps) and abs(q[3] * q[1] - q[2] * q[0]) < 0.49",
        says="the inverse of quat_rpy; near gimbal lock the returned roll and yaw are inaccurate",
        within="256 * eps", why="the arc sine, whose slope is less than 6 there",
    ),
    _promise(
        "quat_twist", "axis q -> r",
        "unit(r, tolerance)", "largest(np.cross(r[:3], axis)) <= tolerance",
        "near(r * np.hypot(axis @ q[:3], q[3]), [*(axis * (axis @ q[:3])), q[3]], tolerance)",
        given="unit(axis, eps) and unit(q, eps) and np.hypot(axis @ q[:3], q[3]) > 2**-6",
        says="the unit twist quaternion: the rotation is a twist about axis and a swing about an axis perpendicular to"
        " it",
        within="512 * eps", why="what is left of the quaternion is divided by its length, which may be small",
    ),
    _promise(
        "quat_slerp", "a b t -> q",
        "near(np.linalg.norm(q), 1, tolerance)", "t != 0 or near(abs(q @ a), 1, tolerance)",
        "t != 1 or near(abs(q @ b), 1, tolerance)",
        "near(abs(q @ a), np.cos(t * np.arccos(min(1, abs(a @ b)))), tolerance)",
        given="unit(a, eps) and unit(b, eps) and 0 <= t <= 1 and abs(a @ b) > 2**-6",
        says="the shortest arc between the two rotations at a constant angular rate; a at t = 0, b or -b at t = 1",
        within="16 * eps**0.5", why="the arc cosine loses half of the digits where two rotations are near",
    ),
    _promise(
        "transform_from_matrix", "m -> t",
        "np.array_equal(t[:3], m[:3, 3], equal_nan=True)", "near(rotating(t[3:]), m[:3, :3], tolerance)",
        given="rotation(m[:3, :3], eps)",
        says="R is the rotational part of the matrix, p its last column",
    ),
    _promise(
        "transform_compose", "p q s -> m",
        "np.array_equal(m[:3, 3], p, equal_nan=True)", "np.array_equal(m[3], [0, 0, 0, 1])",
        "near(m[:3, :3], rotating(q) * s, tolerance)",
        given="unit(q, eps) and moderate(s, eps)",
        says="M = [[s_j R_ij, p_i], [0, 1]]",
    ),
    _promise(
        "transform_decompose", "m -> p q s",
        "np.array_equal(p, m[:3, 3], equal_nan=True)",
        "near(np.abs(s), np.linalg.norm(m[:3, :3], axis=0), tolerance)", "near(np.linalg.norm(q), 1, tolerance)",
        "near(rotating(q) * s, m[:3, :3], tolerance)",
        given="orthogonal(m[:3, :3], eps)",
        says="M = [[s_j R_ij, p_i], [0, 1]] with the rotation matrix R",
        broken={
            "reflection-is-not-decomposed": "(np.linalg.det(m[:3, :3]) < 0 or not m[:3, :3].any(axis=0).all())"
            " and np.array_equal(p, m[:3, 3], equal_nan=True) and near(np.linalg.norm(q), 1, tolerance)"
            " and near(s, np.linalg.norm(m[:3, :3], axis=0), tolerance)",
        },
    ),
    _promise("randf", "state *ends -> x", "(ends or (0, 1))[0] <= x <= (ends or (0, 1 - eps))[1]",
             says="in the range [low, high), up to the rounding of low + (high - low) * randf(state)"),
    _promise("randi", "state *ends -> x", "(ends or (-(2**31), 0))[0] <= x < (ends or (0, 2**31))[1]",
             says="in the range [low, high)"),
    _promise("randu", "state *ends -> x", "(ends or (0, 0))[0] <= x < (ends or (0, 2**32))[1]",
             says="in the range [low, high)"),
    _promise("randn", "state -> x", "np.isfinite(x)", says="the standard normal distribution: " + _REAL),
    _promise("poisson", "state rate -> x", "0 <= x", "rate > 0 or x == 0", says="returns 0 when lam == 0"),
    _promise("sample_triangle", "state -> x", "np.all(x >= 0)", "np.sum(x) <= 1 + tolerance",
             says="the barycentric coordinates of a point in a triangle"),
    _promise("sample_unit_square", "state -> x", _SQUARE, says="[-0.5, 0.5)^2"),
    _promise("sample_unit_cube", "state -> x", _SQUARE, says="[-0.5, 0.5)^3"),
    _promise("sample_unit_ring", "state -> x", _RING, says="a vec2 of unit length"),
    _promise("sample_unit_disk", "state -> x", _BALL, says="radius <= 1"),
    _promise("sample_unit_sphere_surface", "state -> x", _RING, says="a vec3 of unit length"),
    _promise("sample_unit_sphere", "state -> x", _BALL, says="radius <= 1"),
    _promise("sample_unit_hemisphere_surface", "state -> x", _RING, "x[2] >= 0", says="unit length, z >= 0"),
    _promise("sample_unit_hemisphere", "state -> x", _BALL, "x[2] >= 0", says="radius <= 1, z >= 0"),
    _promise("noise", "state x -> n", "np.isfinite(n)", _LATTICE, given="np.all(abs(x) < 2**20)", says=_LATTICE_SAYS),
    _promise("pnoise", "state x *periods -> n", "np.isfinite(n)", _LATTICE,
             given="np.all((x >= 0) & (x < 2**20)) and min(periods) > 0", says=_LATTICE_SAYS),
    _promise("curlnoise", "state x octaves lacunarity gain -> n", "np.all(np.isfinite(n))",
             "octaves > 0 or not n.any()",
             given="np.all(np.abs(x) < 2**10) and largest(lacunarity, gain) <= 8",
             says="zero octaves give a zero vector; " + _REAL),
    _promise(
        "closest_point_edge_edge", "p1 q1 p2 q2 epsilon -> r",
        "0 <= r[0] <= 1", "0 <= r[1] <= 1",
        "abs(r[2] - np.linalg.norm(p1 + r[0] * (q1 - p1) - p2 - r[1] * (q2 - p2)))"
        " <= 64 * eps * largest(p1, q1, p2, q2)",
        "r[2] <= nearest(p1, q1, p2, q2, epsilon * (1 + 8 * eps)) + tolerance * largest(p1, q1, p2, q2)",
        "np.sum((q1 - p1) ** 2) > epsilon * (1 - 8 * eps) or r[0] == 0",
        "np.sum((q2 - p2) ** 2) > epsilon * (1 - 8 * eps) or r[1] == 0",
        given="largest(p1, q1, p2, q2) < 2**28 and epsilon > 2**-60",
        says="weights in [0, 1], and the distance of the two closest points; an edge whose squared length is <= epsilon"
        " is treated as a single point, its weight is 0",
        within="16 * eps**0.5", why="nearly parallel edges: of 40,000 pairs the worst was off by 0.7 * eps**0.5",
    ),
    _promise(
        "intersect_tri_tri", "v0 v1 v2 u0 u1 u2 -> r",
        "r == (separation(v0, v1, v2, u0, u1, u2) <= 0)",
        given="largest(v0, v1, v2, u0, u1, u2) < 2**30"
        " and thickness(v0, v1, v2, u0, u1, u2) > tolerance * largest(v0, v1, v2, u0, u1, u2)"
        " and abs(separation(v0, v1, v2, u0, u1, u2)) > tolerance * largest(v0, v1, v2, u0, u1, u2)",
        says="1 if the triangles intersect, 0 otherwise",
        within="eps**0.5",
        why="near-degenerate cases may be incorrect: of 40,000 pairs the worst was off by 1e-4 * eps**0.5",
        broken={
            "small-triangles-intersect": "0 < np.min(np.abs(elevations(v0, v1, v2, u0, u1, u2))) < 1.001e-6",
            "large-triangles-intersect": "eps == 2**-23 and 16 * largest(v0, v1, v2, u0, u1, u2)"
            " * np.prod(np.max(np.abs(elevations(v0, v1, v2, u0, u1, u2)), axis=1)) ** 2 >= 2**128",
        },
    ),
)  # fmt: skip

PROMISES: Mapping[str, Promise] = {row.builtin: row for row in _ROWS}

# The names of the known bugs that break a promise.
BREAKING = tuple(dict.fromkeys(bug for row in _ROWS for bug in row.broken))
