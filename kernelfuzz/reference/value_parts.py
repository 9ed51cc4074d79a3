"""Parts of values, ``v.x``, ``m[i]``, ``v[0:2]``, ``t.p``, ``s.field``: how one is read, replaced and assigned.

The value may be a local, an element of an array, or a part of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import subscripts
from kernelfuzz.reference.compiled import NORMAL, THREAD, UNBOUND, Evaluate, Execute, Frame, Names, at_node
from kernelfuzz.reference.compiled_calls import can_be_atomic
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.memory import Access, View, components, reader, writer
from kernelfuzz.reference.undefined import INDEX_OUT_OF_RANGE, UNINITIALISED_READ, Stopped, Undefined

COMPONENTS = {"x": 0, "y": 1, "z": 2, "w": 3}
TRANSFORM_PARTS = {"p": slice(0, 3), "q": slice(3, 7)}


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a value to a part of it: ``key`` says which, in a frame."""

    key: Callable[[Frame], Any]
    read: Callable[[Value, Any], Value]
    replace: Callable[[Value, Any, Value], Value]


def _replace_field(value: Any, name: Any, new: Value) -> Value:
    return {**value, name: new}


def _replace_component(value: Any, key: Any, new: Value) -> Value:
    copied = value.copy()
    copied[key] = new
    return copied


def _read_field(value: Any, name: Any) -> Value:
    return value[name]


def _read_number(value: Any, key: Any) -> Value:
    return value[key]


def _read_whole_number(value: Any, key: Any) -> Value:
    return value.item(key)


def _read_several(value: Any, key: Any) -> Value:
    return value[key].copy()


def _component(key: Callable[[Frame], Any], type_: t.Type) -> Step:
    if not isinstance(type_, t.Scalar):
        return Step(key, _read_several, _replace_component)
    return Step(key, _read_number if type_.is_float else _read_whole_number, _replace_component)


def attribute(node: n.Attribute) -> Step:
    """The step of ``value.name``."""
    container: t.Type = node.value.type
    match container:
        case t.Struct():
            return Step(_constant(node.name), _read_field, _replace_field)
        case t.Transform():
            return _component(_constant(TRANSFORM_PARTS[node.name]), node.type)
        case _:
            return _component(_constant(COMPONENTS[node.name]), node.type)


def subscript(node: n.Index, names: Names) -> Step:
    """The step of ``value[indices]`` where the value is no array.

    An index counts from the end where it is negative ("Runtime: Indexing and Slicing" of Warp's user guide).
    """
    container: t.Type = node.value.type
    if isinstance(container, (t.Array, t.Struct, t.Tile, t.Tuple, t.Scalar)):
        raise TypeError(f"{container} has no components")
    axes = [_axis(index, size, names) for index, size in zip(node.indices, t.shape(container), strict=False)]
    if len(axes) == 1:
        return _component(axes[0], node.type)
    row, column = axes
    return _component(lambda frame: (row(frame), column(frame)), node.type)


def _axis(index: n.Expr | n.Slice, size: int, names: Names) -> Callable[[Frame], Any]:
    if isinstance(index, n.Slice):
        return _constant(slice(index.start, index.stop, index.step))
    return _bounded(names.expression(index), size)


def _bounded(index: Evaluate, size: int) -> Callable[[Frame], int]:
    def checked(frame: Frame) -> int:
        found = index(frame)
        if -size <= found < size:
            return found
        raise Undefined(INDEX_OUT_OF_RANGE)

    return checked


def _constant(key: Any) -> Callable[[Frame], Any]:
    return lambda _: key


# --------------------------------------------------------------------------- assignments


@dataclass(frozen=True, slots=True)
class Element:
    """The element of an array that a place is, or is a part of."""

    array: Evaluate
    indices: list[Evaluate]
    read: Callable[[Any, int], Value]
    write: Callable[[Any, int, Value], None]

    def find(self, frame: Frame) -> tuple[View, int]:
        view: View = self.array(frame)
        return view, view.at(tuple([index(frame) for index in self.indices]))


@dataclass(frozen=True, slots=True)
class Target:
    """A place: a local (its place in the frame) or an element, and the steps from there to the part."""

    root: int | Element
    root_node: n.Expr
    steps: tuple[Step, ...]


def _target(node: n.Place, names: Names) -> Target:
    steps: list[Step] = []
    value: n.Expr = node
    while True:
        match value:
            case n.Name(id=name):
                root: int | Element = names.place(name)
                break
            case n.Index() if isinstance(value.value.type, t.Array):
                array = names.expression(value.value)
                indices = list(map(names.expression, subscripts(value)))
                root = Element(array, indices, reader(value.type), writer(value.type))
                break
            case n.Index():
                steps.append(subscript(value, names))
                value = value.value
            case n.Attribute():
                steps.append(attribute(value))
                value = value.value
            case _:
                raise TypeError(f"{value} is no place")
    return Target(root, value, tuple(reversed(steps)))


