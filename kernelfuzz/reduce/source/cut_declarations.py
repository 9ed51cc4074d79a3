"""Cuts of what is declared: definitions that a kernel does without, parameters, fields of structs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from kernelfuzz.reduce.source import tree as c
from kernelfuzz.reduce.source.tree import Edit, Path, Site, Tree

# -------------------------------------------------------------------- the module


def keep_one_kernel(tree: Tree) -> Iterator[Edit]:
    """The module with one of its kernels and with what that one needs, and nothing else."""
    body = tree.module.body
    binds, reads = [c.bound_names(each) for each in body], [c.names_in(each) for each in body]
    for position, statement in enumerate(body):
        if any(c.is_kernel(node, tree.wanted) for node in c.nodes_below(statement)):
            kept, names = {position}, set(reads[position])
            while more := {each for each in range(len(body)) if each not in kept and binds[each] & names}:
                kept |= more
                names.update(*[reads[each] for each in more])
            if len(kept) < len(body):
                yield {(("body", each),): () for each in range(len(body)) if each not in kept}


def without_other_kernels(tree: Tree, wanted: str) -> str:
    """The text without the kernels of other names, and without what needs those, but not the one, to run."""
    body = tree.module.body
    binds, reads = [c.bound_names(each) for each in body], [c.names_in(each) for each in body]
    gone = {at for at, each in enumerate(body) if c.is_kernel(each) and not c.is_kernel(each, wanted)}
    while True:
        names = {name for at in gone for name in binds[at]}
        more = {at for at in range(len(body)) if at not in gone and reads[at] & names and wanted not in reads[at]}
        if not more:
            return tree.after({(("body", at),): () for at in gone}) or tree.text
        gone |= more


# -------------------------------------------------------------------- parameters


def drop_params(tree: Tree) -> Iterator[Edit]:
    """A parameter with the argument of each call; literals stand where it was read, or nothing changes."""
    for site, function in tree.of(cst.FunctionDef):
        for position, param in enumerate(function.params.params):
            name = param.name.value
            gone: dict[Path, Sequence[cst.CSTNode]] = {
                (*site.path, ("params", -1), ("params", position)): (),
                **dict.fromkeys(_arguments(tree, function.name.value, position, name), ()),
            }
            yield gone
            readings = [each.path for each in tree.below(site) if _reads(each, name)]
            for new in c.PLAIN if readings else ():
                yield {**{path: [new] for path in readings}, **gone}


def _reads(site: Site, name: str) -> bool:
    return (
        isinstance(site.node, cst.Name)
        and site.node.value == name
        and site.path[-1][0] not in ("attr", "keyword", "name", "target")
    )


def _arguments(tree: Tree, function: str, position: int, name: str) -> Iterator[Path]:
    """The argument for a parameter in each call; for a kernel, in the lists that a launch takes."""
    for site, call in tree.of(cst.Call):
        if c.last_name(call.func) == function:
            for at, each in enumerate(call.args):
                if (at == position) if each.keyword is None else (each.keyword.value == name):
                    yield (*site.path, ("args", at))
        elif c.last_name(call.func).startswith("launch") and function in c.names_in(call):
            before = 0
            for at, each in enumerate(call.args):
                if isinstance(each.value, cst.List):
                    count = len(each.value.elements)
                    if before <= position < before + count:
                        yield (*site.path, ("args", at), ("value", -1), ("elements", position - before))
                    before += count


# ------------------------------------------------------------------------ fields


def drop_fields(tree: Tree) -> Iterator[Edit]:
    """A field of a class with the assignments to it; literals stand where it is read."""
    for site, statement in tree.of(cst.AnnAssign):
        if isinstance(statement.target, cst.Name) and site.above(cst.ClassDef):
            for new in c.PLAIN:
                yield {site.path: (), **_without(tree, statement.target.value, new)}


def _without(tree: Tree, field: str, new: cst.BaseExpression) -> Edit:
    """What becomes of each ``value.field``."""
    changed: dict[Path, Sequence[cst.CSTNode]] = {}
    for site, attribute in tree.of(cst.Attribute):
        if attribute.attr.value == field:
            statement = site.above(cst.SimpleStatementLine)
            if statement is not None and any(step == "target" for step, _ in site.path):
                changed[statement.path] = ()
            else:
                changed[site.path] = [new]
    return changed
