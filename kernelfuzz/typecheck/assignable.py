"""What Warp lets a statement assign to.

A place is a local name, an element of an array, or a part of one of them.  How much of a value can be
assigned depends on where it lives: a local vector takes a slice, a vector in an array does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.typecheck.inference import fail, infer
from kernelfuzz.typecheck.operators import augmented_allowed
from kernelfuzz.typecheck.scope import Scope


@dataclass(frozen=True, slots=True)
class Part:
    """A target that is not a bare name: its type and where it lives.

    ``element``: the place is a whole element of an array; ``in_struct``: a struct holds that array.
    ``in_array``: it is an element of an array or a part of one; else it is a part of a local.
    ``direct``: it is a part of a local name itself, not of a field of it.
    """

    type: t.Type
    container: t.Type
    element: bool
    in_array: bool
    in_struct: bool
    direct: bool


def assignable_name(name: str, type_: t.Type, scope: Scope, node: n.Name | None = None, loop: bool = False) -> None:
    """Raise unless the name may get a value of the type here.  ``loop``: as the name of a for loop."""
    node = node or n.Name(name, type_)
    if name in scope.module.reserved or name in scope.module.constants or name in scope.module.functions:
        fail("is declared by the module and cannot be a local variable", node)
    if name in scope.params:
        fail("is a parameter and cannot be assigned", node)
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
    if isinstance(type_, (t.Array, t.Tile, t.Tuple)):
        fail(f"is {t.type_name(type_)} and cannot be assigned", target)
    container = target.value.type
    element = isinstance(container, t.Array)
    in_array, in_struct = _lives_in(target, scope)
    found = Part(
        type=type_,
        container=container,
        element=element,
        in_array=in_array,
        in_struct=in_struct,
        direct=isinstance(target.value, n.Name),
    )
    if not element:
        _check_part(target, found)
    return found


def _lives_in(target: n.Index | n.Attribute, scope: Scope) -> tuple[bool, bool]:
    """Whether the place is inside an array, and whether a struct holds that array."""
    value: n.Expr = target
    while isinstance(value, (n.Index, n.Attribute)):
        if isinstance(value, n.Index) and isinstance(value.value.type, t.Array):
            return True, _held_by_struct(value.value)
        value = value.value
    if not isinstance(value, n.Name):
        fail("is not a place that can be assigned", target)
    if value.id in scope.params:
        fail("is a parameter and cannot be assigned", value)
    if value.id not in scope.visible:
        fail("is a constant of the module and cannot be assigned", value)
    return False, False


def _held_by_struct(array: n.Expr) -> bool:
    while isinstance(array, n.Index):
        array = array.value
    return isinstance(array, n.Attribute)


def _check_part(target: n.Index | n.Attribute, place: Part) -> None:
    sliced = isinstance(target, n.Index) and any(isinstance(index, n.Slice) for index in target.indices)
    if sliced and (place.in_array or not place.direct):
        fail("only a local vector takes a slice", target)
    row = isinstance(place.container, t.Matrix) and not isinstance(place.type, t.Scalar)
    if row and (place.in_array or not place.direct):
        fail("only a local matrix takes a row", target)
    if isinstance(place.container, t.Transform) and isinstance(target, n.Attribute) and not place.direct:
        fail("only a local transform takes a translation or a rotation", target)


def augmented(target: n.Place, op: str, value: n.Expr, scope: Scope) -> None:
    """Raise unless ``target op= value`` is well typed and Warp takes it, with its adjoint."""
    target_type, value_type = infer(target, scope), infer(value, scope)
    place = None if isinstance(target, n.Name) else part(target, scope)
    if not augmented_allowed(op, target_type, value_type):
        fail(f"no operator {op}= for {t.type_name(target_type)} and {t.type_name(value_type)}", target)
    if place is not None and not _takes_augmented(target, place, op):
        fail(f"this place takes no {op}=", target)


def _takes_augmented(target: n.Place, place: Part, op: str) -> bool:
    # Warp makes += -= &= |= ^= of an array element atomic, and the other operators a load and a store.
    atomic = op in ("+", "-", "&", "|", "^")
    if place.element:
        # 1.19 has no load and store for an array that is a field of a struct.
        return atomic or not place.in_struct
    indexed = isinstance(target, n.Index) and not isinstance(place.container, t.Matrix)
    if atomic and indexed and not place.direct:
        return False  # 1.10 and 1.14 have no such operation through a reference; a[i].x += 1 they have
    # 1.19 has no adjoint of the others for a part of an element.
    return atomic or not place.in_array or not _is_float(place.type)


def _is_float(type_: t.Type) -> bool:
    if isinstance(type_, (t.Struct, t.Array, t.Tuple, t.Tile)):
        return True
    return type_.is_float if isinstance(type_, t.Scalar) else type_.dtype.is_float
