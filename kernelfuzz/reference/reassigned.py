"""Locals of which a component may be assigned twice: "each component may only be assigned a value once".

The source is the section "Vector, Matrix, and Quaternion Component Assignment" of the user guide's page
"Differentiability" (https://nvidia.github.io/warp/, 1.19).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from kernelfuzz.analysis.effects import constant_component
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import (
    Array,
    Scalar,
    Struct,
    has_floats,
)


def root_of(place: n.Expr) -> n.Expr:
    """The local or the array that a place is a part of."""
    while isinstance(place, (n.Attribute, n.Index)) and not isinstance(place.value.type, Array):
        place = place.value
    return place


def _component_of(place: n.Place) -> str | None:
    """Which local vector, matrix, quaternion or transform the place is a component of."""
    root = root_of(place)
    if place is root or not isinstance(root, n.Name) or not has_floats(root.type):
        return None
    inner: n.Expr = place
    while isinstance(inner, (n.Attribute, n.Index)):
        inner = inner.value
        if not isinstance(inner.type, Struct):
            return root.id
    return None


def reassigned_components(unit: n.Kernel | n.Function) -> frozenset[str]:
    """The locals of which a component may be assigned twice.

    One constant component at a time, once on each way through the code, of a local that is only
    default-initialized, outside of loops: that is plainly once.
    """
    _, twice = _components_assigned(unit.body, {}, in_loop=False)
    assignments = [each for each, _ in statements_in(unit.body, False) if isinstance(each, n.Assign)]
    whole = [each for each in assignments if isinstance(each.target, n.Name)]
    fields = {
        root.id
        for each in assignments
        if isinstance(each.target, n.Attribute)
        and isinstance(each.target.value.type, Struct)
        and not isinstance(each.target.type, Scalar)
        and isinstance(root := root_of(each.target), n.Name)
    }
    touched = {
        name
        for statement, _ in statements_in(unit.body, False)
        if isinstance(statement, n.Assign) and (name := _component_of(statement.target)) is not None
    }
    for name in touched - twice:
        values = [each.value for each in whole if isinstance(each.target, n.Name) and each.target.id == name]
        if name in fields or len(values) != 1 or not isinstance(values[0], n.Construct) or values[0].args:
            twice.add(name)
    return frozenset(twice)


_Assigned: TypeAlias = "Mapping[str, frozenset[object]]"


def _components_assigned(block: n.Block, before: _Assigned, in_loop: bool) -> tuple[_Assigned, set[str]]:
    """The components assigned after a block on one way or another, and the locals with one assigned twice."""
    assigned, twice = dict(before), set[str]()
    for statement in block:
        match statement:
            case n.Assign(target=target) if (name := _component_of(target)) is not None:
                component, seen = constant_component(target), assigned.get(name, frozenset[object]())
                key = (_fields(target), component)
                if in_loop or component is None or key in seen:
                    twice.add(name)
                assigned[name] = seen | {key}
            case n.If(body=body, orelse=orelse):
                first, more = _components_assigned(body, assigned, in_loop)
                second, others = _components_assigned(orelse, assigned, in_loop)
                twice |= more | others
                names = first.keys() | second.keys()
                nothing = frozenset[object]()
                assigned = {name: first.get(name, nothing) | second.get(name, nothing) for name in names}
            case n.For(body=body) | n.While(body=body):
                _, more = _components_assigned(body, assigned, in_loop=True)
                twice |= more
            case _:
                pass
    return assigned, twice


def _fields(place: n.Place) -> tuple[str, ...]:
    """The fields of a local struct on the way to the vector that the place is a component of."""
    names: list[str] = []
    value: n.Expr = place
    while isinstance(value, (n.Attribute, n.Index)):
        value = value.value
        if isinstance(value, n.Attribute) and isinstance(value.value.type, Struct):
            names.append(value.name)
    return tuple(names)


def statements_in(block: n.Block, in_loop: bool) -> Iterator[tuple[n.Stmt, bool]]:
    """Every statement of a block and of those in it, and whether it stands in a loop."""
    for statement in block:
        yield statement, in_loop
        match statement:
            case n.If(body=body, orelse=orelse):
                yield from statements_in(body, in_loop)
                yield from statements_in(orelse, in_loop)
            case n.For(body=body) | n.While(body=body):
                yield from statements_in(body, True)
            case _:
                pass


__all__ = ["reassigned_components", "root_of", "statements_in"]
