"""Cuts of statements: leave them out, keep only a part of a compound one, write a plainer one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames, own_names, root_name
from kernelfuzz.ir.rewrite import Path, transform
from kernelfuzz.ir.walk import bound_by
from kernelfuzz.reduce.cut_launches import with_element
from kernelfuzz.reduce.edit import Change, Edit, Site, Tree, at, number, unpacked
from kernelfuzz.reduce.search import runs

# Loops that run at most this often are written out.
MOST_UNROLLED = 4


def drop_statements(tree: Tree) -> Iterator[Edit]:
    """Runs of statements of one block: all, halves, quarters, ... single ones."""
    for owner, first, block in tree.blocks():
        # A function keeps the return at its end.
        count = len(block) - (bool(block) and isinstance(block[-1], n.Return) and len(block) > 1)
        for low, high in runs(count):
            gone = [((*owner, first + position), ()) for position in range(low, high)]
            yield tree.edit(("drop", block[low:high]), gone)


def drop_variables(tree: Tree) -> Iterator[Edit]:
    """Every statement that assigns a local variable or a part of it; what reads it reads a zero."""
    found: dict[tuple[str, str], list[Site]] = {}
    for site, statement in tree.of(n.Assign, n.AugAssign):
        found.setdefault((site.function.name, root_name(statement.target)), []).append(site)
    for (function, name), sites in found.items():
        if len(sites) > 1:
            yield tree.edit(("variable", function, name, len(sites)), [(site.path, ()) for site in sites])


def hoist_bodies(tree: Tree) -> Iterator[Edit]:
    """What a branch or a loop holds in place of it."""
    for site, statement in tree.of(n.If, n.For, n.While):
        match statement:
            case n.If():
                found = _of_branch(statement)
            case n.For():
                found = _of_for(statement)
            case n.While():
                found = _of_while(statement, FreshNames(own_names(tree.kernel))("counter"))
        yield from (at(site, *new) for new in found)


def _of_branch(branch: n.If) -> Iterator[n.Block]:
    yield branch.body
    if branch.orelse:
        yield branch.orelse
        yield (*branch.body, *branch.orelse)
        yield (replace(branch, orelse=()),)
        yield (n.If(n.Unary("not", branch.test, t.BOOL), branch.orelse),)


def _of_for(loop: n.For) -> Iterator[n.Block]:
    start = loop.bounds[0] if len(loop.bounds) > 1 else number(t.INT32, 0)
    once = unlooped(loop.body)
    yield with_value(once, loop.name, start)
    yield (n.Assign(n.Name(loop.name, t.INT32), start), *once)
    counts = [bound.value for bound in loop.bounds if isinstance(bound, n.Literal)]
    if len(counts) == len(loop.bounds) and counts[2:] != [0]:
        values = range(*map(int, counts))
        if 1 < len(values) <= MOST_UNROLLED:
            copies = [with_value(once, loop.name, number(t.INT32, value)) for value in values]
            yield tuple([statement for copy in copies for statement in copy])
    if len(loop.bounds) > 1:
        yield (replace(loop, bounds=loop.bounds[:2]),)
        yield (replace(loop, bounds=loop.bounds[1:2]),)
    for count in (1, 2, 3):
        yield (replace(loop, bounds=(number(t.INT32, count),)),)


def _of_while(loop: n.While, fresh: str) -> Iterator[n.Block]:
    once = unlooped(loop.body)
    yield once
    yield (n.If(loop.test, once),)
    for count in (1, 2, 3):
        yield (n.For(fresh, (number(t.INT32, count),), loop.body),)
    if not isinstance(loop.test, n.Literal):
        yield (n.While(number(t.BOOL, 1), loop.body),)


def unlooped(block: n.Block) -> n.Block:
    """A loop's body without the ``break`` and ``continue`` of that loop."""
    kept: list[n.Stmt] = []
    for statement in block:
        match statement:
            case n.Break() | n.Continue():
                pass
            case n.If(body=body, orelse=orelse):
                kept.append(replace(statement, body=unlooped(body) or (n.Pass(),), orelse=unlooped(orelse)))
            case _:
                kept.append(statement)
    return tuple(kept)


