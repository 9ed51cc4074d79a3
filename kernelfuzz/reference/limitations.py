"""The limitations of adjoints that Warp documents: the gradient of such a kernel is not judged.

The source is the user guide's page "Differentiability" (https://nvidia.github.io/warp/, 1.19).  A rule here
is what a sentence there says, and is read as widely as the sentence can be.  Where an older release says
more, the rule depends on the installed one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.analysis.effects import assigned_locals, changed_in_place, constant_component, count_name
from kernelfuzz.analysis.unrolling import is_dynamic
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.names import is_local, root_name, root_of
from kernelfuzz.ir.types import Array, Scalar, Struct, Type, has_floats
from kernelfuzz.ir.walk import statements_in, walk
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.memory import Shadow
from kernelfuzz.typecheck.builtins import at_least

ARRAY_OVERWRITE = "array overwrite"


@dataclass(frozen=True, slots=True)
class Limitation:
    """``applies(body, unit)`` for the kernel and each of its functions; the sentence and its section."""

    name: str
    section: str
    sentence: str
    applies: Callable[[n.Kernel | n.Function], bool]


def documented_limitation(kernel: n.Kernel, launch: Launch | None = None) -> str | None:
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


def array_overwrites(kernel: n.Kernel, launch: Launch) -> frozenset[str]:
    """The parameters of which an element is written after it was read.

    "This sort of problem boils down to a single pattern to be avoided: writing to an array after reading from
    it" (Array Overwrite Tracking).  An atomic minimum or maximum of floats reads what it overwrites; an
    atomic sum, as which += counts, does not.  What is written twice and not read is no such pattern: "Warp
    correctly propagates gradients only through the final write" (Array Overwrites), but that holds from 1.14
    on; before, "overwriting previously computed results can lead to incorrect gradient calculations".
    """
    shadows: list[Shadow] = []

    def watched(path: tuple[str, ...], dtype: Type) -> Shadow:
        shadows.append(Shadow(path, dtype))
        return shadows[-1]

    execute(kernel, launch, Exact(), rounded=True, shadow=watched)
    twice = not at_least(1, 14)
    return frozenset([each.path[0] for each in shadows if each.overwritten or (twice and each.rewritten)])


# ------------------------------------------------------------------------- in-place math


def _in_place_math(unit: n.Kernel | n.Function) -> bool:
    return any(
        isinstance(node, n.AugAssign)
        and node.op not in ("+", "-")
        and not isinstance(node.target, n.Name)
        and has_floats(node.target.type)
        for node in walk(*unit.body)
    )


# ------------------------------------------------------------------ component assignment


def _component_of(place: n.Place) -> str | None:
    """The local vector, matrix, quaternion or transform that the place is a component of, or None."""
    if isinstance(place, n.Name) or not is_local(place) or not has_floats(root_of(place).type):
        return None
    inner: n.Expr = place
    while isinstance(inner, (n.Attribute, n.Index)):
        inner = inner.value
        if not isinstance(inner.type, Struct):
            return root_name(place)
    return None


def reassigned_components(unit: n.Kernel | n.Function) -> frozenset[str]:
    """The locals of which a component may be assigned twice.

    One constant component at a time, once on each way through the code, of a local that is only
    default-initialized, outside of loops: that is plainly once.
    """
    _, twice = _components_assigned(unit.body, {}, in_loop=False)
    assignments = [each for each in statements_in(unit.body) if isinstance(each, n.Assign)]
    whole = [each for each in assignments if isinstance(each.target, n.Name)]
    fields = {
        root_name(each.target)
        for each in assignments
        if isinstance(each.target, n.Attribute)
        and isinstance(each.target.value.type, Struct)
        and not isinstance(each.target.type, Scalar)
        and is_local(each.target)
    }
    touched = {name for each in assignments if (name := _component_of(each.target)) is not None}
    for name in touched - twice:
        values = [each.value for each in whole if isinstance(each.target, n.Name) and each.target.id == name]
        if name in fields or len(values) != 1 or not isinstance(values[0], n.Construct) or values[0].args:
            twice.add(name)
    return frozenset(twice)


_Assigned: TypeAlias = "Mapping[str, frozenset[object]]"


def _components_assigned(block: n.Block, before: _Assigned, in_loop: bool) -> tuple[_Assigned, set[str]]:
    """The components assigned after a block on one way or another, and the locals with one assigned twice."""
    assigned, twice = dict(before), set[str]()
    for statement in block:
        match statement:
            case n.Assign(target=target) if (name := _component_of(target)) is not None:
                component, seen = constant_component(target), assigned.get(name, frozenset[object]())
                key = (_fields(target), component)
                if in_loop or component is None or key in seen:
                    twice.add(name)
                assigned[name] = seen | {key}
            case n.AugAssign(target=target, op=op) if op not in ("+", "-") and (name := _component_of(target)):
                twice.add(name)  # "may then be safely updated with in-place addition or subtraction" only
            case n.If(body=body, orelse=orelse):
                first, more = _components_assigned(body, assigned, in_loop)
                second, others = _components_assigned(orelse, assigned, in_loop)
                twice |= more | others
                names = first.keys() | second.keys()
                nothing = frozenset[object]()
                assigned = {name: first.get(name, nothing) | second.get(name, nothing) for name in names}
            case n.For(body=body) | n.While(body=body):
                _, more = _components_assigned(body, assigned, in_loop=True)
                twice |= more
            case _:
                pass
    return assigned, twice


def _fields(place: n.Place) -> tuple[str, ...]:
    """The fields of a local struct on the way to the vector that the place is a component of."""
    names: list[str] = []
    value: n.Expr = place
    while isinstance(value, (n.Attribute, n.Index)):
        value = value.value
        if isinstance(value, n.Attribute) and isinstance(value.value.type, Struct):
            names.append(value.name)
    return tuple(names)


# ------------------------------------------------------------------------- dynamic loops


def carries_values(unit: n.Kernel | n.Function) -> bool:
    """Whether a dynamic loop computes a value that an adjoint may need.

    Values that live within one iteration are computed again.  Of those that it changes for later iterations
    or for what follows, a sum that is nowhere used but to be stored or added is not needed.
    """
    outside = {param.name for param in unit.params}
    return _loops_in(unit.body, outside, unit)


def _loops_in(block: n.Block, before: set[str], unit: n.Kernel | n.Function) -> bool:
    """The same for a block; ``before`` has the locals that exist before it, and gets those that it assigns."""
    for statement in block:
        match statement:
            case n.For() | n.While() if is_dynamic(statement):
                if isinstance(statement, n.While) or _carries(statement, before, unit):
                    return True
                inner = {*before, statement.name}
                if _loops_in(statement.body, inner, unit):
                    return True
            case n.For(body=body, name=name):
                before.add(name)
                if _loops_in(body, before, unit):
                    return True
            case n.While(body=body):
                if _loops_in(body, before, unit):
                    return True
            case n.If(body=body, orelse=orelse):
                if _loops_in(body, before, unit) or _loops_in(orelse, before, unit):
                    return True
            case _:
                before |= assigned_locals(statement)
    return False


def _carries(loop: n.For, before: set[str], unit: n.Kernel | n.Function) -> bool:
    inside = assigned_locals(*loop.body)
    mutated = {root_name(place) for place in changed_in_place(*loop.body)}
    after = {name for name in inside if name not in before and count_name(name, *unit.body) > count_name(name, loop)}
    return any(not _is_plain_sum(name, loop, unit) for name in (inside & before) | after | mutated)


def _is_plain_sum(name: str, loop: n.For, unit: n.Kernel | n.Function) -> bool:
    """Whether a local is only added to in the loop, and everywhere else only initialized, stored or added."""
    allowed = 0
    for statement in statements_in(unit.body):
        match statement:
            case n.AugAssign(target=n.Name(id=id_), op="+" | "-") if id_ == name:
                allowed += 1
            case n.Assign(target=n.Name(id=id_)) if id_ == name and not _within(statement, loop):
                allowed += 1
            case n.Assign(target=n.Index(value=value), value=n.Name(id=id_)) if id_ == name and isinstance(
                value.type, Array
            ):
                allowed += 1
            case n.ExprStmt(value=n.Call(name="atomic_add" | "atomic_sub", args=(*_, n.Name(id=id_)))) if id_ == name:
                allowed += 1
            case _:
                pass
    return allowed == count_name(name, *unit.body)


def _within(statement: n.Stmt, loop: n.For) -> bool:
    return any(inner is statement for inner in statements_in(loop.body))


# ---------------------------------------------------------- atomics, tiles, eigenvalues


def _used_atomic(unit: n.Kernel | n.Function) -> bool:
    unused = {id(node.value) for node in walk(*unit.body) if isinstance(node, n.ExprStmt)}
    return any(
        isinstance(node, n.Call) and node.name.startswith("atomic_") and id(node) not in unused
        for node in walk(*unit.body)
    )


def _exchange(unit: n.Kernel | n.Function) -> bool:
    return any(
        isinstance(node, n.Call) and node.name in ("atomic_cas", "atomic_exch") and has_floats(node.args[0].type)
        for node in walk(*unit.body)
    )


def _tile_extremum(unit: n.Kernel | n.Function) -> bool:
    names = ("tile_min", "tile_max")
    return any(isinstance(node, n.Call) and node.name in names for node in walk(*unit.body))


def _eigenvalues(unit: n.Kernel | n.Function) -> bool:
    return any(
        isinstance(node, n.Call) and node.name == "eig3" and not _is_symmetric(node) for node in walk(*unit.body)
    )


def _is_symmetric(node: n.Call) -> bool:
    """Whether the matrix is plainly a sum of a local and its transpose."""
    match node.args[0]:
        case n.Binary(op="+", left=n.Name() as left, right=n.Call(name="transpose", args=(right,))):
            return left == right
        case _:
            return False


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
        lambda unit: bool(reassigned_components(unit)),
    ),
    Limitation(
        "dynamic loop",
        "Dynamic Loops",
        "dynamic loops are not replayed or unrolled in the backward pass, meaning intermediate values that "
        "are meant to be computed in the loop and may be necessary for adjoint calculations are not updated",
        carries_values,
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
    Limitation(
        "eigenvalues of any matrix",
        "Built-ins Reference: eig3",
        "Compute the eigendecomposition of a symmetric 3x3 matrix.",
        _eigenvalues,
    ),
)
