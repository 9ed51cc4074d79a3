"""Branches, and the early exits that stand in them."""

from __future__ import annotations

from kernelfuzz.ir.nodes import Block, If, Stmt
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.knots import draw_block
from kernelfuzz.strategies.operators import condition
from kernelfuzz.strategies.production import operations


def branch(ctx: Context, kind: str | None = None) -> list[Stmt]:
    """An if statement; ``kind`` is ``if``, ``else``, ``elif``, or None for any that is allowed."""
    test = condition(ctx, operations(ctx))
    if kind is None:
        kinds = [("if", 4)] + [("else", 3)] * ctx.allows("else") + [("elif", 2)] * ctx.allows("elif")
        kind = ctx.choices.weighted(kinds)
    with ctx.block():
        body = draw_block(ctx)
    if kind == "if":
        return [If(test, body)]
    with ctx.block():
        orelse: Block = draw_block(ctx) if kind == "else" else tuple(branch(ctx, _after_elif(ctx)))
    while len(orelse) == 1 and isinstance(orelse[0], If) and not ctx.allows("elif"):
        orelse = orelse[0].body  # a lone if statement after else is an elif
    return [If(test, body, orelse)]


def _after_elif(ctx: Context) -> str:
    """How a chain of branches goes on."""
    return ctx.choices.weighted([("if", 3)] + [("else", 3)] * ctx.allows("else") + [("elif", 1)] * ctx.allows("elif"))


def guard(ctx: Context, exit_: Stmt) -> list[Stmt]:
    """``if condition: break``, and the like with continue and return."""
    return [If(condition(ctx, operations(ctx)), (exit_,))]
