"""Structs: drawn when a kernel first needs one, and shared from then on."""

from __future__ import annotations

from kernelfuzz.ir import types as t
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.dtypes import float_dtype, numeric_dtype

FIELD_NAMES = ("a", "b", "c", "d", "e", "f")
MOST_STRUCTS = 3


def struct_type(ctx: Context) -> t.Struct:
    """One of the module's structs, or a new one with one to four fields."""
    structs = ctx.module.structs
    chosen = ctx.choices.pick([*reversed(structs), None] if len(structs) < MOST_STRUCTS else [*reversed(structs)])
    return chosen if chosen is not None else new_struct(ctx)


def new_struct(ctx: Context, *, nested: bool = False) -> t.Struct:
    """A struct of fields of any value type; ``nested`` makes its last field a struct."""
    inner = [struct_type(ctx)] if nested else []
    count = ctx.choices.integer(1, 4)
    fields = [_field_type(ctx, allow_struct=not inner) for _ in range(count)] + inner
    made = t.Struct(f"S{len(ctx.module.structs)}", tuple(zip(FIELD_NAMES, fields, strict=False)))
    ctx.module.structs.append(made)
    return made


def _field_type(ctx: Context, *, allow_struct: bool) -> t.Type:
    kinds: list[tuple[str, int]] = [("scalar", 6)]
    kinds += [("vector", 2)] * ctx.allows("vector")
    kinds += [("matrix", 2)] * (ctx.allows("matrix") and any(d.is_float for d in ctx.dtypes))
    if ctx.allows("bool_data"):
        kinds.append(("bool", 1))
    if allow_struct and ctx.module.structs and ctx.allows("nested_struct"):
        kinds.append(("struct", 2))
    match ctx.choices.weighted(kinds):
        case "vector":
            return t.Vector(ctx.choices.pick((3, 2, 4)), _field_dtype(ctx))
        case "matrix":
            size = ctx.choices.pick((3, 2))
            return t.Matrix(size, size, float_dtype(ctx))
        case "bool":
            return t.BOOL
        case "struct":
            return ctx.choices.pick([*reversed(ctx.module.structs)])
        case _:
            return _field_dtype(ctx)


def _field_dtype(ctx: Context) -> t.Scalar:
    return numeric_dtype(ctx)
