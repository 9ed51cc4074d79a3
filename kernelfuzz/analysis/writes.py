"""What a kernel changes: arrays that it or its functions store into, and arguments of builtins."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import is_local, root_name
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.builtins import resolve

# Builtins that change an array: the position of the array among the arguments.
STORING = {"tile_store": 0}

# Which parameters each function of a module stores into, by their positions.
Written = Mapping[str, Collection[int]]


def stored_argument(call: n.Call) -> int | None:
    """The position of the array that a builtin stores into, as atomics and ``tile_store`` do; else None."""
    return 0 if call.name.startswith("atomic_") else STORING.get(call.name)


def changed_arguments(call: n.Call) -> tuple[int, ...]:
    """The positions of the arguments that a call changes in place."""
    signature = resolve(call.name, tuple(argument.type for argument in call.args), call.keywords)
    return () if signature is None else signature.builtin.mutates


def stored_places(node: n.Node, written: Written) -> tuple[n.Expr, ...]:
    """The places that a node itself stores into: a target, or the arrays that a call stores into.

    What the nodes below it store into is theirs.
    """
    match node:
        case n.Assign(target=target) | n.AugAssign(target=target):
            return (target,)
        case n.Call(args=args):
            at = stored_argument(node)
            return () if at is None else (args[at],)
        case n.CallFunction(name=name, args=args):
            return tuple([args[at] for at in sorted(written[name])])
        case _:
            return ()


def written_arrays(kernel: n.Kernel) -> frozenset[str]:
    """The parameters of the kernel whose elements some statement may change."""
    return frozenset([kernel.params[at].name for at in _written(kernel, written_parameters(kernel))])


def written_parameters(kernel: n.Kernel) -> dict[str, frozenset[int]]:
    """Which parameters each function of the module stores into, by their positions."""
    written: dict[str, frozenset[int]] = {}
    for function in kernel.functions:  # declared before they are called
        written[function.name] = _written(function, written)
    return written


def _written(unit: n.Function | n.Kernel, written: Written) -> frozenset[int]:
    found: set[str] = set()
    views: dict[str, str] = {}
    for node in walk(*unit.body):
        match node:
            case n.Name() | n.Literal():  # most of the nodes
                continue
            case n.Assign(target=n.Name(id=name), value=value) if isinstance(value.type, Array):
                views[name] = views.get(root_name(value), root_name(value))
            case n.Assign(target=target) | n.AugAssign(target=target) if is_local(target):
                continue
            case _:
                roots = map(root_name, stored_places(node, written))
                found.update([views.get(root, root) for root in roots])
    return frozenset([at for at, param in enumerate(unit.params) if param.name in found])
