"""The table of Warp's builtins, one row each (the columns: ``kernelfuzz.typecheck.builtin_columns``).

Rows are ordered simplest first: shrinking moves towards the first row that yields a type.
"""

from __future__ import annotations

from typing import Any

from kernelfuzz.typecheck.builtin_columns import Builtin, Closed, row
from kernelfuzz.typecheck.random_rows import NOISE, RANDOM

_SAME = "(S) -> S"
_SAME2 = "(S, S) -> S"
_SAME3 = "(S, S, S) -> S"
_VECTOR = "(vec(n,S)) -> vec(n,S)"
_VECTOR2 = "(vec(n,S), vec(n,S)) -> vec(n,S)"
_MATRIX2 = "(mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)"
_SQUARE = "(mat(n,n,S)) -> mat(n,n,S)"

# Why a closed form is evaluated instead of Warp's own function.
_MISSING = Closed("Python scope has no such function")
_A_TYPE = Closed("in Python scope the name is a type")
_RAISES = Closed("raises AttributeError in Python scope (up to Warp 1.19)")
_IN_DOUBLE = Closed("Python code in Python scope: computes in double precision and rounds at the end")
_PYTHON_CODE = Closed("Python code in Python scope")
_OF_BUILTINS = Closed("Python code in Python scope", of_builtins=True)
_MOVES = Closed("moves components only")
_FASTER = Closed("exactly defined, and faster")
_INTEGERS = Closed("exactly defined, and faster", only_integers=True)
_INTEGERS_MISSING = Closed("exactly defined, and most of it not in Python scope", only_integers=True)

_MATHEMATICS = "Built-ins; the mathematical function"
_OPERATOR = "the operator of the same name; Limitations, Modulus Operator"
_EACH = ", element-wise"
_LERP = "a*(1-t) + b*t"

# Families of rows with some columns in common.
_MATH: dict[str, Any] = {"source": _MATHEMATICS, "S": "float"}
_ROUNDING: dict[str, Any] = {"group": "rounding", "differentiable": False, "closed": _FASTER, "S": "float"}
_PREDICATE: dict[str, Any] = {"group": "predicate", "differentiable": False, "closed": _RAISES, "S": "float"}
_BITS: dict[str, Any] = {"group": "bits", "differentiable": False, "source": _OPERATOR, "closed": _INTEGERS, "S": "int"}
_WHERE: dict[str, Any] = {"group": "choice", "range": "whole", "exact": "scalar.where", "closed": _MISSING}
_CAST: dict[str, Any] = {
    "group": "bits", "keywords": "dtype=T", "range": "whole", "differentiable": False,
    "without": "reinterprets bits: done by the interpreter",
}  # fmt: skip
_LEN: dict[str, Any] = {"group": "size", "range": "2..16", "differentiable": False, "closed": _MISSING}
_SEARCH: dict[str, Any] = {
    "group": "array", "range": "whole", "differentiable": False,
    "without": "searches an array: done by the interpreter",
}  # fmt: skip
_FACTORS: dict[str, Any] = {"domains": "factor factor", "closed": _INTEGERS_MISSING}

