"""How statements are drawn: one row of ``STATEMENTS`` for each kind, simplest first.

A row draws a list of statements from a budget, the number of statements that it may place, nested ones
included.  Blocks spend a budget row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernelfuzz.ir.nodes import (
    Assign, Attribute, AugAssign, Block, Break, Call, Cast, Continue, Expr, ExprStmt, If, Index, Literal,
    Name, Place, Return, Static, Stmt, Unpack,
)  # fmt: skip
from kernelfuzz.ir.types import (
    BOOL, INT32, UINT32, Array, Matrix, Quaternion, Scalar, Struct, Transform, Tuple, Type, Vector,
)  # fmt: skip
from kernelfuzz.strategies import atomics, loops, tiles
from kernelfuzz.strategies.arrays import can_hold, new_output, own_slot, subscript
from kernelfuzz.strategies.context import Buffer, Context, Variable
from kernelfuzz.strategies.dtypes import float_dtype, value_type
from kernelfuzz.strategies.expressions import call_builtin, combine, condition, draw, position
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS, Ranged, full_range, is_ranged
from kernelfuzz.strategies.safety import fit

MOST_OUTPUTS = 5


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of statement: when it can be drawn, how often, and how."""

    name: str
    possible: Callable[[Context, int], bool]
    draw: Callable[[Context, int], list[Stmt]]
    weight: int
    feature: str | None = None


def draw_statement(ctx: Context, budget: int) -> list[Stmt]:
    """One statement, with at most ``budget`` statements in it."""
    options = [
        (row, row.weight)
        for row in STATEMENTS
        if (row.feature is None or row.feature in ctx.features) and row.possible(ctx, budget)
    ]
    return ctx.choices.weighted(options).draw(ctx, budget) or store_new(ctx)


def draw_block(ctx: Context, budget: int) -> Block:
    """Statements for a whole budget: at least one."""
    body: list[Stmt] = []
    while budget > 0:
        part = ctx.choices.integer(1, budget)
        body += draw_statement(ctx, part)
        budget -= part
    return tuple(body) or tuple(store_new(ctx))


def operations(ctx: Context) -> int:
    """How many operations one expression statement gets."""
    return ctx.choices.weighted(((1, 4), (0, 2), (2, 4), (3, 3), (4, 2), (6, 1)))


# --------------------------------------------------------------------- stores


def _outputs(ctx: Context) -> list[Buffer]:
    return [b for b in ctx.buffers if b.role == "out"]


def _store(ctx: Context, budget: int) -> list[Stmt]:
    known = _outputs(ctx)
    fresh = ctx.in_kernel and len(known) < MOST_OUTPUTS
    buffer = ctx.choices.pick([*known, None] if fresh else known)
    if buffer is None:
        type_ = value_type(ctx)
        buffer = new_output(ctx, type_) if can_hold(ctx, type_) else new_output(ctx, INT32)  # pyright: ignore
    return store(ctx, buffer, operations(ctx))


def store(ctx: Context, buffer: Buffer, budget: int) -> list[Stmt]:
    """``out[i] = expression``."""
    value = draw(ctx, buffer.array.dtype, budget).expr
    return [Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]


def store_new(ctx: Context) -> list[Stmt]:
    """What stands in where nothing else can be drawn: a local, the smallest statement."""
    return _declare(ctx, INT32, draw(ctx, INT32, 0))


def store_value(ctx: Context, value: Expr) -> list[Stmt]:
    """Make a value observable: ``out[i] = value``."""
    type_ = value.type
    for buffer in _outputs(ctx):
        if buffer.array.dtype == type_ and ctx.choices.chance(0.5):
            return [Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]
    buffer = new_output(ctx, type_)  # pyright: ignore[reportArgumentType]
    return [Assign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), value)]


