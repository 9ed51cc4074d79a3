"""Composite things taken apart: a struct as one variable per field, an output of a part of what it held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Assign, Attribute, Construct, Expr, Index, Kernel, Name, Param
from kernelfuzz.ir.rewrite import Part, Path
from kernelfuzz.ir.types import Array, Matrix, Quaternion, Scalar, Struct, Transform, Vector, shape
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
        if isinstance(site.node, Name) and isinstance(site.node.type, Struct):
            uses.setdefault((site.function.name, site.node.id), []).append(site)
    by_path = {site.path: site for site in tree.sites}
    for (function, name), sites in uses.items():
        replacements: list[tuple[Path, Part]] = []
        for site in sites:
            # The path of a top-level statement's target has two steps at least.
            above = by_path[site.path[:-1]]
            match above.node:
                case Attribute(name=field, type=type_):
                    replacements.append((above.path, (Name(f"{name}_{field}", type_),)))
                case Assign(target=Name(id=known, type=Struct() as struct), value=Construct(args=args)) if (
                    known == name and site.path[-1] == 0
                ):
                    replacements.append((above.path, tuple(_fields(name, struct, args))))
                case _:
                    break
        else:
            gain = sum(by_path[path].weight - weight_of(*part) for path, part in replacements)
            yield Edit(gain, ("split", function, name, len(sites)), tuple(replacements))


def _fields(name: str, struct: Struct, args: tuple[Expr, ...]) -> Iterator[Assign]:
    for position, (field, type_) in enumerate(struct.fields):
        value = args[position] if args else default(type_)
        if value is not None:
            yield Assign(Name(f"{name}_{field}", type_), value)


def store_parts(tree: Tree) -> Iterator[Edit]:
    """A part of what is stored to an output that nothing else uses: the output gets the type of the part."""
    uses: dict[str, int] = {}
    for node in walk(*tree.kernel.body):
        if isinstance(node, Name):
            uses[node.id] = uses.get(node.id, 0) + 1
    params = {param.name for param in tree.kernel.params}
    for site in tree.sites:
        if not isinstance(site.function, Kernel):
            continue
        match site.node:
            case Assign(
                target=Index(value=Name(id=name, type=Array() as array), indices=indices), value=value
            ):
                if name not in params or uses[name] != 1 or len(indices) != array.ndim:
                    continue
                for part in _parts(value, array):
                    type_ = Array(part.type, array.ndim)  # pyright: ignore[reportArgumentType]
                    target = Index(Name(name, type_), indices, part.type)
                    gain = weight_of(value) - weight_of(part)
                    change = _with_output(name, type_)
                    made = ((site.path, (Assign(target, part),)),)
                    yield Edit(gain, ("store", site.node, part), made, change)
            case _:
                pass


def _parts(value: Expr, array: Array) -> list[Expr]:
    found = [
        inner
        for inner in walk(value)
        if isinstance(inner, EXPRESSIONS)
        and inner is not value
        and inner.type != array.dtype
        and isinstance(inner.type, (Scalar, Vector, Matrix, Quaternion, Transform))
    ]
    return found[:MOST_PARTS]


def _with_output(name: str, type_: Array) -> Change:
    """The parameter with another type, zeros for it."""

    def change(case: Case) -> Case | None:
        if name not in case.launch.inputs or isinstance(type_.dtype, Struct):
            return None
        old = case.launch.inputs[name]
        lengths = lengths_of(old)[: type_.ndim]
        scalar = type_.dtype if isinstance(type_.dtype, Scalar) else type_.dtype.dtype
        sizes = lengths if isinstance(type_.dtype, Scalar) else (*lengths, *shape(type_.dtype))
        new = np.zeros(sizes, dtype=np.dtype(scalar.name))
        params = tuple([_typed(param, name, type_) for param in case.kernel.params])
        kernel = replace(case.kernel, params=params)
        return Case(kernel, replace(case.launch, inputs={**case.launch.inputs, name: new}))

    return change


def _typed(param: Param, name: str, type_: Array) -> Param:
    return replace(param, type=type_) if param.name == name else param
