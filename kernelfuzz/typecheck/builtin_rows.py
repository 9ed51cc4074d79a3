"""The table of Warp's builtins: adding a builtin is adding a row.

``ulp`` is the bound on CUDA's error, 0 for bits: from CUDA's documentation ("CUDA C++ Programming Guide:
Mathematical Functions", the larger of the single and the double precision entry).  It is None for
compositions of such functions, for which nobody states a bound.  ``domains`` has a name of
``kernelfuzz.typecheck.domains.DOMAINS`` for each written parameter.  Rows are ordered simplest first:
shrinking moves towards the first row that yields a type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Builtin:
    """One family of signatures of one builtin.

    ``since`` names the Warp release that first has it, where that is later than the oldest supported one;
    ``mutates`` the positions of arguments that the call changes; ``where`` what its variables stand for.
    """

    name: str
    signature: str
    group: str
    keywords: str = ""
    domains: tuple[str, ...] = ()
    ulp: int | None = 0
    differentiable: bool = True
    since: str = ""
    mutates: tuple[int, ...] = ()
    where: tuple[tuple[str, str], ...] = ()


def row(
    name: str,
    signature: str,
    group: str,
    *,
    keywords: str = "",
    domains: str = "",
    ulp: int | None = 0,
    differentiable: bool = True,
    since: str = "",
    mutates: tuple[int, ...] = (),
    **where: str,
) -> Builtin:
    """A row; ``domains`` is separated by spaces, ``where`` gives the variables of the signature."""
    return Builtin(
        name=name,
        signature=signature,
        group=group,
        keywords=keywords,
        domains=tuple(domains.split()),
        ulp=ulp,
        differentiable=differentiable,
        since=since,
        mutates=mutates,
        where=tuple(where.items()),
    )


_SAME = "(S) -> S"
_SAME2 = "(S, S) -> S"

SCALAR_MATH = (
    row("abs", _SAME, "scalar", domains="negatable"),
    row("min", _SAME2, "scalar"),
    row("max", _SAME2, "scalar"),
    row("clamp", "(S, S, S) -> S", "scalar"),
    row("sign", _SAME, "scalar", differentiable=False),
    row("step", _SAME, "scalar", differentiable=False),
    row("nonzero", _SAME, "scalar", differentiable=False),
    row("floor", _SAME, "rounding", differentiable=False, S="float"),
    row("ceil", _SAME, "rounding", differentiable=False, S="float"),
    row("trunc", _SAME, "rounding", differentiable=False, S="float"),
    row("round", _SAME, "rounding", differentiable=False, S="float"),
    row("rint", _SAME, "rounding", differentiable=False, S="float"),
    row("frac", _SAME, "rounding", differentiable=False, S="float"),
    row("sqrt", _SAME, "scalar", domains="nonnegative", S="float"),
    row("cbrt", _SAME, "scalar", ulp=1, S="float"),
    row("degrees", _SAME, "scalar", S="float"),
    row("radians", _SAME, "scalar", S="float"),
    row("lerp", "(S, S, S) -> S", "scalar", S="float"),
    row("smoothstep", "(S, S, S) -> S", "scalar", domains="below above any", S="float"),
    row("sin", _SAME, "trigonometry", ulp=2, S="float"),
    row("cos", _SAME, "trigonometry", ulp=2, S="float"),
    row("tan", _SAME, "trigonometry", ulp=4, S="float"),
    row("asin", _SAME, "trigonometry", domains="unit", ulp=2, S="float"),
    row("acos", _SAME, "trigonometry", domains="unit", ulp=2, S="float"),
    row("atan", _SAME, "trigonometry", ulp=2, S="float"),
    row("atan2", _SAME2, "trigonometry", ulp=3, S="float"),
    row("sinh", _SAME, "exponential", domains="small", ulp=3, S="float"),
    row("cosh", _SAME, "exponential", domains="small", ulp=2, S="float"),
    row("tanh", _SAME, "exponential", ulp=2, S="float"),
    row("exp", _SAME, "exponential", domains="small", ulp=2, S="float"),
    row("log", _SAME, "exponential", domains="positive", ulp=1, S="float"),
    row("log2", _SAME, "exponential", domains="positive", ulp=1, S="float"),
    row("log10", _SAME, "exponential", domains="positive", ulp=2, S="float"),
    row("pow", _SAME2, "exponential", domains="positive small", ulp=4, S="float"),
    row("erf", _SAME, "exponential", ulp=2, S="float"),
    row("erfc", _SAME, "exponential", ulp=5, S="float"),
    row("erfinv", _SAME, "exponential", domains="open_unit", ulp=5, S="float"),
    row("erfcinv", _SAME, "exponential", domains="erfc_value", ulp=6, S="float"),
    row("copysign", _SAME2, "scalar", since="1.14", S="float"),
    row("isfinite", "(S) -> bool", "predicate", differentiable=False, S="float"),
    row("isnan", "(S) -> bool", "predicate", differentiable=False, S="float"),
    row("isinf", "(S) -> bool", "predicate", differentiable=False, S="float"),
)

# The operators by their names: the same code generation as the operator, reached as a call.
OPERATORS = (
    row("add", _SAME2, "operator", domains="term term"),
    row("sub", _SAME2, "operator", domains="term term"),
    row("mul", _SAME2, "operator", domains="factor factor"),
    row("div", _SAME2, "operator", domains="any divisor"),
    row("floordiv", _SAME2, "operator", domains="any divisor", differentiable=False),
    row("mod", _SAME2, "operator", domains="any divisor"),
    row("neg", _SAME, "operator", domains="negatable"),
    row("pos", _SAME, "operator"),
    row("bit_and", _SAME2, "bits", differentiable=False, S="int"),
    row("bit_or", _SAME2, "bits", differentiable=False, S="int"),
    row("bit_xor", _SAME2, "bits", differentiable=False, S="int"),
    row("invert", _SAME, "bits", differentiable=False, S="int"),
    row("lshift", _SAME2, "bits", domains="shifted shift", differentiable=False, S="int"),
    row("rshift", _SAME2, "bits", domains="any shift", differentiable=False, S="int"),
    row("unot", "(S) -> bool", "operator", differentiable=False, S="logical"),
    row("add", "(vec(n,S), vec(n,S)) -> vec(n,S)", "operator", domains="term term"),
    row("sub", "(vec(n,S), vec(n,S)) -> vec(n,S)", "operator", domains="term term"),
    row("mul", "(vec(n,S), S) -> vec(n,S)", "operator", domains="factor factor"),
    row("neg", "(vec(n,S)) -> vec(n,S)", "operator", domains="negatable"),
    row("add", "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", "operator", domains="term term"),
    row("sub", "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", "operator", domains="term term"),
    row("mul", "(mat(r,k,S), vec(k,S)) -> vec(r,S)", "operator", domains="factor factor"),
    row("mul", "(mat(r,k,S), mat(k,c,S)) -> mat(r,c,S)", "operator", domains="factor factor"),
    row("mul", "(quat(S), quat(S)) -> quat(S)", "operator", S="float"),
    row("bit_and", "(vec(n,S), vec(n,S)) -> vec(n,S)", "bits", differentiable=False, S="int"),
    row("bit_or", "(vec(n,S), vec(n,S)) -> vec(n,S)", "bits", differentiable=False, S="int"),
    row("bit_xor", "(vec(n,S), vec(n,S)) -> vec(n,S)", "bits", differentiable=False, S="int"),
    row("invert", "(vec(n,S)) -> vec(n,S)", "bits", differentiable=False, S="int"),
    row("bit_count", "(S) -> int32", "bits", differentiable=False, since="1.19", S="int"),
)

UTILITY = (
    row("where", "(bool, S, S) -> S", "choice", S="value"),
    row("where", "(bool, vec(n,S), vec(n,S)) -> vec(n,S)", "choice"),
    row("where", "(bool, mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", "choice"),
    row("where", "(bool, quat(S), quat(S)) -> quat(S)", "choice", S="float"),
    row("where", "(bool, transform(S), transform(S)) -> transform(S)", "choice", S="float"),
    row("cast", "(S) -> T", "bits", keywords="dtype=T", differentiable=False, S="bits32", T="bits32"),
    row("cast", "(S) -> T", "bits", keywords="dtype=T", differentiable=False, S="bits64", T="bits64"),
    row("cast", "(S) -> T", "bits", keywords="dtype=T", differentiable=False, S="bits16", T="bits16"),
    row("cast", "(S) -> T", "bits", keywords="dtype=T", differentiable=False, S="bits8", T="bits8"),
    row("len", "(vec(n,S)) -> int32", "size", differentiable=False),
    row("len", "(mat(r,c,S)) -> int32", "size", differentiable=False),
    row("len", "(quat(S)) -> int32", "size", differentiable=False, S="float"),
    row("len", "(transform(S)) -> int32", "size", differentiable=False, S="float"),
    row("len", "(array(S,d)) -> int32", "size", differentiable=False, S="value", d="1..4"),
    row("lower_bound", "(array(S,1), S) -> int32", "array", differentiable=False),
    row(
        "lower_bound", "(array(S,1), int32, int32, S) -> int32", "array",
        domains="any array_begin array_end any", differentiable=False,
    ),
)  # fmt: skip

VECTOR_MATH = (
    row("dot", "(vec(n,S), vec(n,S)) -> S", "vector", domains="factor factor"),
    row("length_sq", "(vec(n,S)) -> S", "vector", domains="factor"),
    row("length", "(vec(n,S)) -> S", "vector", S="float"),
    row("min", "(vec(n,S)) -> S", "vector"),
    row("max", "(vec(n,S)) -> S", "vector"),
    row("argmin", "(vec(n,S)) -> uint32", "vector", differentiable=False),
    row("argmax", "(vec(n,S)) -> uint32", "vector", differentiable=False),
    row("abs", "(vec(n,S)) -> vec(n,S)", "vector", domains="negatable"),
    row("sign", "(vec(n,S)) -> vec(n,S)", "vector", differentiable=False),
    row("min", "(vec(n,S), vec(n,S)) -> vec(n,S)", "vector"),
    row("max", "(vec(n,S), vec(n,S)) -> vec(n,S)", "vector"),
    row("cw_mul", "(vec(n,S), vec(n,S)) -> vec(n,S)", "vector", domains="factor factor"),
    row("cw_div", "(vec(n,S), vec(n,S)) -> vec(n,S)", "vector", domains="any divisor"),
    row("mod", "(vec(n,S), vec(n,S)) -> vec(n,S)", "vector", domains="any divisor", differentiable=False),
    row("cross", "(vec(3,S), vec(3,S)) -> vec(3,S)", "vector", domains="factor factor"),
    row("normalize", "(vec(n,S)) -> vec(n,S)", "vector", S="float"),
    row("lerp", "(vec(n,S), vec(n,S), S) -> vec(n,S)", "vector", S="float"),
    row("vector", "(S*n) -> vec(n,S)", "vector"),
    row("vector", "(S) -> vec(n,S)", "vector", keywords="length=n"),
    row("isfinite", "(vec(n,S)) -> bool", "predicate", differentiable=False, S="float"),
    row("isnan", "(vec(n,S)) -> bool", "predicate", differentiable=False, S="float"),
    row("isinf", "(vec(n,S)) -> bool", "predicate", differentiable=False, S="float"),
    row("norm_l1", "(vec(n,S)) -> S", "vector", S="single"),
    row("norm_l2", "(vec(n,S)) -> S", "vector", S="float"),
    row("norm_huber", "(vec(n,S), S) -> S", "vector", domains="any positive", S="single"),
    row("norm_pseudo_huber", "(vec(n,S), S) -> S", "vector", domains="any positive", S="single"),
    row("smooth_normalize", "(vec(n,S), S) -> vec(n,S)", "vector", domains="any positive", S="single"),
)

MATRIX_MATH = (
    row("trace", "(mat(n,n,S)) -> S", "matrix", domains="term"),
    row("determinant", "(mat(n,n,S)) -> S", "matrix", S="float", n="2..4"),
    row("ddot", "(mat(r,c,S), mat(r,c,S)) -> S", "matrix", domains="factor factor"),
    row("get_diag", "(mat(n,n,S)) -> vec(n,S)", "matrix"),
    row("transpose", "(mat(c,r,S)) -> mat(r,c,S)", "matrix"),
    row("identity", "() -> mat(n,n,S)", "matrix", keywords="n=n, dtype=S", differentiable=False),
    row("diag", "(vec(n,S)) -> mat(n,n,S)", "matrix"),
    row("skew", "(vec(3,S)) -> mat(3,3,S)", "matrix", domains="negatable"),
    row("outer", "(vec(r,S), vec(c,S)) -> mat(r,c,S)", "matrix", domains="factor factor"),
    row("cw_mul", "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", "matrix", domains="factor factor"),
    row("cw_div", "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", "matrix", domains="any divisor"),
    row("inverse", "(mat(n,n,S)) -> mat(n,n,S)", "matrix", S="float", n="2..4"),
    row(
        "inverse_approx", "(mat(n,n,S)) -> mat(n,n,S)", "matrix",
        ulp=None, since="1.14", S="float", n="2..4",
    ),
    row("lerp", "(mat(r,c,S), mat(r,c,S), S) -> mat(r,c,S)", "matrix", S="float"),
    # Warp 1.10 has these two, but does not take an element of an array or a field of a struct as argument.
    row("matrix_from_rows", "(vec(c,S)*r) -> mat(r,c,S)", "matrix", since="1.14"),
    row("matrix_from_cols", "(vec(r,S)*c) -> mat(r,c,S)", "matrix", since="1.14"),
    row("matrix", "(S*r*c) -> mat(r,c,S)", "matrix", keywords="shape=(r,c)"),
    row("matrix", "(S) -> mat(r,c,S)", "matrix", keywords="shape=(r,c)"),
    row("isfinite", "(mat(r,c,S)) -> bool", "predicate", differentiable=False, S="float"),
    row("isnan", "(mat(r,c,S)) -> bool", "predicate", differentiable=False, S="float"),
    row("isinf", "(mat(r,c,S)) -> bool", "predicate", differentiable=False, S="float"),
    row("svd2", "(mat(2,2,S)) -> (mat(2,2,S), vec(2,S), mat(2,2,S))", "decomposition", ulp=None, S="float"),
    row("svd3", "(mat(3,3,S)) -> (mat(3,3,S), vec(3,S), mat(3,3,S))", "decomposition", ulp=None, S="float"),
    row("qr3", "(mat(3,3,S)) -> (mat(3,3,S), mat(3,3,S))", "decomposition", ulp=None, S="float"),
    row("eig3", "(mat(3,3,S)) -> (mat(3,3,S), vec(3,S))", "decomposition", ulp=None, S="float"),
)  # fmt: skip

QUATERNION_MATH = (
    row("quat_identity", "() -> quat(S)", "quaternion", keywords="dtype=S", differentiable=False, S="float"),
    row("quat_identity", "() -> quat(float32)", "quaternion", differentiable=False),
    row("quat_inverse", "(quat(S)) -> quat(S)", "quaternion", S="float"),
    row("normalize", "(quat(S)) -> quat(S)", "quaternion", S="float"),
    row("dot", "(quat(S), quat(S)) -> S", "quaternion", S="float"),
    row("length", "(quat(S)) -> S", "quaternion", S="float"),
    row("length_sq", "(quat(S)) -> S", "quaternion", S="float"),
    row("lerp", "(quat(S), quat(S), S) -> quat(S)", "quaternion", S="float"),
    row("quaternion", "(vec(3,S), S) -> quat(S)", "quaternion", S="float"),
    row("quat_rotate", "(quat(S), vec(3,S)) -> vec(3,S)", "quaternion", S="float"),
    row("quat_rotate_inv", "(quat(S), vec(3,S)) -> vec(3,S)", "quaternion", S="float"),
    row("quat_from_axis_angle", "(vec(3,S), S) -> quat(S)", "quaternion", ulp=None, S="float"),
    row("quat_to_axis_angle", "(quat(S)) -> (vec(3,S), S)", "quaternion", ulp=None, S="float"),
    row("quat_to_matrix", "(quat(S)) -> mat(3,3,S)", "quaternion", S="float"),
    row("quat_from_matrix", "(mat(3,3,S)) -> quat(S)", "quaternion", S="float"),
    row("quat_from_matrix", "(mat(4,4,S)) -> quat(S)", "quaternion", S="float"),
    row("quat_rpy", "(S, S, S) -> quat(S)", "quaternion", ulp=None, S="float"),
    row("quat_slerp", "(quat(S), quat(S), S) -> quat(S)", "quaternion", ulp=None, S="float"),
    row("isfinite", "(quat(S)) -> bool", "predicate", differentiable=False, S="float"),
    row("isnan", "(quat(S)) -> bool", "predicate", differentiable=False, S="float"),
    row("isinf", "(quat(S)) -> bool", "predicate", differentiable=False, S="float"),
)

TRANSFORM_MATH = (
    row(
        "transform_identity",
        "() -> transform(S)",
        "transform",
        keywords="dtype=S",
        differentiable=False,
        S="float",
    ),
    row("transform_identity", "() -> transform(float32)", "transform", differentiable=False),
    row("transform_get_translation", "(transform(S)) -> vec(3,S)", "transform", S="float"),
    row("transform_get_rotation", "(transform(S)) -> quat(S)", "transform", S="float"),
    row("transformation", "(vec(3,S), quat(S)) -> transform(S)", "transform", S="float"),
    row("transform_inverse", "(transform(S)) -> transform(S)", "transform", S="float"),
    row("transform_multiply", "(transform(S), transform(S)) -> transform(S)", "transform", S="float"),
    row("transform_point", "(transform(S), vec(3,S)) -> vec(3,S)", "transform", S="float"),
    row("transform_point", "(mat(4,4,S), vec(3,S)) -> vec(3,S)", "transform", S="float"),
    row("transform_vector", "(transform(S), vec(3,S)) -> vec(3,S)", "transform", S="float"),
    row("transform_vector", "(mat(4,4,S), vec(3,S)) -> vec(3,S)", "transform", S="float"),
    row("lerp", "(transform(S), transform(S), S) -> transform(S)", "transform", S="float"),
    row("transform_from_matrix", "(mat(4,4,S)) -> transform(S)", "transform", S="float"),
    row("transform_to_matrix", "(transform(S)) -> mat(4,4,S)", "transform", S="float"),
    row("transform_compose", "(vec(3,S), quat(S), vec(3,S)) -> mat(4,4,S)", "transform", S="float"),
    row("transform_decompose", "(mat(4,4,S)) -> (vec(3,S), quat(S), vec(3,S))", "transform", S="float"),
)

SPATIAL_MATH = (
    row("spatial_vector", "(vec(3,S), vec(3,S)) -> vec(6,S)", "spatial", S="single"),
    row("spatial_top", "(vec(6,S)) -> vec(3,S)", "spatial", S="float"),
    row("spatial_bottom", "(vec(6,S)) -> vec(3,S)", "spatial", S="float"),
    row("spatial_dot", "(vec(6,S), vec(6,S)) -> S", "spatial", S="float"),
    row("spatial_cross", "(vec(6,S), vec(6,S)) -> vec(6,S)", "spatial", S="float"),
    row("spatial_cross_dual", "(vec(6,S), vec(6,S)) -> vec(6,S)", "spatial", S="float"),
    row("spatial_adjoint", "(mat(3,3,S), mat(3,3,S)) -> mat(6,6,S)", "spatial", S="float"),
)

# ``rand_init`` makes a state from a seed; every other one advances the state that it is given, in place.
_DRAW: dict[str, Any] = {"group": "random", "differentiable": False, "mutates": (0,)}
RANDOM = (
    row("rand_init", "(int32) -> uint32", "random", differentiable=False),
    row("rand_init", "(int32, int32) -> uint32", "random", differentiable=False),
    row("randi", "(uint32) -> int32", **_DRAW),
    row("randi", "(uint32, int32, int32) -> int32", domains="any below above", **_DRAW),
    row("randu", "(uint32) -> uint32", **_DRAW),
    row("randu", "(uint32, uint32, uint32) -> uint32", domains="any below above", **_DRAW),
    row("randf", "(uint32) -> float32", **_DRAW),
    row("randf", "(uint32, float32, float32) -> float32", domains="any below above", **_DRAW),
    row("randn", "(uint32) -> float32", ulp=None, **_DRAW),
    row("sample_triangle", "(uint32) -> vec(2,float32)", **_DRAW),
    row("sample_unit_square", "(uint32) -> vec(2,float32)", **_DRAW),
    row("sample_unit_cube", "(uint32) -> vec(3,float32)", **_DRAW),
    row("sample_unit_ring", "(uint32) -> vec(2,float32)", ulp=None, **_DRAW),
    row("sample_unit_disk", "(uint32) -> vec(2,float32)", ulp=None, **_DRAW),
    row("sample_unit_sphere_surface", "(uint32) -> vec(3,float32)", ulp=None, **_DRAW),
    row("sample_unit_sphere", "(uint32) -> vec(3,float32)", ulp=None, **_DRAW),
    row("sample_unit_hemisphere_surface", "(uint32) -> vec(3,float32)", ulp=None, **_DRAW),
    row("sample_unit_hemisphere", "(uint32) -> vec(3,float32)", ulp=None, **_DRAW),
    row("sample_cdf", "(uint32, array(float32,1)) -> int32", **_DRAW),
    row("poisson", "(uint32, float32) -> uint32", domains="any rate", ulp=None, **_DRAW),
)

NOISE = (
    row("noise", "(uint32, float32) -> float32", "noise", domains="any small"),
    row("noise", "(uint32, vec(n,float32)) -> float32", "noise", domains="any small", n="2..4"),
    row("pnoise", "(uint32, float32, int32) -> float32", "noise", domains="any small period"),
    row(
        "pnoise", "(uint32, vec(2,float32), int32, int32) -> float32", "noise",
        domains="any small period period",
    ),
    row(
        "pnoise", "(uint32, vec(3,float32), int32, int32, int32) -> float32", "noise",
        domains="any small period period period",
    ),
    row(
        "pnoise", "(uint32, vec(4,float32), int32, int32, int32, int32) -> float32", "noise",
        domains="any small period period period period",
    ),
    row(
        "curlnoise", "(uint32, vec(n,float32), uint32, float32, float32) -> vec(n,float32)", "noise",
        domains="any small octaves small small", n="2..3",
    ),
    row(
        "curlnoise", "(uint32, vec(4,float32), uint32, float32, float32) -> vec(3,float32)", "noise",
        domains="any small octaves small small",
    ),
)  # fmt: skip

GEOMETRY = (
    row(
        "closest_point_edge_edge",
        "(vec(3,float32), vec(3,float32), vec(3,float32), vec(3,float32), float32) -> vec(3,float32)",
        "geometry", domains="any any any any positive",
    ),
    row(
        "intersect_tri_tri", "(vec(3,S), vec(3,S), vec(3,S), vec(3,S), vec(3,S), vec(3,S)) -> int32",
        "geometry", differentiable=False, S="wide",
    ),
)  # fmt: skip

# The index arguments come between the array and the value, as many as the array has dimensions.
ATOMIC = (
    row("atomic_add", "(array(S,d), int32*d, S) -> S", "atomic", domains="any index term", S="atomic_sum"),
    row("atomic_sub", "(array(S,d), int32*d, S) -> S", "atomic", domains="any index term", S="atomic_sum"),
    row("atomic_min", "(array(S,d), int32*d, S) -> S", "atomic", domains="any index any", S="atomic"),
    row("atomic_max", "(array(S,d), int32*d, S) -> S", "atomic", domains="any index any", S="atomic"),
    row(
        "atomic_exch", "(array(S,d), int32*d, S) -> S", "atomic", domains="any index any",
        differentiable=False, S="atomic",
    ),
    row(
        "atomic_cas", "(array(S,d), int32*d, S, S) -> S", "atomic", domains="any index any any",
        differentiable=False, S="atomic",
    ),
    *(
        row(
            name, "(array(S,d), int32*d, S) -> S", "atomic", domains="any index any",
            differentiable=False, S="atomic_bits",
        )
        for name in ("atomic_and", "atomic_or", "atomic_xor")
    ),
    *(
        row(name, f"(array({value},d), int32*d, {value}) -> {value}", "atomic",
            domains=f"any index {domain}", S=dtypes)
        for name, domain, dtypes in (
            ("atomic_add", "term", "atomic_sum"), ("atomic_sub", "term", "atomic_sum"),
            ("atomic_min", "any", "atomic"), ("atomic_max", "any", "atomic"),
        )
        for value in ("vec(n,S)", "mat(r,c,S)")
    ),
    *(
        row(name, f"(array({value},d), int32*d, {value}) -> {value}", "atomic",
            domains="any index any", S="float")
        for name in ("atomic_add", "atomic_sub")
        for value in ("quat(S)", "transform(S)")
    ),
)  # fmt: skip

ROWS: tuple[Builtin, ...] = (
    *SCALAR_MATH,
    *UTILITY,
    *VECTOR_MATH,
    *MATRIX_MATH,
    *QUATERNION_MATH,
    *TRANSFORM_MATH,
    *SPATIAL_MATH,
    *OPERATORS,
    *RANDOM,
    *NOISE,
    *GEOMETRY,
    *ATOMIC,
)
