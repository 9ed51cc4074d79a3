"""What code reads, writes and binds, and which values are constant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local, root_name, root_of
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import blocks, bound_by, builtins_used, children, statements_in, walk
from kernelfuzz.typecheck.builtins import resolve
from kernelfuzz.typecheck.messages import MESSAGES
from kernelfuzz.typecheck.operators import TILE_CALLS

# ------------------------------------------------------------------------ names


def names_read(*nodes: n.Node) -> frozenset[str]:
    """The names that expressions read, below any of the nodes; assigned names are among them."""
    return frozenset([node.id for node in walk(*nodes) if isinstance(node, n.Name)])


def count_name(name: str, *nodes: n.Node) -> int:
    """How often a name stands below the nodes, as an expression or as a target."""
    return sum(isinstance(node, n.Name) and node.id == name for node in walk(*nodes))


def is_bound_again(name: str, function: n.Function | n.Kernel) -> bool:
    """Whether a name is bound in several places, or by an unpacking in a loop."""
    bound = sum(param.name == name for param in function.params)
    for statement in statements_in(function.body):
        bound += name in bound_by(statement)
        if isinstance(statement, (n.For, n.While)):
            bound += any(isinstance(each, n.Unpack) and name in each.names for each in statements_in(statement.body))
    return bound > 1


def outlives(name: str, function: n.Function | n.Kernel) -> bool:
    """Whether the counter of a loop is a variable outside of every loop that counts with it."""
    waiting: list[n.Node] = [function]
    while waiting:
        node = waiting.pop()
        if isinstance(node, n.For) and node.name == name:
            waiting += node.bounds
        elif (isinstance(node, n.Name) and node.id == name) or (isinstance(node, n.Unpack) and name in node.names):
            return True
        elif isinstance(node, n.Kernel):
            waiting += node.body
        else:
            waiting += children(node)
    return False


def constant_component(place: n.Place) -> object | None:
    """What tells components apart, or None where that is not known (also of a row or a slice)."""
    match place:
        case n.Attribute(value=value, name=name) if name in "xyzw" and _is_whole(value):
            return "xyzw".index(name)
        case n.Index(value=value, indices=indices) if _is_whole(value):
            expected = 2 if isinstance(value.type, t.Matrix) else 1
            values = tuple([index.value for index in indices if isinstance(index, n.Literal) and index.value >= 0])
            if len(values) != len(indices) or len(values) != expected:
                return None
            return values[0] if len(values) == 1 else values
        case _:
            return None


def _is_whole(value: n.Expr) -> bool:
    """Whether this is a local, or a field of one, that is no struct itself: not a part of a vector."""
    if isinstance(value.type, t.Struct):
        return False
    while isinstance(value, n.Attribute) and isinstance(value.value.type, t.Struct):
        value = value.value
    return isinstance(value, n.Name)


# ----------------------------------------------------------------------- effects


def has_tiles(kernel: n.Kernel) -> bool:
    """Whether the kernel works on tiles: its blocks work together, so that control flow is not free."""
    return any(not builtins_used(statement).isdisjoint(TILE_CALLS) for statement in kernel.body)


def asks_thread(*nodes: n.Node) -> bool:
    """Whether anything below the nodes asks for the thread index."""
    return any("tid" in builtins_used(node) for node in nodes)


def is_pure(node: n.Expr, functions: Sequence[n.Function]) -> bool:
    """Whether an expression changes nothing: it may be evaluated later, twice or not at all.

    Functions are looked up by name in ``functions``, those that are declared before.
    """
    for inner in walk(node):
        if isinstance(inner, n.Call) and _has_effect(inner):
            return False
        if isinstance(inner, n.CallFunction):
            known = next((each for each in functions if each.name == inner.name), None)
            if known is None or known.native or not _is_pure_block(known.body, functions):
                return False
    return True


def _has_effect(call: n.Call) -> bool:
    return call.name.startswith(("atomic_", "tile_")) or call.name in MESSAGES or bool(changed_arguments(call))


def _is_pure_block(block: n.Block, functions: Sequence[n.Function]) -> bool:
    for node in walk(*block):
        match node:
            case n.Call() if _has_effect(node):
                return False
            case n.CallFunction() if not is_pure(node, functions):
                return False
            case n.Assign(target=target) | n.AugAssign(target=target) if isinstance(
                target.type, t.Array
            ) or reads_element(target):
                return False
            case _:
                continue
    return True


def reads_element(node: n.Expr) -> bool:
    """Whether an element of an array is below an expression, or is the place that it stands for."""
    return any(isinstance(each, n.Index) and isinstance(each.value.type, t.Array) for each in walk(node))


def may_write_array(node: n.Expr) -> bool:
    """Whether an expression may write an array, by what it calls and hands over."""
    return any(
        (isinstance(each, n.Call) and each.name.startswith("atomic_"))
        or (isinstance(each, n.CallFunction) and any(isinstance(arg.type, t.Array) for arg in each.args))
        for each in walk(node)
    )


def changed_in_place(*nodes: n.Node) -> Iterator[n.Expr]:
    """The arguments that calls of builtins below the nodes change (the states of random numbers)."""
    for each in walk(*nodes):
        if isinstance(each, n.Call):
            yield from (each.args[at] for at in changed_arguments(each))


def assigned_locals(*statements: n.Stmt) -> frozenset[str]:
    """The locals that statements assign, in whole or in part; names of arrays are none."""
    found: set[str] = set()
    for each in statements_in(statements):
        if not isinstance(each, (n.Assign, n.AugAssign)):
            found.update(bound_by(each))
        elif is_local(each.target) and not isinstance(root_of(each.target).type, Array):
            found.add(root_name(each.target))
    return frozenset(found)


def changed_locals(block: n.Block) -> frozenset[str]:
    """The locals that a block assigns, in whole or in part, or that a call in it changes in place."""
    return assigned_locals(*block) | {root_name(place) for place in changed_in_place(*block)}


# Defined for all operands, unlike integer arithmetic that may overflow or divide by zero, and shifts.
_TOTAL_INTEGER_OPERATORS = frozenset({"&", "|", "^"})


def is_total(node: n.Expr) -> bool:
    """Whether an expression is defined whatever its operands are, so that it may be evaluated needlessly."""
    return all(_is_total_node(inner) for inner in walk(node))


def _is_total_node(node: n.Node) -> bool:
    match node:
        case n.Literal() | n.Name() | n.Attribute() | n.ArrayShape() | n.Compare():
            return True
        case n.Binary(op=op, type=t.Scalar() as type_):
            return type_.is_float or op in _TOTAL_INTEGER_OPERATORS
        case n.Unary(op=op, type=t.Scalar() as type_):
            return type_.is_float or op in ("not", "+", "~")
        case n.Cast(type=type_, operand=operand):
            source = operand.type
            return isinstance(source, t.Scalar) and (type_.is_float or not source.is_float)
        case _:
            return False


# ------------------------------------------------------------- what code leaves behind


def is_bindable(node: n.Expr) -> bool:
    """Whether a temporary can hold the value like any other: no array, tile or tuple."""
    return not isinstance(node.type, (t.Array, t.Tile, t.Tuple))


def binds_array(block: n.Block) -> bool:
    """Whether a block names a view of an array, which is no value that a branch could choose."""
    return any(
        isinstance(node, n.Assign) and isinstance(node.target, n.Name) and not is_bindable(node.target)
        for node in statements_in(block)
    )


def jumps(block: n.Block, *kinds: type[n.Break] | type[n.Continue]) -> bool:
    """Whether a block has a break or a continue, as ``kinds`` has them, of the loop around it."""
    return any(
        isinstance(statement, kinds)
        or (isinstance(statement, n.If) and any(jumps(inner, *kinds) for inner in blocks(statement)))
        for statement in block
    )


# --------------------------------------------------------------------- constants


def frozen_constants(kernel: n.Kernel) -> Counter[str]:
    """How often each local gets a constant in a dynamic loop inside an unrolled one.

    Warp documents that it refuses these: the second copy of the dynamic loop finds the constant of the first.
    """
    named = frozenset([constant.name for constant in kernel.constants])
    found: Counter[str] = Counter()
    for unit in (kernel, *kernel.functions):
        _count_frozen(unit.body, named, unrolled=False, dynamic=False, found=found)
    return found


def _count_frozen(block: n.Block, named: frozenset[str], *, unrolled: bool, dynamic: bool, found: Counter[str]) -> None:
    for statement in block:
        fixed, inside = unrolled, dynamic
        match statement:
            case n.Assign(target=n.Name(id=name), value=value) if dynamic and is_constant(value, frozenset()):
                found[name] += 1
            case n.For(bounds=bounds) if all(is_constant(bound, named) for bound in bounds):
                fixed = True
            case n.For() | n.While():
                inside = dynamic or unrolled
            case _:
                pass
        for inner in blocks(statement):
            _count_frozen(inner, named, unrolled=fixed, dynamic=inside, found=found)


def is_constant(node: n.Expr, named: frozenset[str]) -> bool:
    """Whether Warp may know the value while it generates code; ``named`` are constants that count too."""
    match node:
        case n.Literal() | n.Static():
            return True
        case n.Name(id=name):
            return name in named
        case n.Unary(operand=operand):
            return is_constant(operand, named)
        case n.IfExp(body=body, orelse=orelse):
            return is_constant(body, named) or is_constant(orelse, named)
        case n.Call(name=name):
            return name == "len"
        case _:
            return False


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
    if isinstance(unit, n.Function) and unit.native:  # what C++ does is not known
        return frozenset([at for at, param in enumerate(unit.params) if isinstance(param.type, Array)])
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
