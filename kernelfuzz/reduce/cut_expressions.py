"""Cuts of expressions: a default, a part of it, or a name in scope in place of an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kernelfuzz.analysis.effects import changed_locals
from kernelfuzz.analysis.kept_digits import in_a_kernel
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.fields import EXPRESSIONS
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce.edit import Edit, Site, Tree, at, default, number, without
from kernelfuzz.reduce.measure import number_rank

# How many parts of an expression, and how many names of its type, are tried in its place.
MOST_PARTS = 12
MOST_NAMES = 4


def values(tree: Tree) -> Iterator[tuple[Site, n.Expr]]:
    """Every expression that is read: all but what is assigned to, and static parts of it."""
    targets = {(*site.path, 0) for site, _ in tree.of(n.Assign, n.AugAssign)}
    for site in tree.sites:
        if type(site.node) in EXPRESSIONS:
            if site.path not in targets:
                yield site, site.node  # pyright: ignore[reportReturnType]
            elif isinstance(site.node, (n.Index, n.Attribute)):
                targets.add((*site.path, 0))


def replace_by_default(tree: Tree) -> Iterator[Edit]:
    """The simplest values of the type: zero, one, an empty composite."""
    for site, node in values(tree):
        for new in _simplest(node.type):
            yield at(site, new)
        if isinstance(site.parent, n.Assign) and node.type in (t.INT32, t.FLOAT32, t.BOOL):
            # A bare literal declares a constant, which a loop cannot change; this declares a variable.
            for value in (0, 1):
                yield at(site, n.Cast(node.type, number(node.type, value)))  # pyright: ignore


def _simplest(type_: t.Type) -> Iterator[n.Expr]:
    new = default(type_)
    if new is not None:
        yield new
    if isinstance(type_, t.Scalar):
        yield number(type_, 1)
        if type_ == t.INT32:
            yield number(type_, 2)
    elif isinstance(type_, (t.Vector, t.Matrix)):
        yield n.Construct(type_, (number(type_.dtype, 1),))


def replace_by_part(tree: Tree) -> Iterator[Edit]:
    """An expression inside it: as it is, converted, or in every component of a vector or matrix."""
    for site, node in values(tree):
        new = [found for inner in walk(node) if inner is not node for found in _as_type(inner, node.type)]
        yield from (at(site, each) for each in new[:MOST_PARTS])


def _as_type(inner: Any, type_: t.Type) -> Iterator[n.Expr]:
    if type(inner) not in EXPRESSIONS:
        return
    if inner.type == type_:
        yield inner
    elif isinstance(type_, t.Scalar) and isinstance(inner.type, t.Scalar):
        yield n.Cast(type_, inner)
    elif isinstance(type_, (t.Vector, t.Matrix)) and inner.type == type_.dtype:
        yield n.Construct(type_, (inner,))


def replace_by_name(tree: Tree) -> Iterator[Edit]:
    """A parameter or a local variable of its type."""
    named: dict[tuple[str, t.Type], dict[str, n.Name]] = {}
    for site in tree.sites:
        match site.node:
            case n.Param(name=name, type=type_) | n.Name(id=name, type=type_):
                known = named.setdefault((site.function.name, type_), {})
                known.setdefault(name, n.Name(name, type_))
            case n.For(name=name):
                named.setdefault((site.function.name, t.INT32), {}).setdefault(name, n.Name(name, t.INT32))
    for site, node in values(tree):
        if isinstance(node, (n.Literal, n.Name)):
            continue
        names = named.get((site.function.name, node.type), {})
        for name in list(names.values())[:MOST_NAMES]:
            yield at(site, name)


def replace_by_input(tree: Tree) -> Iterator[Edit]:
    """A number that the launch passes in place of reading it from a parameter."""
    inputs = tree.case.launch.inputs
    changed = changed_locals(tree.kernel.body)
    scalars = {param.name: param.type for param in tree.kernel.params if param.name not in changed}
    for site, node in values(tree):
        if not isinstance(site.function, n.Kernel) or not isinstance(node.type, t.Scalar):
            continue
        read = node.value if isinstance(node, n.Index) else node
        if isinstance(read, n.Name) and read.id in scalars:
            value = inputs.get(read.id)
            if isinstance(value, np.ndarray) and value.dtype == node.type.name:
                for number_ in list(dict.fromkeys(value.reshape(-1).tolist()))[:MOST_NAMES]:
                    yield at(site, n.Literal(number_, node.type))


def inline_params(tree: Tree) -> Iterator[Edit]:
    """A scalar parameter by the number that the launch passes for it, everywhere."""
    changed = changed_locals(tree.kernel.body)
    for site, param in tree.of(n.Param):
        if param.name in changed:
            continue
        type_, value = param.type, tree.case.launch.inputs.get(param.name)
        if isinstance(site.function, n.Kernel) and isinstance(type_, t.Scalar) and isinstance(value, np.ndarray):
            new = n.Literal(value.reshape(-1).tolist()[0], type_)
            names = [each for each, name in tree.of(n.Name) if name == n.Name(param.name, type_)]
            reads = [(each.path, (new,)) for each in names if isinstance(each.function, n.Kernel)]
            yield Edit(site.weight + len(reads), ("value", param.name), ((site.path, ()), *reads))


def plainer_expressions(tree: Tree) -> Iterator[Edit]:
    """Fewer operands, fewer arguments, fewer indices; a constant by its value."""
    constants = {each.name: value for each in tree.kernel.constants if (value := in_a_kernel(each)) is not None}
    for site, node in values(tree):
        for new in _plainer(node):
            yield at(site, new)
        if isinstance(node, n.Name) and node.id in constants:
            value = constants[node.id]
            yield Edit(1, ("constant", node.id, site.function.name), ((site.path, (value,)),))


def _plainer(node: n.Expr) -> Iterator[n.Expr]:
    match node:
        case n.Compare(left=left, ops=ops, comparators=comparators):
            operands = (left, *comparators)
            if len(ops) > 1:
                for position, op in enumerate(ops):
                    yield n.Compare(operands[position], (op,), (operands[position + 1],))
        case n.CallFunction(static=True):
            yield replace(node, static=False)
        case n.BoolOp(op=op, values=operands) if len(operands) > 2:
            yield from (n.BoolOp(op, without(operands, position)) for position in range(len(operands)))
        case n.Construct(type=type_, args=args) if len(args) > 1:
            if isinstance(type_, (t.Vector, t.Matrix)):
                yield from (n.Construct(type_, (arg,)) for arg in dict.fromkeys(args) if arg.type == type_.dtype)
        case n.Index(value=n.Index(value=inner, indices=first), indices=second) if isinstance(inner.type, t.Array):
            if inner.type.ndim == len(first) + len(second):
                yield n.Index(inner, (*first, *second), node.type)


def simplify_targets(tree: Tree) -> Iterator[Edit]:
    """``a[i][j] = e`` as ``a[i, j] = e``."""
    for site, statement in tree.of(n.Assign, n.AugAssign):
        for new in _plainer(statement.target):
            yield tree.edit((statement.target, new), [((*site.path, 0), (new,))])


def store_the_whole(tree: Tree) -> Iterator[Edit]:
    """``v = wp.vec3()`` for ``v.x = e``: the simplest values of all that the part belongs to."""
    for site, statement in tree.of(n.Assign):
        match statement.target:
            case (
                n.Index(value=n.Name() | n.Index() | n.Attribute() as whole)
                | n.Attribute(value=n.Name() | n.Index() | n.Attribute() as whole)
            ) if not isinstance(whole.type, t.Array):
                yield from (at(site, n.Assign(whole, new)) for new in _simplest(whole.type))


def simplify_literals(tree: Tree) -> Iterator[Edit]:
    """Numbers closer to zero, or with fewer digits; slices with fewer parts."""
    for site, node in tree.of(n.Literal, n.Slice):
        match node:
            case n.Literal(value=value, type=type_):
                for number_ in simpler_numbers(value):
                    if type_ != t.BOOL and not (type_.kind == "uint" and number_ < 0):
                        new = n.Literal(float(number_) if type_.is_float else int(number_), type_)
                        yield Edit(0, ("literal", node, number_, site.parent), ((site.path, (new,)),))
            case n.Slice(start=start, stop=stop, step=step):
                for parts in ((None, stop, step), (start, None, step), (start, stop), (0, 2)):
                    if (new := n.Slice(*parts)) != node:
                        yield Edit(0, ("slice", node, new), ((site.path, (new,)),))


def simpler_numbers(value: int | float | bool) -> Iterator[int | float]:
    """Numbers with a smaller rank than ``value``, simplest first."""
    rank = number_rank(value)
    candidates: list[int | float] = [0, 1, 2, -1, 3, 5, 10, 100]
    if isinstance(value, float) and value == value and abs(value) < 1e18:
        candidates += [int(value), 0.5, -0.5, round(value, 1)]
    elif isinstance(value, int):
        candidates += [-value, value // 2, value - 1, value + 1, -1000, 1000]
    # Of equal rank only one stays: else a literal could go round in circles.
    for new in dict.fromkeys(float(each) if isinstance(value, float) else each for each in candidates):
        if number_rank(new) < rank:
            yield new
