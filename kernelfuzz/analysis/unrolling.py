"""Which loops Warp unrolls."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.typecheck.builtins import at_least
from kernelfuzz.typecheck.scope import MAX_UNROLL


def is_dynamic(loop: n.For | n.While, max_unroll: int = MAX_UNROLL) -> bool:
    """Whether Warp does not unroll the loop: constant bounds, few iterations, and no break.

    "Static loops are automatically unrolled if the number of loop iterations is less than or equal to the
    max_unroll parameter" (Dynamic Loops); one with a break is not, and before 1.19 one with a continue is not
    (Warp says so where ``wp.config.log_level`` is ``wp.LOG_DEBUG``).
    """
    if isinstance(loop, n.While) or any(map(_leaves_loop, loop.body)):
        return True
    bounds = [_constant(bound) for bound in loop.bounds]
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds) or (len(known) == 3 and known[2] == 0):
        return True
    return len(range(*known)) > max_unroll


def _leaves_loop(statement: n.Stmt) -> bool:
    """Whether a statement of a loop's body may leave this loop, or before 1.19 one iteration of it."""
    match statement:
        case n.Break():
            return True
        case n.Continue():
            return not at_least(1, 19)
        case n.If(body=body, orelse=orelse):
            return any(map(_leaves_loop, (*body, *orelse)))
        case _:
            return False


def _constant(node: n.Expr) -> int | None:
    match node:
        case n.Literal(value=int() as value):
            return value
        case n.Unary(op="-", operand=operand):
            inner = _constant(operand)
            return None if inner is None else -inner
        case _:
            return None
