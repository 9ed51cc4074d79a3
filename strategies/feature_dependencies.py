"""How features relate: what one needs of others, of the scalar types, and of the depth of control flow."""

from __future__ import annotations

import functools
from collections.abc import Callable

from kernelfuzz.ir.types import FLOAT16, FLOAT32, FLOAT64, Scalar
from kernelfuzz.strategies.vocabulary import FEATURES

# Features that cannot be drawn without others.
NEEDS: dict[str, tuple[str, ...]] = {
    "else": ("if",),
    "elif": ("if",),
    "dynamic_for": ("for",),
    "range_step": ("for",),
    "nested_loop": ("for",),
    "break": ("for", "if"),
    "continue": ("for", "if"),
    "early_return": ("if",),
    "early_exit": ("early_return",),
    "mixed_widths": ("cast",),
    "bool_data": ("scalar_param",),
    "random": ("unsigned",),
    "quaternion": ("vector", "matrix"),
    "transform": ("vector", "quaternion", "matrix"),
    "spatial": ("vector", "matrix"),
    "decomposition": ("matrix", "vector"),
    "nested_struct": ("struct",),
    "struct_array": ("struct",),
    "array_3d": ("array_nd",),
    "tid_nd": ("array_nd",),
    "view": ("array_nd",),
    "slice": ("vector",),
    "component_store": ("vector",),
    "element_component_store": ("vector",),
    "tuple_return": ("function",),
    "procedure": ("function",),
    "effect": ("function",),
    "outlive": ("if", "else", "for"),
    "closure": ("constant",),
    "tile": ("view",),
}

# Integers that are not of 32 bits: mixed widths need one of the two kinds.
WIDTHS = frozenset({"wide_int", "small_int"})

# What a feature stands for: without it, none of these.
KINDS: dict[str, tuple[str, ...]] = {"early_exit": ("early_return", "break", "continue")}

# What keeps the grammar's operands in their domains: a kernel cannot do without.
INDISPENSABLE = frozenset({"arithmetic", "math"})

# How deep control flow has to nest for a feature.
DEPTH: dict[str, int] = {
    **dict.fromkeys(
        ("if", "else", "elif", "for", "dynamic_for", "range_step", "while", "early_return", "early_exit"), 1
    ),
    "outlive": 1,
    **dict.fromkeys(("nested_loop", "break", "continue"), 2),
}


@functools.lru_cache(maxsize=4096)
def with_needs(wanted: frozenset[str]) -> frozenset[str]:
    """The features, with all that they need."""
    result, queue = set(wanted), list(wanted)
    while queue:
        for needed in NEEDS.get(queue.pop(), ()):
            if needed not in result:
                result.add(needed)
                queue.append(needed)
    return frozenset(result)


def _any_float(dtypes: tuple[Scalar, ...]) -> bool:
    return any(dtype.is_float for dtype in dtypes)


def _any_integer(dtypes: tuple[Scalar, ...]) -> bool:
    return any(dtype.is_integer for dtype in dtypes)


# Over which scalar types a feature can be drawn; over all, if it is not here.
DTYPES: dict[str, Callable[[tuple[Scalar, ...]], bool]] = {
    **dict.fromkeys(("power", "quaternion", "transform", "spatial", "decomposition"), _any_float),
    **dict.fromkeys(("bitwise", "shift"), _any_integer),
    "tile": lambda dtypes: FLOAT32 in dtypes or FLOAT64 in dtypes,
    "math": _any_float,
    "unsigned": lambda dtypes: any(d.kind == "uint" for d in dtypes),
    "random": lambda dtypes: FLOAT32 in dtypes,
    "float16": lambda dtypes: FLOAT16 in dtypes,
    "float64": lambda dtypes: FLOAT64 in dtypes,
    "small_int": lambda dtypes: any(d.is_integer and d.bits < 32 for d in dtypes),
    "wide_int": lambda dtypes: any(d.is_integer and d.bits == 64 for d in dtypes),
    "mixed_widths": lambda dtypes: len({d.bits for d in dtypes if d.is_integer}) > 1,
}


@functools.lru_cache(maxsize=4096)
def unavailable(exclude: frozenset[str], dtypes: tuple[Scalar, ...], depth: int) -> frozenset[str]:
    """The features that the options rule out, by themselves or through what they need."""
    out = set(exclude)
    for feature in exclude:
        out.update(KINDS.get(feature, ()))
    out.update(feature for feature, possible in DTYPES.items() if not possible(dtypes))
    out.update(feature for feature, least in DEPTH.items() if least > depth)
    if out >= WIDTHS:
        out.add("mixed_widths")
    return frozenset(f for f in FEATURES if with_needs(frozenset({f})) & out)
