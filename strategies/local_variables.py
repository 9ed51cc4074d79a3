"""Assignments to locals: declarations, changes in place, several names at once."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t  # fmt: skip
from kernelfuzz.strategies.builtin_calls import FEATURE_OF_TYPE, call_builtin
from kernelfuzz.strategies.context import Buffer, Context, Variable
from kernelfuzz.strategies.operands import fit, part_slice, place
from kernelfuzz.strategies.parts import changed, has_inside, inner_place, sliced_place
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS, Ranged, component_of, full_range, is_ranged
from kernelfuzz.strategies.safe_operators import combine
from kernelfuzz.strategies.value_types import float_dtype, value_type
from kernelfuzz.typecheck.builtins import BUILTINS, Signature, follows_table, instances


def local(ctx: Context) -> list[n.Stmt]:
    type_ = value_type(ctx)
    return declare(ctx, ctx.draw(type_, ctx.operations()))


def may_be_fixed(expr: n.Expr) -> bool:
    """Whether Warp may know the value while it generates code: a variable of that value could not change in a loop."""
    if not isinstance(expr.type, t.Scalar):
        return False
    match expr:
        case n.Literal() | n.Static() | n.Call(name="len"):
            return True
        case n.Unary(op="-", operand=operand):
            return isinstance(operand, n.Name) or may_be_fixed(operand)
        case _:
            return False


def unfixed(value: Ranged) -> Ranged:
    """The value as a variable, as in ``float(0.0)``, where Warp may know it while it generates code."""
    if not may_be_fixed(value.expr):
        return value
    assert isinstance(value.expr.type, t.Scalar)
    return Ranged(n.Cast(value.expr.type, value.expr), *value.range)


def declare(ctx: Context, value: Ranged) -> list[n.Stmt]:
    """``x = value``.  A bare literal would be a constant in Warp: a local that is to change is declared
    with its type, as in ``x = float(0.0)``."""
    type_ = value.expr.type
    mutable = True
    if may_be_fixed(value.expr):
        # Two loops deep, an unrolled one may come back to the name and find a constant there.
        if ctx.loops > 1 or ctx.choices.chance(0.6):
            value = unfixed(value)
        else:
            mutable = False
    held = value
    if mutable:
        low, high = min(value.low, MUTABLE_BOUNDS[0]), max(value.high, MUTABLE_BOUNDS[1])
        held = Ranged(value.expr, *((low, high) if is_ranged(type_) else full_range(type_)))
    variable = ctx.declare(type_, held, mutable=mutable)
    return [n.Assign(n.Name(variable.name, type_), value.expr)]


def mutable(ctx: Context) -> list[Variable]:
    return [v for v in reversed(ctx.variables) if v.mutable]


def assign(ctx: Context) -> list[n.Stmt]:
    return assign_to(ctx, ctx.choices.pick(mutable(ctx)))


def assign_to(ctx: Context, variable: Variable) -> list[n.Stmt]:
    value = unfixed(in_range(ctx, variable, ctx.draw(variable.type, ctx.operations())))
    ctx.wrote(variable)
    return [n.Assign(n.Name(variable.name, variable.type), value.expr)]


def in_range(ctx: Context, variable: Variable, value: Ranged) -> Ranged:
    """The value within the range of a variable that is to hold it."""
    return fit(ctx, value, variable.low, variable.high) if is_ranged(variable.type) else value


def augment(ctx: Context) -> list[n.Stmt]:
    """``x += expression``: the operator is one whose result the variable's range still holds."""
    variable = ctx.choices.pick([v for v in mutable(ctx) if augmentable(v.type)])
    type_ = variable.type
    if is_ranged(type_):
        return _augment_in_range(ctx, variable)
    scalar = type_ if isinstance(type_, t.Scalar) else None
    ops = ("+", "-")
    if scalar and scalar.is_float:
        ops += ("*", "/")
    elif scalar and ctx.allows("bitwise"):
        ops += ("&", "|", "^")
    op = ctx.choices.pick(ops)
    value = combine(ctx, op, variable.read(), ctx.draw(type_, ctx.operations()), type_).expr
    ctx.wrote(variable)
    return [n.AugAssign(n.Name(variable.name, type_), op, value.right)]  # pyright: ignore


