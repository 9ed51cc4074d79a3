"""Unrolled loops whose bodies compute with ``wp.static`` of the counter."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies import control_flow
from kernelfuzz.strategies.context import Context, Variable
from kernelfuzz.strategies.inventory import Inventory
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS


def has_counter(shown: Inventory) -> bool:
    """Whether a static expression reads the counter of a loop."""
    constants = {constant.name for constant in shown.kernel.constants}
    read = (node for static in shown.of(n.Static) for node in walk(static))
    return any(isinstance(node, n.Name) and node.id not in constants for node in read)


def static_loop(ctx: Context) -> list[n.Stmt]:
    """``for i in range(3): if wp.static(i) == 1: continue; n += wp.static(i * i)``, also one in another."""
    total = n.Name(ctx.fresh("n"), t.INT32)
    loop = _loop(ctx, total, ())
    ctx.variables.append(Variable(total.id, t.INT32, *MUTABLE_BOUNDS, mutable=True))
    return [n.Assign(total, n.Cast(t.INT32, n.Literal(0, t.INT32))), loop]


def _loop(ctx: Context, total: n.Name, around: tuple[n.Name, ...]) -> n.Stmt:
    turns = ctx.choices.integer(1, min(control_flow.LONGEST, max(1, control_flow.MOST_COPIES // ctx.copies)))
    start, step = ctx.choices.pick((0, 1, -2)), 1
    if ctx.allows("range_step") and ctx.choices.chance(0.2):
        step = ctx.choices.pick((2, -1))
    stop = start + turns * step
    bounds = (stop,) if (start, step) == (0, 1) else (start, stop) if step == 1 else (start, stop, step)
    counters = (*around, n.Name(ctx.fresh("i"), t.INT32))
    nested = not around and ctx.allows("nested_loop") and ctx.depth + 1 < ctx.deepest and ctx.choices.chance(0.3)
    with ctx.block(loop=True, copies=turns):
        body: list[n.Stmt] = []
        if ctx.allows("if") and ctx.depth < ctx.deepest and ctx.choices.chance(0.5):
            body.append(n.If(_condition(ctx, counters), _guarded(ctx, total, counters)))
        body.append(_loop(ctx, total, counters) if nested else _sum(ctx, total, counters))
    ctx.loop_names.append(counters[-1].id)
    return n.For(counters[-1].id, tuple(n.Literal(bound, t.INT32) for bound in bounds), tuple(body))


def _guarded(ctx: Context, total: n.Name, counters: tuple[n.Name, ...]) -> n.Block:
    if ctx.allows("continue") and ctx.choices.chance(0.6):
        return (n.Continue(),)
    return (_sum(ctx, total, counters),)


def _condition(ctx: Context, counters: tuple[n.Name, ...]) -> n.Expr:
    """A comparison with a static value: the comparison itself is made when the kernel runs."""
    op = ctx.choices.pick(("==", "!=", "<", ">="))
    return n.Compare(_value(ctx, counters), (op,), (n.Literal(ctx.choices.integer(0, 3), t.INT32),))


def _sum(ctx: Context, total: n.Name, counters: tuple[n.Name, ...]) -> n.Stmt:
    """The sum of all of them stays far below the bounds of a variable: each is a product of two small numbers."""
    value = _value(ctx, counters)
    if ctx.allows("augmented"):
        return n.AugAssign(total, "+", value)
    return n.Assign(total, n.Binary("+", total, value, t.INT32))


def _value(ctx: Context, counters: tuple[n.Name, ...]) -> n.Static:
    """The static value of a counter, or of an operation on it and another one or a number."""
    counter = ctx.choices.pick(counters)
    if ctx.choices.chance(0.3):
        return n.Static(counter, t.INT32)
    other = ctx.choices.pick((n.Literal(ctx.choices.integer(1, 10), t.INT32), *counters))
    return n.Static(n.Binary(ctx.choices.pick(("*", "+", "-")), counter, other, t.INT32), t.INT32)