def with_value(block: n.Block, name: str, value: n.Expr) -> n.Block:
    """The block with an expression in place of each reading of a name."""

    def change(node: n.Node) -> n.Node:
        return value if isinstance(node, n.Name) and node.id == name else node

    return tuple([transform(statement, change) for statement in block])


def plainer_statements(tree: Tree) -> Iterator[Edit]:
    """``x += e`` as ``x = e`` or ``x = x + e``; ``a, b = x, y`` as fewer or as single assignments."""
    for site, statement in tree.of(n.AugAssign, n.Unpack):
        match statement:
            case n.AugAssign(target=target, op=op, value=value):
                yield at(site, n.Assign(target, value))
                yield at(site, n.Assign(target, n.Binary(op, target, value, target.type)))
            case n.Unpack(names=names, values=values) if len(values) > 1:
                pairs = list(zip(names, values, strict=True))
                for position in range(len(pairs)):
                    left = unpacked([*pairs[:position], *pairs[position + 1 :]])
                    yield at(site, *([] if left is None else [left]))
                yield at(site, *[n.Assign(n.Name(name, each.type), each) for name, each in pairs])


def join_branches(tree: Tree) -> Iterator[Edit]:
    """``x = a`` and ``if c: x = b``, or ``if c: x = b`` and ``else: x = a``, as ``x = b if c else a``."""
    for owner, first, block in tree.blocks():
        for position, statement in enumerate(block):
            path = (*owner, first + position)
            match statement, block[position - 1] if position else None:
                case n.If(
                    test=test,
                    body=(n.Assign(target=target, value=value),),
                    orelse=(n.Assign(target=same, value=other),),
                ), _:
                    gone = []
                case n.If(test=test, body=(n.Assign(target=target, value=value),), orelse=()), n.Assign(
                    target=same, value=other
                ):
                    gone = [((*owner, first + position - 1), ())]
                case _:
                    continue
            if same == target:
                new = n.Assign(target, n.IfExp(test=test, body=value, orelse=other, type=value.type))
                yield tree.edit(("join", statement, bool(gone)), [*gone, (path, (new,))])


def substitute_locals(tree: Tree) -> Iterator[Edit]:
    """The value of a local in place of each reading of it, up to the next assignment to it in the text."""
    # What reads or assigns each name of each function, in the order of the text.
    events: dict[tuple[str, str], list[Site]] = {}
    targets = {(*site.path, 0) for site, _ in tree.of(n.Assign, n.AugAssign)}
    for site in tree.sites:
        names = bound_by(site.node)
        if isinstance(site.node, n.Name) and site.path not in targets:
            names = (site.node.id,)
        for name in names:
            events.setdefault((site.function.name, name), []).append(site)
    yield from _forwarded(tree)
    for key, sites in events.items():
        for position, site in enumerate(sites):
            if isinstance(site.node, n.Assign):
                yield _substituted(tree, key, site, sites[position + 1 :])


def _forwarded(tree: Tree) -> Iterator[Edit]:
    """What is stored to a part of something in place of each later reading of that part."""
    for position, site in enumerate(tree.sites):
        if isinstance(site.node, n.Assign) and not isinstance(site.node.target, n.Name):
            target, value = site.node.target, site.node.value
            readings = [
                (each.path, (value,))
                for each in tree.sites[position + 2 :]
                if each.node == target
                and not each.is_in(site.path)
                and not (isinstance(each.parent, (n.Assign, n.AugAssign)) and each.path[-1] == 0)
            ]
            if readings:
                yield tree.edit(("forward", site.node, len(readings)), [(site.path, ()), *readings])


