"""Assignments to a part of a local, to an element of an array, or to a part of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import Array, Type
from kernelfuzz.reference import components
from kernelfuzz.reference.calls import can_be_atomic
from kernelfuzz.reference.compiled import (
    NORMAL,
    THREAD,
    UNBOUND,
    Evaluate,
    Execute,
    Frame,
    Names,
    Thread,
)
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.memory import View, reader, writer
from kernelfuzz.reference.races import Access
from kernelfuzz.reference.undefined import UNINITIALISED_READ, Stopped, Undefined

__all__ = ["Evaluate", "Thread", "assign", "augment"]


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
    steps: tuple[components.Step, ...]


def _target(node: n.Place, names: Names) -> Target:
    steps: list[components.Step] = []
    value: n.Expr = node
    while True:
        match value:
            case n.Name(id=name):
                root: int | Element = names.place(name)
                break
            case n.Index() if isinstance(value.value.type, Array):
                array = names.expression(value.value)
                indices = [names.expression(index) for index in value.indices if not isinstance(index, n.Slice)]
                root = Element(array, indices, reader(value.type), writer(value.type))
                break
            case n.Index():
                steps.append(components.subscript(value, names))
                value = value.value
            case n.Attribute():
                steps.append(components.attribute(value))
                value = value.value
            case _:
                raise TypeError(f"{value} is no place")
    return Target(root, value, tuple(reversed(steps)))


def _read(value: Value, steps: tuple[components.Step, ...], keys: tuple[Any, ...]) -> Value:
    for step, key in zip(steps, keys, strict=True):
        value = step.read(value, key)
    return value


def _replace(value: Value, steps: tuple[components.Step, ...], keys: tuple[Any, ...], new: Value) -> Value:
    """The value with one part replaced: a new value, which shares nothing that could change."""
    if not steps:
        return new
    inner = new if len(steps) == 1 else _replace(steps[0].read(value, keys[0]), steps[1:], keys[1:], new)
    return steps[0].replace(value, keys[0], inner)


def assign(node: n.Assign, names: Names) -> Execute:
    """``v.x = value``, ``a[i].x = value``: the value first, then the parts of the target, then the store."""
    value = names.expression(node.value)
    target = _target(node.target, names)
    store = _store_local(target) if isinstance(target.root, int) else _store_element(target, target.root)

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


def _store_local(target: Target) -> Callable[[Frame, Value], None]:
    place, steps = target.root, target.steps
    assert isinstance(place, int)

    def store(frame: Frame, new: Value) -> None:
        keys = tuple([step.key(frame) for step in steps])
        frame[place] = _replace(_local(frame, place, target.root_node), steps, keys, new)

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
        return _augment_local(node, target, operate, value)
    return _augment_element(node, target, target.root, operate, value)


def _augment_local(
    node: n.AugAssign, target: Target, operate: Callable[[Value, Value], Value], value: Evaluate
) -> Execute:
    place, steps = target.root, target.steps
    assert isinstance(place, int)

    def execute(frame: Frame) -> int:
        try:
            keys = tuple([step.key(frame) for step in steps])
            old = _read(_local(frame, place, target.root_node), steps, keys)
            new = operate(old, value(frame))
            frame[place] = _replace(frame[place], steps, keys, new)
        except Stopped as error:
            error.node = error.node or node
            raise
        return NORMAL

    return execute


def _augment_element(
    node: n.AugAssign,
    target: Target,
    element: Element,
    operate: Callable[[Value, Value], Value],
    value: Evaluate,
) -> Execute:
    steps = target.steps
    part: Type = node.target.type
    atomic = can_be_atomic(node.op, part)
    name = {"+": "add", "-": "sub", "&": "and", "|": "or", "^": "xor"}.get(node.op, "")

    def atomically(frame: Frame) -> int:
        try:
            view, flat = element.find(frame)
            keys = tuple([step.key(frame) for step in steps])
            operand = value(frame)
            whole = element.read(view.leaves, flat)
            old = _read(whole, steps, keys)
            thread = frame[THREAD]
            if thread.watched:
                access = Access(name, keys, old, operand, False, node)
                view.shadow.atomic(flat, thread.number, access)
            element.write(view.leaves, flat, _replace(whole, steps, keys, operate(old, operand)))
        except Stopped as error:
            error.node = error.node or node
            raise
        return NORMAL

    def plainly(frame: Frame) -> int:
        try:
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
        except Stopped as error:
            error.node = error.node or node
            raise
        return NORMAL

    return atomically if atomic else plainly