SCALAR_MATH = (
    row("abs", _SAME, "scalar", "absolute values", domains="negatable", range="abs", exact="operator.abs",
        closed=_FASTER),
    row("min", _SAME2, "scalar", "minima", range="hull", exact="numbers.smaller", says="C's fmin", closed=_INTEGERS),
    row("max", _SAME2, "scalar", "maxima", range="hull", exact="numbers.larger", says="C's fmax", closed=_INTEGERS),
    row("clamp", _SAME3, "scalar", "clamped values", range="hull", exact="scalar.clamp", says="min(max(low, x), high)",
        closed=_INTEGERS),
    row("sign", _SAME, "scalar", "signs", range="-1..1", differentiable=False, exact="scalar.sign",
        says="-1 if x < 0 and 1 otherwise", closed=_FASTER),
    row("step", _SAME, "scalar", "step functions", range="0..1", differentiable=False, exact="scalar.step",
        says="1.0 if x < 0.0, otherwise 0.0", closed=_FASTER),
    row("nonzero", _SAME, "scalar", "tests for zero", range="0..1", differentiable=False, exact="scalar.nonzero",
        closed=_FASTER),
    row("floor", _SAME, word="values rounded down", exact="numbers.floor", **_ROUNDING),
    row("ceil", _SAME, word="values rounded up", exact="numbers.ceil", **_ROUNDING),
    row("trunc", _SAME, word="truncated values", exact="numbers.trunc", **_ROUNDING),
    row("round", _SAME, word="rounded values", exact="numbers.round_away", says="halfway cases away from zero",
        **_ROUNDING),
    row("rint", _SAME, word="rounded values", exact="numbers.rint", says="halfway cases to the nearest even integer",
        **_ROUNDING),
    row("frac", _SAME, word="fractional parts", exact="scalar.fraction", says="x - trunc(x)", **_ROUNDING),
    row("sqrt", _SAME, "scalar", "square roots", domains="nonnegative", exact="numbers.sqrt", closed=_FASTER,
        source="Built-ins, sqrt; IEEE 754 rounds it correctly", S="float"),
    row("cbrt", _SAME, "scalar", "cube roots", ulp=1, form="numbers.cbrt", **_MATH),
    row("degrees", _SAME, "scalar", "degrees of angles", form="scalar.degrees", S="float"),
    row("radians", _SAME, "scalar", "radians of angles", form="scalar.radians", S="float"),
    row("lerp", _SAME3, "scalar", "linear interpolations", exact="scalar.lerp", says=_LERP, S="float"),
    row("smoothstep", _SAME3, "scalar", "smooth steps", domains="below above any", exact="scalar.smoothstep",
        says="cubic Hermite interpolation after clamping", S="float"),
    row("sin", _SAME, "trigonometry", "sines", ulp=2, form="numbers.sin", **_MATH),
    row("cos", _SAME, "trigonometry", "cosines", ulp=2, form="numbers.cos", **_MATH),
    row("tan", _SAME, "trigonometry", "tangents", ulp=4, form="numbers.tan", **_MATH),
    row("asin", _SAME, "trigonometry", "arc sines", domains="unit", ulp=2, form="numbers.arcsin",
        says="of the argument clamped to [-1, 1]", S="float"),
    row("acos", _SAME, "trigonometry", "arc cosines", domains="unit", ulp=2, form="numbers.arccos",
        says="of the argument clamped to [-1, 1]", S="float"),
    row("atan", _SAME, "trigonometry", "arc tangents", ulp=2, form="numbers.arctan", **_MATH),
    row("atan2", _SAME2, "trigonometry", "angles of points", ulp=3, form="numbers.arctan2", **_MATH),
    row("sinh", _SAME, "exponential", "hyperbolic sines", domains="small", ulp=3, form="numbers.sinh", **_MATH),
    row("cosh", _SAME, "exponential", "hyperbolic cosines", domains="small", ulp=2, form="numbers.cosh", **_MATH),
    row("tanh", _SAME, "exponential", "hyperbolic tangents", ulp=2, form="numbers.tanh", **_MATH),
    row("exp", _SAME, "exponential", "exponentials", domains="small", ulp=2, form="numbers.exp", **_MATH),
    row("log", _SAME, "exponential", "logarithms", domains="positive", ulp=1, form="numbers.log", **_MATH),
    row("log2", _SAME, "exponential", "binary logarithms", domains="positive", ulp=1, form="numbers.log2", **_MATH),
    row("log10", _SAME, "exponential", "decimal logarithms", domains="positive", ulp=2, form="numbers.log10", **_MATH),
    row("pow", _SAME2, "exponential", "powers", domains="positive small", ulp=4, form="numbers.power", **_MATH),
    row("erf", _SAME, "exponential", "error functions", ulp=2, form="numbers.erf", **_MATH),
    row("erfc", _SAME, "exponential", "complementary error functions", ulp=5, form="numbers.erfc", **_MATH),
    # Warp's float64 approximations of these two on the CPU are off by that much near their zeros.
    row("erfinv", _SAME, "exponential", "inverse error functions", domains="open_unit", ulp=5, cpu_ulp=4000,
        form="numbers.erfinv", **_MATH),
    row("erfcinv", _SAME, "exponential", "inverse complementary error functions", domains="erfc_value", ulp=6,
        cpu_ulp=4000, form="numbers.erfcinv", **_MATH),
    row("copysign", _SAME2, "scalar", "numbers with another's sign", since="1.14", exact="numbers.copysign",
        closed=_FASTER, S="float"),
    row("isfinite", "(S) -> bool", word="tests for finite values", exact="scalar.is_finite", **_PREDICATE),
    row("isnan", "(S) -> bool", word="tests for NaN", exact="scalar.is_nan", **_PREDICATE),
    row("isinf", "(S) -> bool", word="tests for infinities", exact="scalar.is_infinite", **_PREDICATE),
)  # fmt: skip

UTILITY = (
    row("where", "(bool, S, S) -> S", word="selections", S="value", **_WHERE),
    row("where", "(bool, vec(n,S), vec(n,S)) -> vec(n,S)", **_WHERE),
    row("where", "(bool, mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", **_WHERE),
    row("where", "(bool, quat(S), quat(S)) -> quat(S)", S="float", **_WHERE),
    row("where", "(bool, transform(S), transform(S)) -> transform(S)", S="float", **_WHERE),
    row("where", "(int32, S, S) -> S", S="value", **_WHERE),
    row("where", "(int32, vec(n,S), vec(n,S)) -> vec(n,S)", **_WHERE),
    row("where", "(int32, mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)", **_WHERE),
    row("where", "(int32, quat(S), quat(S)) -> quat(S)", S="float", **_WHERE),
    row("where", "(int32, transform(S), transform(S)) -> transform(S)", S="float", **_WHERE),
    row("cast", "(S) -> T", word="bit casts", S="bits32", T="bits32", **_CAST),
    row("cast", "(S) -> T", S="bits64", T="bits64", **_CAST),
    row("cast", "(S) -> T", S="bits16", T="bits16", **_CAST),
    row("cast", "(S) -> T", S="bits8", T="bits8", **_CAST),
    row("len", "(vec(n,S)) -> int32", word="lengths of arrays", exact="linear.count", says="the number of elements",
        **_LEN),
    row("len", "(mat(r,c,S)) -> int32", exact="linear.count", says="the number of rows", **_LEN),
    row("len", "(quat(S)) -> int32", exact="linear.count", says="the number of elements", S="float", **_LEN),
    row("len", "(transform(S)) -> int32", exact="linear.count", says="the number of elements", S="float", **_LEN),
    row("len", "(array(S,d)) -> int32", without="the shape of an array: done by the interpreter", S="value", d="1..4",
        **_LEN),
    row("lower_bound", "(array(S,1), S) -> int32", word="binary searches", **_SEARCH),
    row("lower_bound", "(array(S,1), int32, int32, S) -> int32", domains="any array_begin array_end any", **_SEARCH),
)  # fmt: skip

