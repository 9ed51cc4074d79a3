"""Arrays that a launch may leave out: a kernel asks whether one is there before it reads or changes an element.

``if a:`` and ``if not a:`` are how published kernels ask; what is done with the array stands behind the question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies import buffers, control_flow
from kernelfuzz.strategies.context import Buffer, Context
from kernelfuzz.strategies.local_variables import declare
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.strategies.safe_operators import compared
from kernelfuzz.strategies.value_types import numeric_dtype, value_type

# A kernel has no more such arrays than this.
MOST = 3


def asks(ctx: Context) -> list[n.Stmt]:
    """A question whether an array is there, with what is done if it is, and sometimes what is done else."""
    buffer = _buffer(ctx)
    forms: list[tuple[Callable[[Context, Buffer], list[n.Stmt]], int]] = [(_if, 6)]
    forms += [(_if_else, 2), (_if_not, 2)] * ctx.allows("else")
    forms += [(_exit, 3)] * bool(_exits(ctx))
    forms += [(_ternary, 2)] * (ctx.allows("ternary") and buffer.role == "in")
    return ctx.choices.weighted(forms)(ctx, buffer)


def _buffer(ctx: Context) -> Buffer:
    """An array that may be missing: one that was asked for before, or a new one."""
    known = ctx.optional
    chosen = ctx.choices.pick([*known, None] if ctx.in_kernel and len(known) < MOST else known)
    if chosen is not None:
        return chosen
    type_ = value_type(ctx)
    type_ = type_ if buffers.can_hold(ctx, type_) else numeric_dtype(ctx)
    make = ctx.choices.weighted(((buffers.new_input, 3), (buffers.new_output, 2)))
    made = make(ctx, type_)
    ctx.buffers.remove(made)
    param = replace(made.param, optional=True)
    ctx.params[ctx.params.index(made.param)] = param
    # As a view ends with its block, so does what is known of the array.
    ctx.optional.append(replace(made, param=param, view=True))
    return ctx.optional[-1]


def possible(ctx: Context) -> bool:
    """Whether there is such an array, or may be one."""
    return ctx.depth < ctx.deepest and ctx.has_room and (ctx.in_kernel or bool(ctx.optional))


def _use(ctx: Context, buffer: Buffer) -> n.Block:
    """What is done with an array that is there, sometimes after another statement."""
    before = [] if ctx.choices.chance(0.5) else ctx.draw_statement()
    ctx.buffers.append(buffer)
    if buffer.role == "out":
        used = buffers.store_into(ctx, buffer)
    else:
        used = declare(ctx, buffers.element(ctx, buffer))
        used += buffers.store_value(ctx, ctx.use(ctx.variables[-1]).expr)
    return (*before, *used)


def _if(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    return [_asked(ctx, buffer)]


def _asked(ctx: Context, buffer: Buffer, *, orelse: bool = False) -> n.If:
    """``if a: ...``, ``if a and c: ...``."""
    test: n.Expr = buffer.name
    if ctx.allows("and_or") and ctx.choices.chance(0.25):
        other = compared(ctx, 1)
        test = n.BoolOp("and", ctx.choices.pick(((test, other), (other, test))))
    with ctx.block():
        body = _use(ctx, buffer)
    if not orelse:
        return n.If(test, body)
    with ctx.block():
        return n.If(test, body, ctx.draw_block())


def _if_else(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    return [control_flow.without_elif(ctx, _asked(ctx, buffer, orelse=True))]


def _not(buffer: Buffer) -> n.Expr:
    return n.Unary("not", buffer.name, t.BOOL)


def _if_not(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``if not a: ... else: ...``."""
    with ctx.block():
        body = ctx.draw_block()
    with ctx.block():
        return [control_flow.without_elif(ctx, n.If(_not(buffer), body, _use(ctx, buffer)))]


def _exits(ctx: Context) -> list[n.Stmt]:
    """How the statements that are left can be skipped."""
    leaves: list[n.Stmt] = [n.Return()] * (ctx.in_kernel and ctx.allows("early_return"))
    if ctx.loops:
        leaves += [n.Continue()] * ctx.allows("continue") + [n.Break()] * ctx.allows("break")
    return leaves


def _exit(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``if not a: return``: from there on the array is there."""
    leave = ctx.choices.pick(_exits(ctx))
    return [n.If(_not(buffer), (leave,)), *_use(ctx, buffer)]


def _ternary(ctx: Context, buffer: Buffer) -> list[n.Stmt]:
    """``x = a[i] if a else e``."""
    dtype = buffer.array.dtype
    other = ctx.draw(dtype, 1)
    element = buffers.element(ctx, buffer)
    value = n.IfExp(buffer.name, element.expr, other.expr, dtype)
    return declare(ctx, Ranged(value, min(element.low, other.low), max(element.high, other.high)))
