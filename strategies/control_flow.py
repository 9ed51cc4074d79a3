"""Branches, loops and early exits: every loop ends, and its variable has a range."""

from __future__ import annotations

from collections.abc import Callable

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies.context import Context, Variable
from kernelfuzz.strategies.local_variables import declare
from kernelfuzz.strategies.operands import draw_in
from kernelfuzz.strategies.safe_operators import condition


def branch(ctx: Context, kind: str | None = None) -> list[n.Stmt]:
    """An if statement; ``kind`` is ``if``, ``else``, ``elif``, or None for any that is allowed."""
    test = condition(ctx, ctx.operations())
    if kind is None:
        kinds = [("if", 4)] + [("else", 3)] * ctx.allows("else") + [("elif", 2)] * ctx.allows("elif")
        kind = ctx.choices.weighted(kinds)
    with ctx.block():
        body = ctx.draw_block()
    if kind == "if":
        return [n.If(test, body)]
    with ctx.block():
        orelse: n.Block = ctx.draw_block() if kind == "else" else tuple(branch(ctx, _after_elif(ctx)))
    return [without_elif(ctx, n.If(test, body, orelse), always=kind == "else")]


def without_elif(ctx: Context, made: n.If, *, always: bool = False) -> n.If:
    """The statement; where no ``elif`` is allowed or wanted, what would be one has a statement before it."""
    unwanted = always or not ctx.allows("elif")
    if unwanted and len(made.orelse) == 1 and isinstance(made.orelse[0], n.If):
        with ctx.block():
            return n.If(made.test, made.body, (*declare(ctx, ctx.draw(t.INT32, 0)), *made.orelse))
    return made


def _after_elif(ctx: Context) -> str:
    """How a chain of branches goes on."""
    return ctx.choices.weighted([("if", 3)] + [("else", 3)] * ctx.allows("else") + [("elif", 1)] * ctx.allows("elif"))


def guard(ctx: Context, exit_: n.Stmt) -> list[n.Stmt]:
    """``if condition: break``, and the like with continue and return."""
    return [n.If(condition(ctx, ctx.operations()), (exit_,))]


# ------------------------------------------------------------------------ loops


# A loop runs at most this often, so that a nest of five ends soon.
LONGEST = 6
# Warp unrolls constant loops, one inside the other: together they make at most this many copies.
MOST_COPIES = 12
# A constant loop of more turns than this is not unrolled (max_unroll), so some are that long.
UNROLLED_LIMIT = 16


Body = Callable[[Context], list[n.Stmt]]


def for_loop(ctx: Context) -> list[n.Stmt]:
    """A for loop over constant bounds, or where allowed over bounds that only a run knows."""
    return for_with(ctx, None)


def for_with(ctx: Context, body: Body | None, *, dynamic: bool | None = None, stepped: bool = False) -> list[n.Stmt]:
    """A for loop around given statements, or around drawn ones; ``dynamic`` None leaves that to chance."""
    if dynamic is None:
        dynamic = ctx.allows("dynamic_for") and ctx.choices.chance(0.5)
    bounds, low, high, turns = (_dynamic_bounds if dynamic else _constant_bounds)(ctx, stepped)
    name = _loop_name(ctx)
    with ctx.block(loop=True, copies=turns):
        ctx.variables.append(Variable(name, t.INT32, low, high))
        inner = ctx.draw_block() if body is None else tuple(body(ctx))
    ctx.loop_names.append(name)
    return [n.For(name, bounds, inner)]


def _loop_name(ctx: Context) -> str:
    """A new name, or outside of loops that of a loop that is over.

    An unrolled loop leaves its name a constant, which a loop around the next one could not change.
    """
    return ctx.choices.pick([None, *ctx.loop_names] if ctx.loops == 0 else [None]) or ctx.fresh("i")


def _literals(*values: int) -> tuple[n.Expr, ...]:
    return tuple(n.Literal(value, t.INT32) for value in values)


def _kinds(ctx: Context, stepped: bool) -> list[tuple[str, int]]:
    steps = [("step", 1), ("down", 1)]
    if stepped:
        return steps
    return [("stop", 5), ("start", 2), *(steps if ctx.allows("range_step") else ())]