VECTOR_MATH = (
    row("dot", "(vec(n,S), vec(n,S)) -> S", "vector", "dot products", range="products", exact="linear.dot", **_FACTORS),
    row("length_sq", "(vec(n,S)) -> S", "vector", "squared lengths", domains="factor", range="products",
        exact="linear.length_squared", closed=_INTEGERS_MISSING),
    row("length", "(vec(n,S)) -> S", "vector", "lengths", exact="linear.length", S="float"),
    row("min", "(vec(n,S)) -> S", "vector", range="hull", exact="linear.smallest", says="C's fmin", closed=_INTEGERS),
    row("max", "(vec(n,S)) -> S", "vector", range="hull", exact="linear.largest", says="C's fmax", closed=_INTEGERS),
    row("argmin", "(vec(n,S)) -> uint32", "vector", "positions of smallest components", differentiable=False,
        exact="linear.argmin", says="the first smallest element; NaN is skipped", closed=_INTEGERS_MISSING),
    row("argmax", "(vec(n,S)) -> uint32", "vector", "positions of largest components", differentiable=False,
        exact="linear.argmax", says="the first largest element; NaN is skipped", closed=_INTEGERS_MISSING),
    row("abs", _VECTOR, "vector", domains="negatable", range="abs", exact="each operator.abs",
        source="Built-ins, abs" + _EACH, closed=_FASTER),
    row("sign", _VECTOR, "vector", range="-1..1", differentiable=False, exact="each scalar.sign",
        says="-1 if x < 0 and 1 otherwise" + _EACH, closed=_FASTER),
    row("min", _VECTOR2, "vector", range="hull", exact="each numbers.smaller", says="C's fmin", closed=_INTEGERS),
    row("max", _VECTOR2, "vector", range="hull", exact="each numbers.larger", says="C's fmax", closed=_INTEGERS),
    row("cw_mul", _VECTOR2, "vector", "componentwise products", range="*", exact="each operator.mul", **_FACTORS),
    row("cw_div", _VECTOR2, "vector", "componentwise quotients", domains="any divisor", range="/",
        exact="each numbers.divide", closed=_INTEGERS_MISSING),
    row("mod", _VECTOR2, "vector", "remainders", domains="any divisor", range="%", differentiable=False,
        exact="each numbers.remainder", source=_OPERATOR + _EACH, closed=_INTEGERS),
    row("cross", "(vec(3,S), vec(3,S)) -> vec(3,S)", "vector", "cross products", range="products", exact="linear.cross",
        **_FACTORS),
    row("normalize", _VECTOR, "vector", "unit vectors", exact="linear.normalize",
        says="the zero vector where the length is 0", S="float"),
    row("lerp", "(vec(n,S), vec(n,S), S) -> vec(n,S)", "vector", exact="linear.lerp", says=_LERP, S="float"),
    row("vector", "(S*n) -> vec(n,S)", "vector", "new vectors", range="hull", exact="typed linear.vector",
        closed=_MISSING),
    row("vector", "(S) -> vec(n,S)", "vector", keywords="length=n", range="hull", exact="typed linear.vector",
        closed=_MISSING),
    row("isfinite", "(vec(n,S)) -> bool", exact="linear.is_finite", says="if all elements are", **_PREDICATE),
    row("isnan", "(vec(n,S)) -> bool", exact="linear.is_nan", says="if any element is", **_PREDICATE),
    row("isinf", "(vec(n,S)) -> bool", exact="linear.is_infinite", says="if any element is", **_PREDICATE),
    row("norm_l1", "(vec(n,S)) -> S", "vector", "l1 norms", exact="linear.norm_l1", says="the sum of |v_i|",
        closed=_IN_DOUBLE, S="single"),
    row("norm_l2", "(vec(n,S)) -> S", "vector", "l2 norms", exact="linear.length", says="the length",
        closed=_IN_DOUBLE, S="float"),
    row("norm_huber", "(vec(n,S), S) -> S", "vector", "Huber norms", domains="any positive", exact="linear.norm_huber",
        closed=_IN_DOUBLE, S="single"),
    row("norm_pseudo_huber", "(vec(n,S), S) -> S", "vector", "pseudo-Huber norms", domains="any positive",
        exact="linear.norm_pseudo_huber", closed=_IN_DOUBLE, S="single"),
    row("smooth_normalize", "(vec(n,S), S) -> vec(n,S)", "vector", "smoothed unit vectors", domains="any positive",
        exact="linear.smooth_normalize", says="v / H'(v)", closed=_IN_DOUBLE, S="single"),
)  # fmt: skip

