"""User functions: drawn when a call needs one, and called again from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames
from kernelfuzz.strategies import control_flow
from kernelfuzz.strategies.buffers import can_hold, own_slot, store_into
from kernelfuzz.strategies.context import MAX_GRID, Buffer, Context, Variable
from kernelfuzz.strategies.operands import fit
from kernelfuzz.strategies.ranges import DEFAULT_BOUNDS, Ranged, full_range, is_ranged
from kernelfuzz.strategies.safe_operators import combine, condition
from kernelfuzz.strategies.value_types import value_type
from kernelfuzz.typecheck.operators import binary_result

MOST_FUNCTIONS = 3


def has_room(ctx: Context) -> bool:
    """Whether the module takes one more function."""
    return len(ctx.module.functions) < MOST_FUNCTIONS and ctx.has_room


def can_call(ctx: Context, type_: t.Type) -> bool:
    """Whether a function that returns the type can be called here: functions are drawn at most two deep."""
    if ctx.module.drawing >= 2:
        return False
    return has_room(ctx) or bool(_pure(ctx, type_))


def _pure(ctx: Context, type_: t.Type) -> list[n.Function]:
    """The functions that return the type and store nothing, the latest first."""
    return [f for f in reversed(ctx.module.functions) if f.returns == type_ and not _stores(f)]


def _stores(function: n.Function) -> bool:
    """Whether a function stores: then its first parameter is the array."""
    return bool(function.params) and isinstance(function.params[0].type, t.Array)


def call_function(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A call of a function that returns the type, of a new one where there is none."""
    known = _pure(ctx, type_)
    function = ctx.choices.pick([*known, None] if has_room(ctx) or not known else known)
    return _call(ctx, function or new_function(ctx, (type_,)), type_, budget)


def call_known(ctx: Context, functions: Sequence[n.Function]) -> Ranged | None:
    """A call of one of the functions, which other kernels have too; None where none gives a value."""
    able = [f for f in functions if f.returns is not None and not isinstance(f.returns, t.Tuple) and not _stores(f)]
    if not able:
        return None
    function = ctx.choices.pick(able)
    assert function.returns is not None
    return _call(ctx, function, function.returns, ctx.operations())


def can_return_several(ctx: Context) -> bool:
    """Whether a function that returns several values can be called here."""
    if not ctx.allows("function") or ctx.module.drawing >= 2:
        return False
    return has_room(ctx) or any(isinstance(f.returns, t.Tuple) for f in ctx.module.functions)


def unpack_call(ctx: Context) -> list[n.Stmt]:
    """``a, b = f(...)``: a call of a function that returns several values, of a new one where there is none."""
    budget = ctx.operations()
    known = [f for f in reversed(ctx.module.functions) if isinstance(f.returns, t.Tuple)]
    function = ctx.choices.pick([*known, None] if has_room(ctx) or not known else known)
    if function is None:
        function = new_function(ctx, tuple(value_type(ctx) for _ in range(ctx.choices.integer(2, 3))))
    assert isinstance(function.returns, t.Tuple)
    value = _call(ctx, function, function.returns, budget)
    names: list[str] = []
    for type_ in function.returns.elements:
        part = Ranged(value.expr, *(value.range if is_ranged(type_) else full_range(type_)))
        names.append(ctx.declare(type_, part, mutable=not is_ranged(type_)).name)
    return [n.Unpack(tuple(names), (value.expr,))]


def _call(ctx: Context, function: n.Function, type_: t.Type, budget: int) -> Ranged:
    arguments = _arguments(ctx, function.params, budget)
    call = n.CallFunction(function.name, arguments, type_, ctx.allows("static") and ctx.choices.chance(0.15))
    return Ranged(call, *ctx.module.ranges.get(function.name, (0, 0)))


def _arguments(ctx: Context, params: Sequence[n.Param], budget: int) -> tuple[n.Expr, ...]:
    """A value for each parameter, within its bounds."""
    arguments: list[n.Expr] = []
    for param, part in zip(params, ctx.share(budget, len(params)), strict=True):
        value = ctx.draw(param.type, part)
        arguments.append((fit(ctx, value, *param.bounds) if param.bounds else value).expr)
    return tuple(arguments)


def inner_context(ctx: Context) -> Context:
    """A context for the body of a function: nothing of the caller's is in scope."""
    return replace(
        ctx, ndim=0, params=[], buffers=[], optional=[], variables=[], uses_thread=False, loops=0, copies=1, depth=1,
        read_names=set(), fresh=FreshNames(), loop_names=[],
    )  # fmt: skip


def new_function(ctx: Context, returns: tuple[t.Type, ...]) -> n.Function:
    """A function with one to three parameters, a few statements and a return on every path."""
    inner = inner_context(ctx)
    ctx.module.drawing += 1
    for _ in range(ctx.choices.integer(1, 3)):
        _add_parameter(inner, returns[0] if inner.choices.chance(0.5) else value_type(inner))
    body: list[n.Stmt] = []
    for _ in range(ctx.choices.weighted(((0, 2), (1, 3), (2, 2), (3, 1)))):
        body += inner.draw_statement()
    early = ctx.choices.chance(0.3) and ctx.allows("early_return") and inner.depth <= inner.deepest
    ranges: list[Ranged] = []
    if early:
        body += _early_return(inner, returns, ranges)
    body.append(n.Return(_returned(inner, returns, ranges)))
    return _declare(inner, returns[0] if len(returns) == 1 else t.Tuple(returns), body, ranges)