def _read(value: Value, steps: tuple[Step, ...], keys: tuple[Any, ...]) -> Value:
    for step, key in zip(steps, keys, strict=True):
        value = step.read(value, key)
    return value


def _replace(value: Value, steps: tuple[Step, ...], keys: tuple[Any, ...], new: Value) -> Value:
    """The value with one part replaced: a new value, which shares nothing that could change."""
    if not steps:
        return new
    inner = new if len(steps) == 1 else _replace(steps[0].read(value, keys[0]), steps[1:], keys[1:], new)
    return steps[0].replace(value, keys[0], inner)


def assign(node: n.Assign, names: Names) -> Execute:
    """``v.x = value``, ``a[i].x = value``: the value first, then the parts of the target, then the store."""
    value = names.expression(node.value)
    target = _target(node.target, names)
    store = _store_local(target, names) if isinstance(target.root, int) else _store_element(target, target.root)

    def execute(frame: Frame) -> int:
        new = value(frame)
        try:
            store(frame, new)
        except Stopped as error:
            error.node = error.node or node.target
            raise
        return NORMAL

    return execute


def _local(frame: Frame, place: int, node: n.Expr) -> Value:
    value = frame[place]
    if value is UNBOUND:
        raise Undefined(UNINITIALISED_READ, node)
    return value


def _store_local(target: Target, names: Names) -> Callable[[Frame, Value], None]:
    place, steps, change = target.root, target.steps, names.module.change
    assert isinstance(place, int)

    def store(frame: Frame, new: Value) -> None:
        keys = tuple([step.key(frame) for step in steps])
        change(frame, place, _replace(_local(frame, place, target.root_node), steps, keys, new))

    return store


def _store_element(target: Target, element: Element) -> Callable[[Frame, Value], None]:
    steps = target.steps

    def store(frame: Frame, new: Value) -> None:
        view, flat = element.find(frame)
        keys = tuple([step.key(frame) for step in steps])
        thread = frame[THREAD]
        if thread.watched:
            view.shadow.write(flat, thread.number)
        if steps:
            new = _replace(element.read(view.leaves, flat), steps, keys, new)
        element.write(view.leaves, flat, new)

    return store


def augment(node: n.AugAssign, names: Names) -> Execute:
    """``target op= value``: the target's parts once, what it holds, the value, the store.

    An element of an array is read after the value is evaluated where the statement is an atomic, as the call
    that it stands for would ("Differentiability" of Warp's user guide: += is ``wp.atomic_add``).
    """
    operate = names.module.domain.binary(node.op, node.target.type, node.value.type)
    target = _target(node.target, names)
    value = names.expression(node.value)
    if isinstance(target.root, int):
        return _augment_local(node, target, operate, value, names.module.change)
    return _augment_element(node, target, target.root, operate, value)


def _augment_local(
    node: n.AugAssign,
    target: Target,
    operate: Callable[[Value, Value], Value],
    value: Evaluate,
    change: Callable[[Frame, int, Value], None],
) -> Execute:
    place, steps = target.root, target.steps
    assert isinstance(place, int)

    def execute(frame: Frame) -> int:
        keys = tuple([step.key(frame) for step in steps])
        old = _read(_local(frame, place, target.root_node), steps, keys)
        new = operate(old, value(frame))
        if steps:
            change(frame, place, _replace(frame[place], steps, keys, new))
        else:
            frame[place] = new
        return NORMAL

    return at_node(node, execute)


def _augment_element(
    node: n.AugAssign,
    target: Target,
    element: Element,
    operate: Callable[[Value, Value], Value],
    value: Evaluate,
) -> Execute:
    steps = target.steps
    part: t.Type = node.target.type
    atomic = can_be_atomic(node.op, part)
    name = {"+": "add", "-": "sub", "&": "and", "|": "or", "^": "xor"}.get(node.op, "")

    def atomically(frame: Frame) -> int:
        view, flat = element.find(frame)
        keys = tuple([step.key(frame) for step in steps])
        operand = value(frame)
        whole = element.read(view.leaves, flat)
        old = _read(whole, steps, keys)
        thread = frame[THREAD]
        if thread.watched:
            access = Access(name, components(whole, keys), old, operand, False, node)
            view.shadow.atomic(flat, thread.number, access)
        element.write(view.leaves, flat, _replace(whole, steps, keys, operate(old, operand)))
        return NORMAL

    def plainly(frame: Frame) -> int:
        view, flat = element.find(frame)
        keys = tuple([step.key(frame) for step in steps])
        thread = frame[THREAD]
        if thread.watched:
            view.shadow.read(flat, thread.number)
        old = _read(element.read(view.leaves, flat), steps, keys)
        new = operate(old, value(frame))
        if thread.watched:
            view.shadow.write(flat, thread.number)
        element.write(view.leaves, flat, _replace(element.read(view.leaves, flat), steps, keys, new))
        return NORMAL

    return at_node(node, atomically if atomic else plainly)
