"""Targets of assignments: what Warp can assign where, and since which release.

Sources: Warp's documentation ("Runtime: Indexing and Slicing", "Basics: Structs", "Differentiability") and what its
releases from 1.10 to 1.19 do, tried one small kernel per rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.inference import fail, infer
from kernelfuzz.typecheck.operators import augmented_allowed
from kernelfuzz.typecheck.scope import Scope

# What Warp makes atomic in an element of an array; the other operators are a load and a store.
ATOMIC = frozenset({"+", "-", "&", "|", "^"})


@dataclass(frozen=True, slots=True)
class Part:
    """A target that is not a bare name: its type and where it lives.

    ``element``: the place is a whole element of an array; ``in_struct``: a struct holds that array.
    ``in_array``: it is an element of an array or a part of one; else it is a part of a local.
    ``direct``: it is a part of a local name itself, not of a field of it.  ``sliced``: a subscript of it is a slice.
    """

    type: t.Type
    container: t.Type
    element: bool
    in_array: bool
    in_struct: bool
    direct: bool
    sliced: bool
    indexed: bool

    @property
    def row(self) -> bool:
        """Whether it is a row of a matrix."""
        return isinstance(self.container, t.Matrix) and not self.sliced and isinstance(self.type, t.Vector)

    @property
    def of_transform(self) -> bool:
        """Whether it is the translation or the rotation of a transform."""
        return isinstance(self.container, t.Transform) and not self.indexed


def part_of(target: n.Index | n.Attribute) -> Part:
    """What kind of place a target is, by the types that its nodes are marked with."""
    container: t.Type = target.value.type
    indexed = isinstance(target, n.Index)
    array = _array_of(target)
    return Part(
        type=target.type,
        container=container,
        element=isinstance(container, t.Array),
        in_array=array is not None,
        in_struct=isinstance(array, n.Attribute),
        direct=isinstance(target.value, n.Name),
        sliced=indexed and any(isinstance(index, n.Slice) for index in target.indices),
        indexed=indexed,
    )


def _array_of(target: n.Expr) -> n.Expr | None:
    """The array that a place is in, without the subscripts of a view; None where it is in none."""
    while isinstance(target, (n.Index, n.Attribute)):
        if isinstance(target, n.Index) and isinstance(target.value.type, t.Array):
            array: n.Expr = target.value
            while isinstance(array, n.Index):
                array = array.value
            return array
        target = target.value
    return None


# ------------------------------------------------------------------- what a release lacks


@dataclass(frozen=True, slots=True)
class NewerPlace:
    """A kind of store that some supported release refuses: ``op`` is empty for a plain one.

    Releases ``since`` have it, and those before ``until``, where some had it earlier.
    """

    form: str
    since: str
    applies: Callable[[Part, str], bool]
    until: str = ""


NEWER_PLACES: tuple[NewerPlace, ...] = (
    NewerPlace(
        "store into a row of a matrix that is an element or a field",
        "1.18",
        lambda place, op: place.row and not place.direct and not op,
    ),
    NewerPlace(
        "sum into a row of a matrix that is an element or a field",
        "1.18",
        lambda place, op: place.row and not place.direct and op in ATOMIC,
        until="1.15",
    ),
    NewerPlace(
        "sum into a component, by its index, of a vector that is an element or a field",
        "1.15",
        lambda place, op: op in ATOMIC and _is_component(place) and not place.direct,
    ),
    NewerPlace(
        "store into a part of a transform in an array",
        "1.14",
        lambda place, op: place.of_transform and place.in_array and not op,
    ),
    NewerPlace(
        "sum into a part of a transform in an array",
        "1.18",
        lambda place, op: place.of_transform and place.in_array and op in ATOMIC,
    ),
)


def _is_component(place: Part) -> bool:
    return place.indexed and not place.sliced and isinstance(place.container, (t.Vector, t.Quaternion, t.Transform))


def newer_places(root: n.Node) -> Iterator[NewerPlace]:
    """The rows of the stores below a node that some supported release refuses."""
    for node in walk(root):
        if not isinstance(node, (n.Assign, n.AugAssign)) or isinstance(node.target, n.Name):
            continue
        place = part_of(node.target)
        op = node.op if isinstance(node, n.AugAssign) else ""
        yield from (row for row in NEWER_PLACES if row.applies(place, op))


# -------------------------------------------------------------------------------- rules


def assignable_name(name: str, type_: t.Type, scope: Scope, node: n.Name | None = None, loop: bool = False) -> None:
    """Raise unless the name may get a value of the type here.  ``loop``: as the name of a for loop."""
    node = node or n.Name(name, type_)
    if name in scope.module.reserved or name in scope.module.constants or name in scope.module.functions:
        fail("is declared by the module and cannot be a local variable", node)
    if name in scope.active:
        fail("is the name of a loop around this and cannot be assigned", node)
    if name in scope.frozen and not (loop and name in scope.counters):
        fail(
            "is a constant, which a loop around this cannot change: declare it with int(...) or float(...)",
            node,
        )
    known = scope.types.get(name)
    if known is not None and known != type_:
        fail(f"is {t.type_name(known)} and cannot become {t.type_name(type_)}", node)
    if known is not None and isinstance(type_, (t.Tile, t.Tuple)):
        fail(f"is {t.type_name(type_)} and cannot be assigned again", node)
    if type_ == t.Tuple(()):
        fail("gets the value of a function that returns none", node)


def part(target: n.Index | n.Attribute, scope: Scope) -> Part:
    """The place that the target is, or VerifyError where Warp cannot assign to it."""
    type_ = infer(target, scope)
    found = part_of(target)
    # A local struct holds arrays as it holds values; those of an element stay what they are.
    field_of_local = isinstance(target, n.Attribute) and not found.in_array
    if isinstance(type_, (t.Tile, t.Tuple)) or (isinstance(type_, t.Array) and not field_of_local):
        fail(f"is {t.type_name(type_)} and cannot be assigned", target)
    if not found.in_array:
        _check_local(target, scope)
    if not found.element:
        _check_part(target, found)
    return found


def _check_local(target: n.Index | n.Attribute, scope: Scope) -> None:
    """Raise unless what the place is a part of is a local variable."""
    value: n.Expr = target
    while isinstance(value, (n.Index, n.Attribute)):
        value = value.value
    if not isinstance(value, n.Name):
        fail("is not a place that can be assigned", target)
    if value.id not in scope.visible:
        fail("is a constant of the module and cannot be assigned", value)


def _check_part(target: n.Index | n.Attribute, place: Part) -> None:
    if place.sliced and (place.in_array or not place.direct):
        fail("only a local takes a slice", target)
    # notes/findings/transform-part-in-a-struct.md
    if place.of_transform and not place.in_array and not place.direct:
        fail("a transform in a local struct takes no translation or rotation", target)


def augmented(target: n.Place, op: str, value: n.Expr, scope: Scope) -> None:
    """Raise unless ``target op= value`` is well typed and Warp takes it, with its adjoint."""
    target_type, value_type = infer(target, scope), infer(value, scope)
    place = None if isinstance(target, n.Name) else part(target, scope)
    if not augmented_allowed(op, target_type, value_type):
        fail(f"no operator {op}= for {t.type_name(target_type)} and {t.type_name(value_type)}", target)
    if place is not None and not _takes_augmented(place, op):
        fail(f"this place takes no {op}=", target)


def _takes_augmented(place: Part, op: str) -> bool:
    if op in ATOMIC:
        return True
    if place.element:
        # 1.19 has no load and store for an array that is a field of a struct.
        return not place.in_struct
    # 1.19 has no adjoint of the others for a part of an element.
    return not place.in_array or not _is_float(place.type)


def _is_float(type_: t.Type) -> bool:
    if isinstance(type_, (t.Struct, t.Array, t.Tuple, t.Tile)):
        return True
    return type_.is_float if isinstance(type_, t.Scalar) else type_.dtype.is_float
