"""What operators and builtins do, in words that follow "computes": one row each.

What nobody would mention has no words.
"""

from __future__ import annotations

BUILTIN_WORDS: dict[str, str] = {
    # numbers
    "abs": "absolute values", "sign": "signs", "copysign": "numbers with another's sign",
    "neg": "negations", "pos": "",
    "min": "minima", "max": "maxima", "clamp": "clamped values", "step": "step functions",
    "add": "sums", "sub": "differences", "mul": "products", "div": "quotients",
    "floordiv": "floored quotients",
    "mod": "remainders", "pow": "powers", "sqrt": "square roots", "cbrt": "cube roots",
    "floor": "values rounded down", "ceil": "values rounded up", "round": "rounded values",
    "rint": "rounded values", "trunc": "truncated values", "frac": "fractional parts",
    "lerp": "linear interpolations", "smoothstep": "smooth steps", "cast": "bit casts",
    "where": "selections", "nonzero": "tests for zero", "unot": "negated conditions",
    "isfinite": "tests for finite values", "isinf": "tests for infinities", "isnan": "tests for NaN",
    "lower_bound": "binary searches", "len": "lengths of arrays",
    # bits
    "bit_and": "bitwise and", "bit_or": "bitwise or", "bit_xor": "bitwise exclusive or",
    "invert": "inverted bits", "lshift": "left shifts", "rshift": "right shifts", "bit_count": "bit counts",
    # functions of analysis
    "sin": "sines", "cos": "cosines", "tan": "tangents", "asin": "arc sines", "acos": "arc cosines",
    "atan": "arc tangents", "atan2": "angles of points", "sinh": "hyperbolic sines",
    "cosh": "hyperbolic cosines", "tanh": "hyperbolic tangents", "exp": "exponentials",
    "log": "logarithms", "log2": "binary logarithms", "log10": "decimal logarithms",
    "degrees": "degrees of angles", "radians": "radians of angles", "erf": "error functions",
    "erfc": "complementary error functions", "erfinv": "inverse error functions",
    "erfcinv": "inverse complementary error functions",
    # vectors and matrices
    "dot": "dot products", "ddot": "double dot products", "cross": "cross products",
    "outer": "outer products", "length": "lengths", "length_sq": "squared lengths",
    "normalize": "unit vectors", "smooth_normalize": "smoothed unit vectors", "norm_l1": "l1 norms",
    "norm_l2": "l2 norms", "norm_huber": "Huber norms", "norm_pseudo_huber": "pseudo-Huber norms",
    "cw_mul": "componentwise products", "cw_div": "componentwise quotients",
    "argmin": "positions of smallest components", "argmax": "positions of largest components",
    "transpose": "transposes", "trace": "traces", "determinant": "determinants", "inverse": "inverses",
    "inverse_approx": "approximate inverses", "diag": "diagonal matrices", "get_diag": "diagonals",
    "skew": "skew-symmetric matrices", "identity": "identity matrices", "vector": "new vectors",
    "matrix": "new matrices", "matrix_from_cols": "matrices of columns",
    "matrix_from_rows": "matrices of rows", "svd2": "singular value decompositions",
    "svd3": "singular value decompositions", "qr3": "QR decompositions",
    "eig3": "eigenvalue decompositions",
    # rotations
    "quaternion": "new quaternions", "quat_identity": "identity quaternions",
    "quat_from_axis_angle": "quaternions of an axis and an angle",
    "quat_from_matrix": "quaternions of matrices",
    "quat_rpy": "quaternions of roll, pitch and yaw", "quat_inverse": "inverse quaternions",
    "quat_rotate": "rotated vectors", "quat_rotate_inv": "vectors rotated back",
    "quat_slerp": "interpolated rotations", "quat_to_axis_angle": "axes and angles of rotations",
    "quat_to_matrix": "rotation matrices",
    # transformations
    "transformation": "new transformations", "transform_identity": "identity transformations",
    "transform_compose": "transformations of translation, rotation and scale",
    "transform_decompose": "translations, rotations and scales",
    "transform_from_matrix": "transformations of matrices",
    "transform_to_matrix": "matrices of transformations",
    "transform_get_rotation": "rotations of transformations",
    "transform_get_translation": "translations of transformations",
    "transform_inverse": "inverse transformations", "transform_multiply": "products of transformations",
    "transform_point": "transformed points", "transform_vector": "transformed vectors",
    # spatial algebra
    "spatial_vector": "new spatial vectors", "spatial_adjoint": "spatial adjoints",
    "spatial_bottom": "lower halves of spatial vectors", "spatial_top": "upper halves of spatial vectors",
    "spatial_cross": "spatial cross products", "spatial_cross_dual": "dual spatial cross products",
    "spatial_dot": "spatial dot products",
    # geometry
    "closest_point_edge_edge": "closest points of two edges",
    "intersect_tri_tri": "intersections of triangles",
    # random numbers and noise
    "rand_init": "states of random generators", "randi": "random integers",
    "randu": "random unsigned integers",
    "randf": "random floats", "randn": "normally distributed floats",
    "poisson": "Poisson-distributed integers",
    "noise": "Perlin noise", "pnoise": "periodic Perlin noise", "curlnoise": "curl noise",
    "sample_cdf": "samples of a distribution", "sample_triangle": "random points of a triangle",
    "sample_unit_cube": "random points of a cube", "sample_unit_disk": "random points of a disk",
    "sample_unit_hemisphere": "random points of a hemisphere",
    "sample_unit_hemisphere_surface": "random points on a hemisphere",
    "sample_unit_ring": "random points of a ring", "sample_unit_sphere": "random points of a ball",
    "sample_unit_sphere_surface": "random points on a sphere",
    "sample_unit_square": "random points of a square",
    # atomics come as statements of their own
    "atomic_add": "atomic additions", "atomic_sub": "atomic subtractions", "atomic_min": "atomic minima",
    "atomic_max": "atomic maxima", "atomic_and": "atomic bitwise and", "atomic_or": "atomic bitwise or",
    "atomic_xor": "atomic bitwise exclusive or", "atomic_exch": "atomic exchanges",
    "atomic_cas": "atomic comparisons and exchanges",
}  # fmt: skip

