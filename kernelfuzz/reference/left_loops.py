"""What Warp's adjoints make of dynamic loops: rules of deviations that change derivatives and no value.

The backward pass goes through the whole range of a ``for``, from its end, and runs the statements of the body before
their adjoints.  So it begins with iterations that a launch may never have reached; a ``break`` ends it there, a
``continue`` skips the adjoints of its iteration, and a ``return`` only those that follow it in that iteration: also
that of the assignment at the end of the body, which hands what the locals have been bound to on to the next iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.walk import blocks, bound_names
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import evaluation, execution
from kernelfuzz.reference.dual import Dual, constant, lift
from kernelfuzz.reference.memory import View
from kernelfuzz.reference.smooth import of_floats
from kernelfuzz.reference.undefined import TOO_MANY_STEPS, Undefined


def left_for(node: n.For, names: c.Names) -> c.Execute | None:
    """The iterations that the backward pass goes through, in the order of the range."""
    if not names.is_dynamic(node) or not _is_left(node.body):
        return None
    bounds = [names.expression(bound) for bound in node.bounds]
    place, body = names.place(node.name), execution.block(node.body, names)
    bound = _bound_in(node, names)

    def execute(frame: c.Frame) -> int:
        values = range(*[each(frame) for each in bounds])
        frame[c.THREAD].watched = False  # what never ran is in no race
        first = len(values)
        while first and not _ends(frame, body, place, values[first - 1]):
            first -= 1
        for value in values[first:]:
            execution.step(frame[c.THREAD], node)
            frame[place] = value
            _iterate(frame, body, bound)
        return c.NORMAL

    return execute


def left_while(node: n.While, names: c.Names) -> c.Execute | None:
    """The same of a ``while``, which the backward pass runs as it was run."""
    if not _is_left(node.body):
        return None
    test, body = evaluation.truth(node.test, names), execution.block(node.body, names)
    bound = _bound_in(node, names)

    def execute(frame: c.Frame) -> int:
        frame[c.THREAD].watched = False
        while test(frame):
            execution.step(frame[c.THREAD], node)
            ended = _iterate(frame, body, bound)
            if ended == c.RETURN:
                raise Undefined(TOO_MANY_STEPS, node)  # the adjoint does not end
            if ended == c.BREAK:
                break
        return c.NORMAL

    return execute


def empty_range(node: n.For, names: c.Names) -> c.Execute | None:
    """``for i in range(a, b, 2)`` with a = b: its reverse has the iteration of a."""
    if not names.is_dynamic(node) or len(node.bounds) < 3:
        return None
    bounds = [names.expression(bound) for bound in node.bounds]
    place, body, loop = names.place(node.name), execution.block(node.body, names), execution.for_loop(node, names)
    bound = _bound_in(node, names)

    def execute(frame: c.Frame) -> int:
        start, end, step = [each(frame) for each in bounds]
        empty = not range(start, end, step)
        last = int((end - start - (1 if step > 0 else -1)) / step)  # truncates, as C++ does
        if not empty or last != 0:
            return loop(frame)
        frame[c.THREAD].watched = False
        frame[place] = start
        _iterate(frame, body, bound)
        return c.NORMAL

    return execute


def _is_left(block: n.Block) -> bool:
    return any(isinstance(each, (n.Break, n.Continue, n.Return)) or any(map(_is_left, blocks(each))) for each in block)


def _ends(frame: c.Frame, body: c.Execute, place: int, value: int) -> bool:
    """Whether an iteration breaks; nothing is changed by asking."""
    restore, returned = _kept(frame, everything=True), frame[c.RETURNED]
    frame[place] = value
    ended = body(frame)
    restore()
    frame[c.RETURNED] = returned
    return ended == c.BREAK


def _bound_in(node: n.For | n.While, names: c.Names) -> list[int]:
    return [names.place(name) for name in sorted(bound_names(node.body))]


def _iterate(frame: c.Frame, body: c.Execute, bound: Sequence[int]) -> int:
    """One iteration; where it is left by break or continue, its floats have no adjoint.

    Where it returns, what it has ``bound`` is not handed on.
    """
    restore = _kept(frame, everything=False)
    before = [(place, frame[place]) for place in bound]
    ended = body(frame)
    if ended in (c.BREAK, c.CONTINUE):
        restore()
    if ended == c.RETURN:
        for place, value in before:
            frame[place] = value
    return ended


def each_return(node: n.Return, names: c.Names) -> c.Execute | None:
    """A ``return`` of a function with a loop that is left by one: each that is come by adds to the gradient."""
    if not node.values or not _returns_in_loops(names.unit.body):
        return None
    run = execution.return_values(node, names)

    def execute(frame: c.Frame) -> int:
        before = frame[c.RETURNED]
        ended = run(frame)
        if not _is_nothing(before):
            frame[c.RETURNED] = _moving_with(before, frame[c.RETURNED])
        return ended

    return execute


def _returns_in_loops(block: n.Block, inside: bool = False) -> bool:
    return any(
        (inside and isinstance(each, n.Return))
        or any(_returns_in_loops(inner, inside or isinstance(each, (n.For, n.While))) for inner in blocks(each))
        for each in block
    )


def _moving_with(value: Any, other: Any) -> Any:
    """The value, whose floats move as they do and as those of the other do."""
    if isinstance(other, Dual):
        moving = lift(value, other)
        return Dual(moving.value, moving.tangent + other.tangent)
    if isinstance(value, tuple):
        return tuple(map(_moving_with, cast("tuple[Any, ...]", value), other))
    if isinstance(value, dict):
        return {name: _moving_with(each, other[name]) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        made = np.empty(value.size, dtype=object)
        made[:] = list(map(_moving_with, value.reshape(-1), other.reshape(-1)))
        return made.reshape(value.shape)
    return value


def _is_nothing(value: Any) -> bool:
    """Whether a ``return`` was without a value; a vector is compared component by component."""
    return isinstance(value, tuple) and not value


def _kept(frame: c.Frame, *, everything: bool) -> Callable[[], None]:
    """What puts back the locals of a frame and the arrays that it knows, or the floats of them."""
    values = {place: frame[place] for place in range(c.FIRST_LOCAL, len(frame))}
    leaves = [(leaf, leaf.copy()) for value in values.values() for leaf in _leaves(value)]

    def restore() -> None:
        for place, value in values.items():
            if everything or _moves(value):
                frame[place] = value
        for leaf, content in leaves:
            if everything or leaf.dtype == object:
                leaf[...] = content

    return restore


def _leaves(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The memory of the arrays in a value."""
    if isinstance(value, View):
        yield from _leaves(value.leaves)
    elif isinstance(value, dict):
        for each in cast("dict[str, Any]", value).values():
            if isinstance(each, (View, dict, np.ndarray)):
                yield from _leaves(each)
    elif isinstance(value, np.ndarray):
        yield value


def _moves(value: Any) -> bool:
    return isinstance(value, (float, Dual)) or (isinstance(value, np.ndarray) and value.dtype == object)


# ------------------------------------------------------------------------- locals of a loop


def local_of_a_loop(node: n.For | n.While, names: c.Names) -> c.Execute | None:
    """What a dynamic loop binds first moves with nothing after it."""
    if not names.is_dynamic(node):
        return None
    before = set(names.places)
    loop = execution.for_loop(node, names) if isinstance(node, n.For) else execution.while_loop(node, names)
    born = [names.place(name) for name in sorted(bound_names(node.body) - before)]

    def execute(frame: c.Frame) -> int:
        ended = loop(frame)
        for place in born:
            frame[place] = of_floats(frame[place], _still)
        return ended

    return execute


def _still(number: Any) -> Any:
    """The number, moving with nothing; it stays a Dual."""
    return constant(number.value, number) if isinstance(number, Dual) else number
