"""Workarounds before dynamic loops: what a loop changes gets a variable of its own, or is declared there.

Which loops are dynamic depends on Warp's option ``max_unroll``: ``unroll``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kernelfuzz.analysis.effects import changed_locals, count_name
from kernelfuzz.analysis.unrolling import MAX_UNROLL, is_dynamic
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.fields import BLOCKS
from kernelfuzz.ir.walk import bound_by, bound_names, walk
from kernelfuzz.ir.zeros import zero_of
from kernelfuzz.rewrites.loads import Unit
from kernelfuzz.typecheck.operators import unary_result

# The assignment that stands before a loop, for a name of a type; None where there is none.
_Before = Callable[[n.Name], n.Assign | None]


@dataclass(frozen=True, slots=True)
class _Bound:
    """The names that the code before a statement binds: anywhere, and surely."""

    anywhere: set[str]
    surely: set[str]

    def add(self, names: tuple[str, ...]) -> None:
        self.anywhere.update(names)
        self.surely.update(names)

    def inside(self) -> _Bound:
        """The same at the beginning of a block, which may not run: what it binds is bound surely in it only."""
        return _Bound(self.anywhere, set(self.surely))


def copied_before_loops(kernel: n.Kernel, unroll: int = MAX_UNROLL) -> n.Kernel:
    """``v = +v`` before a dynamic loop that changes ``v``: what was computed of it before reads another variable."""
    return _rewritten(kernel, _copy, _changed, unroll)


def declared_before_loops(kernel: n.Kernel, unroll: int = MAX_UNROLL) -> n.Kernel:
    """``v = wp.vec3()`` before a dynamic loop in which ``v`` is bound first, and after which it is read."""
    return _rewritten(kernel, _declaration, _born, unroll)


def _rewritten(
    kernel: n.Kernel, before: _Before, concerned: Callable[[n.For | n.While, _Bound, Unit], set[str]], unroll: int
) -> n.Kernel:
    """The kernel with an assignment before each dynamic loop for each name that it concerns, where there is one."""

    def block(statements: n.Block, bound: _Bound, unit: Unit, types: Mapping[str, t.Type]) -> n.Block:
        made: list[n.Stmt] = []
        for statement in statements:
            if isinstance(statement, (n.For, n.While)) and is_dynamic(statement, unroll):
                # What no expression names, such as a counter that is counted again, needs no copy.
                read = sorted(concerned(statement, bound, unit) & types.keys())
                names = [n.Name(name, types[name]) for name in read]
                wanted = [assign for name in names if (assign := before(name)) is not None]
                made += [assign for assign in wanted if assign not in made[-len(wanted) :]]
            bound.add(bound_by(statement))
            inside = {
                name: block(getattr(statement, name), bound.inside(), unit, types)
                for name in BLOCKS.get(type(statement), ())
            }
            made.append(replace(statement, **inside))
        return tuple(made)

    def rewritten(unit: Unit) -> n.Block:
        types = {node.id: node.type for node in walk(*unit.body) if isinstance(node, n.Name)}
        params = {param.name for param in unit.params}
        return block(unit.body, _Bound(params, set(params)), unit, types)

    functions = tuple([replace(function, body=rewritten(function)) for function in kernel.functions])
    return replace(kernel, body=rewritten(kernel), functions=functions)


def _changed(loop: n.For | n.While, bound: _Bound, unit: Unit) -> set[str]:
    return bound.surely & changed_locals(loop.body)


def _born(loop: n.For | n.While, bound: _Bound, unit: Unit) -> set[str]:
    names = bound_names(loop.body) - bound.anywhere
    return {name for name in names if count_name(name, *unit.body) > count_name(name, loop)}


def _copy(name: n.Name) -> n.Assign | None:
    if name.type == t.BOOL:
        return n.Assign(name, n.Unary("not", n.Unary("not", name, t.BOOL), t.BOOL))
    if isinstance(name.type, (t.Array, t.Tile, t.Tuple, t.Struct)) or unary_result("+", name.type) != name.type:
        return None
    return n.Assign(name, n.Unary("+", name, name.type))


def _declaration(name: n.Name) -> n.Assign | None:
    match name.type:
        case t.Scalar() as type_:
            # A literal alone is a constant, which a loop may not change.
            return n.Assign(name, n.Cast(type_, zero_of(type_)))
        case t.Array() | t.Tile() | t.Tuple():
            return None
        case _:
            return n.Assign(name, zero_of(name.type))
