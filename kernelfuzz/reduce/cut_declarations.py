"""Cuts of declarations: parameters, functions, constants, structs, the factory around a kernel."""

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
from kernelfuzz.ir.launch import Case, leaves
from kernelfuzz.ir.names import FreshNames, own_names
from kernelfuzz.ir.rewrite import Part, Path, transform
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.reduce.edit import Change, Edit, Site, Tree, default, with_param, without
from kernelfuzz.reduce.measure import FIELD_WEIGHT, STRUCT_WEIGHT, weight_of

# How many parts of a stored value are stored alone.
MOST_PARTS = 12


def drop_params(tree: Tree) -> Iterator[Edit]:
    """A parameter of a kernel, or of a function together with the argument of each call."""
    calls = _calls(tree)
    for site, param in tree.of(n.Param):
        owner, name = site.function, param.name
        replacements: list[tuple[Path, Part]] = [(site.path, ())]
        if isinstance(owner, n.Function):
            position = [each.name for each in owner.params].index(name)
            replacements += [((*call.path, position), ()) for call in calls.get(owner.name, ())]
        # About as much goes with each reading of it.
        uses = 3 * sum(isinstance(node, n.Name) and node.id == name for node in walk(*owner.body))
        yield Edit(uses + site.weight, ("param", owner.name, name), tuple(replacements))


def _calls(tree: Tree) -> dict[str, list[Site]]:
    """The calls of each function of the module."""
    calls: dict[str, list[Site]] = {}
    for site, call in tree.of(n.CallFunction):
        calls.setdefault(call.name, []).append(site)
    return calls


def drop_functions(tree: Tree) -> Iterator[Edit]:
    """A function; its calls give zeros."""
    calls = _calls(tree)
    for site, function in tree.of(n.Function):
        gain = site.weight + sum(call.weight for call in calls.get(function.name, ()))
        yield Edit(gain, ("function", function.name), ((site.path, ()),))


def inline_functions(tree: Tree) -> Iterator[Edit]:
    """The body of a function in place of each call of it, where it returns only at its end."""
    calls = _calls(tree)
    for site, function in tree.of(n.Function):
        body, found = function.body, calls.get(function.name, [])
        if function.native or any(isinstance(node, n.Return) and node is not body[-1] for node in walk(*body)):
            continue
        if not changed_locals(body).isdisjoint({param.name for param in function.params}):
            continue  # a parameter that is a variable of the function
        inlined: list[tuple[Path, Part]] = []
        if len(body) == 1 and isinstance(body[0], n.Return) and len(body[0].values) == 1:
            # A call inside an argument of another is inlined in a later round.
            for call in found:
                inlined.append((call.path, (_with_arguments(body[0].values[0], function, call.node),)))
        elif len(found) == 1:
            inlined = _inlined_body(tree, function, found[0])
        if inlined:
            gain = site.weight - sum(weight_of(*part) for _, part in inlined)
            yield Edit(gain, ("inline", function), ((site.path, ()), *inlined))


def _with_arguments(node: n.Node, function: n.Function, call: n.Node, local: dict[str, str] | None = None) -> n.Node:
    """A part of a function with the arguments of a call for its parameters, and its locals under other names."""
    assert isinstance(call, n.CallFunction)
    values = {param.name: value for param, value in zip(function.params, call.args, strict=True)}
    names = local or {}

    def change(inner: n.Node) -> n.Node:
        match inner:
            case n.Name(id=name, type=type_):
                return values.get(name) or n.Name(names.get(name, name), type_)
            case n.Unpack(names=targets, values=given):
                return n.Unpack(tuple([names.get(name, name) for name in targets]), given)
            case n.For(name=name):
                return replace(inner, name=names.get(name, name))
            case _:
                return inner

    return change(transform(node, change))


def _inlined_body(tree: Tree, function: n.Function, call: Site) -> list[tuple[Path, Part]]:
    """The statements of a function before the statement that calls it, its locals under new names."""
    nodes: dict[Path, n.Node] = {site.path: site.node for site in tree.sites}
    path = call.path
    while path and not isinstance(nodes[path], (n.Assign, n.AugAssign, n.Unpack, n.ExprStmt, n.Return)):
        path = path[:-1]
    if not path:
        return []
    taken = bound_names(call.function.body) | {param.name for param in call.function.params}
    fresh = FreshNames(own_names(tree.kernel))
    local = {name: fresh(f"{function.name}_{name}") for name in bound_names(function.body) if name in taken}
    body = [_with_arguments(each, function, call.node, local) for each in function.body]
    returned = body.pop() if body and isinstance(body[-1], n.Return) else None
    match nodes[path], returned:
        case n.ExprStmt(value=value), _ if value is call.node:
            return [(path, tuple(body))]
        case n.Unpack(names=names, values=[value]), n.Return(values=values) if value is call.node:
            return [(path, (*body, n.Unpack(names, values)))]
        case statement, n.Return(values=[value]):
            return [(path, (*body, transform(statement, lambda inner: value if inner is call.node else inner)))]
        case _:
            return []


def drop_results(tree: Tree) -> Iterator[Edit]:
    """One of several values that a function returns."""
    for _, function in tree.of(n.Function):
        if isinstance(function.returns, t.Tuple):
            count = len(function.returns.elements)
            for position in range(count):
                label = ("result", function.name, position, count)
                yield Edit(2, label, change=_without_result(function.name, position))


