"""What Warp's documentation says its adjoints do not get right: such a kernel's gradient is not judged.

The source is the user guide's page "Differentiability" (https://nvidia.github.io/warp/, 1.19).  A rule here
is what a sentence there says, and is read as widely as the sentence can be.  Where an older release says
more, the rule asks which one is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Block,
    Break,
    Call,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Place,
    Stmt,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.types import (
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
)
from kernelfuzz.ir.walk import walk
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.launch import execute
from kernelfuzz.reference.release import at_least

# Warp unrolls a loop over constant bounds of at most this many iterations (``wp.config.max_unroll``).
MAX_UNROLL = 16

ARRAY_OVERWRITE = "array overwrite"


@dataclass(frozen=True, slots=True)
class Limitation:
    """``applies(body, unit)`` for the kernel and each of its functions; the sentence and its section."""

    name: str
    section: str
    sentence: str
    applies: Callable[[Kernel | Function], bool]


def documented_limitation(kernel: Kernel, launch: Launch | None = None) -> str | None:
    """The name of a limitation that concerns the kernel's gradient, or None.

    With a launch, also whether it overwrites an array, which shows only when it runs; raises Undefined then,
    as ``run`` does (but not for the rounding of a sum whose order is open).
    """
    for limitation in LIMITATIONS:
        if any(limitation.applies(unit) for unit in (kernel, *kernel.functions)):
            return limitation.name
    if launch is not None and array_overwrites(kernel, launch):
        return ARRAY_OVERWRITE
    return None


def array_overwrites(kernel: Kernel, launch: Launch) -> frozenset[str]:
    """The parameters of which an element is written after it was read.

    "This sort of problem boils down to a single pattern to be avoided: writing to an array after reading from
    it" (Array Overwrite Tracking).  An atomic minimum or maximum of floats reads what it overwrites; an
    atomic sum, as which += counts, does not.  What is written twice and not read is no such pattern: "Warp
    correctly propagates gradients only through the final write" (Array Overwrites), but that holds from 1.14
    on; before, "overwriting previously computed results can lead to incorrect gradient calculations".
    """
    overwritten: set[str] = set()
    rewritten: set[str] = set()
    execute(kernel, launch, Exact(), overwritten=overwritten, rewritten=rewritten, rounded=True)
    return frozenset(overwritten if at_least(1, 14) else overwritten | rewritten)


# ------------------------------------------------------------------------ in-place math


def _in_place_math(unit: Kernel | Function) -> bool:
    return any(
        isinstance(node, AugAssign)
        and node.op not in ("+", "-")
        and not isinstance(node.target, Name)
        and has_floats(node.target.type)
        for node in walk(*unit.body)
    )


def has_floats(type_: Type) -> bool:
    match type_:
        case Scalar():
            return type_.is_float
        case Struct(fields=fields):
            return any(has_floats(field) for _, field in fields)
        case Tuple(elements=elements):
            return any(map(has_floats, elements))
        case Vector() | Matrix() | Quaternion() | Transform() | Array() | Tile():
            return has_floats(type_.dtype)


# ------------------------------------------------------------------ component assignment


def _root(place: Expr) -> Expr:
    """The local or the array that a place is a part of."""
    while isinstance(place, (Attribute, Index)) and not isinstance(place.value.type, Array):
        place = place.value
    return place


def _component_of(place: Place) -> str | None:
    """Which local vector, matrix, quaternion or transform the place is a component of."""
    root = _root(place)
    if place is root or not isinstance(root, Name) or not has_floats(root.type):
        return None
    inner: Expr = place
    while isinstance(inner, (Attribute, Index)):
        inner = inner.value
        if not isinstance(inner.type, Struct):
            return root.id
    return None


def _component_assignment(unit: Kernel | Function) -> bool:
    return bool(reassigned_components(unit))


def reassigned_components(unit: Kernel | Function) -> frozenset[str]:
    """The locals of which a component may be assigned twice.

    One constant component at a time, once on each way through the code, of a local that is only
    default-initialized, outside of loops: that is plainly once.
    """
    _, twice = _components_assigned(unit.body, {}, in_loop=False)
    assignments = [each for each, _ in _statements(unit.body, False) if isinstance(each, Assign)]
    whole = [each for each in assignments if isinstance(each.target, Name)]
    fields = {
        root.id
        for each in assignments
        if isinstance(each.target, Attribute)
        and isinstance(each.target.value.type, Struct)
        and not isinstance(each.target.type, Scalar)
        and isinstance(root := _root(each.target), Name)
    }
    touched = {
        name
        for statement, _ in _statements(unit.body, False)
        if isinstance(statement, Assign) and (name := _component_of(statement.target)) is not None
    }
    for name in touched - twice:
        values = [each.value for each in whole if isinstance(each.target, Name) and each.target.id == name]
        if name in fields or len(values) != 1 or not isinstance(values[0], Construct) or values[0].args:
            twice.add(name)
    return frozenset(twice)


_Assigned: TypeAlias = "Mapping[str, frozenset[object]]"


def _components_assigned(block: Block, before: _Assigned, in_loop: bool) -> tuple[_Assigned, set[str]]:
    """The components assigned after a block on one way or another, and the locals with one assigned twice."""
    assigned, twice = dict(before), set[str]()
    for statement in block:
        match statement:
            case Assign(target=target) if (name := _component_of(target)) is not None:
                component, seen = constant_component(target), assigned.get(name, frozenset[object]())
                key = (_fields(target), component)
                if in_loop or component is None or key in seen:
                    twice.add(name)
                assigned[name] = seen | {key}
            case If(body=body, orelse=orelse):
                first, more = _components_assigned(body, assigned, in_loop)
                second, others = _components_assigned(orelse, assigned, in_loop)
                twice |= more | others
                names = first.keys() | second.keys()
                nothing = frozenset[object]()
                assigned = {name: first.get(name, nothing) | second.get(name, nothing) for name in names}
            case For(body=body) | While(body=body):
                _, more = _components_assigned(body, assigned, in_loop=True)
                twice |= more
            case _:
                pass
    return assigned, twice


def _fields(place: Place) -> tuple[str, ...]:
    """The fields of a local struct on the way to the vector that the place is a component of."""
    names: list[str] = []
    value: Expr = place
    while isinstance(value, (Attribute, Index)):
        value = value.value
        if isinstance(value, Attribute) and isinstance(value.value.type, Struct):
            names.append(value.name)
    return tuple(names)


def constant_component(place: Place) -> object | None:
    """What tells components apart, or None where that is not known (also of a row or a slice)."""
    match place:
        case Attribute(value=value, name=name) if name in "xyzw" and _is_whole(value):
            return "xyzw".index(name)
        case Index(value=value, indices=indices) if _is_whole(value) and len(indices) == (
            2 if isinstance(value.type, Matrix) else 1
        ):
            values = [index.value for index in indices if isinstance(index, Literal)]
            if len(values) == len(indices) and all(value >= 0 for value in values):
                return values[0] if len(values) == 1 else tuple(values)
    return None


def _is_whole(value: Expr) -> bool:
    """Whether this is a local, or a field of one, that is no struct itself: not a part of a vector."""
    if isinstance(value.type, Struct):
        return False
    while isinstance(value, Attribute) and isinstance(value.value.type, Struct):
        value = value.value
    return isinstance(value, Name)


def _statements(block: Block, in_loop: bool) -> Iterator[tuple[Stmt, bool]]:
    for statement in block:
        yield statement, in_loop
        match statement:
            case If(body=body, orelse=orelse):
                yield from _statements(body, in_loop)
                yield from _statements(orelse, in_loop)
            case For(body=body) | While(body=body):
                yield from _statements(body, True)
            case _:
                pass


# --------------------------------------------------------------------------- dynamic loops


def is_dynamic(loop: For | While) -> bool:
    """Whether Warp does not unroll the loop: constant bounds, few iterations, and no break.

    "Static loops are automatically unrolled if the number of loop iterations is less than or equal to the
    max_unroll parameter" (Dynamic Loops); one with a break is not, and before 1.19 one with a continue is not
    (Warp says so where ``wp.config.log_level`` is ``wp.LOG_DEBUG``).
    """
    if isinstance(loop, While) or any(map(_leaves_loop, loop.body)):
        return True
    bounds = [_constant(bound) for bound in loop.bounds]
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds) or (len(known) == 3 and known[2] == 0):
        return True
    return len(range(*known)) > MAX_UNROLL


def _leaves_loop(statement: Stmt) -> bool:
    """Whether a statement of a loop's body may leave this loop, or before 1.19 one iteration of it."""
    match statement:
        case Break():
            return True
        case Continue():
            return not at_least(1, 19)
        case If(body=body, orelse=orelse):
            return any(map(_leaves_loop, (*body, *orelse)))
        case _:
            return False


