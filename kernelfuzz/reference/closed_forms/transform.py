"""Closed forms over transforms (a translation p, then a rotation q) and spatial vectors."""

from __future__ import annotations

import numpy as np

from kernelfuzz.ir.types import Transform
from kernelfuzz.reference.closed_forms import quaternion
from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.reference.closed_forms.matrix import apply
from kernelfuzz.reference.closed_forms.numbers import Components, array_of, like
from kernelfuzz.reference.closed_forms.scalar import FORMS as SCALAR
from kernelfuzz.reference.closed_forms.vector import cross, dot, lerp
from kernelfuzz.typecheck.builtins import Signature


def _identity(signature: Signature) -> Components:
    result = signature.result
    assert isinstance(result, Transform)
    return np.array([0, 0, 0, 0, 0, 0, 1], dtype=result.dtype.name)


def _joined(*parts: Components) -> Components:
    return array_of([x for part in parts for x in part], parts[0])


def _translation(t: Components) -> Components:
    return t[:3]


def _rotation(t: Components) -> Components:
    return t[3:]


def _inverse(t: Components) -> Components:
    conjugate = quaternion.conjugate(t[3:])
    return _joined(-quaternion.rotate(conjugate, t[:3]), conjugate)


def _multiply(a: Components, b: Components) -> Components:
    return _joined(quaternion.rotate(a[3:], b[:3]) + a[:3], quaternion.multiply(a[3:], b[3:]))


def _point(t: Components, v: Components) -> Components:
    return t[:3] + quaternion.rotate(t[3:], v)


def _vector(t: Components, v: Components) -> Components:
    return quaternion.rotate(t[3:], v)


def _affine_point(m: Components, v: Components) -> Components:
    return apply(m[:3], array_of([*v, like(v[0], 1)], v))


def _affine_vector(m: Components, v: Components) -> Components:
    return apply(m[:3], array_of([*v, like(v[0], 0)], v))


def _affine(linear: Components, p: Components) -> Components:
    result = np.empty((4, 4), dtype=p.dtype)
    result[:3, :3], result[:3, 3] = linear, p
    result[3] = array_of([like(p[0], value) for value in (0, 0, 0, 1)], p)
    return result


def _to_matrix(t: Components) -> Components:
    return _affine(quaternion.to_matrix(t[3:]), t[:3])


def _compose(p: Components, q: Components, scale: Components) -> Components:
    return _affine(quaternion.to_matrix(q) * scale, p)


def _spatial_cross(a: Components, b: Components) -> Components:
    return _joined(cross(a[:3], b[:3]), cross(a[3:], b[:3]) + cross(a[:3], b[3:]))


def _spatial_cross_dual(a: Components, b: Components) -> Components:
    return _joined(cross(a[:3], b[:3]) + cross(a[3:], b[3:]), cross(a[:3], b[3:]))


def _adjoint(r: Components, s: Components) -> Components:
    result = np.empty((6, 6), dtype=r.dtype)
    result[:] = like(r[0, 0], 0)
    result[:3, :3] = result[3:, 3:] = r
    result[3:, :3] = s
    return result


FORMS: dict[str, Form] = {
    "transform_identity": Form(_identity, "Built-ins, transform_identity", exact=True, typed=True),
    "transform_get_translation": Form(_translation, "Built-ins, transform_get_translation", exact=True),
    "transform_get_rotation": Form(_rotation, "Built-ins, transform_get_rotation", exact=True),
    "transformation": Form(_joined, "Built-ins, transformation", exact=True),
    "transform_inverse": Form(_inverse, "Built-ins, transform_inverse"),
    "transform_multiply": Form(_multiply, "Built-ins, transform_multiply: (a.p + rotate(a.q, b.p), a.q * b.q)"),
    "transform_point": Form(_point, "Built-ins, transform_point: quat_rotate(xform.q, point) + xform.p"),
    "transform_vector": Form(_vector, "Built-ins, transform_vector: quat_rotate(xform.q, vec)"),
    "lerp": Form(lerp, "Built-ins, lerp: a*(1-t) + b*t", exact=True),
    "transform_to_matrix": Form(_to_matrix, "Built-ins, transform_to_matrix"),
    "where": SCALAR["where"],
    "len": Form(len, "Built-ins, len: the number of elements", exact=True),
}

# Of a 4x4 matrix, and of vectors.
AFFINE: dict[str, Form] = {
    "transform_point": Form(_affine_point, "Built-ins, transform_point: mat * (point, 1)", exact=True),
    "transform_vector": Form(_affine_vector, "Built-ins, transform_vector: mat * (vec, 0)", exact=True),
    "spatial_adjoint": Form(_adjoint, "Built-ins, spatial_adjoint: [[r, 0], [s, r]]", exact=True),
}
VECTORS: dict[str, Form] = {
    "transformation": Form(_joined, "Built-ins, transformation", exact=True),
    "transform_compose": Form(_compose, "Built-ins, transform_compose: R_ij s_j, p"),
    "spatial_vector": Form(_joined, "Built-ins, spatial_vector", exact=True),
    "spatial_top": Form(lambda a: a[:3], "Built-ins, spatial_top", exact=True),
    "spatial_bottom": Form(lambda a: a[3:], "Built-ins, spatial_bottom", exact=True),
    "spatial_dot": Form(dot, "Built-ins, spatial_dot", exact=True),
    "spatial_cross": Form(_spatial_cross, "Built-ins, spatial_cross", exact=True),
    "spatial_cross_dual": Form(_spatial_cross_dual, "Built-ins, spatial_cross_dual", exact=True),
}