MATRIX_MATH = (
    row("trace", "(mat(n,n,S)) -> S", "matrix", "traces", domains="term", range="sum", exact="linear.trace",
        closed=_INTEGERS_MISSING),
    row("determinant", "(mat(n,n,S)) -> S", "matrix", "determinants", form="linear.determinant", S="float", n="2..4"),
    row("ddot", "(mat(r,c,S), mat(r,c,S)) -> S", "matrix", "double dot products", range="products",
        exact="linear.double_dot", **_FACTORS),
    row("get_diag", "(mat(n,n,S)) -> vec(n,S)", "matrix", "diagonals", range="hull", exact="linear.get_diagonal",
        closed=_MOVES),
    row("transpose", "(mat(c,r,S)) -> mat(r,c,S)", "matrix", "transposes", range="hull", exact="linear.transpose",
        closed=_MOVES),
    row("identity", "() -> mat(n,n,S)", "matrix", "identity matrices", keywords="n=n, dtype=S", range="0..1",
        differentiable=False, exact="typed linear.identity", closed=_MISSING),
    row("diag", "(vec(n,S)) -> mat(n,n,S)", "matrix", "diagonal matrices", range="hull and 0", exact="linear.diagonal",
        closed=_MOVES),
    row("skew", "(vec(3,S)) -> mat(3,3,S)", "matrix", "skew-symmetric matrices", domains="negatable", range="magnitude",
        exact="linear.skew", says="skew(a) @ b is cross(a, b)", closed=_INTEGERS_MISSING),
    row("outer", "(vec(r,S), vec(c,S)) -> mat(r,c,S)", "matrix", "outer products", range="*", exact="linear.outer",
        says="a*b^T", **_FACTORS),
    row("cw_mul", _MATRIX2, "matrix", range="*", exact="each operator.mul", source=_OPERATOR + _EACH, **_FACTORS),
    row("cw_div", _MATRIX2, "matrix", domains="any divisor", range="/", exact="each numbers.divide",
        source=_OPERATOR + _EACH, closed=_INTEGERS_MISSING),
    row("inverse", _SQUARE, "matrix", "inverses", form="linear.inverse", S="float", n="2..4"),
    # "On CPU, both functions currently use the same inversion method" (Built-ins, inverse_approx).
    row("inverse_approx", _SQUARE, "matrix", "approximate inverses", ulp=None, since="1.14", form="linear.inverse",
        python_name="inverse", S="float", n="2..4"),
    row("lerp", "(mat(r,c,S), mat(r,c,S), S) -> mat(r,c,S)", "matrix", exact="linear.lerp", says=_LERP, S="float"),
    # Warp 1.10 has these two, but does not take an element of an array or a field of a struct as argument.
    row("matrix_from_rows", "(vec(c,S)*r) -> mat(r,c,S)", "matrix", "matrices of rows", range="hull", since="1.14",
        exact="linear.from_rows", closed=_PYTHON_CODE),
    row("matrix_from_cols", "(vec(r,S)*c) -> mat(r,c,S)", "matrix", "matrices of columns", range="hull", since="1.14",
        exact="linear.from_columns", closed=_PYTHON_CODE),
    row("matrix", "(S*r*c) -> mat(r,c,S)", "matrix", "new matrices", keywords="shape=(r,c)", range="hull",
        exact="typed linear.matrix", closed=_MISSING),
    row("matrix", "(S) -> mat(r,c,S)", "matrix", keywords="shape=(r,c)", range="hull", exact="typed linear.matrix",
        closed=_MISSING),
    row("isfinite", "(mat(r,c,S)) -> bool", exact="linear.is_finite", says="if all elements are", **_PREDICATE),
    row("isnan", "(mat(r,c,S)) -> bool", exact="linear.is_nan", says="if any element is", **_PREDICATE),
    row("isinf", "(mat(r,c,S)) -> bool", exact="linear.is_infinite", says="if any element is", **_PREDICATE),
    row("svd2", "(mat(2,2,S)) -> (mat(2,2,S), vec(2,S), mat(2,2,S))", "decomposition", "singular value decompositions",
        ulp=None, without="an iteration; the factors are unique up to signs only", S="float"),
    row("svd3", "(mat(3,3,S)) -> (mat(3,3,S), vec(3,S), mat(3,3,S))", "decomposition", "singular value decompositions",
        ulp=None, without="an iteration; the factors are unique up to signs only", S="float"),
    row("qr3", "(mat(3,3,S)) -> (mat(3,3,S), mat(3,3,S))", "decomposition", "QR decompositions", ulp=None,
        without="an iteration; the factors are unique up to signs only", S="float"),
    row("eig3", "(mat(3,3,S)) -> (mat(3,3,S), vec(3,S))", "decomposition", "eigenvalue decompositions", ulp=None,
        without="an iteration; the factors are unique up to order and signs only", S="float"),
)  # fmt: skip