def _constant(node: Expr) -> int | None:
    match node:
        case Literal(value=int() as value):
            return value
        case Unary(op="-", operand=operand):
            inner = _constant(operand)
            return None if inner is None else -inner
        case _:
            return None


def _dynamic_loop(unit: Kernel | Function) -> bool:
    """Whether a dynamic loop computes a value that an adjoint may need.

    Values that live within one iteration are computed again.  Of those that it changes for later iterations
    or for what follows, a sum that is nowhere used but to be stored or added is not needed.
    """
    outside = {param.name for param in unit.params}
    return _loops_in(unit.body, outside, unit)


def _loops_in(block: Block, before: set[str], unit: Kernel | Function) -> bool:
    """Goes through a block; ``before`` are the locals that exist, and grows."""
    for statement in block:
        match statement:
            case For() | While() if is_dynamic(statement):
                if isinstance(statement, While) or _carries(statement, before, unit):
                    return True
                inner = {*before, statement.name}
                if _loops_in(statement.body, inner, unit):
                    return True
            case For(body=body, name=name):
                before.add(name)
                if _loops_in(body, before, unit):
                    return True
            case While(body=body):
                if _loops_in(body, before, unit):
                    return True
            case If(body=body, orelse=orelse):
                if _loops_in(body, before, unit) or _loops_in(orelse, before, unit):
                    return True
            case _:
                before |= _assigned(statement)
    return False


