"""What Warp's adjoints lose or count twice: the rules of deviations that change derivatives and no value.

A derivative goes through a program as well forwards as backwards: what is added twice to a gradient moves twice.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import evaluation, execution, places_and_chains
from kernelfuzz.reference.aliases import after, is_element, keep
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.smooth import of_floats

# The derivatives of a number after a store: made of the one that was there, and of what is stored.
Moves = Callable[[Value, Value], Value]


def field_component(node: n.Assign | n.AugAssign, names: c.Names) -> c.Execute | None:
    """``s.v.x = e``, ``s.v[0] += e``: the store is neither done again before the adjoints, nor has it one."""
    target = node.target
    if not isinstance(target, (n.Index, n.Attribute)) or not is_local(target):
        return None
    whole = target.value
    while isinstance(whole, n.Index):
        whole = whole.value  # m[0][1] is m[0, 1]
    if not isinstance(whole, n.Attribute) or isinstance(whole.type, t.Struct):
        return None
    return places_and_chains.lost(node, names) if isinstance(whole.value.type, t.Struct) else None


def field(node: n.Assign | n.AugAssign, names: c.Names) -> c.Execute | None:
    """``s.f = e``, ``s.f += e``: the store is neither done again before the adjoints, nor has it one."""
    target = node.target
    if not isinstance(target, n.Attribute) or not isinstance(target.value.type, t.Struct) or not is_local(target):
        return None
    return places_and_chains.lost(node, names)


def negative_row(node: n.Index, names: c.Names) -> c.Evaluate | None:
    """``m[-1]``: the adjoint stores beside the matrix where a row is counted from the end."""
    if not isinstance(node.value.type, t.Matrix) or len(node.indices) != 1 or isinstance(node.indices[0], n.Slice):
        return None
    matrix, index = names.expression(node.value), names.expression(node.indices[0])

    def evaluate(frame: c.Frame) -> Value:
        whole, at = matrix(frame), index(frame)
        return of_floats(whole[at], value_of) if at < 0 else whole[at].copy()

    return evaluate


def chosen_element(node: n.IfExp, names: c.Names) -> c.Evaluate | None:
    """``a[i] if c else x``: the gradient does not reach an element."""
    if not is_element(node.body) and not is_element(node.orelse):
        return None
    test = evaluation.truth(node.test, names)
    body, orelse = names.expression(node.body), names.expression(node.orelse)

    def evaluate(frame: c.Frame) -> Value:
        side, value = (node.body, body) if test(frame) else (node.orelse, orelse)
        return of_floats(value(frame), value_of) if is_element(side) else value(frame)

    return evaluate


def attribute_sum(node: n.AugAssign, names: c.Names) -> c.Execute | None:
    """``v.y += e``, ``t.p += e``: the store leaves the gradient in the vector, where the sum adds it once more."""
    target = node.target
    if not isinstance(target, n.Attribute) or not isinstance(target.value, n.Name) or node.op not in ("+", "-"):
        return None
    return None if isinstance(target.value.type, t.Struct) else _stored(node, names, _moves_by_both)


def _stored(node: n.Assign | n.AugAssign, names: c.Names, moves: Moves) -> c.Execute | None:
    """The store, of a value with other derivatives."""
    if isinstance(node.value, n.Name) and node.value.id in names.temporaries:
        return None
    target, value = node.target, node.value
    if isinstance(node, n.AugAssign):
        value = n.Binary(node.op, target, value, target.type)
    steps: list[c.Execute] = []
    new, old = keep(value, names, steps), keep(target, names, steps)
    made = n.Name(names.temporary(), target.type)
    read_new, read_old, place = names.expression(new), names.expression(old), names.place(made.id)
    store = execution.statement(n.Assign(target, made), names)

    def execute(frame: c.Frame) -> int:
        frame[place] = _each(moves, read_old(frame), read_new(frame))
        return store(frame)

    return after(steps, execute)


def _each(moves: Moves, old: Value, new: Value) -> Value:
    """``moves`` for a number, or for each component."""
    if not isinstance(new, np.ndarray):
        return moves(old, new)
    pairs = zip(old.reshape(-1), new.reshape(-1), strict=True)
    return np.array([moves(one, other) for one, other in pairs], dtype=new.dtype).reshape(new.shape)


def _moves_by_both(old: Value, new: Value) -> Value:
    if not isinstance(old, Dual):
        return new
    return Dual(value_of(new), old.tangent + new.tangent) if isinstance(new, Dual) else Dual(new, old.tangent)


def of_constant_divisor(operation: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    """The operation as if its right operand moved with nothing, and the result as its left one, jumps or not."""

    def operate(left: Value, right: Value) -> Value:
        if isinstance(right, np.ndarray):
            return operation(left, np.array(list(map(value_of, right)), dtype=right.dtype))
        value = operation(value_of(left), value_of(right))
        return Dual(value, left.tangent) if isinstance(left, Dual) else value

    return operate


def of_nearest_bound(x: Value, low: Value, high: Value, result: Value) -> Value:
    """The result of a clamp, moving with the bound that ``x`` is beyond, ``low`` before ``high``, or else with x."""
    at = value_of(x)
    chosen = low if at < value_of(low) else high if at > value_of(high) else x
    return Dual(value_of(result), chosen.tangent) if isinstance(chosen, Dual) else value_of(result)