def _augmented_store(ctx: Context, budget: int) -> list[Stmt]:
    """``out[i] += expression``: an atomic in the code that Warp generates."""
    buffer = ctx.choices.pick([b for b in _outputs(ctx) if _can_augment(b)])
    dtype = buffer.array.dtype
    scalar = dtype if isinstance(dtype, Scalar) else None
    ops = ("+", "-", "&", "|", "^") if scalar and scalar.is_integer and ctx.allows("bitwise") else ("+", "-")
    op = ctx.choices.pick(ops)
    value = draw(ctx, dtype, operations(ctx))
    if is_ranged(dtype):
        value = fit(ctx, value, *MUTABLE_BOUNDS)
    return [AugAssign(subscript(ctx, buffer.name, own_slot(ctx, buffer)), op, value.expr)]


def _can_augment(buffer: Buffer) -> bool:
    """Sums of outputs stay in range only for types that wrap around or are floats."""
    return atomics.can_sum(buffer.array.dtype) and not is_ranged(buffer.array.dtype)


def _element_component_store(ctx: Context, budget: int) -> list[Stmt]:
    buffer = ctx.choices.pick([b for b in _outputs(ctx) if not isinstance(b.array.dtype, Scalar)])
    return element_component_store(ctx, buffer)


def element_component_store(ctx: Context, buffer: Buffer) -> list[Stmt]:
    """``out[i].x = expression``, ``out[i][1] += expression``, ``out[i].field = expression``."""
    element = Index(buffer.name, own_slot(ctx, buffer), buffer.array.dtype)
    target = inner_place(ctx, element)
    value = draw(ctx, target.type, operations(ctx))
    scalar = target.type if isinstance(target.type, Scalar) else None
    if scalar and scalar.is_float and scalar.bits >= 32 and ctx.allows("augmented") and ctx.choices.chance(0.3):
        return [AugAssign(target, ctx.choices.pick(("+", "-")), value.expr)]
    return [Assign(target, value.expr)]


def inner_place(ctx: Context, value: Name | Index | Attribute) -> Place:
    """A component, a row or a field of a place."""
    type_ = value.type
    match type_:
        case Struct(fields=fields):
            name, field = ctx.choices.pick(fields)
            inner = Attribute(value, name, field)
            return inner_place(ctx, inner) if isinstance(field, Struct) else inner
        case Matrix(rows=rows, columns=columns, dtype=dtype):
            if isinstance(value, Name) and dtype.is_float and ctx.choices.chance(0.2):
                return Index(value, (position(ctx, rows, 0),), Vector(columns, dtype))
            return Index(value, (position(ctx, rows, 0), position(ctx, columns, 0)), dtype)
        case Transform(dtype=dtype):
            return Attribute(value, *ctx.choices.pick((("p", Vector(3, dtype)), ("q", Quaternion(dtype)))))
        case Vector() | Quaternion():
            length = type_.length if isinstance(type_, Vector) else 4
            if length <= 4 and ctx.choices.chance(0.6):
                return Attribute(value, ctx.choices.pick("xyzw"[:length]), type_.dtype)
            return Index(value, (position(ctx, length, 0),), type_.dtype)
        case _:
            raise AssertionError(f"{type_} has no inside")


# --------------------------------------------------------------------- locals


def _local(ctx: Context, budget: int) -> list[Stmt]:
    type_ = value_type(ctx)
    return _declare(ctx, type_, draw(ctx, type_, operations(ctx)))


def _declare(ctx: Context, type_: Type, value: Ranged) -> list[Stmt]:
    """``x = value``.  A bare literal would be a constant in Warp: a local that is to change is declared
    with its type, as in ``x = float(0.0)``."""
    mutable = True
    if isinstance(value.expr, Literal | Static):
        if isinstance(value.expr, Literal) and ctx.choices.chance(0.6):
            value = Ranged(Cast(value.expr.type, value.expr), *value.range)
        else:
            mutable = False
    held = value
    if mutable:
        low, high = (min(value.low, MUTABLE_BOUNDS[0]), max(value.high, MUTABLE_BOUNDS[1]))
        held = Ranged(value.expr, *((low, high) if is_ranged(type_) else full_range(type_)))
    variable = ctx.declare(type_, held, mutable=mutable)
    return [Assign(Name(variable.name, type_), value.expr)]