def _assigned(statement: Stmt) -> set[str]:
    """The locals that a statement assigns, in whole or in part, and those that its calls change."""
    found: set[str] = set()
    match statement:
        case Assign(target=target) | AugAssign(target=target):
            root = _root(target)
            if isinstance(root, Name) and not isinstance(root.type, Array):
                found.add(root.id)
        case Unpack(names=names):
            found.update(names)
        case For(name=name):
            found.add(name)
        case _:
            pass
    return found


def _carries(loop: For, before: set[str], unit: Kernel | Function) -> bool:
    inside = list(_statements(loop.body, True))
    assigned = {name for statement, _ in inside for name in _assigned(statement)}
    mutated = {
        node.args[0].id
        for node in walk(*loop.body)
        if isinstance(node, Call) and node.args and isinstance(node.args[0], Name) and _draws(node.name)
    }
    after = {name for name in assigned if name not in before and _used_outside(name, loop, unit)}
    return any(not _is_plain_sum(name, loop, unit) for name in (assigned & before) | after | mutated)


def _draws(name: str) -> bool:
    return name.startswith(("rand", "sample_", "poisson")) and name != "rand_init"


def _mentions(name: str, *roots: Node) -> int:
    return sum(1 for node in walk(*roots) if isinstance(node, Name) and node.id == name)


def _used_outside(name: str, loop: For, unit: Kernel | Function) -> bool:
    return _mentions(name, *unit.body) > _mentions(name, loop)


def _is_plain_sum(name: str, loop: For, unit: Kernel | Function) -> bool:
    """Whether a local is only added to in the loop, and everywhere else only initialized, stored or added."""
    allowed = 0
    for statement, _ in _statements(unit.body, False):
        match statement:
            case AugAssign(target=Name(id=id_), op="+" | "-") if id_ == name:
                allowed += 1
            case Assign(target=Name(id=id_)) if id_ == name and not _within(statement, loop):
                allowed += 1
            case Assign(target=Index(value=value), value=Name(id=id_)) if id_ == name and isinstance(
                value.type, Array
            ):
                allowed += 1
            case ExprStmt(value=Call(name="atomic_add" | "atomic_sub", args=(*_, Name(id=id_)))) if (
                id_ == name
            ):
                allowed += 1
            case _:
                pass
    return allowed == _mentions(name, *unit.body)


def _within(statement: Stmt, loop: For) -> bool:
    return any(inner is statement for inner, _ in _statements(loop.body, True))


# ------------------------------------------------------------------------------ atomics


def _used_atomic(unit: Kernel | Function) -> bool:
    unused = {id(node.value) for node in walk(*unit.body) if isinstance(node, ExprStmt)}
    return any(
        isinstance(node, Call) and node.name.startswith("atomic_") and id(node) not in unused
        for node in walk(*unit.body)
    )


def _exchange(unit: Kernel | Function) -> bool:
    return any(
        isinstance(node, Call)
        and node.name in ("atomic_cas", "atomic_exch")
        and has_floats(node.args[0].type)
        for node in walk(*unit.body)
    )


def _tile_extremum(unit: Kernel | Function) -> bool:
    names = ("tile_min", "tile_max")
    return any(isinstance(node, Call) and node.name in names for node in walk(*unit.body))


LIMITATIONS: tuple[Limitation, ...] = (
    Limitation(
        "in-place multiplication",
        "In-Place Math Operations",
        "In-place multiplication and division are *not* supported and incorrect results will be obtained in "
        "the backward pass.",
        _in_place_math,
    ),
    Limitation(
        "component assigned twice",
        "Vector, Matrix, and Quaternion Component Assignment",
        "each component may only be assigned a value once (not including default initialization)",
        _component_assignment,
    ),
    Limitation(
        "dynamic loop",
        "Dynamic Loops",
        "dynamic loops are not replayed or unrolled in the backward pass, meaning intermediate values that "
        "are meant to be computed in the loop and may be necessary for adjoint calculations are not updated",
        _dynamic_loop,
    ),
    Limitation(
        "value returned by an atomic",
        "Example 2: Custom Replay Function",
        "The index returned by the adjoint of wp.atomic_add() is always zero",
        _used_atomic,
    ),
    Limitation(
        "atomic exchange",
        "Built-ins Reference: atomic_cas, atomic_exch",
        "Differentiable: false",
        _exchange,
    ),
    Limitation(
        "extremum of a tile",
        "Built-ins Reference: tile_min, tile_max",
        "Differentiable: false",
        _tile_extremum,
    ),
)

__all__ = [
    "ARRAY_OVERWRITE",
    "LIMITATIONS",
    "Limitation",
    "array_overwrites",
    "documented_limitation",
    "is_dynamic",
]
