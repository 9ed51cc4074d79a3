"""How statements are drawn: one row of ``STATEMENTS`` for each kind, simplest first.

A row draws a list of statements.  Every statement is a span of its own, so that shrinking can drop it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from kernelfuzz.ir.nodes import Block, Break, Continue, Return, Stmt
from kernelfuzz.strategies import aliasing, assignments, atomics, branches, function, loops, stores, tiles
from kernelfuzz.strategies.context import Context


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of statement: when it can be drawn, how often, and how."""

    name: str
    possible: Callable[[Context], bool]
    draw: Callable[[Context], list[Stmt]]
    weight: int
    feature: str | None = None


def draw_statement(ctx: Context) -> list[Stmt]:
    """A statement of any kind that is possible here."""
    return ctx.choices.span(lambda: _draw_statement(ctx))


def _draw_statement(ctx: Context) -> list[Stmt]:
    ctx.module.statements += 1
    return ctx.choices.possible(_rows(ctx.features), lambda row: row.possible(ctx)).draw(ctx)


@functools.lru_cache(maxsize=4096)
def _rows(features: frozenset[str]) -> tuple[tuple[Statement, int], ...]:
    """The kinds of statements that the kernel's features allow, with their weights."""
    return tuple((row, row.weight) for row in STATEMENTS if row.feature is None or row.feature in features)


def draw_block(ctx: Context) -> Block:
    """A nested block: one statement or a few."""
    body: list[Stmt] = []
    for _ in range(ctx.choices.weighted(ctx.widths)):
        body += draw_statement(ctx)
    return tuple(body)


def _may_nest(ctx: Context) -> bool:
    return ctx.depth < ctx.deepest and ctx.has_room


def _can_exchange(ctx: Context) -> bool:
    return any(stores.can_exchange(buffer) for buffer in stores.outputs(ctx))


def _may_loop(ctx: Context) -> bool:
    return _may_nest(ctx) and (ctx.loops == 0 or ctx.allows("nested_loop"))


def _may_branch(ctx: Context) -> bool:
    return _may_nest(ctx) and ctx.allows("if") and ctx.allows("else")


def _may_carry(ctx: Context) -> bool:
    return _may_loop(ctx) and ctx.allows("for") and any(dtype.is_float for dtype in ctx.dtypes)


def _has_parts(ctx: Context) -> bool:
    return any(assignments.has_inside(v.type) for v in assignments.mutable(ctx))


def _exits_by(exit_: Stmt) -> Callable[[Context], list[Stmt]]:
    return lambda ctx: branches.guard(ctx, exit_)


def _can_return(ctx: Context) -> bool:
    return ctx.in_kernel and _may_nest(ctx)


STATEMENTS: tuple[Statement, ...] = (
    Statement("local", lambda ctx: True, assignments.local, 16),
    Statement("store", lambda ctx: ctx.in_kernel or bool(stores.outputs(ctx)), stores.store, 8),
    Statement("assign", lambda ctx: bool(assignments.mutable(ctx)), assignments.assign, 10),
    Statement(
        "augment",
        lambda ctx: any(assignments.augmentable(v.type) for v in assignments.mutable(ctx)),
        assignments.augment,
        6,
        "augmented",
    ),
    Statement("component_store", _has_parts, assignments.component_store, 6, "component_store"),
    Statement(
        "augmented_store",
        lambda ctx: ctx.allows("atomic") and any(stores.can_augment(b) for b in stores.outputs(ctx)),
        stores.augmented_store,
        3,
        "augmented",
    ),
    Statement(
        "element_component_store",
        lambda ctx: any(stores.can_store_component(b) for b in stores.outputs(ctx)),
        stores.element_component_store,
        4,
        "element_component_store",
    ),
    Statement("if", _may_nest, branches.branch, 11, "if"),
    Statement("for", _may_loop, loops.for_loop, 7, "for"),
    Statement("while", _may_loop, loops.while_loop, 2, "while"),
    Statement("atomic", lambda ctx: ctx.in_kernel, atomics.update, 3, "atomic"),
    Statement("exchange", _can_exchange, stores.exchange, 1, "atomic"),
    Statement("swap", lambda ctx: bool(assignments.swappable(ctx)), assignments.swap, 2, "unpack"),
    Statement("break", lambda ctx: ctx.loops > 0 and _may_nest(ctx), _exits_by(Break()), 4, "break"),
    Statement("continue", lambda ctx: ctx.loops > 0 and _may_nest(ctx), _exits_by(Continue()), 4, "continue"),
    Statement("return", _can_return, _exits_by(Return()), 2, "early_return"),
    Statement("tuple_return", function.can_return_several, function.unpack_call, 2, "tuple_return"),
    Statement("procedure", function.can_call_procedure, function.call_procedure, 1, "procedure"),
    Statement("decompose", lambda ctx: ctx.allows("matrix"), assignments.decompose, 1, "decomposition"),
    Statement("random_state", lambda ctx: True, assignments.random_state, 1, "random"),
    Statement(
        "view",
        lambda ctx: any(b.role == "in" and b.array.ndim > 1 for b in ctx.buffers),
        assignments.view,
        2,
        "view",
    ),
    Statement("keep", lambda ctx: bool(assignments.mutable(ctx)), aliasing.keep, 4),
    Statement("keep_element", lambda ctx: bool(stores.outputs(ctx)), aliasing.keep_element, 3),
    Statement("carry", _may_carry, aliasing.carry, 2),
    Statement("shuffle", lambda ctx: bool(aliasing.shuffled(ctx)), aliasing.shuffle, 2, "component_store"),
    Statement("together", lambda ctx: len(aliasing.several(ctx)) > 1, aliasing.together, 3, "unpack"),
    Statement("both_branches", _may_branch, aliasing.both_branches, 2, "outlive"),
    Statement("from_loop", lambda ctx: _may_loop(ctx) and ctx.allows("for"), aliasing.from_loop, 2, "outlive"),
    Statement("moving_bound", _may_loop, aliasing.moving_bound, 1, "dynamic_for"),
    Statement("tile", tiles.possible, tiles.block, 1, "tile"),
)
