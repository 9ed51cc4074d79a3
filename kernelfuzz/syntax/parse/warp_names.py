"""What the names of the ``warp`` module mean in source text: types, numbers, and how builtins are called.

From "Built-Ins Reference" and "Basics" of Warp's documentation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from kernelfuzz.ir import types as t
from kernelfuzz.typecheck.tile_rules import OPTIONS


def _named_types() -> Iterator[tuple[str, t.Type]]:
    for scalar in t.SCALARS:
        yield scalar.name, scalar
    yield from (("int", t.INT32), ("float", t.FLOAT32), ("bool", t.BOOL))
    for dtype in t.NUMBERS:
        candidates = (
            *(t.Vector(length, dtype) for length in (2, 3, 4, 6)),
            *(t.Matrix(size, size, dtype) for size in (2, 3, 4, 6)),
            t.Quaternion(dtype),
            t.Transform(dtype),
        )
        for candidate in candidates:
            name = t.warp_name(candidate)
            if name is not None:
                yield name, candidate
                if dtype == t.FLOAT32:
                    yield name.removesuffix("f"), candidate


TYPES: dict[str, t.Type] = dict(_named_types())

# Names of types that take any type: a function with them is a template.
GENERIC = frozenset({"Any", "Float", "Int", "Scalar", "Callable"})

ARRAYS: dict[str, int] = {"array": 1, "array1d": 1, "array2d": 2, "array3d": 3, "array4d": 4}
VECTOR_MAKERS = frozenset({"vector", "vec"})
MATRIX_MAKERS = frozenset({"matrix", "mat"})

_NUMBERS = {
    "pi": math.pi, "tau": math.tau, "e": math.e, "half_pi": math.pi / 2,
    "ln2": math.log(2.0), "ln10": math.log(10.0), "log2e": math.log2(math.e), "log10e": math.log10(math.e),
    "phi": (1.0 + math.sqrt(5.0)) / 2.0, "inf": math.inf, "nan": math.nan,
}  # fmt: skip
NUMBERS: dict[str, float] = {
    **_NUMBERS,
    **{name.upper(): value for name, value in _NUMBERS.items()},
    "HALF_PI": math.pi / 2,
    "INF": math.inf,
    "NAN": math.nan,
}

# What Warp takes by name while it generates code.
COMPILE_TIME = frozenset({"dtype", "shape", "length", "n", "m"}) | OPTIONS

# The name of each positional argument that is a compile-time keyword in the IR; "" is an ordinary one.
POSITIONAL: dict[str, tuple[str, ...]] = {
    "identity": ("n", "dtype"),
    "cast": ("", "dtype"),
    "quat_identity": ("dtype",),
    "transform_identity": ("dtype",),
    "tile_zeros": ("shape", "dtype"),
    "tile_ones": ("shape", "dtype"),
    "tile_load": ("", "shape"),
    "tile_astype": ("", "dtype"),
    "tile_reshape": ("", "shape"),
    "tile_broadcast": ("", "shape"),
    "tile_view": ("", "", "shape"),
}

# Ordinary arguments that may be given by name or left out: their names, and the defaults of the last ones.
PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[int | float, ...]]] = {
    "norm_huber": (("v", "delta"), (1.0,)),
    "norm_pseudo_huber": (("v", "delta"), (1.0,)),
    "smooth_normalize": (("v", "delta"), (1.0,)),
    "curlnoise": (("state", "xy", "octaves", "lacunarity", "gain"), (1, 2.0, 0.5)),
    "transformation": (("p", "q"), ()),
    "spatial_vector": (("w", "v"), ()),
    "where": (("cond", "value_if_true", "value_if_false"), ()),
    "clamp": (("x", "low", "high"), ()),
    "lerp": (("a", "b", "t"), ()),
    "quat_from_axis_angle": (("axis", "angle"), ()),
    "quat_from_euler": (("e", "i", "j", "k"), ()),
    "quat_to_euler": (("q", "i", "j", "k"), ()),
    "quat_to_rpy": (("q",), ()),
    "quat_twist": (("axis", "q"), ()),
    "quat_twist_angle": (("axis", "q"), ()),
    "quat_twist_angle_signed": (("axis", "q"), ()),
    "velocity_at_point": (("qd", "r"), ()),
    "transform_twist": (("t", "x"), ()),
    "transform_wrench": (("t", "x"), ()),
    "transform_compose": (("position", "rotation", "scale"), ()),
}