def _augment_in_range(ctx: Context, variable: Variable) -> list[n.Stmt]:
    """An int32 or int64 that changes in place: by a bit operation or a remainder, which stay in range."""
    op = ctx.choices.pick(("%", "//", "&") if ctx.allows("bitwise") else ("%", "//"))
    value = ctx.draw(variable.type, ctx.operations())
    value = fit(ctx, value, 0 if op == "&" else 1, 100)
    ctx.wrote(variable)
    return [n.AugAssign(n.Name(variable.name, variable.type), op, value.expr)]


def augmentable(type_: t.Type) -> bool:
    if isinstance(type_, t.Scalar):
        return type_ != t.BOOL
    return isinstance(type_, (t.Vector, t.Matrix, t.Quaternion)) and not is_ranged(type_)


def component_store(ctx: Context) -> list[n.Stmt]:
    """A store into a part of some local."""
    return store_part(ctx, ctx.choices.pick([v for v in mutable(ctx) if has_inside(v.type)]))


def store_part(ctx: Context, variable: Variable) -> list[n.Stmt]:
    """``v.x = expression``, ``m[0, 1] += expression``, ``s.field = expression``, ``s.v.x += expression``."""
    target = inner_place(ctx, n.Name(variable.name, variable.type))
    value = in_range(ctx, variable, ctx.draw(target.type, ctx.operations()))
    ctx.wrote(variable)
    return [changed(ctx, target, value)]


def store_slice(ctx: Context) -> list[n.Stmt]:
    """``v[0:2] = expression``, ``m[:, 1] -= expression``."""
    variable = ctx.choices.pick([v for v in mutable(ctx) if has_slices(v.type)])
    target = sliced_place(ctx, n.Name(variable.name, variable.type))
    value = in_range(ctx, variable, ctx.draw(target.type, ctx.operations()))
    ctx.wrote(variable)
    return [changed(ctx, target, value)]


def has_slices(type_: t.Type) -> bool:
    """Whether a slice of a local of the type can be stored into."""
    return has_inside(type_) and not isinstance(type_, t.Struct)


def swap(ctx: Context) -> list[n.Stmt]:
    """``a, b = b, a``: both sides are read before either is written."""
    pairs = swappable(ctx)
    first, second = ctx.choices.pick(pairs)
    values = (ctx.use(second).expr, ctx.use(first).expr)
    return [n.Unpack((first.name, second.name), values)]


def swappable(ctx: Context) -> list[tuple[Variable, Variable]]:
    found = mutable(ctx)
    return [
        (a, b)
        for at, a in enumerate(found)
        for b in found[at + 1 :]
        if a.type == b.type and (a.low, a.high) == (b.low, b.high) and isinstance(a.type, (t.Scalar, t.Vector))
    ]


def unpack_pair(ctx: Context) -> list[n.Stmt]:
    """``a, b = x, y``: two new locals at once."""
    values = [ctx.draw(type_, ctx.operations()) for type_ in (value_type(ctx), value_type(ctx))]
    names = [ctx.declare(value.expr.type, value, mutable=False).name for value in values]
    return [n.Unpack(tuple(names), tuple(value.expr for value in values))]


@follows_table()
def decompositions(dtype: t.Scalar) -> tuple[Signature, ...]:
    """The builtins that take one value over the scalar type apart, those of the most drawn types first."""
    rows = [row for row in BUILTINS if row.group == "decomposition"]
    return tuple(each for row in rows for each in instances(row) if component_of(each.params[0]) == dtype)


def _allowed(ctx: Context, signature: Signature) -> bool:
    assert isinstance(signature.result, t.Tuple)
    kinds = {type(type_) for type_ in (*signature.params, *signature.result.elements)}
    if "scaled" in signature.domains:  # it is composed
        kinds.add(t.Transform)
    return all(ctx.allows(FEATURE_OF_TYPE.get(kind)) for kind in kinds)