def declare_of(ctx: Context, type_: Type, value: Ranged) -> list[Stmt]:
    """A local that holds a given value."""
    return _declare(ctx, type_, value)


def _mutable(ctx: Context) -> list[Variable]:
    return [v for v in reversed(ctx.variables) if v.mutable]


def _assign(ctx: Context, budget: int) -> list[Stmt]:
    variable = ctx.choices.pick(_mutable(ctx))
    value = draw(ctx, variable.type, operations(ctx))
    if is_ranged(variable.type):
        value = fit(ctx, value, variable.low, variable.high)
    if isinstance(value.expr, Literal | Static):
        # A bare constant would make the name one: Warp refuses to change such a name in a loop.
        value = Ranged(Cast(value.expr.type, value.expr), *value.range)
    ctx.wrote(variable)
    return [Assign(Name(variable.name, variable.type), value.expr)]





def _augment(ctx: Context, budget: int) -> list[Stmt]:
    """``x += expression``: the operator is one whose result the variable's range still holds."""
    variable = ctx.choices.pick([v for v in _mutable(ctx) if _augmentable(v.type)])
    type_ = variable.type
    if is_ranged(type_):
        return _augment_in_range(ctx, variable)
    scalar = type_ if isinstance(type_, Scalar) else None
    ops = ("+", "-")
    if scalar and scalar.is_float:
        ops += ("*", "/")
    elif scalar and ctx.allows("bitwise"):
        ops += ("&", "|", "^")
    op = ctx.choices.pick(ops)
    value = combine(ctx, op, variable.read(), draw(ctx, type_, operations(ctx)), type_).expr
    ctx.wrote(variable)
    return [AugAssign(Name(variable.name, type_), op, value.right)]  # pyright: ignore


def _augment_in_range(ctx: Context, variable: Variable) -> list[Stmt]:
    """An int32 or int64 that changes in place: by a bit operation or a remainder, which stay in range."""
    op = ctx.choices.pick(("%", "//", "&") if ctx.allows("bitwise") else ("%", "//"))
    value = draw(ctx, variable.type, operations(ctx))
    value = fit(ctx, value, 0 if op == "&" else 1, 100)
    ctx.wrote(variable)
    return [AugAssign(Name(variable.name, variable.type), op, value.expr)]


def _augmentable(type_: Type) -> bool:
    if isinstance(type_, Scalar):
        return type_ != BOOL
    return isinstance(type_, (Vector, Matrix, Quaternion)) and not is_ranged(type_)


def _component_store(ctx: Context, budget: int) -> list[Stmt]:
    return component_store(ctx, ctx.choices.pick([v for v in _mutable(ctx) if _has_inside(v.type)]))


def component_store(ctx: Context, variable: Variable) -> list[Stmt]:
    """``v.x = expression``, ``m[0, 1] += expression``, ``s.field = expression``."""
    target = inner_place(ctx, Name(variable.name, variable.type))
    value = draw(ctx, target.type, operations(ctx))
    if is_ranged(variable.type):
        value = fit(ctx, value, variable.low, variable.high)
    ctx.wrote(variable)
    scalar = target.type if isinstance(target.type, Scalar) else None
    in_struct = isinstance(variable.type, Struct)
    if scalar and scalar.is_float and not in_struct and ctx.allows("augmented") and ctx.choices.chance(0.3):
        return [AugAssign(target, ctx.choices.pick(("+", "-")), value.expr)]
    return [Assign(target, value.expr)]


def _has_inside(type_: Type) -> bool:
    return isinstance(type_, (Vector, Matrix, Quaternion, Transform, Struct))


def _swap(ctx: Context, budget: int) -> list[Stmt]:
    """``a, b = b, a``: both sides are read before either is written."""
    pairs = _swappable(ctx)
    first, second = ctx.choices.pick(pairs)
    values = (ctx.use(second).expr, ctx.use(first).expr)
    return [Unpack((first.name, second.name), values)]


