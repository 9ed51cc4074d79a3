"""One way to make an expression, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernelfuzz.ir import types as t
from kernelfuzz.strategies import knots
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.strategies.wrap_operand import fit


@dataclass(frozen=True, slots=True)
class Production:
    """One way to make an expression: for which types, with which feature, how often, and how."""

    name: str
    makes: Callable[[Context, t.Type], bool]
    """Whether it gives the type: a matter of the kernel's features and dtypes only."""
    draw: Callable[[Context, t.Type, int], Ranged]
    weight: int
    feature: str | None = None
    ready: Callable[[Context, t.Type], bool] = lambda ctx, type_: True
    """Whether it can be drawn just now: a matter of what is in scope."""


def share(ctx: Context, budget: int, operands: int) -> list[int]:
    """Split what is left of a budget after one operation; the simplest split gives all to the last."""
    if operands == 0:
        return []
    left = max(0, budget - 1)
    shares: list[int] = []
    for _ in range(operands - 1):
        part = ctx.choices.integer(0, left)
        shares.append(part)
        left -= part
    return [*shares, left]


def draw_in(ctx: Context, type_: t.Type, budget: int, low: int, high: int) -> Ranged:
    """An expression whose integer components lie in ``low..high``."""
    return fit(ctx, knots.draw(ctx, type_, budget), low, high)


def is_plain(ctx: Context, type_: t.Type) -> bool:
    """Whether there are values of the type: no array, no tile, no tuple."""
    return not isinstance(type_, (t.Array, t.Tile, t.Tuple))


def is_bool(ctx: Context, type_: t.Type) -> bool:
    return type_ == t.BOOL


def is_number(ctx: Context, type_: t.Type) -> bool:
    return isinstance(type_, t.Scalar) and type_ != t.BOOL


def operations(ctx: Context) -> int:
    """How many operations the expression of one statement gets."""
    return ctx.choices.weighted(((0, 4), (1, 7), (2, 5), (3, 3), (4, 1), (6, 1)))