OPERATOR_WORDS: dict[str, str] = {
    "+": "sums", "-": "differences", "*": "products", "/": "quotients", "//": "floored quotients",
    "%": "remainders", "@": "matrix products", "**": "powers", "&": "bitwise and", "|": "bitwise or",
    "^": "bitwise exclusive or",
    "<<": "left shifts", ">>": "right shifts",
}  # fmt: skip

# How an atomic operation changes an array, in words between "atomically" and the array's name.
ATOMIC_VERBS: dict[str, str] = {
    "atomic_add": "adds to", "atomic_sub": "subtracts from", "atomic_min": "takes minima in",
    "atomic_max": "takes maxima in", "atomic_and": "clears bits of", "atomic_or": "sets bits of",
    "atomic_xor": "flips bits of", "atomic_exch": "exchanges elements of",
    "atomic_cas": "compares and exchanges elements of",
}  # fmt: skip

# So many as a word; larger numbers are written in digits.
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

SCALAR_WORDS: dict[str, str] = {
    "bool": "boolean", "float16": "16-bit float", "float32": "float", "float64": "64-bit float",
    "int8": "8-bit integer", "int16": "16-bit integer", "int32": "integer", "int64": "64-bit integer",
    "uint8": "unsigned 8-bit integer", "uint16": "unsigned 16-bit integer", "uint32": "unsigned integer",
    "uint64": "unsigned 64-bit integer",
}  # fmt: skip

UNARY_WORDS: dict[str, str] = {"-": "negations", "+": "", "~": "inverted bits", "not": "negated conditions"}

TILE_WORDS: dict[str, str] = {
    "tile_load": "tiles loaded from arrays", "tile_zeros": "tiles of zeros", "tile_ones": "tiles of ones",
    "tile_sum": "sums over tiles", "tile_min": "minima over tiles", "tile_max": "maxima over tiles",
    "tile_astype": "converted tiles", "tile_reshape": "reshaped tiles", "tile_transpose": "transposed tiles",
    "tile_broadcast": "broadcast tiles", "tile_extract": "elements of tiles",
    "tile_store": "tiles stored to arrays",
}  # fmt: skip

# Expressions by their class, and what is constructed by the class of its type.
NODE_WORDS: dict[str, str] = {
    "Cast": "conversions", "IfExp": "conditional values", "Static": "values known in advance",
    "Vector": "new vectors", "Matrix": "new matrices", "Quaternion": "new quaternions",
    "Transform": "new transformations", "Struct": "new structs",
}  # fmt: skip

# What nearly every kernel computes, and so says least.
COMMON = frozenset(OPERATOR_WORDS.values()) - {"matrix products", "powers"} | {
    "minima", "maxima", "clamped values", "conversions", "absolute values", "negations",
    "conditional values", "new vectors", "new matrices", "selections", "values known in advance",
}  # fmt: skip