def _swappable(ctx: Context) -> list[tuple[Variable, Variable]]:
    found = _mutable(ctx)
    return [
        (a, b)
        for at, a in enumerate(found)
        for b in found[at + 1 :]
        if a.type == b.type and (a.low, a.high) == (b.low, b.high) and isinstance(a.type, (Scalar, Vector))
    ]


def unpack_pair(ctx: Context) -> list[Stmt]:
    """``a, b = x, y``: two new locals at once."""
    values = [draw(ctx, type_, operations(ctx)) for type_ in (value_type(ctx), value_type(ctx))]
    names = [ctx.declare(value.expr.type, value, mutable=False).name for value in values]
    return [Unpack(tuple(names), tuple(value.expr for value in values))]


def _unpack_call(ctx: Context, budget: int) -> list[Stmt]:
    return unpack_call(ctx)


def unpack_call(ctx: Context) -> list[Stmt]:
    """``a, b = f(...)``: a function that returns several values."""
    from kernelfuzz.strategies.functions import call_for_several  # a function's body is made of statements

    made = call_for_several(ctx, operations(ctx))
    if made is None:
        return []
    value, types = made
    names = [
        ctx.declare(type_, Ranged(value.expr, *_several_range(type_, value)), mutable=not is_ranged(type_)).name
        for type_ in types
    ]
    return [Unpack(tuple(names), (value.expr,))]


def _several_range(type_: Type, value: Ranged) -> tuple[int, int]:
    return value.range if is_ranged(type_) else full_range(type_)


def _decompose(ctx: Context, budget: int) -> list[Stmt]:
    return decompose(ctx)


def decompose(ctx: Context) -> list[Stmt]:
    """``u, s, v = wp.svd3(m)``."""
    from kernelfuzz.ir.builtins import resolve

    dtype = float_dtype(ctx)
    name, size = ctx.choices.pick((("qr3", 3), ("svd3", 3), ("eig3", 3), ("svd2", 2)))
    signature = resolve(name, (Matrix(size, size, dtype),))
    assert signature is not None
    assert isinstance(signature.result, Tuple)
    value = call_builtin(ctx, signature, operations(ctx))
    names = [ctx.declare(type_, Ranged(value.expr), mutable=True).name for type_ in signature.result.elements]
    return [Unpack(tuple(names), (value.expr,))]


def _view(ctx: Context, budget: int) -> list[Stmt]:
    return view(ctx)


def view(ctx: Context) -> list[Stmt]:
    """``row = a[i]``: an array of a dimension less, which from then on can be read in its own right."""
    buffer = ctx.choices.pick([b for b in ctx.buffers if b.role == "in" and b.array.ndim > 1])
    first = buffer.param.shape[0]
    index = ctx.thread(first).expr if isinstance(first, str) and first in ctx.axes() else Literal(0, INT32)
    type_ = Array(buffer.array.dtype, buffer.array.ndim - 1)
    variable = ctx.declare(type_, Ranged(buffer.name), mutable=False)
    ctx.use(variable)
    return [Assign(Name(variable.name, type_), Index(buffer.name, (index,), type_))]


def _random_state(ctx: Context, budget: int) -> list[Stmt]:
    return random_state(ctx)


def random_state(ctx: Context) -> list[Stmt]:
    """``state = wp.rand_init(seed, thread)``."""
    seed = Literal(ctx.choices.pick((42, 0, 7, 1234)), INT32)
    parts = (seed, ctx.thread("x").expr) if "x" in ctx.axes() else (seed,)
    value = Ranged(Call("rand_init", parts, UINT32), *full_range(UINT32))
    variable = ctx.declare(UINT32, value, mutable=True, name=ctx.fresh("state"))
    return [Assign(Name(variable.name, UINT32), value.expr)]


# --------------------------------------------------------------- control flow


