"""How statements are drawn: one row of ``STATEMENTS`` for each kind, simplest first.

A row draws a list of statements.  Every statement is a span of its own, so that shrinking can drop it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from kernelfuzz.ir.nodes import Break, Continue, Return, Stmt
from kernelfuzz.ir.types import Type
from kernelfuzz.strategies import (
    aliasing,
    array_fields,
    buffers,
    control_flow,
    optional_arrays,
    static_loops,
    tile_blocks,
    user_functions,
)
from kernelfuzz.strategies import local_variables as local
from kernelfuzz.strategies.context import Buffer, Context


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


def _may_nest(ctx: Context) -> bool:
    return ctx.depth < ctx.deepest and ctx.has_room


def _some_output(wanted: Callable[[Buffer], bool]) -> Callable[[Context], bool]:
    return lambda ctx: any(map(wanted, buffers.outputs(ctx)))


def _some_local(wanted: Callable[[Type], bool]) -> Callable[[Context], bool]:
    return lambda ctx: any(wanted(variable.type) for variable in local.mutable(ctx))


_has_parts = _some_output(buffers.can_store_component)


def _may_add(ctx: Context) -> bool:
    return ctx.allows("atomic") and any(map(buffers.can_augment, buffers.outputs(ctx)))


def _can_view(ctx: Context) -> bool:
    return bool(local.viewed(ctx))


def _may_loop(ctx: Context) -> bool:
    return _may_nest(ctx) and (ctx.loops == 0 or ctx.allows("nested_loop"))


def _may_branch(ctx: Context) -> bool:
    return _may_nest(ctx) and ctx.allows("if") and ctx.allows("else")


def _may_carry(ctx: Context) -> bool:
    return _may_loop(ctx) and ctx.allows("for") and any(dtype.is_float for dtype in ctx.dtypes)


def _exits_by(exit_: Stmt) -> Callable[[Context], list[Stmt]]:
    return lambda ctx: control_flow.guard(ctx, exit_)


def _can_return(ctx: Context) -> bool:
    return ctx.in_kernel and _may_nest(ctx)


STATEMENTS: tuple[Statement, ...] = (
    Statement("local", lambda ctx: True, local.local, 16),
    Statement("store", lambda ctx: ctx.in_kernel or bool(buffers.outputs(ctx)), buffers.store, 8),
    Statement("assign", lambda ctx: bool(local.mutable(ctx)), local.assign, 10),
    Statement("augment", _some_local(local.augmentable), local.augment, 6, "augmented"),
    Statement("component_store", _some_local(local.has_inside), local.component_store, 6, "component_store"),
    Statement("slice_store", _some_local(local.has_slices), local.store_slice, 1, "slice_store"),
    Statement("augmented_store", _may_add, buffers.augmented_store, 3, "augmented"),
    Statement("element_component_store", _has_parts, buffers.element_component_store, 4, "element_component_store"),
    Statement("if", _may_nest, control_flow.branch, 11, "if"),
    Statement("for", _may_loop, control_flow.for_loop, 7, "for"),
    Statement(
        "static_loop", lambda ctx: _may_loop(ctx) and ctx.allows("for"), static_loops.static_loop, 2, "static_counter"
    ),
    Statement("while", _may_loop, control_flow.while_loop, 2, "while"),
    Statement("atomic", lambda ctx: ctx.in_kernel, buffers.atomic_update, 3, "atomic"),
    Statement("exchange", _some_output(buffers.can_exchange), buffers.exchange, 1, "atomic"),
    Statement("swap", lambda ctx: bool(local.swappable(ctx)), local.swap, 2, "unpack"),
    Statement("break", lambda ctx: ctx.loops > 0 and _may_nest(ctx), _exits_by(Break()), 4, "break"),
    Statement("continue", lambda ctx: ctx.loops > 0 and _may_nest(ctx), _exits_by(Continue()), 4, "continue"),
    Statement("return", _can_return, _exits_by(Return()), 2, "early_return"),
    Statement("tuple_return", user_functions.can_return_several, user_functions.unpack_call, 2, "tuple_return"),
    Statement("procedure", user_functions.can_call_procedure, user_functions.call_procedure, 1, "procedure"),
    Statement("decompose", lambda ctx: ctx.allows("matrix"), local.decompose, 1, "decomposition"),
    Statement("random_state", lambda ctx: True, local.random_state, 1, "random"),
    Statement("view", _can_view, local.view, 2, "view"),
    Statement("array_field", array_fields.possible, array_fields.use, 2, "array_field"),
    Statement("asks", optional_arrays.possible, optional_arrays.asks, 3, "optional_array"),
    Statement("keep", lambda ctx: bool(local.mutable(ctx)), aliasing.keep, 4),
    Statement("keep_element", lambda ctx: bool(buffers.outputs(ctx)), aliasing.keep_element, 3),
    Statement("carry", _may_carry, aliasing.carry, 2),
    Statement("shuffle", lambda ctx: bool(aliasing.shuffled(ctx)), aliasing.shuffle, 2, "component_store"),
    Statement("together", lambda ctx: len(aliasing.several(ctx)) > 1, aliasing.together, 3, "unpack"),
    Statement("both_branches", _may_branch, aliasing.both_branches, 2, "outlive"),
    Statement("from_loop", lambda ctx: _may_loop(ctx) and ctx.allows("for"), aliasing.from_loop, 2, "outlive"),
    Statement("moving_bound", _may_loop, aliasing.moving_bound, 1, "dynamic_for"),
    Statement("tile", tile_blocks.possible, tile_blocks.block, 1, "tile"),
)
