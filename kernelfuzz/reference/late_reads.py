"""When Warp loads an element: the rules of deviations by which it is read late, again, or never.

Warp evaluates an element of an array to its place, and loads it when the operation that uses it is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.fields import EXPRESSIONS
from kernelfuzz.ir.rewrite import rebuild
from kernelfuzz.ir.walk import bound_names, children
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import evaluation, execution
from kernelfuzz.reference.aliases import after, is_element, keep, pin, settle, subscripted
from kernelfuzz.reference.compiled_calls import can_be_atomic
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.undefined import UNINITIALISED_READ, Undefined

# ------------------------------------------------------------------- operands, read late


def operands(node: Any, names: c.Names) -> c.Evaluate | None:
    """An operation whose operands are all evaluated, elements to their places, before any element is loaded."""
    below = _expressions(node)
    if isinstance(node, n.Compare) and len(node.ops) > 1:
        return None  # each comparison is one of its own
    if not _is_late(below):
        return None
    steps: list[c.Execute] = []
    pinned = [_pinned(operand, names, steps) for operand in below]
    return after(steps, names.expression(rebuild(node, [(each,) for each in pinned])))


def effect(node: n.ExprStmt, names: c.Names) -> c.Execute | None:
    """A call whose result nothing uses, as ``wp.atomic_cas(a, i, b[0], f(b))``: the same of its operands."""
    call = node.value
    below = _expressions(call)
    if not isinstance(call, n.Call) or not _is_late(below):
        return None
    steps: list[c.Execute] = []
    pinned = [_pinned(operand, names, steps) for operand in below]
    changed = rebuild(call, [(each,) for each in pinned])
    return after(steps, execution.statement(n.ExprStmt(changed), names))


def _expressions(node: n.Node) -> list[n.Expr]:
    return [cast("n.Expr", child) for child in children(node) if type(child) in EXPRESSIONS]


def _is_late(below: Sequence[n.Expr]) -> bool:
    """Whether an operand that is loaded late stands before one that is evaluated."""
    late = [at for at, operand in enumerate(below) if is_element(operand) or _is_state(operand)]
    return bool(late) and any(_is_evaluated(operand) for operand in below[late[0] + 1 :])


def _is_state(operand: n.Expr) -> bool:
    """Whether an operand is a local that another one may change: a random state."""
    return isinstance(operand, n.Name) and operand.type == t.UINT32


def _is_evaluated(operand: n.Expr) -> bool:
    if is_element(operand):
        return any(map(_is_evaluated, _expressions(operand)))
    return not isinstance(operand, (n.Name, n.Literal, n.Static, n.ArrayShape))


def _pinned(operand: n.Expr, names: c.Names, steps: list[c.Execute]) -> n.Expr:
    if is_element(operand):
        prelude, pinned = pin(operand, names)
        steps += prelude
        return pinned
    return keep(operand, names, steps) if _is_evaluated(operand) else operand


def bounds(node: n.For, names: c.Names) -> c.Execute | None:
    """``range(a[0], f(a))``: the bounds are operands of one call."""
    if not _is_late(node.bounds):
        return None
    steps: list[c.Execute] = []
    pinned = tuple([_pinned(bound, names, steps) for bound in node.bounds])
    # A loop over temporaries is dynamic, as this one is.
    loop = execution.statement(n.For(node.name, pinned, node.body), names)
    return after(steps, loop)


def returned(node: n.Return, names: c.Names) -> c.Execute | None:
    """``return a[0], f(a)``: all values are evaluated before any element is loaded."""
    if not _is_late(node.values):
        return None
    steps: list[c.Execute] = []
    pinned = tuple([_pinned(value, names, steps) for value in node.values])
    return after(steps, execution.statement(n.Return(pinned), names))


def stored(node: n.Assign, names: c.Names) -> c.Execute | None:
    """``a[b[0], f(b)] = e``: the subscripts of a target are operands of one call."""
    if not _has_late_subscripts(node.target):
        return None
    steps: list[c.Execute] = []
    value = keep(node.value, names, steps)
    target = _located(node.target, names, steps)
    return after(steps, execution.statement(n.Assign(target, value), names))


def augmented(node: n.AugAssign, names: c.Names) -> c.Execute | None:
    """``a[i] *= f(a)``, ``state += wp.randu(state)``: what the target held is loaded after the value is evaluated."""
    if _is_one_call(node):
        return _called(node, names)
    late = _is_evaluated(node.value) and (is_element(node.target) or _is_state(node.target))
    if not late and not _has_late_subscripts(node.target):
        return None
    steps: list[c.Execute] = []
    target = _located(node.target, names, steps)
    value = keep(node.value, names, steps) if late else node.value
    return after(steps, execution.statement(n.AugAssign(target, node.op, value), names))


def _is_one_call(node: n.AugAssign) -> bool:
    """Whether ``target op= value`` is one call of its subscripts and its value: an atomic, or a sum in place."""
    target = node.target
    if not isinstance(target, n.Index) or node.op not in "+-&|^":
        return False
    whole = subscripted(target)[0]
    if isinstance(whole.type, t.Array):
        return can_be_atomic(node.op, target.type)
    return isinstance(whole, n.Name)


def _called(node: n.AugAssign, names: c.Names) -> c.Execute | None:
    """``a[b[0]] += f(b)``: the subscripts, too, are loaded when the value is evaluated."""
    assert isinstance(node.target, n.Index)
    whole, indices = subscripted(node.target)
    if not _is_late([*[each for each in indices if not isinstance(each, n.Slice)], node.value]):
        return None
    steps: list[c.Execute] = []
    if not isinstance(whole, n.Name):
        whole = keep(whole, names, steps)
    placed = [each if isinstance(each, n.Slice) else _pinned(each, names, steps) for each in indices]
    value = _pinned(node.value, names, steps)
    target = n.Index(whole, settle(placed, names, steps), node.target.type)
    return after(steps, execution.statement(n.AugAssign(target, node.op, value), names))


def _has_late_subscripts(target: n.Expr) -> bool:
    """Whether a subscript of a target, or of what it is a part of, is loaded after a later one is evaluated."""
    while isinstance(target, (n.Index, n.Attribute)):
        if isinstance(target, n.Attribute):
            target = target.value
            continue
        target, indices = subscripted(target)
        if _is_late([each for each in indices if not isinstance(each, n.Slice)]):
            return True
    return False


def _located(target: n.Place, names: c.Names, steps: list[c.Execute]) -> n.Place:
    """A target whose subscripts are evaluated into temporaries, those of an array and those of its element apart."""
    if isinstance(target, n.Name):
        return target
    if isinstance(target, n.Attribute):
        return replace(target, value=_part(target.value, names, steps))
    whole, indices = subscripted(target)
    whole = _part(whole, names, steps)
    return n.Index(whole, settle(indices, names, steps), target.type)


def _part(value: n.Expr, names: c.Names, steps: list[c.Execute]) -> n.Expr:
    return _located(value, names, steps) if isinstance(value, (n.Index, n.Attribute)) else value


# ------------------------------------------------------------------- conditions, read again


def branch(node: n.If, names: c.Names) -> c.Execute | None:
    """A condition that is an element is read once more after the branch, to choose what each name holds."""
    if not is_element(node.test):
        return None
    steps, pinned = pin(node.test, names)
    test, body = evaluation.truth(pinned, names), execution.block(node.body, names)
    orelse = execution.block(node.orelse, names)
    in_body, in_orelse = (frozenset(map(names.place, bound_names(side))) for side in (node.body, node.orelse))

    def execute(frame: c.Frame) -> int:
        before = {place: frame[place] for place in in_body | in_orelse}
        first = test(frame)
        ended = body(frame) if first else orelse(frame)
        if ended != c.NORMAL:
            return ended
        again = test(frame)
        bound_there = in_body if again else in_orelse
        for place, old in before.items():
            if old is c.UNBOUND or first == again:
                continue  # a name that one side alone binds is not chosen
            if place in bound_there:
                raise Undefined(UNINITIALISED_READ, node)  # by the side that did not run
            frame[place] = old
        for place in before:
            frame[place] = frame[place]
        return ended

    return after(steps, execute)


def chosen(node: n.IfExp, names: c.Names) -> c.Evaluate | None:
    """The same of a conditional expression; a constant is there whether its side runs or not."""
    if not is_element(node.test):
        return None
    steps, pinned = pin(node.test, names)
    test = evaluation.truth(pinned, names)
    body, orelse = names.expression(node.body), names.expression(node.orelse)

    def evaluate(frame: c.Frame) -> Value:
        first = test(frame)
        value = body(frame) if first else orelse(frame)
        again = test(frame)
        if again == first:
            return value
        if not isinstance(node.body if again else node.orelse, n.Literal):
            raise Undefined(UNINITIALISED_READ, node)
        return body(frame) if again else orelse(frame)

    return after(steps, evaluate)


def unloaded(node: n.IfExp, names: c.Names) -> c.Evaluate | None:
    """An element on the other side is loaded too, from a place that nothing tells."""
    if not is_element(node.body) and not is_element(node.orelse):
        return None
    test = evaluation.truth(node.test, names)
    body, orelse = names.expression(node.body), names.expression(node.orelse)

    def evaluate(frame: c.Frame) -> Value:
        true = test(frame)
        if is_element(node.orelse if true else node.body):
            raise Undefined(UNINITIALISED_READ, node)
        return body(frame) if true else orelse(frame)

    return evaluate
