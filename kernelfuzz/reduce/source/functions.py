"""Functions in place of their calls, and what a factory makes in place of the factory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import libcst as cst

from kernelfuzz.reduce.source.nodes import ZERO, in_place_of, last_name, lines, with_names
from kernelfuzz.reduce.source.tree import Edit, Path, Site, Tree


def inline_functions(tree: Tree) -> Iterator[Edit]:
    """The body of a function in place of each call of it, and the function gone.

    Names may clash, and a ``return`` may stand in the middle: that is for the test of interest to see.
    """
    for site, function in tree.functions:
        changed = _inlined(tree, site, function)
        if changed:
            yield {**changed, site.path: ()}


def _inlined(tree: Tree, site: Site, function: cst.FunctionDef) -> dict[Path, Sequence[cst.CSTNode]]:
    before, result = _split(lines(function.body))
    changed: dict[Path, Sequence[cst.CSTNode]] = {}
    for place, call in _calls(tree, site, function):
        statement = place.above(cst.SimpleStatementLine)
        values = argument_values(function, call)
        (new,) = with_names([result or ZERO], values)
        if not isinstance(new, cst.BaseExpression):
            continue
        if statement is None:
            changed[place.path] = [in_place_of(call, new)]
        elif statement.path not in changed:
            rest = tree.rebuilt(statement, {place.path: [in_place_of(call, new)]})
            changed[statement.path] = [*with_names(before, values), *rest]
    return changed


def flatten_functions(tree: Tree) -> Iterator[Edit]:
    """What a factory defines in its place, with the arguments of one of its calls; the calls go."""
    for site, function in tree.functions:
        before, _ = _split(lines(function.body))
        calls = _calls(tree, site, function)
        statements = [place.above(cst.SimpleStatementLine) for place, _ in calls]
        gone: dict[Path, Sequence[cst.CSTNode]] = {each.path: () for each in statements if each is not None}
        yield {**gone, site.path: before}
        for _, call in calls:
            yield {**gone, site.path: with_names(before, argument_values(function, call))}


def _calls(tree: Tree, site: Site, function: cst.FunctionDef) -> list[tuple[Site, cst.Call]]:
    """The calls of a function outside of it."""
    return [
        (place, call)
        for place, call in tree.calls
        if last_name(call.func) == function.name.value and not site.holds(place)
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


def argument_values(function: cst.FunctionDef, call: cst.Call) -> Mapping[str, cst.BaseExpression]:
    """What each parameter of a function is in a call of it, as far as the call tells."""
    names = [param.name.value for param in function.params.params]
    values = {param.name.value: param.default for param in function.params.params if param.default is not None}
    for position, argument in enumerate(call.args):
        if argument.keyword is not None:
            values[argument.keyword.value] = argument.value
        elif not argument.star and position < len(names):
            values[names[position]] = argument.value
    return values