def _if(ctx: Context, budget: int) -> list[Stmt]:
    test = condition(ctx, operations(ctx))
    inner = budget - 1
    kinds: list[tuple[str, int]] = [("if", 4)]
    if inner >= 2 and ctx.allows("else"):
        kinds.append(("else", 3))
    if inner >= 2 and ctx.allows("elif"):
        kinds.append(("elif", 2))
    kind = ctx.choices.weighted(kinds)
    part = inner if kind == "if" else ctx.choices.integer(1, inner - 1)
    with ctx.block():
        body = draw_block(ctx, part)
    if kind == "if":
        return [If(test, body)]
    with ctx.block():
        rest = draw_block(ctx, inner - part) if kind == "else" else tuple(_if(ctx, inner - part + 1))
    return [If(test, body, rest)]


def _break(ctx: Context, budget: int) -> list[Stmt]:
    return [If(condition(ctx, operations(ctx)), (Break(),))]


def _continue(ctx: Context, budget: int) -> list[Stmt]:
    return [If(condition(ctx, operations(ctx)), (Continue(),))]


def _return(ctx: Context, budget: int) -> list[Stmt]:
    return [If(condition(ctx, operations(ctx)), (Return(),))]


def _procedure(ctx: Context, budget: int) -> list[Stmt]:
    from kernelfuzz.strategies.functions import call_procedure  # a function's body is made of statements

    return call_procedure(ctx, operations(ctx))


def _may_nest(ctx: Context, budget: int) -> bool:
    return budget >= 2 and ctx.depth < ctx.deepest


def _branch(ctx: Context, budget: int) -> bool:
    return ctx.depth < ctx.deepest


STATEMENTS: tuple[Statement, ...] = (
    Statement("local", lambda ctx, _: True, _local, 16),
    Statement("store", lambda ctx, _: ctx.in_kernel or bool(_outputs(ctx)), _store, 10),
    Statement("assign", lambda ctx, _: bool(_mutable(ctx)), _assign, 10),
    Statement("augment", lambda ctx, _: any(_augmentable(v.type) for v in _mutable(ctx)), _augment, 6, "augmented"),
    Statement(
        "component_store",
        lambda ctx, _: any(_has_inside(v.type) for v in _mutable(ctx)),
        _component_store,
        6,
        "component_store",
    ),
    Statement(
        "augmented_store",
        lambda ctx, _: ctx.allows("atomic") and any(_can_augment(b) for b in _outputs(ctx)),
        _augmented_store,
        3,
        "augmented",
    ),
    Statement(
        "element_component_store",
        lambda ctx, _: any(not isinstance(b.array.dtype, Scalar) for b in _outputs(ctx)),
        _element_component_store,
        4,
        "element_component_store",
    ),
    Statement("if", _may_nest, _if, 12, "if"),
    Statement("for", _may_nest, loops.for_loop, 9, "for"),
    Statement("while", _may_nest, loops.while_loop, 3, "while"),
    Statement("atomic", lambda ctx, _: ctx.in_kernel, atomics.update, 3, "atomic"),
    Statement("swap", lambda ctx, _: bool(_swappable(ctx)), _swap, 2, "unpack"),
    Statement("break", lambda ctx, b: ctx.loops > 0 and _branch(ctx, b), _break, 4, "break"),
    Statement("continue", lambda ctx, b: ctx.loops > 0 and _branch(ctx, b), _continue, 4, "continue"),
    Statement("return", lambda ctx, b: ctx.in_kernel and _branch(ctx, b), _return, 2, "early_return"),
    Statement(
        "tuple_return",
        lambda ctx, _: ctx.allows("function") and ctx.module.drawing < 2,
        _unpack_call,
        2,
        "tuple_return",
    ),
    Statement(
        "procedure",
        lambda ctx, _: ctx.in_kernel and ctx.allows("function") and ctx.module.drawing == 0,
        _procedure,
        1,
        "procedure",
    ),
    Statement("decompose", lambda ctx, _: ctx.allows("matrix"), _decompose, 1, "decomposition"),
    Statement("random_state", lambda ctx, _: True, _random_state, 1, "random"),
    Statement(
        "view", lambda ctx, _: any(b.role == "in" and b.array.ndim > 1 for b in ctx.buffers), _view, 2, "view"
    ),
    Statement("tile", tiles.possible, tiles.block, 1, "tile"),
)  # fmt: skip


