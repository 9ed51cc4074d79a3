"""Composite things taken apart: a struct as one variable per field, an output of a part of what it held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.rewrite import Part, Path
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce.defaults import default
from kernelfuzz.reduce.edit import Change, Edit, Site, Tree
from kernelfuzz.reduce.expressions import EXPRESSIONS, MOST_PARTS
from kernelfuzz.reduce.launches import lengths_of
from kernelfuzz.reduce.measure import weight_of


def split_structs(tree: Tree) -> Iterator[Edit]:
    """A local struct of which only fields are used, as one local for each field."""
    uses: dict[tuple[str, str], list[Site]] = {}
    for site in tree.sites:
        if isinstance(site.node, n.Name) and isinstance(site.node.type, t.Struct):
            uses.setdefault((site.function.name, site.node.id), []).append(site)
    by_path = {site.path: site for site in tree.sites}
    for (function, name), sites in uses.items():
        replacements: list[tuple[Path, Part]] = []
        for site in sites:
            # The path of a top-level statement's target has two steps at least.
            above = by_path[site.path[:-1]]
            match above.node:
                case n.Attribute(name=field, type=type_):
                    replacements.append((above.path, (n.Name(f"{name}_{field}", type_),)))
                case n.Assign(target=n.Name(id=known, type=t.Struct() as struct), value=n.Construct(args=args)) if (
                    known == name and site.path[-1] == 0
                ):
                    replacements.append((above.path, tuple(_fields(name, struct, args))))
                case _:
                    break
        else:
            gain = sum(by_path[path].weight - weight_of(*part) for path, part in replacements)
            yield Edit(gain, ("split", function, name, len(sites)), tuple(replacements))


def _fields(name: str, struct: t.Struct, args: tuple[n.Expr, ...]) -> Iterator[n.Assign]:
    for position, (field, type_) in enumerate(struct.fields):
        value = args[position] if args else default(type_)
        if value is not None:
            yield n.Assign(n.Name(f"{name}_{field}", type_), value)


def store_parts(tree: Tree) -> Iterator[Edit]:
    """A part of what is stored to an output that nothing else uses: the output gets the type of the part."""
    uses: dict[str, int] = {}
    for node in walk(*tree.kernel.body):
        if isinstance(node, n.Name):
            uses[node.id] = uses.get(node.id, 0) + 1
    params = {param.name for param in tree.kernel.params}
    for site in tree.sites:
        if not isinstance(site.function, n.Kernel):
            continue
        match site.node:
            case n.Assign(target=n.Index(value=n.Name(id=name, type=t.Array() as array), indices=indices), value=value):
                if name not in params or uses[name] != 1 or len(indices) != array.ndim:
                    continue
                for part in _parts(value, array):
                    type_ = t.Array(part.type, array.ndim)  # pyright: ignore[reportArgumentType]
                    target = n.Index(n.Name(name, type_), indices, part.type)
                    gain = weight_of(value) - weight_of(part)
                    change = _with_output(name, type_)
                    made = ((site.path, (n.Assign(target, part),)),)
                    yield Edit(gain, ("store", site.node, part), made, change)
            case _:
                pass


def _parts(value: n.Expr, array: t.Array) -> list[n.Expr]:
    found = [
        inner
        for inner in walk(value)
        if isinstance(inner, EXPRESSIONS)
        and inner is not value
        and inner.type != array.dtype
        and isinstance(inner.type, (t.Scalar, t.Vector, t.Matrix, t.Quaternion, t.Transform))
    ]
    return found[:MOST_PARTS]


def _with_output(name: str, type_: t.Array) -> Change:
    """The parameter with another type, zeros for it."""

    def change(case: Case) -> Case | None:
        if name not in case.launch.inputs or isinstance(type_.dtype, t.Struct):
            return None
        old = case.launch.inputs[name]
        lengths = lengths_of(old)[: type_.ndim]
        scalar = type_.dtype if isinstance(type_.dtype, t.Scalar) else type_.dtype.dtype
        sizes = lengths if isinstance(type_.dtype, t.Scalar) else (*lengths, *t.shape(type_.dtype))
        new = np.zeros(sizes, dtype=np.dtype(scalar.name))
        params = tuple([_typed(param, name, type_) for param in case.kernel.params])
        kernel = replace(case.kernel, params=params)
        return Case(kernel, replace(case.launch, inputs={**case.launch.inputs, name: new}))

    return change


def _typed(param: n.Param, name: str, type_: t.Array) -> n.Param:
    return replace(param, type=type_) if param.name == name else param
