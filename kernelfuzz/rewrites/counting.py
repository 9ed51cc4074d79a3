"""Loops written another way."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.analysis.effects import binds_array, continues, count_name, has_tiles, leaves
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import BOOL, INT32
from kernelfuzz.rewrites.everywhere import fresh
from kernelfuzz.rewrites.inputs import given_value, with_element, with_scalar
from kernelfuzz.rewrites.paths import Path, node_at, replaced, spliced, statements
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel

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


def _literal_bounds(kernel: n.Kernel) -> list[Path]:
    return [
        (*path, ("bounds", at))
        for path, node in statements(kernel, functions=False)
        if isinstance(node, n.For) and not has_tiles(kernel)
        for at, bound in enumerate(node.bounds)
        if _number(bound) is not None
    ]


def _param_bounds(kernel: n.Kernel) -> list[Path]:
    params = {param.name for param in kernel.params}
    return [
        (*path, ("bounds", at))
        for path, node in statements(kernel, functions=False)
        if isinstance(node, n.For)
        for at, bound in enumerate(node.bounds)
        if isinstance(bound, n.Name) and bound.id in params
    ]


def _make_dynamic(case: Case, path: Path, choices: Picks) -> Case | None:
    bound = node_at(case.kernel, path)
    assert isinstance(bound, (n.Literal, n.Unary))
    value = _number(bound)
    assert value is not None
    loop = node_at(case.kernel, path[:-1])
    # What a body leaves behind can be a view of an array only where Warp unrolls it.
    if not isinstance(loop, n.For) or binds_array(loop.body):
        return None
    if choices.chance(0.5):
        changed, read = with_element(case, "bounds", value)
    else:
        changed, read = with_scalar(case, "bound", n.Literal(value, INT32))
    return with_kernel(changed, replaced(changed.kernel, path, read))


def _make_constant(case: Case, path: Path, choices: Picks) -> Case | None:
    bound = node_at(case.kernel, path)
    assert isinstance(bound, n.Name)
    value = given_value(case, bound.id)
    return None if value is None else with_kernel(case, replaced(case.kernel, path, value))


# ---------------------------------------------------------------------- while


def _for_loops(kernel: n.Kernel) -> list[Path]:
    if has_tiles(kernel):
        return []
    return [path for path, node in statements(kernel) if isinstance(node, n.For)]


def _for_to_while(case: Case, path: Path, choices: Picks) -> Case | None:
    """A counter that counts before the body, so that a ``continue`` counts too."""
    loop = node_at(case.kernel, path)
    assert isinstance(loop, n.For)
    start, end, step = _range(loop)
    last = _number(end)
    if step is None or step == 0 or binds_array(loop.body):
        return None
    if abs(step) > 1 and (last is None or abs(last) > _FAR or abs(step) > _FAR):
        return None
    names = fresh(case.kernel, "counter")
    counter = n.Name(next(names), INT32)
    before: list[n.Stmt] = [n.Assign(counter, n.Cast(INT32, start))]
    if last is None:
        # Evaluated once, and before the first iteration can change what it reads.
        limit: n.Expr = n.Name(next(names), INT32)
        before.append(n.Assign(limit, n.Cast(INT32, end)))
    else:
        limit = end
    test = n.Compare(counter, ("<" if step > 0 else ">",), (limit,))
    count = n.Assign(counter, n.Binary("+", counter, n.Literal(step, INT32), INT32))
    body = (n.Assign(n.Name(loop.name, INT32), counter), count, *loop.body)
    return with_kernel(case, spliced(case.kernel, path, (*before, n.While(test, body))))


def _while_loops(kernel: n.Kernel) -> list[Path]:
    return [path for path, node in statements(kernel) if isinstance(node, n.While)]


def _flag(case: Case, path: Path, choices: Picks) -> Case | None:
    """``while c: b`` as ``go = c``, ``while go: b; go = c``."""
    loop = node_at(case.kernel, path)
    assert isinstance(loop, n.While)
    if continues(loop.body):
        return None
    flag = n.Name(next(fresh(case.kernel, "going")), BOOL)
    body = (*loop.body, n.Assign(flag, loop.test))
    return with_kernel(case, spliced(case.kernel, path, (n.Assign(flag, loop.test), n.While(flag, body))))


# -------------------------------------------------------------------- peeling


def _peelable(kernel: n.Kernel) -> list[Path]:
    """Loops that surely run twice at least: an empty one leaves its counter as it was."""
    found: list[Path] = []
    for path in _for_loops(kernel):
        loop = node_at(kernel, path)
        assert isinstance(loop, n.For)
        start, end, step = _range(loop)
        first, last = _number(start), _number(end)
        if first is None or last is None or not step or leaves(loop.body, returns=False):
            continue
        if len(range(first, last, step)) >= 2:
            found.append(path)
    return found


def _peel(case: Case, path: Path, choices: Picks) -> Case:
    loop = node_at(case.kernel, path)
    assert isinstance(loop, n.For)
    start, end, step = _range(loop)
    first = _number(start)
    assert first is not None
    assert step is not None
    rest = replace(loop, bounds=(n.Literal(first + step, INT32), end, *loop.bounds[2:]))
    before: list[n.Stmt] = []
    if count_name(loop.name, *loop.body):
        before.append(n.Assign(n.Name(loop.name, INT32), n.Cast(INT32, start)))
    return with_kernel(case, spliced(case.kernel, path, (*before, *loop.body, rest)))


LOOPS = (
    Transformation("constant bound to dynamic bound", _literal_bounds, _make_dynamic),
    Transformation("dynamic bound to constant bound", _param_bounds, _make_constant),
    Transformation("for to while", _for_loops, _for_to_while),
    Transformation("while with a flag", _while_loops, _flag),
    Transformation("first iteration peeled off", _peelable, _peel),
)