def _declare(inner: Context, returns: t.Type | None, body: list[n.Stmt], ranges: list[Ranged]) -> n.Function:
    """Bring a function that is drawn into the module, with the range of what it returns."""
    module = inner.module
    module.drawing -= 1
    function = n.Function(f"f{len(module.functions)}", tuple(inner.params), returns, tuple(body))
    module.functions.append(function)
    if ranges:
        module.ranges[function.name] = min(r.low for r in ranges), max(r.high for r in ranges)
    return function


def _early_return(inner: Context, returns: tuple[t.Type, ...], ranges: list[Ranged]) -> list[n.Stmt]:
    """``if condition: return value``, by itself or inside a loop."""

    def leave(ctx: Context) -> list[n.Stmt]:
        test = condition(ctx, 1)
        return [n.If(test, (n.Return(_returned(ctx, returns, ranges)),))]

    if not inner.allows("for") or inner.deepest < 3 or inner.choices.chance(0.6):
        return leave(inner)
    return control_flow.for_with(inner, lambda ctx: [*ctx.draw_statement(), *leave(ctx)])


def _returned(inner: Context, returns: tuple[t.Type, ...], ranges: list[Ranged]):
    values = [inner.draw(type_, inner.choices.integer(0, 3)) for type_ in returns]
    ranges += values
    return tuple(value.expr for value in values)


def _add_parameter(inner: Context, type_: t.Type) -> None:
    bounds = DEFAULT_BOUNDS if is_ranged(type_) else None
    param = inner.add_param(type_, prefix="p", bounds=bounds)
    low, high = bounds or full_range(type_)
    inner.variables.append(inner.parameter(param, low, high))


def can_call_procedure(ctx: Context) -> bool:
    """Whether a function can be called here for what it stores."""
    return has_room(ctx) and ctx.in_kernel and ctx.allows("function") and ctx.module.drawing == 0


def call_procedure(ctx: Context) -> list[n.Stmt]:
    """A function that returns nothing and stores into an array, called for the thread's own slot."""
    type_ = value_type(ctx)
    buffer = _one_dimensional(ctx, type_ if can_hold(ctx, type_) else t.INT32)
    function = _storing(ctx, buffer, None)
    arguments = _slot_arguments(ctx, function, buffer, ctx.operations())
    return [n.ExprStmt(n.CallFunction(function.name, arguments, t.Tuple(())))]


def _storing(ctx: Context, buffer: Buffer, returns: t.Type | None) -> n.Function:
    """A function that stores into a slot of an array like the buffer, and returns a value or nothing."""
    type_ = buffer.array.dtype
    inner = inner_context(ctx)
    ctx.module.drawing += 1
    inner.buffers.append(Buffer(inner.add_param(buffer.array, prefix="out", shape=buffer.param.shape), "out"))
    for axis in buffer.param.shape:
        assert isinstance(axis, str)
        index = inner.add_param(t.INT32, prefix="i", bounds=(0, MAX_GRID - 1))
        inner.variables.append(Variable(index.name, t.INT32, 0, MAX_GRID - 1, axis=axis))
    _add_parameter(inner, type_ if isinstance(type_, t.Scalar) else inner.choices.pick((type_, *inner.dtypes[:1])))
    body: list[n.Stmt] = []
    if ctx.choices.chance(0.5):
        body += inner.draw_statement()
    body += store_into(inner, inner.buffers[0])
    values = [] if returns is None else [inner.draw(returns, inner.choices.integer(0, 1))]
    if values:
        body.append(n.Return((values[0].expr,)))
    return _declare(inner, returns, body, values)


def _slot_arguments(ctx: Context, function: n.Function, buffer: Buffer, budget: int) -> tuple[n.Expr, ...]:
    """The array, the thread's own slot in it, and values for the other parameters."""
    first = (buffer.name, *own_slot(ctx, buffer))
    return (*first, *_arguments(ctx, function.params[len(first) :], budget))


def can_have_effect(ctx: Context, type_: t.Type) -> bool:
    """Whether a function that stores can be called here for a value of the type."""
    return can_call_procedure(ctx) and can_hold(ctx, type_) and not ctx.allows("tile")


def call_with_effect(ctx: Context, type_: t.Type, budget: int) -> Ranged:
    """A call that stores into the thread's own slot of an array of the type, and gives a value of the type.

    What stands before it in an expression was read before the store, what stands behind it is read after.
    """
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    buffer = _one_dimensional(ctx, type_)
    known = [f for f in ctx.module.functions if _stores(f) and f.returns == type_]
    function = ctx.choices.pick(known) if known else _storing(ctx, buffer, type_)
    arguments = _slot_arguments(ctx, function, buffer, budget)
    called = Ranged(n.CallFunction(function.name, arguments, type_), *ctx.module.ranges[function.name])
    if binary_result("-", type_, type_) != type_ or ctx.choices.chance(0.4):
        return called
    # The slot that the function stores into, read on the other side of an operator.
    slot = Ranged(n.Index(buffer.name, own_slot(ctx, buffer), type_), *full_range(type_))
    left, right = (called, slot) if ctx.choices.chance(0.3) else (slot, called)
    return combine(ctx, ctx.choices.pick(("-", "+")), left, right, type_)


def _one_dimensional(ctx: Context, type_: t.Type) -> Buffer:
    """An output whose axes are just the grid's: the function takes one index for each."""
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    for buffer in ctx.buffers:
        if buffer.role == "out" and buffer.array.dtype == type_ and buffer.param.shape == ctx.axes():
            return buffer
    grid = ctx.axes()
    return ctx.buffer(t.Array(type_, len(grid)), "out", grid)
