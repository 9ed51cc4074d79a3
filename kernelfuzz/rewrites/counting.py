"""Loops that count in another way: other bounds, ``while`` for ``for``, a flag, the first turn on its own."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.analysis.effects import binds_array, changed_locals, count_name, has_tiles, jumps
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.rewrite import Path, node_at, replaced
from kernelfuzz.ir.types import INT32
from kernelfuzz.rewrites.parameters import new_element, new_scalar, with_param
from kernelfuzz.rewrites.places import Picks, fresh_names, new_name, statements

# A counter that goes beyond its end by one step must not overflow.
_FAR = 1 << 30


def _number(node: n.Expr) -> int | None:
    """The value of an integer literal, also of a negative one."""
    match node:
        case n.Literal(value=int() as value):
            return value
        case n.Unary(op="-", operand=n.Literal(value=int() as value)):
            return -value
        case _:
            return None


def _range(loop: n.For) -> tuple[n.Expr, n.Expr, int | None]:
    """Start, end and step of a loop; the step is None where it is not plain to see."""
    match loop.bounds:
        case (end,):
            return n.Literal(0, INT32), end, 1
        case (start, end):
            return start, end, 1
        case (start, end, step):
            return start, end, _number(step)
        case _:
            raise ValueError("a loop has one to three bounds")


# --------------------------------------------------------------------- bounds


def literal_bounds(kernel: n.Kernel) -> list[Path]:
    """The bounds of the kernel's own loops that are numbers."""
    if has_tiles(kernel):
        return []
    return [path for path, bound in _bounds(kernel) if _number(bound) is not None]


def param_bounds(kernel: n.Kernel) -> list[Path]:
    """The bounds of the kernel's own loops that are parameters."""
    params = {param.name for param in kernel.params} - changed_locals(kernel.body)
    return [path for path, bound in _bounds(kernel) if isinstance(bound, n.Name) and bound.id in params]


def _bounds(kernel: n.Kernel) -> list[tuple[Path, n.Expr]]:
    return [
        ((*path, at), bound)
        for path, node in statements(kernel, functions=False)
        if isinstance(node, n.For)
        for at, bound in enumerate(node.bounds)
    ]


def dynamic_bound(case: Case, path: Path, picks: Picks) -> Case | None:
    """A new parameter, or an element of a new array, in place of a bound."""
    bound, loop = node_at(case.kernel, path), node_at(case.kernel, path[:-1])
    assert isinstance(bound, (n.Literal, n.Unary))
    value = _number(bound)
    assert value is not None
    # What a body leaves behind can be a view of an array only where Warp unrolls it.
    if not isinstance(loop, n.For) or binds_array(loop.body):
        return None
    if picks.chance(0.5):
        new = new_element(case.kernel, "bounds", value)
    else:
        new = new_scalar(case.kernel, "bound", n.Literal(value, INT32))
    return with_param(case, replaced(case.kernel, path, new.read), new)


# ---------------------------------------------------------------------- while


def for_to_while(loop: n.For, kernel: n.Kernel) -> n.Block | None:
    """A counter that counts before the body, so that a ``continue`` counts too."""
    start, end, step = _range(loop)
    last = _number(end)
    if step is None or step == 0 or binds_array(loop.body):
        return None
    if abs(step) > 1 and (last is None or abs(last) > _FAR or abs(step) > _FAR):
        return None
    fresh = fresh_names(kernel)
    counter = n.Name(fresh("counter"), INT32)
    before: list[n.Stmt] = [n.Assign(counter, n.Cast(INT32, start))]
    if last is None:
        # Evaluated once, and before the first iteration can change what it reads.
        limit: n.Expr = n.Name(fresh("counter"), INT32)
        before.append(n.Assign(limit, n.Cast(INT32, end)))
    else:
        limit = end
    test = n.Compare(counter, ("<" if step > 0 else ">",), (limit,))
    count = n.Assign(counter, n.Binary("+", counter, n.Literal(step, INT32), INT32))
    return (*before, n.While(test, (n.Assign(n.Name(loop.name, INT32), counter), count, *loop.body)))


def while_with_flag(loop: n.While, kernel: n.Kernel) -> n.Block | None:
    """``while c: b`` as ``go = c``, ``while go: b; go = c``."""
    if jumps(loop.body, n.Continue):
        return None
    tested = n.Assign(n.Name(new_name(kernel, "going"), loop.test.type), loop.test)
    return (tested, n.While(tested.target, (*loop.body, tested)))


# -------------------------------------------------------------------- peeling


def runs_twice(loop: n.For, kernel: n.Kernel) -> bool:
    """Whether a loop surely runs twice at least: an empty one leaves its counter as it was."""
    start, end, step = _range(loop)
    first, last = _number(start), _number(end)
    if first is None or last is None or not step or jumps(loop.body, n.Break, n.Continue):
        return False
    return len(range(first, last, step)) >= 2


def peeled(loop: n.For, kernel: n.Kernel) -> n.Block:
    """The body once, in front of the loop over the rest."""
    start, end, step = _range(loop)
    first = _number(start)
    assert first is not None
    assert step is not None
    rest = replace(loop, bounds=(n.Literal(first + step, INT32), end, *loop.bounds[2:]))
    counted = count_name(loop.name, *loop.body)
    before = (n.Assign(n.Name(loop.name, INT32), n.Cast(INT32, start)),) if counted else ()
    return (*before, *loop.body, rest)
