"""Which closed form a signature has: by the name of the builtin and the kind of its arguments."""

from __future__ import annotations

from kernelfuzz.ir import types as t
from kernelfuzz.reference.closed_forms import matrix, quaternion, random, scalar, transform, vector
from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.typecheck.builtins import Signature

SCALARS = {
    **scalar.FORMS,
    **random.FORMS,
    "vector": vector.FORMS["vector"],
    "matrix": matrix.FORMS["matrix"],
    "quat_rpy": quaternion.FORMS["quat_rpy"],
}
# A vector may come with a quaternion or a scalar behind it.
VECTORS = {
    **vector.FORMS,
    **transform.VECTORS,
    **{name: matrix.FORMS[name] for name in ("diag", "skew", "outer", "matrix_from_rows", "matrix_from_cols")},
    **{name: quaternion.FORMS[name] for name in ("quaternion", "quat_from_axis_angle")},
}
MATRICES = {**matrix.FORMS, **transform.AFFINE}
CONSTANTS = {
    "identity": matrix.FORMS["identity"],
    "quat_identity": quaternion.FORMS["quat_identity"],
    "transform_identity": transform.FORMS["transform_identity"],
}

# Builtins without a closed form, with the reason.
WITHOUT: dict[str, str] = {
    "svd2": "an iteration; the factors are unique up to signs only",
    "svd3": "an iteration; the factors are unique up to signs only",
    "qr3": "an iteration; the factors are unique up to signs only",
    "eig3": "an iteration; the factors are unique up to order and signs only",
    "quat_from_matrix": "documented for rotation matrices only, and up to the sign",
    "transform_from_matrix": "documented for rotation matrices only, and up to the sign",
    "transform_decompose": "documented for scaled rotation matrices only, and up to the sign",
    "quat_slerp": "documented for unit quaternions only",
    "cast": "reinterprets bits: done by the interpreter",
    "lower_bound": "searches an array: done by the interpreter",
    "sample_cdf": "searches an array: done by the interpreter",
    "randn": "random numbers: only their distribution is documented",
    "sample_triangle": "random numbers: only their distribution is documented",
    "sample_unit_square": "random numbers: only their distribution is documented",
    "sample_unit_cube": "random numbers: only their distribution is documented",
    "sample_unit_ring": "random numbers: only their distribution is documented",
    "sample_unit_disk": "random numbers: only their distribution is documented",
    "sample_unit_sphere_surface": "random numbers: only their distribution is documented",
    "sample_unit_sphere": "random numbers: only their distribution is documented",
    "sample_unit_hemisphere_surface": "random numbers: only their distribution is documented",
    "sample_unit_hemisphere": "random numbers: only their distribution is documented",
    "poisson": "random numbers: only their distribution is documented",
    "noise": "no formula is documented",
    "pnoise": "no formula is documented",
    "curlnoise": "no formula is documented",
    "closest_point_edge_edge": "a case analysis of which no formula is documented",
    "intersect_tri_tri": "Moeller's test: a case analysis without tolerances that are documented",
}


def _table(type_: t.Type | None) -> dict[str, Form]:
    match type_:
        case t.Scalar():
            return SCALARS
        case t.Vector():
            return VECTORS
        case t.Matrix():
            return MATRICES
        case t.Quaternion():
            return quaternion.FORMS
        case t.Transform():
            return transform.FORMS
        case None:
            return CONSTANTS
        case _:
            return {}


def form(signature: Signature) -> Form | None:
    """The closed form of a builtin, or None where it has none (``WITHOUT`` and the atomics say why)."""
    return _table(signature.params[0] if signature.params else None).get(signature.name)