# The arguments of range, the range of the loop's variable, and how many copies unrolling makes of the body.
Bounds = tuple[tuple[n.Expr, ...], int, int, int]


def _constant_bounds(ctx: Context, stepped: bool) -> Bounds:
    choices = ctx.choices
    most = min(LONGEST, max(1, MOST_COPIES // ctx.copies))
    turns = choices.integer(1, most)
    match choices.weighted(_kinds(ctx, stepped)):
        case "start":
            start = choices.pick((1, 0, 2, -2))
            return _literals(start, start + turns), start, start + turns - 1, turns
        case "step":
            start, step = choices.integer(0, 2), choices.integer(2, 3)
            stop = start + turns * step - choices.integer(0, step - 1)
            return _literals(start, stop, step), start, stop - 1, turns
        case "down":
            step = choices.integer(1, 2)
            start = turns * step - 1
            return _literals(start, -1, -step), 0, start, turns
        case _:
            if ctx.loops == 0 and choices.chance(0.08):
                return _literals(UNROLLED_LIMIT + 1), 0, UNROLLED_LIMIT, 1
            return _literals(turns), 0, turns - 1, turns


def _dynamic_bounds(ctx: Context, stepped: bool) -> Bounds:
    choices = ctx.choices
    stop = _bound(ctx)
    match choices.weighted(_kinds(ctx, stepped)):
        case "start":
            return (*_literals(choices.integer(0, 2)), stop), 0, LONGEST, 1
        case "step":
            return (*_literals(0), stop, *_literals(choices.integer(2, 3))), 0, LONGEST, 1
        case "down":
            return (stop, *_literals(-1), *_literals(-choices.integer(1, 2))), 0, LONGEST, 1
        case _:
            return (stop,), 0, LONGEST, 1


def _bound(ctx: Context) -> n.Expr:
    """An int32 in 0..LONGEST that is no constant: a parameter, a value at hand, an expression."""
    ready = [v for v in reversed(ctx.variables) if v.type == t.INT32 and v.low >= 0 and v.high <= LONGEST]
    fresh = ctx.in_kernel and ctx.allows("scalar_param")
    kinds = [("ready", 3)] * bool(ready) + [("parameter", 2)] * fresh + [("drawn", 1)]
    match ctx.choices.weighted(kinds):
        case "ready":
            return ctx.use(ctx.choices.pick(ready)).expr
        case "parameter":
            return ctx.use(ctx.scalar_param(t.INT32, (0, LONGEST))).expr
        case _:
            value = draw_in(ctx, t.INT32, ctx.choices.integer(1, 2), 0, LONGEST)
            return value.expr if not isinstance(value.expr, n.Literal) else n.Cast(t.INT32, value.expr)


def while_loop(ctx: Context) -> list[n.Stmt]:
    """``while n < limit``: the counter moves first, so that continue cannot skip it."""
    limit = ctx.choices.integer(1, LONGEST)
    name = ctx.fresh("w")
    counter = n.Name(name, t.INT32)
    declaration = n.Assign(counter, n.Cast(t.INT32, n.Literal(0, t.INT32)))
    ctx.variables.append(Variable(name, t.INT32, 0, limit))
    ctx.read_names.add(name)
    test: n.Expr = n.Compare(counter, ("<",), (n.Literal(limit, t.INT32),))
    if ctx.allows("and_or") and ctx.choices.chance(0.3):
        test = n.BoolOp("and", (test, condition(ctx, 1, "operand")))
    step = moved(ctx, counter, "+", 1)
    with ctx.block(loop=True):
        body = ctx.draw_block()
    return [declaration, n.While(test, (step, *body))]


def moved(ctx: Context, counter: n.Name, op: str, by: int) -> n.Stmt:
    """``n += 1``, or ``n = n + 1`` where nothing is augmented."""
    step = n.Literal(by, t.INT32)
    if ctx.allows("augmented"):
        return n.AugAssign(counter, op, step)
    return n.Assign(counter, n.Binary(op, counter, step, t.INT32))
