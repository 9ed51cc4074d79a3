"""Cuts of statements: leave them out, keep only a part of a compound one, write a plainer one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.rewrite import Path, transform
from kernelfuzz.ir.types import BOOL, INT32, Array, Scalar
from kernelfuzz.reduce import inputs
from kernelfuzz.reduce.defaults import base_name, number, unpacked
from kernelfuzz.reduce.edit import Change, Edit, Site, Tree, at
from kernelfuzz.reduce.measure import weight_of

# Loops that run at most this often are written out.
MOST_UNROLLED = 4


def drop_statements(tree: Tree) -> Iterator[Edit]:
    """Runs of statements of one block: all, halves, quarters, ... single ones."""
    weights = tree.weights
    for owner, first, block in tree.blocks():
        # A function keeps the return at its end.
        count = len(block) - (bool(block) and isinstance(block[-1], n.Return) and len(block) > 1)
        for low, high in runs(count):
            paths = [(*owner, first + position) for position in range(low, high)]
            gain = sum(weights[path] for path in paths)
            yield Edit(gain, ("drop", block[low:high]), tuple([(path, ()) for path in paths]))


def runs(count: int) -> Iterator[tuple[int, int]]:
    """Runs of ``count`` things that cover them: one of all, two of half of them, ... each alone."""
    size = count
    seen: set[tuple[int, int]] = set()
    while size >= 1:
        for low in range(0, count, size):
            run = low, min(low + size, count)
            if run not in seen:
                seen.add(run)
                yield run
        size = (size + 1) // 2 if size > 1 else 0


def drop_variables(tree: Tree) -> Iterator[Edit]:
    """Every statement that assigns a local variable or a part of it; what reads it reads a zero."""
    found: dict[tuple[str, str], list[Site]] = {}
    for site in tree.sites:
        if isinstance(site.node, (n.Assign, n.AugAssign)) and (name := base_name(site.node.target)) is not None:
            found.setdefault((site.function.name, name), []).append(site)
    for (function, name), sites in found.items():
        if len(sites) > 1:
            gain = sum(site.weight for site in sites)
            label = ("variable", function, name, len(sites))
            yield Edit(gain, label, tuple([(site.path, ()) for site in sites]))


def hoist_bodies(tree: Tree) -> Iterator[Edit]:
    """What a branch or a loop holds in place of it."""
    for site in tree.sites:
        match site.node:
            case n.If() as branch:
                yield from (at(site, *new) for new in _of_branch(branch))
            case n.For() as loop:
                yield from (at(site, *new) for new in _of_for(loop))
            case n.While() as loop:
                yield from (at(site, *new) for new in _of_while(loop, _fresh(site.function)))
            case _:
                pass


def _of_branch(branch: n.If) -> Iterator[n.Block]:
    yield branch.body
    if branch.orelse:
        yield branch.orelse
        yield (*branch.body, *branch.orelse)
        yield (replace(branch, orelse=()),)
        yield (n.If(n.Unary("not", branch.test, BOOL), branch.orelse),)


def _of_for(loop: n.For) -> Iterator[n.Block]:
    start = loop.bounds[0] if len(loop.bounds) > 1 else number(INT32, 0)
    once = unlooped(loop.body)
    yield with_value(once, loop.name, start)
    yield (n.Assign(n.Name(loop.name, INT32), start), *once)
    counts = [bound.value for bound in loop.bounds if isinstance(bound, n.Literal)]
    if len(counts) == len(loop.bounds) and counts[2:] != [0]:
        values = range(*map(int, counts))
        if 1 < len(values) <= MOST_UNROLLED:
            copies = [with_value(once, loop.name, number(INT32, value)) for value in values]
            yield tuple([statement for copy in copies for statement in copy])
    if len(loop.bounds) > 1:
        yield (replace(loop, bounds=loop.bounds[:2]),)
        yield (replace(loop, bounds=loop.bounds[1:2]),)
    for count in (1, 2, 3):
        yield (replace(loop, bounds=(number(INT32, count),)),)


def _of_while(loop: n.While, fresh: str) -> Iterator[n.Block]:
    once = unlooped(loop.body)
    yield once
    yield (n.If(loop.test, once),)
    for count in (1, 2, 3):
        yield (n.For(fresh, (number(INT32, count),), loop.body),)
    if not isinstance(loop.test, n.Literal):
        yield (n.While(number(BOOL, 1), loop.body),)


def _fresh(function: n.Function | n.Kernel) -> str:
    """A name for a new counter: as long as one loop of the function is made at a time, one is enough."""
    return f"{function.name}_counter"


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
    for site in tree.sites:
        match site.node:
            case n.AugAssign(target=target, op=op, value=value):
                yield at(site, n.Assign(target, value))
                yield at(site, n.Assign(target, n.Binary(op, target, value, target.type)))
            case n.Unpack(names=names, values=values) if len(values) > 1:
                pairs = list(zip(names, values, strict=True))
                for position in range(len(pairs)):
                    left = unpacked([*pairs[:position], *pairs[position + 1 :]])
                    yield at(site, *([] if left is None else [left]))
                yield at(site, *[n.Assign(n.Name(name, each.type), each) for name, each in pairs])
            case _:
                pass


def join_branches(tree: Tree) -> Iterator[Edit]:
    """``x = a`` and ``if c: x = b``, or ``if c: x = b`` and ``else: x = a``, as ``x = b if c else a``."""
    for owner, first, block in tree.blocks():
        for position, statement in enumerate(block):
            path = (*owner, first + position)
            match statement:
                case n.If(test=test, body=(n.Assign(target=target, value=value),), orelse=orelse):
                    gone: tuple[Path, ...] = ()
                    match orelse, block[position - 1] if position else None:
                        case ((n.Assign(target=same, value=other),), _) if same == target:
                            pass
                        case ((), n.Assign(target=same, value=other)) if same == target:
                            gone = ((*owner, first + position - 1),)
                        case _:
                            continue
                    new = n.Assign(target, n.IfExp(test=test, body=value, orelse=other, type=value.type))
                    paths = (*gone, path)
                    gain = sum(tree.weights[each] for each in paths) - weight_of(new)
                    replacements = (*[(each, ()) for each in gone], (path, (new,)))
                    yield Edit(gain, ("join", statement, bool(gone)), replacements)
                case _:
                    pass


def substitute_locals(tree: Tree) -> Iterator[Edit]:
    """The value of a local in place of each reading of it, up to the next assignment to it in the text."""
    # What happens to each name of each function, in the order of the text.
    events: dict[tuple[str, str], list[Site]] = {}
    targets: set[Path] = set()
    for site in tree.sites:
        names: tuple[str, ...] = ()
        match site.node:
            case n.Assign(target=n.Name(id=name)) | n.AugAssign(target=n.Name(id=name)):
                targets.add((*site.path, 0))
                names = (name,)
            case n.For(name=name):
                names = (name,)
            case n.Unpack(names=unpacked_names):
                names = unpacked_names
            case n.Name(id=name) if site.path not in targets:
                names = (name,)
            case _:
                pass
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
                weight = tree.weights[(*site.path, 1)]
                gain = site.weight - len(readings) * (weight - tree.weights[(*site.path, 0)])
                yield Edit(gain, ("forward", site.node, len(readings)), ((site.path, ()), *readings))


def _substituted(tree: Tree, key: tuple[str, str], site: Site, later: Sequence[Site]) -> Edit:
    assert isinstance(site.node, n.Assign)
    readings: list[Site] = []
    for each in later:
        inside = each.is_in(site.path)  # its own value reads what the name was before
        if isinstance(each.node, n.Name) and not inside:
            readings.append(each)
        elif not inside:
            break
    value, weight = site.node.value, tree.weights[(*site.path, 1)]
    gain = site.weight - sum(weight - reading.weight for reading in readings)
    label = ("substitute", *key, site.node, len(readings))
    replacements = ((site.path, ()), *[(reading.path, (value,)) for reading in readings])
    return Edit(gain, label, replacements)


def ask_for_the_turn(tree: Tree) -> Iterator[Edit]:
    """``if i == 0`` or ``if i == 1``, of a loop around it, for another test; what only that read goes too."""
    loops = [site for site in tree.sites if isinstance(site.node, n.For)]
    for site in tree.sites:
        if not isinstance(site.node, n.If):
            continue
        path = (*site.path, 0)
        gone = list(_only_for(tree, path, site.function))
        cut = tree.weights[path] + sum(each.weight for each in gone)
        for loop in loops:
            if not site.is_in(loop.path):
                continue
            assert isinstance(loop.node, n.For)
            for turn in (0, 1):
                new = n.Compare(n.Name(loop.node.name, INT32), ("==",), (number(INT32, turn),))
                if (gain := cut - weight_of(new)) > 0:
                    replacements = ((path, (new,)), *[(each.path, ()) for each in gone])
                    yield Edit(gain, ("turn", site.node, new), replacements)


def _only_for(tree: Tree, path: Path, function: n.Function | n.Kernel) -> Iterator[Site]:
    """The assignments of locals that are read below a path, and else only to compute themselves."""
    here = [site for site in tree.sites if site.function is function]
    names = {site.node.id for site in here if isinstance(site.node, n.Name) and site.is_in(path)}
    for name in sorted(names):
        assigning = [
            site
            for site in here
            if isinstance(site.node, (n.Assign, n.AugAssign))
            and isinstance(site.node.target, n.Name)
            and site.node.target.id == name
        ]
        inside = [path, *[site.path for site in assigning]]
        if all(any(map(site.is_in, inside)) for site in here if isinstance(site.node, n.Name) and site.node.id == name):
            yield from assigning


def keep_in_array(tree: Tree) -> Iterator[Edit]:
    """``out[0]`` in place of a local that ``out[0] = x`` stores; it starts with what the launch gives."""
    for site in tree.sites:
        match site.node:
            case n.Assign(target=n.Index(value=n.Name(type=Array()), indices=indices) as place, value=n.Name(id=name)):
                if all(isinstance(index, n.Literal) for index in indices):
                    yield from _kept_in(tree, place, n.Name(name, place.type), site)
            case _:
                pass


def _kept_in(tree: Tree, place: n.Index, local: n.Name, store: Site) -> Iterator[Edit]:
    here = [each for each in tree.sites if each.function is store.function]
    declared = [each for each in here if isinstance(each.node, n.Assign) and each.node.target == local]
    bound_else = any(
        (isinstance(each.node, n.For) and each.node.name == local.id)
        or (isinstance(each.node, n.Unpack) and local.id in each.node.names)
        for each in here
    )
    if bound_else or not declared:
        return
    gone = (store, declared[0])
    uses = [each for each in here if each.node == local and not any(each.is_in(site.path) for site in gone)]
    gain = sum(site.weight for site in gone) - sum(weight_of(place) - each.weight for each in uses)
    replacements = (*[(site.path, ()) for site in gone], *[(each.path, (place,)) for each in uses])
    change = _starting_with(place, declared[0].node)
    yield Edit(gain, ("keep in", place, local, len(uses)), replacements, change)


def _starting_with(place: n.Index, declared: n.Node) -> Change | None:
    """What gives an array's element the number that a local is declared with."""
    assert isinstance(declared, n.Assign)
    value = declared.value.operand if isinstance(declared.value, n.Cast) else declared.value
    if not isinstance(value, n.Literal) or not isinstance(place.type, Scalar):
        return None
    match place:
        case n.Index(value=n.Name(id=array), indices=(n.Literal(value=position),)):
            return inputs.with_element((array,), (int(position),), value.value)
        case _:
            return None


def drop_thread_index(tree: Tree) -> Iterator[Edit]:
    """``i, j = wp.tid()`` as ``i = 0`` and ``j = 0``, for a grid of one thread."""
    for site in tree.sites:
        match site.node:
            case n.Unpack(names=names, values=(n.Call(name="tid"),)):
                yield at(site, *[n.Assign(n.Name(name, INT32), number(INT32, 0)) for name in names])
            case _:
                pass
