"""Dynamic loops that compute what an adjoint may need: they are "not replayed or unrolled".

The source is the section "Dynamic Loops" of the user guide's page "Differentiability"
(https://nvidia.github.io/warp/, 1.19).
"""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import (
    Array,
)
from kernelfuzz.ir.walk import walk
from kernelfuzz.reference.reassigned import root_of, statements_in
from kernelfuzz.reference.release import at_least

# Warp unrolls a loop over constant bounds of at most this many iterations (``wp.config.max_unroll``).
MAX_UNROLL = 16


def is_dynamic(loop: n.For | n.While) -> bool:
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
    return len(range(*known)) > MAX_UNROLL


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


def carries_values(unit: n.Kernel | n.Function) -> bool:
    """Whether a dynamic loop computes a value that an adjoint may need.

    Values that live within one iteration are computed again.  Of those that it changes for later iterations
    or for what follows, a sum that is nowhere used but to be stored or added is not needed.
    """
    outside = {param.name for param in unit.params}
    return _loops_in(unit.body, outside, unit)


def _loops_in(block: n.Block, before: set[str], unit: n.Kernel | n.Function) -> bool:
    """Goes through a block; ``before`` are the locals that exist, and grows."""
    for statement in block:
        match statement:
            case n.For() | n.While() if is_dynamic(statement):
                if isinstance(statement, n.While) or _carries(statement, before, unit):
                    return True
                inner = {*before, statement.name}
                if _loops_in(statement.body, inner, unit):
                    return True
            case n.For(body=body, name=name):
                before.add(name)
                if _loops_in(body, before, unit):
                    return True
            case n.While(body=body):
                if _loops_in(body, before, unit):
                    return True
            case n.If(body=body, orelse=orelse):
                if _loops_in(body, before, unit) or _loops_in(orelse, before, unit):
                    return True
            case _:
                before |= _assigned(statement)
    return False


def _assigned(statement: n.Stmt) -> set[str]:
    """The locals that a statement assigns, in whole or in part, and those that its calls change."""
    found: set[str] = set()
    match statement:
        case n.Assign(target=target) | n.AugAssign(target=target):
            root = root_of(target)
            if isinstance(root, n.Name) and not isinstance(root.type, Array):
                found.add(root.id)
        case n.Unpack(names=names):
            found.update(names)
        case n.For(name=name):
            found.add(name)
        case _:
            pass
    return found


def _carries(loop: n.For, before: set[str], unit: n.Kernel | n.Function) -> bool:
    inside = list(statements_in(loop.body, True))
    assigned = {name for statement, _ in inside for name in _assigned(statement)}
    mutated = {
        node.args[0].id
        for node in walk(*loop.body)
        if isinstance(node, n.Call) and node.args and isinstance(node.args[0], n.Name) and _draws(node.name)
    }
    after = {name for name in assigned if name not in before and _used_outside(name, loop, unit)}
    return any(not _is_plain_sum(name, loop, unit) for name in (assigned & before) | after | mutated)


def _draws(name: str) -> bool:
    return name.startswith(("rand", "sample_", "poisson")) and name != "rand_init"


def _mentions(name: str, *roots: n.Node) -> int:
    return sum(1 for node in walk(*roots) if isinstance(node, n.Name) and node.id == name)


def _used_outside(name: str, loop: n.For, unit: n.Kernel | n.Function) -> bool:
    return _mentions(name, *unit.body) > _mentions(name, loop)


def _is_plain_sum(name: str, loop: n.For, unit: n.Kernel | n.Function) -> bool:
    """Whether a local is only added to in the loop, and everywhere else only initialized, stored or added."""
    allowed = 0
    for statement, _ in statements_in(unit.body, False):
        match statement:
            case n.AugAssign(target=n.Name(id=id_), op="+" | "-") if id_ == name:
                allowed += 1
            case n.Assign(target=n.Name(id=id_)) if id_ == name and not _within(statement, loop):
                allowed += 1
            case n.Assign(target=n.Index(value=value), value=n.Name(id=id_)) if id_ == name and isinstance(
                value.type, Array
            ):
                allowed += 1
            case n.ExprStmt(value=n.Call(name="atomic_add" | "atomic_sub", args=(*_, n.Name(id=id_)))) if id_ == name:
                allowed += 1
            case _:
                pass
    return allowed == _mentions(name, *unit.body)


def _within(statement: n.Stmt, loop: n.For) -> bool:
    return any(inner is statement for inner, _ in statements_in(loop.body, True))


__all__ = ["MAX_UNROLL", "carries_values", "is_dynamic"]