def _without_result(name: str, position: int) -> Change:
    def change(case: Case) -> Case | None:
        found = [function for function in case.kernel.functions if function.name == name]
        if not found or not isinstance(found[0].returns, t.Tuple) or position >= len(found[0].returns.elements):
            return None
        left = without(found[0].returns.elements, position)
        returns: t.Type = left[0] if len(left) == 1 else t.Tuple(left)

        def called(node: n.Node) -> n.Node:
            match node:
                case n.Unpack(names=names, values=(n.CallFunction(name=known) as call,)) if known == name:
                    kept = without(names, position)
                    new = replace(call, type=returns)
                    return n.Assign(n.Name(kept[0], returns), new) if len(kept) == 1 else n.Unpack(kept, (new,))
                case _:
                    return node

        def returned(node: n.Node) -> n.Node:
            return n.Return(without(node.values, position)) if isinstance(node, n.Return) else node

        def changed(function: n.Function) -> n.Function:
            return replace(transform(function, returned), returns=returns) if function.name == name else function

        kernel = transform(case.kernel, called)
        return replace(case, kernel=replace(kernel, functions=tuple(map(changed, kernel.functions))))

    return change


def inline_constants(tree: Tree) -> Iterator[Edit]:
    """A constant of the module by its value, everywhere."""
    for site, constant in tree.of(n.Constant):
        value = in_a_kernel(constant)
        if value is None:
            continue
        reads = [(each.path, (value,)) for each, name in tree.of(n.Name) if name.id == constant.name]
        yield Edit(site.weight + len(reads), ("constant", constant), ((site.path, ()), *reads))


def drop_closure(tree: Tree) -> Iterator[Edit]:
    """The factory around a kernel."""
    if tree.kernel.closure:
        yield Edit(4, "closure", change=lambda case: replace(case, kernel=replace(case.kernel, closure=False)))


# ------------------------------------------------------------------------- composites


def drop_structs(tree: Tree) -> Iterator[Edit]:
    """A struct that no type mentions."""
    for struct in tree.kernel.structs:
        gain = STRUCT_WEIGHT + FIELD_WEIGHT * len(struct.fields)
        yield Edit(gain, ("struct", struct.name), change=_without_struct(struct.name))


def _without_struct(name: str) -> Change:
    def change(case: Case) -> Case | None:
        left = tuple([struct for struct in case.kernel.structs if struct.name != name])
        return replace(case, kernel=replace(case.kernel, structs=left)) if left != case.kernel.structs else None

    return change


def split_structs(tree: Tree) -> Iterator[Edit]:
    """A local struct of which only fields are used, as one local for each field."""
    uses: dict[tuple[str, str], list[Site]] = {}
    for site, name in tree.of(n.Name):
        if isinstance(name.type, t.Struct):
            uses.setdefault((site.function.name, name.id), []).append(site)
    by_path = {site.path: site for site in tree.sites}
    for (function, name), sites in uses.items():
        replacements: list[tuple[Path, Part]] = []
        for site in sites:
            # The path of a top-level statement's target has two steps at least.
            above = by_path[site.path[:-1]]
            match above.node:
                case n.Attribute(name=field, type=type_):
                    replacements.append((above.path, (n.Name(f"{name}_{field}", type_),)))
                case n.Assign(target=n.Name(type=t.Struct() as struct), value=n.Construct(args=args)) if (
                    site.path[-1] == 0
                ):
                    replacements.append((above.path, tuple(_fields(name, struct, args))))
                case _:
                    break
        else:
            yield tree.edit(("split", function, name, len(sites)), replacements)


def _fields(name: str, struct: t.Struct, args: tuple[n.Expr, ...]) -> Iterator[n.Assign]:
    for position, (field, type_) in enumerate(struct.fields):
        value = args[position] if args else default(type_)
        if value is not None:
            yield n.Assign(n.Name(f"{name}_{field}", type_), value)


def store_parts(tree: Tree) -> Iterator[Edit]:
    """A part of what is stored to an output that nothing else uses: the output gets the type of the part."""
    used = [node.id for node in walk(*tree.kernel.body) if isinstance(node, n.Name)]
    params = {param.name: param for param in tree.kernel.params}
    for site, statement in tree.of(n.Assign):
        match statement:
            case n.Assign(target=n.Index(value=n.Name(id=name, type=t.Array() as array), indices=indices), value=value):
                if not isinstance(site.function, n.Kernel) or name not in params or used.count(name) != 1:
                    continue
                for part in _parts(value, array) if len(indices) == array.ndim else ():
                    type_ = t.Array(part.type, array.ndim)
                    new = n.Assign(n.Index(n.Name(name, type_), indices, part.type), part)
                    yield tree.edit(("store", statement, part), [(site.path, (new,))], _with_output(name, type_))


def _parts(value: n.Expr, array: t.Array) -> list[Any]:
    kinds = (t.Scalar, t.Vector, t.Matrix, t.Quaternion, t.Transform)
    inside = [node for node in walk(value) if type(node) in EXPRESSIONS and node is not value]
    return [each for each in inside if each.type != array.dtype and isinstance(each.type, kinds)][:MOST_PARTS]  # pyright: ignore


def _with_output(name: str, type_: t.Array) -> Change:
    """The parameter with another type, zeros for it."""

    def change(case: Case) -> Case | None:
        params = {param.name: param for param in case.kernel.params}
        if name not in params or isinstance(type_.dtype, t.Struct) or case.launch.inputs[name] is None:
            return None
        # The length of an array of structs is that of its first field.
        lengths = next(leaves(case.launch.inputs[name]))[1].shape[: type_.ndim]
        match type_.dtype:
            case t.Scalar() as dtype:
                sizes = lengths
            case composite:
                dtype, sizes = composite.dtype, (*lengths, *t.shape(composite))
        return with_param(case, replace(params[name], type=type_), np.zeros(sizes, np.dtype(dtype.name)))

    return change