_QUATERNION: dict[str, Any] = {"group": "quaternion", "S": "float"}
_EULER: dict[str, Any] = {"group": "quaternion", "since": "1.12", "closed": _OF_BUILTINS}
_SIGNED: dict[str, Any] = {**_EULER, "since": "1.16"}
QUATERNION_MATH = (
    row("quat_identity", "() -> quat(S)", word="identity quaternions", keywords="dtype=S", differentiable=False,
        exact="typed rotation.quat_identity", says="(0, 0, 0, 1)", closed=_MOVES, **_QUATERNION),
    row("quat_identity", "() -> quat(float32)", "quaternion", differentiable=False,
        exact="typed rotation.quat_identity", says="(0, 0, 0, 1)", closed=_MOVES),
    row("quat_inverse", "(quat(S)) -> quat(S)", word="inverse quaternions", exact="rotation.conjugate",
        says="the conjugate", closed=_MOVES, **_QUATERNION),
    row("normalize", "(quat(S)) -> quat(S)", exact="rotation.normalize", says="(0, 0, 0, 1) where the length is 0",
        **_QUATERNION),
    row("dot", "(quat(S), quat(S)) -> S", exact="linear.dot", **_QUATERNION),
    row("length", "(quat(S)) -> S", exact="linear.length", **_QUATERNION),
    row("length_sq", "(quat(S)) -> S", exact="linear.length_squared", **_QUATERNION),
    row("lerp", "(quat(S), quat(S), S) -> quat(S)", exact="linear.lerp", says=_LERP, **_QUATERNION),
    row("quaternion", "(vec(3,S), S) -> quat(S)", word="new quaternions", exact="rotation.quaternion",
        says="(ijk[0], ijk[1], ijk[2], real)", closed=_MISSING, **_QUATERNION),
    row("quat_rotate", "(quat(S), vec(3,S)) -> vec(3,S)", word="rotated vectors", exact="rotation.rotate",
        **_QUATERNION),
    row("quat_rotate_inv", "(quat(S), vec(3,S)) -> vec(3,S)", word="vectors rotated back",
        exact="rotation.rotate_inverse", **_QUATERNION),
    row("quat_from_axis_angle", "(vec(3,S), S) -> quat(S)", word="quaternions of an axis and an angle", ulp=None,
        form="rotation.from_axis_angle", says="(axis * sin(angle / 2), cos(angle / 2))", **_QUATERNION),
    row("quat_to_axis_angle", "(quat(S)) -> (vec(3,S), S)", word="axes and angles of rotations", ulp=None,
        form="rotation.axis_and_angle", **{**_QUATERNION, "group": "decomposition"}),
    row("quat_to_matrix", "(quat(S)) -> mat(3,3,S)", word="rotation matrices", exact="rotation.quat_to_matrix",
        says="m @ v is quat_rotate(quat, v)", **_QUATERNION),
    row("quat_from_matrix", "(mat(3,3,S)) -> quat(S)", word="quaternions of matrices",
        domains="rotation", exact="rotation.quat_from_matrix", **_QUATERNION),
    row("quat_from_matrix", "(mat(4,4,S)) -> quat(S)", domains="rotation", exact="rotation.quat_from_matrix",
        **_QUATERNION),
    row("quat_rpy", "(S, S, S) -> quat(S)", word="quaternions of roll, pitch and yaw", ulp=None,
        form="rotation.from_angles", says="qz * qy * qx", **_QUATERNION),
    row("quat_slerp", "(quat(S), quat(S), S) -> quat(S)", word="interpolated rotations", ulp=None,
        without="documented for unit quaternions only", **_QUATERNION),
    row("quat_from_euler", "(vec(3,float32), int32, int32, int32) -> quat(float32)", word="quaternions of Euler angles",
        domains="any axis axis axis", ulp=None, exact="angles.from_euler", says="the unit quaternion qk * qj * qi",
        **_EULER),
    row("quat_to_euler", "(quat(float32), int32, int32, int32) -> vec(3,float32)", word="Euler angles of rotations",
        domains="any axis axis axis", ulp=None, exact="angles.to_euler", **_EULER),
    row("quat_to_rpy", "(quat(float32)) -> vec(3,float32)", word="roll, pitch and yaw of rotations",
        ulp=None, exact="angles.to_rpy", says="the inverse of quat_rpy", **_EULER),
    row("quat_twist", "(vec(3,float32), quat(float32)) -> quat(float32)", word="twists of rotations",
        exact="angles.twist", says="the twist of a swing-twist decomposition", **_EULER),
    row("quat_twist_angle", "(vec(3,float32), quat(float32)) -> float32", word="angles of twists",
        ulp=None, exact="angles.twist_angle", says="the unsigned twist magnitude", **_EULER),
    row("quat_twist_angle_signed", "(vec(3,float32), quat(float32)) -> float32", word="signed angles of twists",
        ulp=None, exact="angles.signed_twist_angle", **_SIGNED),
    row("isfinite", "(quat(S)) -> bool", exact="linear.is_finite", says="if all elements are", **_PREDICATE),
    row("isnan", "(quat(S)) -> bool", exact="linear.is_nan", says="if any element is", **_PREDICATE),
    row("isinf", "(quat(S)) -> bool", exact="linear.is_infinite", says="if any element is", **_PREDICATE),
)  # fmt: skip

