"""Cuts of what is declared: parameters, functions, constants, structs, the factory around a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.rewrite import Part, Path, transform
from kernelfuzz.ir.types import Tuple, Type
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.reduce.edit import Edit, Site, Tree
from kernelfuzz.reduce.measure import FIELD_WEIGHT, STRUCT_WEIGHT, weight_of


def drop_params(tree: Tree) -> Iterator[Edit]:
    """A parameter of a kernel, or of a function together with the argument of each call."""
    calls = calls_by_function(tree)
    for site in tree.sites:
        if not isinstance(site.node, n.Param):
            continue
        owner, name = site.function, site.node.name
        replacements: list[tuple[Path, Part]] = [(site.path, ())]
        if isinstance(owner, n.Function):
            position = [param.name for param in owner.params].index(name)
            replacements += [((*call.path, position), ()) for call in calls.get(owner.name, ())]
        yield Edit(_uses(owner, name) + site.weight, ("param", owner.name, name), tuple(replacements))


def _uses(function: n.Function | n.Kernel, name: str) -> int:
    """About how much goes with a name: each statement that stores to it, each reading."""
    return 3 * sum(isinstance(node, n.Name) and node.id == name for node in walk(*function.body))


def calls_by_function(tree: Tree) -> dict[str, list[Site]]:
    """The calls of each function of the module."""
    calls: dict[str, list[Site]] = {}
    for site in tree.sites:
        if isinstance(site.node, n.CallFunction):
            calls.setdefault(site.node.name, []).append(site)
    return calls


def drop_functions(tree: Tree) -> Iterator[Edit]:
    """A function; its calls give zeros."""
    calls = calls_by_function(tree)
    for site in tree.sites:
        if isinstance(site.node, n.Function):
            gain = site.weight + sum(call.weight for call in calls.get(site.node.name, ()))
            yield Edit(gain, ("function", site.node.name), ((site.path, ()),))


def inline_functions(tree: Tree) -> Iterator[Edit]:
    """The body of a function in place of each call of it, where it returns only at its end."""
    calls = calls_by_function(tree)
    for site in tree.sites:
        if not isinstance(site.node, n.Function) or _returns_early(site.node):
            continue
        function = site.node
        body = function.body
        found = calls.get(function.name, [])
        if len(body) == 1 and isinstance(body[0], n.Return) and len(body[0].values) == 1:
            value = body[0].values[0]
            # A call inside an argument of another is inlined in a later round.
            inlined: list[tuple[Path, Part]] = [
                (call.path, (_with_arguments(value, function, call.node),)) for call in found
            ]
        elif len(found) == 1:
            inlined = _inlined_body(tree, function, found[0])
        else:
            continue
        if inlined:
            gain = site.weight - sum(weight_of(*part) for _, part in inlined)
            yield Edit(gain, ("inline", function), ((site.path, ()), *inlined))


def _returns_early(function: n.Function) -> bool:
    returns = [node for node in walk(*function.body) if isinstance(node, n.Return)]
    return any(node is not function.body[-1] for node in returns)


def _with_arguments(node: n.Node, function: n.Function, call: n.Node) -> n.Node:
    assert isinstance(call, n.CallFunction)
    values = {param.name: value for param, value in zip(function.params, call.args, strict=True)}

    def change(inner: n.Node) -> n.Node:
        return values.get(inner.id, inner) if isinstance(inner, n.Name) else inner

    return change(transform(node, change))


def _inlined_body(tree: Tree, function: n.Function, call: Site) -> list[tuple[Path, Part]]:
    """The statements of a function before the statement that calls it, its locals under new names."""
    nodes = {site.path: site for site in tree.sites}
    path = call.path
    while path and not isinstance(nodes[path].node, (n.Assign, n.AugAssign, n.Unpack, n.ExprStmt, n.Return)):
        path = path[:-1]
        if path and isinstance(nodes[path].node, n.Function):
            return []
    if not path:
        return []
    taken = bound_names(call.function.body) | {param.name for param in call.function.params}
    local = {name: f"{function.name}_{name}" for name in bound_names(function.body) if name in taken}
    body: list[n.Node] = [_renamed(_with_arguments(each, function, call.node), local) for each in function.body]
    returned = body.pop() if body and isinstance(body[-1], n.Return) else None
    statement = nodes[path].node
    if isinstance(statement, n.ExprStmt) and statement.value is call.node:
        return [(path, tuple(body))]
    if not isinstance(returned, n.Return):
        return []
    if isinstance(statement, n.Unpack) and statement.values == (call.node,):
        return [(path, (*body, n.Unpack(statement.names, returned.values)))]
    if len(returned.values) != 1:
        return []
    value = returned.values[0]

    def change(inner: n.Node) -> n.Node:
        return value if inner is call.node else inner

    return [(path, (*body, transform(statement, change)))]


def _renamed(node: n.Node, names: dict[str, str]) -> n.Node:
    def change(inner: n.Node) -> n.Node:
        match inner:
            case n.Name(id=name, type=type_):
                return n.Name(names.get(name, name), type_)
            case n.Unpack(names=targets, values=values):
                return n.Unpack(tuple([names.get(name, name) for name in targets]), values)
            case _ if hasattr(inner, "bounds") and hasattr(inner, "body"):
                return replace(inner, name=names.get(inner.name, inner.name))  # pyright: ignore
            case _:
                return inner

    return change(transform(node, change))


def drop_results(tree: Tree) -> Iterator[Edit]:
    """One of several values that a function returns."""
    calls = calls_by_function(tree)
    for site in tree.sites:
        match site.node:
            case n.Function(name=name, returns=Tuple(elements=elements)):
                for position in range(len(elements)):
                    yield Edit(2, ("result", name, position, len(elements)), change=_without_result(name, position))
            case n.Function(name=name) if name not in calls:
                # Nothing reads what it returns.
                pass
            case _:
                pass


def _without_result(name: str, position: int):
    def change(case: Case) -> Case | None:
        kernel = case.kernel
        found = [function for function in kernel.functions if function.name == name]
        if not found or not isinstance(found[0].returns, Tuple) or position >= len(found[0].returns.elements):
            return None
        left = _without(found[0].returns.elements, position)
        returns: Type = left[0] if len(left) == 1 else Tuple(left)

        def called(node: n.Node) -> n.Node:
            match node:
                case n.Unpack(names=names, values=(n.CallFunction(name=known) as call,)) if known == name:
                    kept = _without(names, position)
                    new = replace(call, type=returns)
                    return n.Assign(n.Name(kept[0], returns), new) if len(kept) == 1 else n.Unpack(kept, (new,))
                case _:
                    return node

        def returned(node: n.Node) -> n.Node:
            return n.Return(_without(node.values, position)) if isinstance(node, n.Return) else node

        functions: list[n.Function] = []
        for function in transform(kernel, called).functions:
            if function.name == name:
                function = replace(transform(function, returned), returns=returns)
            functions.append(function)
        return replace(case, kernel=replace(transform(kernel, called), functions=tuple(functions)))

    return change


def _without(values: tuple, position: int) -> tuple:
    return (*values[:position], *values[position + 1 :])


def inline_constants(tree: Tree) -> Iterator[Edit]:
    """A constant of the module by its value, everywhere."""
    for site in tree.sites:
        if isinstance(site.node, n.Constant):
            constant = site.node
            reads = [each for each in tree.sites if isinstance(each.node, n.Name) and each.node.id == constant.name]
            replacements = ((site.path, ()), *[(each.path, (constant.value,)) for each in reads])
            yield Edit(site.weight + len(reads), ("constant", constant), replacements)


def drop_closure(tree: Tree) -> Iterator[Edit]:
    """The factory around a kernel."""
    if tree.kernel.closure:
        yield Edit(4, "closure", change=lambda case: replace(case, kernel=replace(case.kernel, closure=False)))


def drop_structs(tree: Tree) -> Iterator[Edit]:
    """A struct that no type mentions."""
    for struct in tree.kernel.structs:
        gain = STRUCT_WEIGHT + FIELD_WEIGHT * len(struct.fields)
        yield Edit(gain, ("struct", struct.name), change=_without_struct(struct.name))


def _without_struct(name: str):
    def change(case: Case) -> Case | None:
        left = tuple([struct for struct in case.kernel.structs if struct.name != name])
        if len(left) == len(case.kernel.structs):
            return None
        return replace(case, kernel=replace(case.kernel, structs=left))

    return change
