"""Which types a drawn value has; structs are drawn when a kernel first needs one, and shared from then on."""

from __future__ import annotations

import functools
from collections.abc import Callable

from kernelfuzz.ir import types as t
from kernelfuzz.strategies.context import Context

# How often a scalar type is drawn, against int32's and float32's weight.
_WEIGHTS = {t.INT32: 12, t.FLOAT32: 14}


def feature_of(dtype: t.Scalar) -> str | None:
    """The feature that a scalar type needs; the two default types need none."""
    if dtype in (t.INT32, t.FLOAT32, t.BOOL):
        return None
    if dtype.is_float:
        return dtype.name
    if dtype.kind == "uint" and dtype.bits == 32:
        return "unsigned"
    return "small_int" if dtype.bits < 32 else "wide_int"


@functools.lru_cache(maxsize=4096)
def allowed_dtypes(dtypes: tuple[t.Scalar, ...], features: frozenset[str]) -> tuple[t.Scalar, ...]:
    """The numeric scalar types that a kernel's features leave; never empty, never bool."""
    allowed = [
        d
        for d in dtypes
        if d != t.BOOL
        and (feature_of(d) is None or feature_of(d) in features)
        and (d.kind != "uint" or "unsigned" in features)
    ]
    return tuple(allowed) or tuple(d for d in dtypes if d != t.BOOL)[:1] or (t.FLOAT32,)


@functools.lru_cache(maxsize=4096)
def _weighted(dtypes: tuple[t.Scalar, ...]) -> tuple[tuple[t.Scalar, int], ...]:
    simplest_first = sorted(dtypes, key=lambda d: (d != t.FLOAT32, d != t.INT32, t.SCALARS.index(d)))
    return tuple((d, _WEIGHTS.get(d, 2)) for d in simplest_first)


def numeric_dtype(ctx: Context) -> t.Scalar:
    """A scalar type that is not bool."""
    return ctx.choices.weighted(_weighted(ctx.dtypes))


def integer_dtype(ctx: Context) -> t.Scalar:
    """An integer type."""
    integers = tuple(d for d in ctx.dtypes if d.is_integer) or (t.INT32,)
    return ctx.choices.weighted(_weighted(integers))


def float_dtype(ctx: Context) -> t.Scalar:
    """A float type."""
    floats = tuple(d for d in ctx.dtypes if d.is_float) or (t.FLOAT32,)
    return ctx.choices.weighted(_weighted(floats))


MATRIX_SHAPES = (
    *(((size, size), 8) for size in (2, 3, 4)),
    *(((rows, columns), 1) for rows in (2, 3, 4) for columns in (2, 3, 4) if rows != columns),
)


def vector_type(ctx: Context) -> t.Vector:
    """A vector type; long ones where the kernel may use them."""
    dtype = numeric_dtype(ctx)
    if ctx.allows("spatial") and ctx.choices.chance(0.15) and dtype.is_float:
        return t.Vector(ctx.choices.pick((6, 5)), dtype)
    return t.Vector(ctx.choices.pick((3, 2, 4)), dtype)


def matrix_type(ctx: Context) -> t.Matrix:
    """A matrix type: square ones most often, integer ones now and then."""
    over_integers = ctx.choices.chance(0.1) or not any(d.is_float for d in ctx.dtypes)
    dtype = integer_dtype(ctx) if over_integers else float_dtype(ctx)
    if ctx.allows("spatial") and ctx.choices.chance(0.05) and dtype.is_float:
        return t.Matrix(6, 6, dtype)
    return t.Matrix(*ctx.choices.weighted(MATRIX_SHAPES), dtype)


def value_type(ctx: Context) -> t.Type:
    """A type for a local or an output; the category's own types come more often."""
    focus = ctx.focus
    kinds: list[tuple[str, int]] = [("scalar", 10)]
    for kind in ("vector", "matrix", "quaternion", "transform", "struct"):
        if ctx.allows(kind):
            kinds.append((kind, 24 if kind in focus else {"vector": 4, "matrix": 2}.get(kind, 1)))
    if ctx.allows("bool_data"):
        kinds.append(("bool", 1))
    kind = ctx.choices.weighted(kinds)
    if kind == "scalar":
        return integer_dtype(ctx) if focus & {"bitwise", "shift"} else numeric_dtype(ctx)
    return _OF_KIND[kind](ctx)


_OF_KIND: dict[str, Callable[[Context], t.Type]] = {
    "vector": vector_type,
    "matrix": matrix_type,
    "quaternion": lambda ctx: t.Quaternion(float_dtype(ctx)),
    "transform": lambda ctx: t.Transform(float_dtype(ctx)),
    "struct": lambda ctx: struct_type(ctx),
    "bool": lambda ctx: t.BOOL,
}


def comparable_type(ctx: Context) -> t.Type:
    """A type for the two sides of a comparison: most often one that is at hand."""
    at_hand = [v.type for v in ctx.variables if isinstance(v.type, t.Scalar)]
    if at_hand and ctx.choices.chance(0.6):
        return ctx.choices.pick(at_hand)
    return numeric_dtype(ctx)


# ---------------------------------------------------------------------- structs


FIELD_NAMES = ("a", "b", "c", "d", "e", "f")
MOST_STRUCTS = 3


def struct_type(ctx: Context) -> t.Struct:
    """One of the module's structs, or a new one with one to four fields."""
    structs = _plain_structs(ctx)
    chosen = ctx.choices.pick([*reversed(structs), None] if len(structs) < MOST_STRUCTS else [*reversed(structs)])
    return chosen if chosen is not None else new_struct(ctx)


def new_struct(ctx: Context, *, nested: bool = False) -> t.Struct:
    """A struct of fields of any value type; ``nested`` makes its last field a struct."""
    inner = [struct_type(ctx)] if nested else []
    count = ctx.choices.integer(1, 4)
    fields = [field_type(ctx, allow_struct=not inner) for _ in range(count)] + inner
    made = t.Struct(f"S{len(ctx.module.structs)}", tuple(zip(FIELD_NAMES, fields, strict=False)))
    ctx.module.structs.append(made)
    return made


def _plain_structs(ctx: Context) -> list[t.Struct]:
    """The module's structs without arrays in them."""
    return [struct for struct in ctx.module.structs if not t.holds_array(struct)]


def field_type(ctx: Context, *, allow_struct: bool) -> t.Type:
    """The type of a field that is no array."""
    kinds: list[tuple[str, int]] = [("scalar", 6)]
    kinds += [("vector", 2)] * ctx.allows("vector")
    kinds += [("matrix", 2)] * (ctx.allows("matrix") and any(d.is_float for d in ctx.dtypes))
    if any(d.is_float for d in ctx.dtypes):
        kinds += [(kind, 1) for kind in ("quaternion", "transform") if ctx.allows(kind)]
    if ctx.allows("bool_data"):
        kinds.append(("bool", 1))
    if allow_struct and _plain_structs(ctx) and ctx.allows("nested_struct"):
        kinds.append(("struct", 2))
    match ctx.choices.weighted(kinds):
        case "vector":
            return t.Vector(ctx.choices.pick((3, 2, 4)), numeric_dtype(ctx))
        case "matrix":
            size = ctx.choices.pick((3, 2))
            return t.Matrix(size, size, float_dtype(ctx))
        case "quaternion":
            return t.Quaternion(float_dtype(ctx))
        case "transform":
            return t.Transform(float_dtype(ctx))
        case "bool":
            return t.BOOL
        case "struct":
            return ctx.choices.pick([*reversed(_plain_structs(ctx))])
        case _:
            return numeric_dtype(ctx)