_TRANSFORM: dict[str, Any] = {"group": "transform", "S": "float"}
TRANSFORM_MATH = (
    row("transform_identity", "() -> transform(S)", word="identity transformations", keywords="dtype=S",
        differentiable=False, exact="typed rotation.transform_identity", closed=_MOVES, **_TRANSFORM),
    row("transform_identity", "() -> transform(float32)", "transform", differentiable=False,
        exact="typed rotation.transform_identity", closed=_MOVES),
    row("transform_get_translation", "(transform(S)) -> vec(3,S)", word="translations of transformations",
        exact="rotation.translation", closed=_MOVES, **_TRANSFORM),
    row("transform_get_rotation", "(transform(S)) -> quat(S)", word="rotations of transformations",
        exact="rotation.rotation", closed=_MOVES, **_TRANSFORM),
    row("transformation", "(vec(3,S), quat(S)) -> transform(S)", word="new transformations", exact="rotation.joined",
        closed=_MISSING, **_TRANSFORM),
    row("transform_inverse", "(transform(S)) -> transform(S)", word="inverse transformations",
        exact="rotation.transform_inverse", **_TRANSFORM),
    row("transform_multiply", "(transform(S), transform(S)) -> transform(S)", word="products of transformations",
        exact="rotation.transform_multiply", says="(a.p + rotate(a.q, b.p), a.q * b.q)", **_TRANSFORM),
    row("transform_point", "(transform(S), vec(3,S)) -> vec(3,S)", word="transformed points",
        exact="rotation.transform_point", says="quat_rotate(xform.q, point) + xform.p", **_TRANSFORM),
    row("transform_point", "(mat(4,4,S), vec(3,S)) -> vec(3,S)", exact="rotation.affine_point",
        says="mat * (point, 1)", **_TRANSFORM),
    row("transform_vector", "(transform(S), vec(3,S)) -> vec(3,S)", word="transformed vectors",
        exact="rotation.transform_vector", says="quat_rotate(xform.q, vec)", **_TRANSFORM),
    row("transform_vector", "(mat(4,4,S), vec(3,S)) -> vec(3,S)", exact="rotation.affine_vector",
        says="mat * (vec, 0)", **_TRANSFORM),
    row("lerp", "(transform(S), transform(S), S) -> transform(S)", exact="linear.lerp", says=_LERP, **_TRANSFORM),
    row("transform_from_matrix", "(mat(4,4,S)) -> transform(S)", word="transformations of matrices",
        domains="rotation", exact="rotation.transform_from_matrix", **_TRANSFORM),
    row("transform_to_matrix", "(transform(S)) -> mat(4,4,S)", word="matrices of transformations",
        exact="rotation.transform_to_matrix", **_TRANSFORM),
    row("transform_compose", "(vec(3,S), quat(S), vec(3,S)) -> mat(4,4,S)",
        word="transformations of translation, rotation and scale", exact="rotation.compose", says="R_ij s_j, p",
        **_TRANSFORM),
    row("transform_decompose", "(mat(4,4,S)) -> (vec(3,S), quat(S), vec(3,S))",
        word="translations, rotations and scales", domains="scaled", exact="rotation.decompose", closed=_IN_DOUBLE,
        **{**_TRANSFORM, "group": "decomposition"}),
)  # fmt: skip

_SPATIAL: dict[str, Any] = {"group": "spatial", "S": "float"}
_MOTION: dict[str, Any] = {"group": "spatial", "since": "1.12", "closed": _MISSING}
SPATIAL_MATH = (
    row("spatial_vector", "(vec(3,S), vec(3,S)) -> vec(6,S)", "spatial", "new spatial vectors", exact="rotation.joined",
        closed=_A_TYPE, S="single"),
    row("spatial_top", "(vec(6,S)) -> vec(3,S)", word="upper halves of spatial vectors", exact="rotation.spatial_top",
        closed=_MOVES, **_SPATIAL),
    row("spatial_bottom", "(vec(6,S)) -> vec(3,S)", word="lower halves of spatial vectors",
        exact="rotation.spatial_bottom", closed=_MOVES, **_SPATIAL),
    row("spatial_dot", "(vec(6,S), vec(6,S)) -> S", word="spatial dot products", exact="linear.dot", **_SPATIAL),
    row("spatial_cross", "(vec(6,S), vec(6,S)) -> vec(6,S)", word="spatial cross products",
        exact="rotation.spatial_cross", **_SPATIAL),
    row("spatial_cross_dual", "(vec(6,S), vec(6,S)) -> vec(6,S)", word="dual spatial cross products",
        exact="rotation.spatial_cross_dual", **_SPATIAL),
    row("spatial_adjoint", "(mat(3,3,S), mat(3,3,S)) -> mat(6,6,S)", word="spatial adjoints",
        exact="rotation.spatial_adjoint", says="[[r, 0], [s, r]]", closed=_MISSING, **_SPATIAL),
    row("velocity_at_point", "(vec(6,float32), vec(3,float32)) -> vec(3,float32)", word="velocities of points",
        exact="rotation.velocity_at", says="v + w x r", **_MOTION),
    row("transform_twist", "(transform(float32), vec(6,float32)) -> vec(6,float32)", word="transformed twists",
        exact="rotation.transform_twist", says="w' = R w, v' = R v + p x w'", **_MOTION),
    row("transform_wrench", "(transform(float32), vec(6,float32)) -> vec(6,float32)", word="transformed wrenches",
        exact="rotation.transform_wrench", says="f' = R f, tau' = R tau + p x f'", **_MOTION),
)  # fmt: skip

