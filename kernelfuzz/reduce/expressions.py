"""Cuts of expressions: a default, a part of it, or a name in scope in place of an expression."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    BoolOp,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Expr,
    For,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Param,
    Slice,
    Static,
    Unary,
)
from kernelfuzz.ir.rewrite import Path
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Array, Matrix, Scalar, Type, Vector
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce.defaults import default, number
from kernelfuzz.reduce.edit import Edit, Site, Tree, at
from kernelfuzz.reduce.measure import number_rank, weight_of

EXPRESSIONS = (
    Literal, Name, Unary, Binary, Compare, BoolOp, IfExp, Call, CallFunction, Construct, Cast, Index,
    Attribute, ArrayShape, Static,
)  # fmt: skip

# How many parts of an expression, and how many names of its type, are tried in its place.
MOST_PARTS = 12
MOST_NAMES = 4


def values(tree: Tree) -> Iterator[tuple[Site, Expr]]:
    """Every expression that is read: all but what is assigned to, and static parts of it."""
    targets: set[Path] = set()
    for site in tree.sites:
        node = site.node
        if isinstance(node, (Assign, AugAssign)):
            targets.add((*site.path, 0))
        elif isinstance(node, EXPRESSIONS):
            if site.path in targets:
                if isinstance(node, (Index, Attribute)):
                    targets.add((*site.path, 0))
            else:
                yield site, node


def replace_by_default(tree: Tree) -> Iterator[Edit]:
    """The simplest values of the type: zero, one, an empty composite."""
    for site, node in values(tree):
        for new in _simplest(node.type):
            yield at(site, new)
        if isinstance(site.parent, Assign) and node.type in (INT32, FLOAT32, BOOL):
            # A bare literal declares a constant, which a loop cannot change; this declares a variable.
            for value in (0, 1):
                yield at(site, Cast(node.type, number(node.type, value)))  # pyright: ignore


def _simplest(type_: Type) -> Iterator[Expr]:
    new = default(type_)
    if new is not None:
        yield new
    if isinstance(type_, Scalar):
        yield number(type_, 1)
        if type_ == INT32:
            yield number(type_, 2)
    elif isinstance(type_, (Vector, Matrix)):
        yield Construct(type_, (number(type_.dtype, 1),))


def replace_by_part(tree: Tree) -> Iterator[Edit]:
    """An expression inside it: as it is, converted, or in every component of a vector or matrix."""
    for site, node in values(tree):
        new = [found for inner in walk(node) if inner is not node for found in _as_type(inner, node.type)]
        yield from (at(site, each) for each in new[:MOST_PARTS])


def _as_type(inner: Node, type_: Type) -> Iterator[Expr]:
    if not isinstance(inner, EXPRESSIONS):
        return
    if inner.type == type_:
        yield inner
    elif isinstance(type_, Scalar) and isinstance(inner.type, Scalar):
        yield Cast(type_, inner)
    elif isinstance(type_, (Vector, Matrix)) and inner.type == type_.dtype:
        yield Construct(type_, (inner,))


def replace_by_name(tree: Tree) -> Iterator[Edit]:
    """A parameter or a local variable of its type."""
    named: dict[tuple[str, Type], dict[str, Name]] = {}
    for site in tree.sites:
        match site.node:
            case Param(name=name, type=type_) | Name(id=name, type=type_):
                known = named.setdefault((site.function.name, type_), {})
                known.setdefault(name, Name(name, type_))
            case For(name=name):
                named.setdefault((site.function.name, INT32), {}).setdefault(name, Name(name, INT32))
            case _:
                pass
    for site, node in values(tree):
        if isinstance(node, (Literal, Name)):
            continue
        names = named.get((site.function.name, node.type), {})
        for name in list(names.values())[:MOST_NAMES]:
            yield at(site, name)


def replace_by_input(tree: Tree) -> Iterator[Edit]:
    """A number that the launch passes in place of reading it from a parameter."""
    inputs = tree.case.launch.inputs
    scalars = {param.name: param.type for param in tree.kernel.params}
    for site, node in values(tree):
        if not isinstance(site.function, Kernel) or not isinstance(node.type, Scalar):
            continue
        read = node.value if isinstance(node, Index) else node
        if isinstance(read, Name) and read.id in scalars:
            value = inputs.get(read.id)
            if isinstance(value, np.ndarray) and value.dtype == node.type.name:
                for number_ in list(dict.fromkeys(value.reshape(-1).tolist()))[:MOST_NAMES]:
                    yield at(site, Literal(number_, node.type))


def inline_params(tree: Tree) -> Iterator[Edit]:
    """A scalar parameter by the number that the launch passes for it, everywhere."""
    for site in tree.sites:
        match site:
            case Site(node=Param(name=name, type=Scalar() as type_), function=Kernel()):
                value = tree.case.launch.inputs.get(name)
                if not isinstance(value, np.ndarray) or value.size != 1:
                    continue
                new = Literal(value.reshape(-1).tolist()[0], type_)
                reads = [
                    (each.path, (new,))
                    for each in tree.sites
                    if isinstance(each.function, Kernel) and each.node == Name(name, type_)
                ]
                yield Edit(site.weight + len(reads), ("value", name), ((site.path, ()), *reads))
            case _:
                pass


def plainer_expressions(tree: Tree) -> Iterator[Edit]:
    """Fewer operands, fewer arguments, fewer indices; a constant by its value."""
    constants = {constant.name: constant.value for constant in tree.kernel.constants}
    for site, node in values(tree):
        for new in _plainer(node):
            yield at(site, new)
        if isinstance(node, Name) and node.id in constants:
            value = constants[node.id]
            yield Edit(1, ("constant", node.id, site.function.name), ((site.path, (value,)),))


def _plainer(node: Expr) -> Iterator[Expr]:
    match node:
        case Compare(left=left, ops=ops, comparators=comparators):
            operands = (left, *comparators)
            if len(ops) > 1:
                for position, op in enumerate(ops):
                    yield Compare(operands[position], (op,), (operands[position + 1],))
        case BoolOp(op=op, values=operands) if len(operands) > 2:
            for position in range(len(operands)):
                yield BoolOp(op, (*operands[:position], *operands[position + 1 :]))
        case Construct(type=type_, args=args) if len(args) > 1:
            if isinstance(type_, (Vector, Matrix)):
                yield from (
                    Construct(type_, (arg,)) for arg in dict.fromkeys(args) if arg.type == type_.dtype
                )
        case Index(value=Index(value=inner, indices=first), indices=second) if isinstance(inner.type, Array):
            if inner.type.ndim == len(first) + len(second):
                yield Index(inner, (*first, *second), node.type)
        case _:
            pass


def simplify_targets(tree: Tree) -> Iterator[Edit]:
    """``a[i][j] = e`` as ``a[i, j] = e``."""
    for site in tree.sites:
        if isinstance(site.node, (Assign, AugAssign)):
            target = site.node.target
            for new in _plainer(target):
                gain = weight_of(target) - weight_of(new)
                yield Edit(gain, (target, new), (((*site.path, 0), (new,)),))


def store_the_whole(tree: Tree) -> Iterator[Edit]:
    """``v = wp.vec3()`` for ``v.x = e``: the simplest values of all that the part belongs to."""
    for site in tree.sites:
        match site.node:
            case Assign(target=Index(value=whole) | Attribute(value=whole)) if isinstance(
                whole, (Name, Index, Attribute)
            ) and not isinstance(whole.type, Array):
                for new in _simplest(whole.type):
                    yield at(site, Assign(whole, new))
            case _:
                pass


def simplify_literals(tree: Tree) -> Iterator[Edit]:
    """Numbers closer to zero, or with fewer digits; slices with fewer parts."""
    for site in tree.sites:
        match site.node:
            case Literal(value=value, type=type_):
                for new in simpler_numbers(value):
                    if type_ == BOOL or (type_.kind == "uint" and new < 0):
                        continue
                    yield Edit(
                        0, ("literal", site.node, new, site.parent), ((site.path, (_literal(type_, new),)),)
                    )
            case Slice(start=start, stop=stop, step=step):
                for new in (
                    Slice(None, stop, step),
                    Slice(start, None, step),
                    Slice(start, stop),
                    Slice(0, 2),
                ):
                    if new != site.node:
                        yield Edit(0, ("slice", site.node, new), ((site.path, (new,)),))
            case _:
                pass


def _literal(type_: Scalar, value: float) -> Literal:
    return Literal(float(value) if type_.is_float else int(value), type_)


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
