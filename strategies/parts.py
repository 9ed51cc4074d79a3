"""Parts of places, which statements store into: components, rows, slices and fields, and the sums into them."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.operands import fit, part_slice, place, position
from kernelfuzz.strategies.ranges import Ranged, is_ranged
from kernelfuzz.typecheck.targets import newer_places


def has_inside(type_: t.Type) -> bool:
    """Whether a value of the type has parts."""
    return isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform, t.Struct))


def inner_place(ctx: Context, value: n.Name | n.Index | n.Attribute) -> n.Place:
    """A component, a row, a slice or a field of a place."""
    type_ = value.type
    match type_:
        case t.Struct(fields=fields):
            name, field = ctx.choices.pick(fields)
            inner = n.Attribute(value, name, field)
            if isinstance(field, t.Struct) or (_goes_deeper(value, field) and ctx.choices.chance(0.4)):
                return inner_place(ctx, inner)
            return inner
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform():
            if isinstance(value, n.Name) and ctx.allows("slice_store") and ctx.choices.chance(0.15):
                return sliced_place(ctx, value)
            return _component(ctx, value, type_)
        case _:
            raise AssertionError(f"{type_} has no inside")


def _component(ctx: Context, value: n.Name | n.Index | n.Attribute, type_: t.Composite) -> n.Place:
    match type_:
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            has_rows = isinstance(value, n.Name) or ctx.allows("newer_place")
            if has_rows and dtype.is_float and ctx.choices.chance(0.2):
                return n.Index(value, (_position(ctx, rows),), t.Vector(columns, dtype))
            return n.Index(value, (_position(ctx, rows), _position(ctx, columns)), dtype)
        case t.Transform(dtype=dtype):
            whole = isinstance(value, n.Name) or (ctx.allows("newer_place") and not is_local(value))
            if whole and not ctx.choices.chance(0.2):
                return n.Attribute(value, *ctx.choices.pick((("p", t.Vector(3, dtype)), ("q", t.Quaternion(dtype)))))
            return n.Index(value, (_position(ctx, 7),), dtype)
        case t.Vector() | t.Quaternion():
            length = type_.length if isinstance(type_, t.Vector) else 4
            if length <= 4 and ctx.choices.chance(0.6):
                return n.Attribute(value, ctx.choices.pick("xyzw"[:length]), type_.dtype)
            return n.Index(value, (_position(ctx, length),), type_.dtype)


def _position(ctx: Context, length: int) -> n.Expr:
    """An index of a component that is stored into: with the feature, whatever is an integer in range."""
    if ctx.allows("computed_place"):
        return position(ctx, length, ctx.choices.weighted(((0, 4), (1, 1))))
    if ctx.choices.chance(0.2):
        return place(ctx, length).expr
    return n.Literal(ctx.choices.pick((*range(length), -1)), t.INT32)


def _goes_deeper(value: n.Name | n.Index | n.Attribute, field: t.Type) -> bool:
    """Whether ``s.v.x = e`` can be written; before 1.19 Warp refuses that two structs deep in a local."""
    return isinstance(field, (t.Vector, t.Matrix)) and (not isinstance(value, n.Attribute) or not is_local(value))


def sliced_place(ctx: Context, value: n.Name) -> n.Index:
    """``v[1:3]``, ``m[0:2, 1]``, ``m[0, ::-1]``, ``m[1:, 0:2]``, ``t[0:3]`` of a local."""
    type_ = value.type
    assert isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform))
    sizes, dtype = t.shape(type_), type_.dtype
    cut = ctx.choices.pick(((True, False), (False, True), (True, True))) if len(sizes) == 2 else (True,)
    indices: list[n.Expr | n.Slice] = []
    lengths: list[int] = []
    for size, sliced in zip(sizes, cut, strict=True):
        if not sliced:
            indices.append(_position(ctx, size))
            continue
        # Of a vector of one component, or of a matrix of one row, there is no name.
        lengths.append(ctx.choices.integer(min(2, size), min(size, 4)))
        indices.append(part_slice(ctx, size, lengths[-1]))
    made = t.Matrix(lengths[0], lengths[1], dtype) if len(lengths) == 2 else t.Vector(lengths[0], dtype)
    return n.Index(value, tuple(indices), made)


# ------------------------------------------------------------------------ sums


def changed(ctx: Context, target: n.Place, value: Ranged) -> n.Stmt:
    """``target = value``, or now and then an operation in place that Warp has there."""
    plain = n.Assign(target, value.expr)
    if not ctx.allows("augmented") or not ctx.choices.chance(0.3):
        return plain
    ops = _operators(ctx, target)
    if not ops:
        return plain
    op = ctx.choices.pick(ops)
    operand = fit(ctx, value, 0, 100).expr if op == "&" and is_ranged(target.type) else value.expr
    summed = n.AugAssign(target, op, operand)
    return plain if any(newer_places(summed)) and not ctx.allows("newer_place") else summed


def _operators(ctx: Context, target: n.Place) -> tuple[str, ...]:
    """The operators of sums into a part, of its type and of where it is."""
    type_ = target.type
    if isinstance(type_, (t.Struct, t.Array, t.Tile, t.Tuple)):
        return ()
    scalar = type_ if isinstance(type_, t.Scalar) else type_.dtype
    if scalar.is_float:
        narrow = scalar.bits < 32 and not is_local(target) and not ctx.allows("newer_place")
        return () if narrow or isinstance(type_, t.Transform) else ("+", "-")
    if not isinstance(type_, t.Scalar) or type_ == t.BOOL or not ctx.allows("bitwise"):
        return ()
    return ("&",) if is_ranged(type_) else ("&", "|", "^")