# The operators by their names: the same code generation as the operator, reached as a call.
_NAMED: dict[str, Any] = {"group": "operator", "source": _OPERATOR, "closed": _INTEGERS}
_NAMED_EACH: dict[str, Any] = {**_NAMED, "source": _OPERATOR + _EACH}
_APPROXIMATE: dict[str, Any] = {
    "group": "approximate", "domains": "any divisor", "ulp": None, "since": "1.12",
    "says": "falls back to exact division on CPU", "closed": _MISSING, "S": "float",
}  # fmt: skip
_BITS_EACH: dict[str, Any] = {**_BITS, "source": _OPERATOR + _EACH}
OPERATORS = (
    row("add", _SAME2, word="sums", domains="term term", range="+", exact="operator.add", **_NAMED),
    row("sub", _SAME2, word="differences", domains="term term", range="-", exact="operator.sub", **_NAMED),
    row("mul", _SAME2, word="products", domains="factor factor", range="products", exact="operator.mul", **_NAMED),
    row("div", _SAME2, word="quotients", domains="any divisor", range="/", exact="numbers.divide", **_NAMED),
    row("div_approx", _SAME2, word="approximate quotients", exact="numbers.divide", **_APPROXIMATE),
    row("div_approx", "(vec(n,S), S) -> vec(n,S)", exact="linear.scaled_down", **_APPROXIMATE),
    row("div_approx", "(S, vec(n,S)) -> vec(n,S)", exact="linear.divided_among", **_APPROXIMATE),
    row("div_approx", "(mat(r,c,S), S) -> mat(r,c,S)", exact="linear.scaled_down", **_APPROXIMATE),
    row("div_approx", "(S, mat(r,c,S)) -> mat(r,c,S)", exact="linear.divided_among", **_APPROXIMATE),
    row("div_approx", "(quat(S), S) -> quat(S)", exact="linear.scaled_down", **_APPROXIMATE),
    row("div_approx", "(S, quat(S)) -> quat(S)", exact="linear.divided_among", **_APPROXIMATE),
    row("floordiv", _SAME2, "operator", "floored quotients", domains="any divisor", range="//", differentiable=False,
        exact="scalar.floor_divide", says="the floor of the quotient", closed=_INTEGERS),
    row("mod", _SAME2, domains="any divisor", range="%", exact="numbers.remainder", **_NAMED),
    row("neg", _SAME, word="negations", domains="negatable", range="magnitude", exact="operator.neg", **_NAMED),
    row("pos", _SAME, word="", range="hull", exact="operator.pos", **_NAMED),
    row("bit_and", _SAME2, word="bitwise and", range="&", exact="operator.and_", **_BITS),
    row("bit_or", _SAME2, word="bitwise or", range="|", exact="operator.or_", **_BITS),
    row("bit_xor", _SAME2, word="bitwise exclusive or", range="^", exact="operator.xor", **_BITS),
    row("invert", _SAME, word="inverted bits", range="inverted", exact="operator.invert", **_BITS),
    row("lshift", _SAME2, word="left shifts", domains="shifted shift", range="whole", exact="operator.lshift",
        **{**_BITS, "group": "shift"}),
    row("rshift", _SAME2, word="right shifts", domains="any shift", range=">>", exact="operator.rshift", **_BITS),
    row("unot", "(S) -> bool", "operator", "negated conditions", differentiable=False, exact="operator.not_",
        says="True if a is falsy", closed=_RAISES, S="logical"),
    row("add", _VECTOR2, domains="term term", range="+", exact="each operator.add", **_NAMED_EACH),
    row("sub", _VECTOR2, domains="term term", range="-", exact="each operator.sub", **_NAMED_EACH),
    row("mul", "(vec(n,S), S) -> vec(n,S)", "operator", domains="factor factor", range="products",
        exact="linear.scaled", source="a vector times a scalar", closed=_INTEGERS),
    row("neg", _VECTOR, domains="negatable", range="magnitude", exact="each operator.neg", **_NAMED_EACH),
    row("add", _MATRIX2, domains="term term", range="+", exact="each operator.add", **_NAMED_EACH),
    row("sub", _MATRIX2, domains="term term", range="-", exact="each operator.sub", **_NAMED_EACH),
    row("mul", "(mat(r,k,S), vec(k,S)) -> vec(r,S)", "operator", domains="factor factor", range="products",
        exact="linear.apply", source="a matrix times a vector or a matrix", closed=_INTEGERS),
    row("mul", "(mat(r,k,S), mat(k,c,S)) -> mat(r,c,S)", "operator", domains="factor factor", range="products",
        exact="linear.multiply", source="a matrix times a vector or a matrix", closed=_INTEGERS),
    row("mul", "(quat(S), quat(S)) -> quat(S)", "operator", exact="rotation.quat_multiply",
        source="the Hamilton product", S="float"),
    row("bit_and", _VECTOR2, range="&", exact="each operator.and_", **_BITS_EACH),
    row("bit_or", _VECTOR2, range="|", exact="each operator.or_", **_BITS_EACH),
    row("bit_xor", _VECTOR2, range="^", exact="each operator.xor", **_BITS_EACH),
    row("invert", _VECTOR, range="inverted", exact="each operator.invert", **_BITS_EACH),
    row("bit_count", "(S) -> int32", "bits", "bit counts", range="0..64", differentiable=False, since="1.19",
        exact="typed scalar.bit_count", says="in two's complement", closed=_INTEGERS, S="int"),
)  # fmt: skip

