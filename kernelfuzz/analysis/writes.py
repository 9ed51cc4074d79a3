"""What a kernel changes: arrays that it or its functions store into, and arguments of builtins."""

from __future__ import annotations

from collections.abc import Mapping

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.builtins import resolve

# Builtins that change an array: the position of the array among the arguments.
STORING = {"tile_store": 0}


def written_arrays(kernel: n.Kernel) -> frozenset[str]:
    """The parameters of the kernel whose elements some statement may change."""
    written: dict[str, frozenset[str]] = {}
    for function in kernel.functions:  # declared before they are called
        written[function.name] = _written(function, kernel, written)
    return _written(kernel, kernel, written)


def _written(unit: n.Function | n.Kernel, kernel: n.Kernel, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    views: dict[str, str] = {param.name: param.name for param in unit.params}
    for node in walk(*unit.body):
        match node:
            case n.Name() | n.Literal():  # most of the nodes
                pass
            case n.Assign(target=n.Name(id=name), value=value) if isinstance(value.type, Array):
                views[name] = views.get(root_name(value), root_name(value))
            case n.Assign(target=target) | n.AugAssign(target=target) if not isinstance(target, n.Name):
                if not is_local(target):
                    found.add(views.get(root_name(target), root_name(target)))
            case n.Call(name=name, args=args) if name.startswith("atomic_") or name in STORING:
                root = root_name(args[STORING.get(name, 0)])
                found.add(views.get(root, root))
            case n.CallFunction(name=name, args=args):
                (callee,) = (each for each in kernel.functions if each.name == name)
                for param, argument in zip(callee.params, args, strict=True):
                    if param.name in known[name]:
                        found.add(views.get(root_name(argument), root_name(argument)))
            case _:
                pass
    return frozenset(found & {param.name for param in unit.params})


def changed_arguments(call: n.Call) -> tuple[int, ...]:
    """The positions of the arguments that a call changes in place."""
    signature = resolve(call.name, tuple(argument.type for argument in call.args), call.keywords)
    return () if signature is None else signature.builtin.mutates


def root_name(value: n.Expr) -> str:
    """The name that a place or a view starts from; empty where it is none."""
    while isinstance(value, (n.Index, n.Attribute)):
        value = value.value
    return value.id if isinstance(value, n.Name) else ""


def is_local(place: n.Expr) -> bool:
    """Whether this is a local or a part of one, not of an array."""
    while isinstance(place, (n.Index, n.Attribute)):
        place = place.value
        if isinstance(place.type, Array):
            return False
    return isinstance(place, n.Name)
