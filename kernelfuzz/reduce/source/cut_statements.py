"""Cuts of statements and functions: leave them out, keep a part, write a plainer one, bodies for calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import libcst as cst

from kernelfuzz.reduce.search import runs
from kernelfuzz.reduce.source import tree as c
from kernelfuzz.reduce.source.tree import Edit, Path, Site, Tree


def drop_statements(tree: Tree) -> Iterator[Edit]:
    """Runs of the statements of one block: all, halves, quarters, ... single ones."""
    for owner, body in tree.blocks:
        yield from _dropped(owner, body)


def drop_statements_of_kernels(tree: Tree) -> Iterator[Edit]:
    """The same for kernels only: most of what a module has goes when its kernels do not need it."""
    kernels = [site for site in tree.sites if c.is_kernel(site.node)]
    for owner, body in tree.blocks:
        if any(owner[: len(site.path)] == site.path for site in kernels):
            yield from _dropped(owner, body)


def _dropped(owner: Path, body: Sequence[cst.CSTNode]) -> Iterator[Edit]:
    for low, high in runs(len(body)):
        yield {(*owner, ("body", position)): () for position in range(low, high)}


def hoist_bodies(tree: Tree) -> Iterator[Edit]:
    """A compound statement as the statements of one of its blocks; a loop as one turn of it."""
    for site, statement in tree.of(cst.If, cst.For, cst.While, cst.With, cst.Try, cst.ClassDef):
        for new in _parts(statement):
            yield {site.path: _instead(site, new)}


def _parts(statement: cst.CSTNode) -> Iterator[Sequence[cst.CSTNode]]:
    match statement:
        case cst.If(body=body, orelse=orelse):
            yield c.lines(body)
            if isinstance(orelse, cst.If):
                yield [orelse]
            elif orelse is not None:
                yield c.lines(orelse.body)
                yield [*c.lines(body), *c.lines(orelse.body)]
        case cst.For(target=target, iter=counted, body=body):
            once = c.unlooped(c.lines(body))
            if isinstance(target, cst.Name):
                for start in _starts(counted):
                    yield c.with_names(once, {target.value: start})
            yield once
        case cst.While(body=body):
            yield c.unlooped(c.lines(body))
        case cst.With(body=body) | cst.Try(body=body) | cst.ClassDef(body=body):
            yield c.lines(body)


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
    yield c.ZERO
    match counted:
        case cst.Call(args=[cst.Arg(value=first), _, *_]):
            yield first
        case cst.Tuple(elements=[each, *_]) | cst.List(elements=[each, *_]):
            yield each.value


def drop_clauses(tree: Tree) -> Iterator[Edit]:
    """A compound statement without its ``else`` or ``finally``, or with one ``except`` less."""
    for site, _ in tree.of(cst.Else, cst.If, cst.Finally, cst.ExceptHandler):
        if site.path[-1][0] in ("orelse", "finalbody", "handlers"):
            yield {site.path: ()}


def plainer_statements(tree: Tree) -> Iterator[Edit]:
    """``x = e`` and ``return e`` as ``e``; ``x: int = e`` and ``x += e`` as ``x = e``."""
    for site, statement in tree.of(cst.Assign, cst.AugAssign, cst.AnnAssign, cst.Return):
        if statement.value is None:
            continue
        value = cst.Expr(statement.value)
        match statement:
            case cst.Assign():
                yield {site.path: [value]}
            case cst.AugAssign() | cst.AnnAssign():
                yield {site.path: [value]}
                yield {site.path: [cst.Assign([cst.AssignTarget(statement.target)], statement.value)]}
            case cst.Return():
                yield {site.path: [cst.Return()]}
                yield {site.path: [value]}


def substitute_locals(tree: Tree) -> Iterator[Edit]:
    """The value of a local in place of its readings in the statements behind, up to the next assignment."""
    for owner, body in tree.blocks:
        names = [c.names_in(each) for each in body]
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
                            changed[(*owner, ("body", later))] = c.with_names([body[later]], {name: value})
                    yield changed


def _assigns(statement: cst.CSTNode, name: str) -> bool:
    """Whether a statement, or one inside it, assigns a name."""
    return any(
        isinstance(node, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign, cst.For)) and name in c.names_in(node.target)
        for node in c.nodes_below(statement)
    )


# ------------------------------------------------------------------------ functions


def inline_functions(tree: Tree) -> Iterator[Edit]:
    """The body of a function in place of each call of it, and the function gone.

    Names may clash, and a ``return`` may stand in the middle: that is for the test of interest to see.
    """
    for site, function in tree.of(cst.FunctionDef):
        if changed := _inlined(tree, site, function):
            yield {**changed, site.path: ()}


def _inlined(tree: Tree, site: Site, function: cst.FunctionDef) -> dict[Path, Sequence[cst.CSTNode]]:
    before, result = _split(c.lines(function.body))
    changed: dict[Path, Sequence[cst.CSTNode]] = {}
    for place, call in _calls(tree, site, function):
        statement = place.above(cst.SimpleStatementLine)
        values = _argument_values(function, call)
        (new,) = c.with_names([result or c.ZERO], values)
        if not isinstance(new, cst.BaseExpression):
            continue
        if statement is None:
            changed[place.path] = [c.in_place_of(call, new)]
        elif statement.path not in changed:
            rest = tree.rebuilt(statement, {place.path: [c.in_place_of(call, new)]})
            changed[statement.path] = [*c.with_names(before, values), *rest]
    return changed


def flatten_functions(tree: Tree) -> Iterator[Edit]:
    """What a factory defines in its place, with the arguments of one of its calls; the calls go."""
    for site, function in tree.of(cst.FunctionDef):
        before, _ = _split(c.lines(function.body))
        calls = _calls(tree, site, function)
        statements = [place.above(cst.SimpleStatementLine) for place, _ in calls]
        gone: dict[Path, Sequence[cst.CSTNode]] = {each.path: () for each in statements if each is not None}
        yield {**gone, site.path: before}
        for _, call in calls:
            yield {**gone, site.path: c.with_names(before, _argument_values(function, call))}


def _calls(tree: Tree, site: Site, function: cst.FunctionDef) -> list[tuple[Site, cst.Call]]:
    """The calls of a function outside of it."""
    return [
        (place, call)
        for place, call in tree.of(cst.Call)
        if c.last_name(call.func) == function.name.value and not site.holds(place)
    ]


def _split(
    statements: Sequence[cst.BaseStatement],
) -> tuple[Sequence[cst.BaseStatement], cst.BaseExpression | None]:
    """The statements of a function before the ``return`` at its end, and what that gives."""
    match statements:
        case [*before, cst.SimpleStatementLine(body=[cst.Return(value=value)])]:
            return before, value
        case _:
            return statements, None


def _argument_values(function: cst.FunctionDef, call: cst.Call) -> Mapping[str, cst.BaseExpression]:
    """What each parameter of a function is in a call of it, as far as the call tells."""
    names = [param.name.value for param in function.params.params]
    values = {param.name.value: param.default for param in function.params.params if param.default is not None}
    for position, argument in enumerate(call.args):
        if argument.keyword is not None:
            values[argument.keyword.value] = argument.value
        elif not argument.star and position < len(names):
            values[names[position]] = argument.value
    return values