GEOMETRY = (
    row("closest_point_edge_edge",
        "(vec(3,float32), vec(3,float32), vec(3,float32), vec(3,float32), float32) -> vec(3,float32)",
        "geometry", "closest points of two edges", domains="any any any any positive",
        exact="geometry.closest_points", closed=_MISSING),
    row("intersect_tri_tri", "(vec(3,S), vec(3,S), vec(3,S), vec(3,S), vec(3,S), vec(3,S)) -> int32",
        "geometry", "intersections of triangles", range="0..1", differentiable=False,
        exact="geometry.triangles_meet", says="using Möller's method", closed=_MISSING, S="wide"),
)  # fmt: skip

# The index arguments come between the array and the value, as many as the array has dimensions.
_ATOMIC: dict[str, Any] = {"group": "atomic", "range": "whole", "without": "changes an array: done by the interpreter"}
_EXCHANGE: dict[str, Any] = {**_ATOMIC, "differentiable": False}
_ATOMIC_SCALAR = "(array(S,d), int32*d, S) -> S"
ATOMIC = (
    row("atomic_add", _ATOMIC_SCALAR, word="atomic additions", verb="adds to", domains="any index term",
        S="atomic_sum", **_ATOMIC),
    row("atomic_sub", _ATOMIC_SCALAR, word="atomic subtractions", verb="subtracts from", domains="any index term",
        S="atomic_sum", **_ATOMIC),
    row("atomic_min", _ATOMIC_SCALAR, word="atomic minima", verb="takes minima in", domains="any index any",
        S="atomic", **_ATOMIC),
    row("atomic_max", _ATOMIC_SCALAR, word="atomic maxima", verb="takes maxima in", domains="any index any",
        S="atomic", **_ATOMIC),
    row("atomic_exch", _ATOMIC_SCALAR, word="atomic exchanges", verb="exchanges elements of", domains="any index any",
        S="atomic", **_EXCHANGE),
    row("atomic_cas", "(array(S,d), int32*d, S, S) -> S", word="atomic comparisons and exchanges",
        verb="compares and exchanges elements of", domains="any index any any", S="atomic", **_EXCHANGE),
    row("atomic_and", _ATOMIC_SCALAR, word="atomic bitwise and", verb="clears bits of", domains="any index any",
        S="atomic_bits", **_EXCHANGE),
    row("atomic_or", _ATOMIC_SCALAR, word="atomic bitwise or", verb="sets bits of", domains="any index any",
        S="atomic_bits", **_EXCHANGE),
    row("atomic_xor", _ATOMIC_SCALAR, word="atomic bitwise exclusive or", verb="flips bits of",
        domains="any index any", S="atomic_bits", **_EXCHANGE),
    *(
        row(name, f"(array({value},d), int32*d, {value}) -> {value}", domains=f"any index {domain}", S=dtypes,
            **_ATOMIC)
        for name, domain, dtypes in (
            ("atomic_add", "term", "atomic_sum"), ("atomic_sub", "term", "atomic_sum"),
            ("atomic_min", "any", "atomic"), ("atomic_max", "any", "atomic"),
        )
        for value in ("vec(n,S)", "mat(r,c,S)")
    ),
    *(
        row(name, f"(array({value},d), int32*d, {value}) -> {value}", domains="any index any", S="float", **_ATOMIC)
        for name in ("atomic_add", "atomic_sub")
        for value in ("quat(S)", "transform(S)")
    ),
)  # fmt: skip

ROWS: tuple[Builtin, ...] = (
    *SCALAR_MATH, *UTILITY, *VECTOR_MATH, *MATRIX_MATH, *QUATERNION_MATH, *TRANSFORM_MATH, *SPATIAL_MATH, *OPERATORS,
    *RANDOM, *NOISE, *GEOMETRY, *ATOMIC,
)  # fmt: skip
