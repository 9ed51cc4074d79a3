"""What is left of a kernel without the branches that Warp does not look at."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.rewrite import map_statements
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.static_values import known_truth


def without_dead_branches(kernel: n.Kernel) -> n.Kernel:
    """The kernel with an empty block for each branch whose condition is known not to hold, and what it then needs."""
    constants = {constant.name: constant for constant in kernel.constants}

    def changed(node: n.Stmt, _: n.Function | n.Kernel) -> n.Block:
        known = known_truth(node.test, constants) if isinstance(node, n.If) else None
        if known is None or not isinstance(node, n.If):
            return (node,)
        return (replace(node, orelse=()) if known else replace(node, body=(n.Pass(),)),)

    made = map_statements(kernel, changed)
    called = _called(made.body)
    for function in reversed(made.functions):
        if function.name in called:
            called |= _called(function.body)
    return replace(made, functions=tuple([each for each in made.functions if each.name in called]))


def _called(block: n.Block) -> set[str]:
    return {node.name for node in walk(*block) if isinstance(node, n.CallFunction)}
