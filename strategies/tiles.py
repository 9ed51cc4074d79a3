"""Tiles: what a block of threads loads, computes and stores together."""

from __future__ import annotations

from kernelfuzz.ir.nodes import Stmt
from kernelfuzz.strategies.context import Context


def possible(ctx: Context) -> bool:
    """Whether tile operations can stand here: in a kernel, outside of any branch or loop."""
    return False


def block(ctx: Context) -> list[Stmt]:
    return []
