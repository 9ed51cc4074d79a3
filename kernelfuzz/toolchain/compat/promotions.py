"""The order in which the counters of unrolled loops are copied, which Warp 1.19 leaves to chance."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

from kernelfuzz.toolchain.compat.warp import LOCK

_order_promotions = True


@contextlib.contextmanager
def unordered_promotions() -> Iterator[None]:
    """Leave the order of leftover counters to Warp inside, for who asks whether its code is deterministic."""
    global _order_promotions
    with LOCK:
        before, _order_promotions = _order_promotions, False
        try:
            yield
        finally:
            _order_promotions = before


@contextlib.contextmanager
def ordered_promotions(codegen: Any) -> Iterator[None]:
    """Copy the leftover counters of unrolled loops in the order of their names.

    Warp 1.19 takes them in the order of a set, so that its code depends on the process
    (notes/findings/code-depends-on-hash-seed.md); a corpus must not.
    """
    original = getattr(codegen.Adjoint, "_promote_mutated_iter_constants", None)
    if original is None or not _order_promotions:
        yield
        return

    def promote(adjoint: Any, body: list[ast.stmt]) -> None:
        nodes = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)]
        for name in sorted({node.id for node in nodes if isinstance(node.ctx, ast.Store)}):
            original(adjoint, [ast.Name(name, ast.Store())])

    codegen.Adjoint._promote_mutated_iter_constants = promote
    try:
        yield
    finally:
        codegen.Adjoint._promote_mutated_iter_constants = original
