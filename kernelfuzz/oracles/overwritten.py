"""Arrays that a kernel reads and then writes, read from a copy instead: for the sake of the adjoint.

"This sort of problem boils down to a single pattern to be avoided: writing to an array after reading from it"
(Differentiability, Array Overwrite Tracking): the adjoint runs when the array already holds what was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from kernelfuzz.analysis.writes import STORING, root_name, written_arrays
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.rewrite import rebuild, transform
from kernelfuzz.ir.types import Array, has_floats
from kernelfuzz.ir.walk import children, walk
from kernelfuzz.typecheck.verify import VerifyError, verify


def read_from_copies(kernel: n.Kernel, overwritten: Set[str]) -> n.Kernel:
    """The kernel with a new parameter for each of these arrays, which it reads in the array's place.

    Only the kernel itself reads elsewhere, and the functions that it calls as long as they only read; an
    atomic minimum or maximum, which reads what it writes, becomes a sum.
    """
    writers = {function.name: _written_params(function, kernel) for function in kernel.functions}
    copies = {
        param.name: n.Param(_copy_name(param.name, kernel), param.type, param.bounds, param.shape)
        for param in kernel.params
        if param.name in overwritten and isinstance(param.type, Array)
    }
    if not copies:
        return kernel
    kernel = transform(kernel, _summed)
    renamed = {name: copy.name for name, copy in copies.items()}
    views = _views_to_write(kernel, writers)
    body = tuple([_reading(statement, renamed, writers, views) for statement in kernel.body])
    made = replace(kernel, params=(*kernel.params, *copies.values()), body=body)
    try:
        verify(made)
    except VerifyError:
        return kernel
    return made


def _copy_name(name: str, kernel: n.Kernel) -> str:
    taken = {node.id for node in walk(*kernel.body) if isinstance(node, n.Name)}
    taken |= {param.name for param in kernel.params} | {function.name for function in kernel.functions}
    copy = f"{name}_before"
    while copy in taken:
        copy += "_"
    return copy


def _summed(node: n.Node) -> n.Node:
    match node:
        case n.ExprStmt(value=n.Call(name="atomic_min" | "atomic_max", args=(array, *_)) as call) if has_floats(
            array.type
        ):
            return n.ExprStmt(replace(call, name="atomic_add"))
        case _:
            return node


def _written_params(function: n.Function, kernel: n.Kernel) -> frozenset[int]:
    """The positions of the parameters that a function writes."""
    alone = n.Kernel(function.name, function.params, function.body, kernel.functions, kernel.structs)
    written = written_arrays(alone)
    return frozenset(at for at, param in enumerate(function.params) if param.name in written)


def _views_to_write(kernel: n.Kernel, writers: Mapping[str, frozenset[int]]) -> frozenset[str]:
    """The locals that are views of arrays and that something is written through."""
    found: set[str] = set()
    for node in walk(*kernel.body):
        match node:
            case n.Assign(target=target) | n.AugAssign(target=target):
                if not isinstance(target, n.Name):
                    found.add(root_name(target))
            case n.Call(name=name, args=args) if name.startswith("atomic_") or name in STORING:
                found.add(root_name(args[STORING.get(name, 0)]))
            case n.CallFunction(name=name, args=args):
                found.update(root_name(args[at]) for at in writers[name])
            case _:
                pass
    return frozenset(found)


def _reading(
    node: n.Node, renamed: Mapping[str, str], writers: Mapping[str, frozenset[int]], views: frozenset[str]
) -> n.Node:
    """The node with the arrays renamed wherever it reads them."""

    def read(child: n.Node) -> n.Node:
        return _reading(child, renamed, writers, views)

    def written(place: n.Node) -> n.Node:
        # What is stored into keeps its name; the indices on the way there are read.
        if isinstance(place, n.Index):
            return rebuild(place, [(written(place.value),), *((read(index),) for index in place.indices)])
        return rebuild(place, [(written(place.value),)]) if isinstance(place, n.Attribute) else place

    kept: Set[int] = frozenset()
    match node:
        case n.Name(id=name, type=type_) if name in renamed:
            return n.Name(renamed[name], type_)
        case n.Assign(target=n.Name(id=name), value=value) if isinstance(value.type, Array) and name in views:
            return node
        case n.Assign() | n.AugAssign():
            kept = {0}
        case n.Call(name=name) if name.startswith("atomic_") or name in STORING:
            kept = {STORING.get(name, 0)}
        case n.CallFunction(name=name):
            kept = writers[name]
        case _:
            pass
    below = children(node)
    parts = [(written(child) if at in kept else read(child),) for at, child in enumerate(below)]
    return rebuild(node, parts) if below else node


__all__ = ["read_from_copies"]
