"""Changes of a kernel's own parameters that outlive the thread that made them."""

from __future__ import annotations

from kernelfuzz.analysis.effects import changed_arguments, changed_locals
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import is_local, root_name
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference.undefined import OUTSIDE_DOMAIN, Undefined


def stored(node: n.Assign | n.AugAssign, names: c.Names) -> c.Execute | None:
    """``v.x = e`` of a parameter of the kernel: the next thread of a grid-stride loop finds ``e`` there."""
    if isinstance(node.target, n.Name) or not is_local(node.target):
        return None
    return _left_open(node) if root_name(node.target) in _params(names) else None


def looped(node: n.For | n.While, names: c.Names) -> c.Execute | None:
    """A loop that is not unrolled and changes a parameter of the kernel: the next thread finds what it left."""
    if not names.is_dynamic(node) or changed_locals(node.body).isdisjoint(_params(names)):
        return None
    return _left_open(node)


def drawn(node: n.Call, names: c.Names) -> c.Evaluate | None:
    """``wp.randf(state)`` of a parameter of the kernel."""
    states = {root_name(node.args[at]) for at in changed_arguments(node)}
    return None if states.isdisjoint(_params(names)) else _left_open(node)


def _params(names: c.Names) -> set[str]:
    return {param.name for param in names.unit.params} if isinstance(names.unit, n.Kernel) else set()


def _left_open(node: n.Node) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        raise Undefined(OUTSIDE_DOMAIN, node)

    return execute