def _substituted(tree: Tree, key: tuple[str, str], site: Site, later: Sequence[Site]) -> Edit:
    assert isinstance(site.node, n.Assign)
    readings: list[Site] = []
    for each in later:
        inside = each.is_in(site.path)  # its own value reads what the name was before
        if isinstance(each.node, n.Name) and not inside:
            readings.append(each)
        elif not inside:
            break
    label = ("substitute", *key, site.node, len(readings))
    return tree.edit(label, [(site.path, ()), *[(reading.path, (site.node.value,)) for reading in readings]])


def ask_for_the_turn(tree: Tree) -> Iterator[Edit]:
    """``if i == 0`` or ``if i == 1``, of a loop around it, for another test; what only that read goes too."""
    for site, branch in tree.of(n.If):
        path = (*site.path, 0)
        gone = list(_only_for(tree, path, site.function))
        for loop in [loop for place, loop in tree.of(n.For) if site.is_in(place.path)]:
            for turn in (0, 1):
                new = n.Compare(n.Name(loop.name, t.INT32), ("==",), (number(t.INT32, turn),))
                edit = tree.edit(("turn", branch, new), [(path, (new,)), *[(each.path, ()) for each in gone]])
                if edit.gain > 0:
                    yield edit


def _only_for(tree: Tree, path: Path, function: n.Function | n.Kernel) -> Iterator[Site]:
    """The assignments of locals that are read below a path, and else only to compute themselves."""
    here = [(site, name.id) for site, name in tree.of(n.Name) if site.function is function]
    for name in sorted({name for site, name in here if site.is_in(path)}):
        assigning = [
            site
            for site, each in tree.of(n.Assign, n.AugAssign)
            if site.function is function and isinstance(each.target, n.Name) and each.target.id == name
        ]
        inside = [path, *[site.path for site in assigning]]
        if all(any(map(site.is_in, inside)) for site, known in here if known == name):
            yield from assigning


def keep_in_array(tree: Tree) -> Iterator[Edit]:
    """``out[0]`` in place of a local that ``out[0] = x`` stores; it starts with what the launch gives."""
    for site, statement in tree.of(n.Assign):
        match statement:
            case n.Assign(
                target=n.Index(value=n.Name(type=t.Array()), indices=indices) as place, value=n.Name(id=name)
            ):
                if all(isinstance(index, n.Literal) for index in indices):
                    yield from _kept_in(tree, place, n.Name(name, place.type), site)


def _kept_in(tree: Tree, place: n.Index, local: n.Name, store: Site) -> Iterator[Edit]:
    here = [each for each in tree.sites if each.function is store.function]
    declared = [each for each in here if isinstance(each.node, n.Assign) and each.node.target == local]
    bound_else = any(isinstance(each.node, (n.For, n.Unpack)) and local.id in bound_by(each.node) for each in here)
    if bound_else or not declared:
        return
    gone = (store, declared[0])
    uses = [each for each in here if each.node == local and not any(each.is_in(site.path) for site in gone)]
    replacements = [*[(site.path, ()) for site in gone], *[(each.path, (place,)) for each in uses]]
    change = _starting_with(place, declared[0].node)
    yield tree.edit(("keep in", place, local, len(uses)), replacements, change)


def _starting_with(place: n.Index, declared: n.Node) -> Change | None:
    """What gives an array's element the number that a local is declared with."""
    match place, declared:
        case (
            n.Index(value=n.Name(id=array), indices=(n.Literal(value=position),), type=t.Scalar()),
            n.Assign(value=n.Literal(value=value) | n.Cast(operand=n.Literal(value=value))),
        ):
            return with_element((array,), (int(position),), value)
        case _:
            return None


def drop_thread_index(tree: Tree) -> Iterator[Edit]:
    """``i, j = wp.tid()`` as ``i = 0`` and ``j = 0``, for a grid of one thread."""
    for site, statement in tree.of(n.Unpack):
        match statement:
            case n.Unpack(names=names, values=(n.Call(name="tid"),)):
                yield at(site, *[n.Assign(n.Name(name, t.INT32), number(t.INT32, 0)) for name in names])
