"""Cuts of statements: leave them out, keep a part of a compound one, write a plainer one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from kernelfuzz.reduce.source.nodes import (
    ZERO,
    is_kernel,
    lines,
    names_in,
    nodes_below,
    unlooped,
    with_names,
)
from kernelfuzz.reduce.source.tree import Edit, Path, Site, Tree
from kernelfuzz.reduce.statements import runs


def drop_statements(tree: Tree) -> Iterator[Edit]:
    """Runs of the statements of one block: all, halves, quarters, ... single ones."""
    for owner, body in tree.blocks:
        yield from _dropped(owner, body)


def drop_statements_of_kernels(tree: Tree) -> Iterator[Edit]:
    """The same for kernels only: most of what a module has goes when its kernels do not need it."""
    kernels = [site for site in tree.sites if is_kernel(site.node)]
    for owner, body in tree.blocks:
        if any(owner[: len(site.path)] == site.path for site in kernels):
            yield from _dropped(owner, body)


def _dropped(owner: Path, body: Sequence[cst.CSTNode]) -> Iterator[Edit]:
    for low, high in runs(len(body)):
        yield {(*owner, ("body", position)): () for position in range(low, high)}


def hoist_bodies(tree: Tree) -> Iterator[Edit]:
    """A compound statement as the statements of one of its blocks; a loop as one turn of it."""
    for site in tree.of(cst.If, cst.For, cst.While, cst.With, cst.Try, cst.ClassDef):
        for new in _parts(site.node):
            yield {site.path: _instead(site, new)}


def _parts(statement: cst.CSTNode) -> Iterator[Sequence[cst.CSTNode]]:
    match statement:
        case cst.If(body=body, orelse=orelse):
            yield lines(body)
            if isinstance(orelse, cst.If):
                yield [orelse]
            elif orelse is not None:
                yield lines(orelse.body)
                yield [*lines(body), *lines(orelse.body)]
        case cst.For(target=target, iter=counted, body=body):
            once = unlooped(lines(body))
            if isinstance(target, cst.Name):
                for start in _starts(counted):
                    yield with_names(once, {target.value: start})
            yield once
        case cst.While(body=body):
            yield unlooped(lines(body))
        case cst.With(body=body) | cst.Try(body=body) | cst.ClassDef(body=body):
            yield lines(body)
        case _:
            pass


def _instead(site: Site, statements: Sequence[cst.CSTNode]) -> Sequence[cst.CSTNode]:
    """Statements in the place of one, which may be an ``elif``."""
    if site.path[-1][0] != "orelse":
        return statements
    match statements:
        case [cst.If()]:
            return statements
        case _:
            return [cst.Else(cst.IndentedBlock(statements))]  # pyright: ignore[reportArgumentType]


def _starts(counted: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """What the counter of a loop may be in the first turn."""
    yield ZERO
    match counted:
        case cst.Call(args=[cst.Arg(value=first), _, *_]):
            yield first
        case cst.Tuple(elements=[each, *_]) | cst.List(elements=[each, *_]):
            yield each.value
        case _:
            pass


def drop_clauses(tree: Tree) -> Iterator[Edit]:
    """A compound statement without its ``else`` or ``finally``, or with one ``except`` less."""
    for site in tree.of(cst.Else, cst.If, cst.Finally, cst.ExceptHandler):
        if site.path[-1][0] in ("orelse", "finalbody", "handlers"):
            yield {site.path: ()}


def plainer_statements(tree: Tree) -> Iterator[Edit]:
    """``x = e`` and ``return e`` as ``e``; ``x: int = e`` and ``x += e`` as ``x = e``."""
    for site in tree.of(cst.Assign, cst.AugAssign, cst.AnnAssign, cst.Return):
        match site.node:
            case cst.Assign(value=value):
                yield {site.path: [cst.Expr(value)]}
            case (
                cst.AugAssign(target=target, value=value)
                | cst.AnnAssign(target=target, value=cst.BaseExpression() as value)
            ):
                yield {site.path: [cst.Expr(value)]}
                yield {site.path: [cst.Assign([cst.AssignTarget(target)], value)]}
            case cst.Return(value=cst.BaseExpression() as value):
                yield {site.path: [cst.Return()]}
                yield {site.path: [cst.Expr(value)]}
            case _:
                pass


def substitute_locals(tree: Tree) -> Iterator[Edit]:
    """The value of a local in place of its readings in the statements behind, up to the next assignment."""
    for owner, body in tree.blocks:
        names = [names_in(each) for each in body]
        for position, statement in enumerate(body):
            match statement:
                case cst.SimpleStatementLine(
                    body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value)]
                ):
                    changed: dict[Path, Sequence[cst.CSTNode]] = {(*owner, ("body", position)): ()}
                    for later in range(position + 1, len(body)):
                        if name in names[later]:
                            if _assigns(body[later], name):
                                break
                            changed[(*owner, ("body", later))] = with_names([body[later]], {name: value})
                    yield changed
                case _:
                    pass


def _assigns(statement: cst.CSTNode, name: str) -> bool:
    """Whether a statement, or one inside it, assigns a name."""
    return any(
        isinstance(node, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign, cst.For)) and name in names_in(node.target)
        for node in nodes_below(statement)
    )