def decompose(ctx: Context) -> list[n.Stmt]:
    """``u, s, v = wp.svd3(m)``."""
    found = [each for each in decompositions(float_dtype(ctx)) if _allowed(ctx, each)]
    signature = ctx.choices.pick(found)
    assert isinstance(signature.result, t.Tuple)
    value = call_builtin(ctx, signature, ctx.operations())
    names = [ctx.declare(type_, Ranged(value.expr), mutable=True).name for type_ in signature.result.elements]
    return [n.Unpack(tuple(names), (value.expr,))]


def view(ctx: Context) -> list[n.Stmt]:
    """``row = a[i]``, ``part = a[1:3, j]``: an array that is read, or stored into, in its own right from then on."""
    return view_of(ctx, ctx.choices.pick(viewed(ctx)))


def viewed(ctx: Context) -> list[Buffer]:
    """The arrays that a view can be made of; of one dimension a slice only."""
    return [b for b in ctx.buffers if b.role != "shared" and (b.array.ndim > 1 or ctx.allows("array_slice"))]


def view_of(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """A local with a view of an array: of what is written, one that keeps to the thread's own slots."""
    keys, shape = _view_keys(ctx, buffer)
    type_ = t.Array(buffer.array.dtype, len(shape))
    name = ctx.declare(type_, Ranged(buffer.name), mutable=False).name
    ctx.use(ctx.variables[-1])
    param = n.Param(name, type_, bounds=buffer.param.bounds, shape=shape)
    ctx.buffers.append(Buffer(param, buffer.role, view=True))
    return [n.Assign(n.Name(name, type_), n.Index(buffer.name, keys, type_))]


def _view_keys(ctx: Context, buffer: Buffer) -> tuple[tuple[n.Expr | n.Slice, ...], tuple[int | str, ...]]:
    """The subscripts of a view, and what is left of the shape."""
    keys: list[n.Expr | n.Slice] = []
    shape: list[int | str] = []
    slices = ctx.allows("array_slice")
    extents = buffer.param.shape
    # Without slices an index comes first, and what is left out stays as it is.
    count = len(extents) if slices else ctx.choices.integer(1, len(extents) - 1)
    for axis, extent in enumerate(extents[:count]):
        last = axis == len(extents) - 1 and not shape
        if not slices or not (last or ctx.choices.chance(0.6)):
            keys.append(_view_index(ctx, extent))
            continue
        if isinstance(extent, int):
            length = ctx.choices.integer(1, extent)
            keys.append(part_slice(ctx, extent, length))
            shape.append(length)
        else:
            backwards = buffer.role == "in" and ctx.choices.chance(0.3)
            keys.append(n.Slice(None, None, -1 if backwards else None))
            shape.append(extent)
    if (
        keys[-1] == n.Slice(None, None)
        and any(isinstance(key, n.Slice) for key in keys[:-1])
        and ctx.choices.chance(0.5)
    ):
        del keys[-1]
    return tuple(keys), (*shape, *extents[count:])


def _view_index(ctx: Context, extent: int | str) -> n.Expr:
    if isinstance(extent, int):
        return place(ctx, extent).expr
    return ctx.thread(extent).expr if extent in ctx.axes() else n.Literal(0, t.INT32)


def random_state(ctx: Context) -> list[n.Stmt]:
    """``state = wp.rand_init(seed, thread)``."""
    seed = n.Literal(ctx.choices.pick((42, 0, 7, 1234)), t.INT32)
    parts = (seed, ctx.thread("x").expr) if "x" in ctx.axes() else (seed,)
    value = Ranged(n.Call("rand_init", parts, t.UINT32), *full_range(t.UINT32))
    variable = ctx.declare(t.UINT32, value, mutable=True, name=ctx.fresh("state"))
    return [n.Assign(n.Name(variable.name, t.UINT32), value.expr)]
