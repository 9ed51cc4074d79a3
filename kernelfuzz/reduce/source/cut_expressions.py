"""Cuts of expressions: a part or a literal in place of them, fewer arguments and elements."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from kernelfuzz.reduce.search import runs
from kernelfuzz.reduce.source.tree import PLAIN, Edit, Site, Tree, children, in_place_of

# Where an identifier is no expression: it is what something is called.
_NAMES = frozenset(
    {
        (cst.Attribute, "attr"), (cst.Arg, "keyword"), (cst.FunctionDef, "name"), (cst.ClassDef, "name"),
        (cst.Param, "name"), (cst.ImportAlias, "name"), (cst.ImportFrom, "module"), (cst.AsName, "name"),
        (cst.NameItem, "name"),
    }
)  # fmt: skip

# What stands between an expression and the expressions that it is made of.
_BETWEEN = (
    cst.Arg, cst.Element, cst.StarredElement, cst.DictElement, cst.SubscriptElement, cst.Index, cst.Slice,
    cst.ComparisonTarget, cst.FormattedStringExpression, cst.CompFor,
)  # fmt: skip

# The fields that hold any number of things, one of which can go alone.
_LISTS = frozenset(
    {"args", "elements", "decorators", "names", "bases", "keywords", "comparisons", "ifs", "targets", "slice"}
)

_LITERALS = (cst.Integer, cst.Float, cst.SimpleString)


def expressions(tree: Tree) -> Iterator[tuple[Site, cst.BaseExpression]]:
    """Every expression, the outer before the inner."""
    for site, node in tree.of(cst.BaseExpression):
        if site.parent is not None and (type(site.parent.node), site.path[-1][0]) not in _NAMES:
            yield site, node


def drop_elements(tree: Tree) -> Iterator[Edit]:
    """Runs of the arguments of a call, the elements of a list, the decorators, the names of an import."""
    for site in tree.sites:
        counts: dict[str, int] = {}
        for (name, position), _ in children(site.node):
            if name in _LISTS and position >= 0:
                counts[name] = position + 1
        for name, count in counts.items():
            for low, high in runs(count):
                yield {(*site.path, (name, position)): () for position in range(low, high)}


def drop_annotations(tree: Tree) -> Iterator[Edit]:
    """A definition without what it says it returns, a parameter without its type or its default."""
    for site, node in tree.of(cst.FunctionDef, cst.Param):
        for name in ("returns", "annotation", "default"):
            if getattr(node, name, None) is not None:
                yield {(*site.path, (name, -1)): ()}


def replace_by_literal(tree: Tree) -> Iterator[Edit]:
    """An expression as ``0`` or ``0.0``; the type of a parameter as ``int`` or ``float``."""
    for site, node in expressions(tree):
        if isinstance(site.parent and site.parent.node, cst.Annotation):
            for name in ("int", "float"):
                yield {site.path: [cst.Name(name)]}
        elif not isinstance(node, _LITERALS):
            for new in PLAIN:
                yield {site.path: [in_place_of(node, new)]}


def replace_by_part(tree: Tree) -> Iterator[Edit]:
    """An expression as one of those that it is made of: an operand, an argument, a branch."""
    for site, node in expressions(tree):
        for part in _parts(node):
            yield {site.path: [in_place_of(node, part)]}


def _parts(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    for (name, _), child in children(node):
        if (type(node), name) in _NAMES:
            continue
        if isinstance(child, cst.BaseExpression):
            yield child
        elif isinstance(child, _BETWEEN):
            yield from _parts(child)


def simplify_literals(tree: Tree) -> Iterator[Edit]:
    """A number as 0, 1, or a half of it; a string as an empty one."""
    for site, literal in tree.of(cst.Integer, cst.Float, cst.SimpleString):
        match literal:
            case cst.Integer(evaluated_value=value):
                simpler = [cst.Integer(str(new)) for new in dict.fromkeys((0, 1, 2, value // 2))]
            case cst.Float():
                simpler = [cst.Float("0.0"), cst.Float("1.0")]
            case cst.SimpleString():
                simpler = [cst.SimpleString('""')]
        yield from ({site.path: [new]} for new in simpler)
