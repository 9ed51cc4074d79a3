"""How Warp binds names to variables where it makes no copy: the rules of deviations by which names share one.

Warp turns a name into the variable that its value was computed into.  A new assignment binds a new variable.
Code that runs several times, or perhaps not at all, needs one variable for a name: at the end of each turn a
dynamic loop writes into the variables that the names had before it, one name after another, and a branch ends
with a new variable for every name that either side binds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local
from kernelfuzz.ir.walk import bound_names
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import evaluation, execution
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.undefined import OUTSIDE_DOMAIN, Undefined
from kernelfuzz.typecheck.static_values import known_truth

T = TypeVar("T")

# The variables that names have before a loop, with their places.
_Entered: TypeAlias = "list[tuple[int, list[Any]]]"


class _Reference(list[Any]):
    """A cell that holds no value, but where it is: it is read whenever the name is."""

    def __init__(self, read: Callable[[], Value]) -> None:
        super().__init__([None])
        self.read = read

    def __getitem__(self, place: Any) -> Any:
        return self.read()


class _Constant(list[Any]):
    """A cell that holds a constant of the generated code, until a conversion takes it over."""

    def __init__(self, value: Value) -> None:
        super().__init__([value])
        self.constant: bool = True


def unpacked(node: n.Unpack, names: c.Names) -> c.Execute | None:
    """``a, b = x, y``: a name gets the variable of the name on the right, or the place of the element."""
    if len(node.values) < 2:
        return None
    cells = [_cell(value, names) for value in node.values]
    places = [names.place(name) for name in node.names]

    def execute(frame: Any) -> int:
        for place, cell in zip(places, [cell(frame) for cell in cells], strict=True):
            frame.bind(place, cell)
        return c.NORMAL

    return execute


def chosen(node: n.Assign, names: c.Names) -> c.Execute | None:
    """``p = x if True else y``: the name gets the variable of the side that is chosen."""
    if not isinstance(node.target, n.Name) or not isinstance(node.value, n.IfExp):
        return None
    side = _side(node.value, names)
    if not _is_variable(side, names):
        return None
    assert isinstance(side, n.Name)
    place, other = names.place(node.target.id), names.place(side.id)

    def execute(frame: Any) -> int:
        frame.bind(place, frame.cell(other))
        return c.NORMAL

    return execute


def retyped(node: n.Assign, names: c.Names) -> c.Execute | None:
    """``n = 7`` and ``total = wp.int64(n)``: the conversion takes over the variable of the constant."""
    if not isinstance(node.target, n.Name):
        return None
    place, evaluate = names.place(node.target.id), names.expression(node.value)
    match node.value:
        case n.Literal() | n.Static():
            return _bind_constant(place, evaluate)
        case n.Cast(type=t.Scalar(bits=64), operand=n.Name(id=name)) if name in names.places:
            other = names.place(name)
        case _:
            return None

    def execute(frame: Any) -> int:
        cell, value = frame.cell(other), evaluate(frame)
        if isinstance(cell, _Constant) and cell.constant:
            cell.constant, cell[0] = False, value
            frame.bind(place, cell)
        else:
            frame[place] = value
        return c.NORMAL

    return execute


def _bind_constant(place: int, evaluate: c.Evaluate) -> c.Execute:
    def execute(frame: Any) -> int:
        frame.bind(place, _Constant(evaluate(frame)))
        return c.NORMAL

    return execute


def _cell(value: n.Expr, names: c.Names) -> Callable[[Any], list[Any]]:
    """The cell that a name of a tuple assignment is bound to."""
    value = _side(value, names)
    if _is_variable(value, names):
        assert isinstance(value, n.Name)
        place = names.place(value.id)
        return lambda frame: frame.cell(place)
    if is_element(value):
        prelude, pinned = pin(value, names)
        read = names.expression(pinned)

        def refer(frame: Any) -> list[Any]:
            # The places of the element are this assignment's, whatever is assigned by it later.
            kept = type(frame)([frame[place] for place in range(len(frame))])
            return _Reference(lambda: read(kept))

        return after(prelude, refer)
    evaluate = names.expression(value)
    return lambda frame: [evaluate(frame)]


def _side(value: n.Expr, names: c.Names) -> n.Expr:
    """The side of a conditional expression whose condition Warp knows, or the expression itself."""
    while isinstance(value, n.IfExp) and (test := _known(value.test, names)) is not None:
        value = value.body if test else value.orelse
    return value


def _known(test: n.Expr, names: c.Names) -> bool | None:
    """The value of a condition where Warp decides it while it generates code."""
    seen = {name: constant for name, constant in names.module.constants.items() if name not in names.places}
    return known_truth(test, seen)


def _is_variable(value: n.Expr, names: c.Names) -> bool:
    """Whether an expression is a local with a variable of its own: no array, and no constant of the module."""
    return isinstance(value, n.Name) and value.id in names.places and not isinstance(value.type, (t.Array, t.Tile))


def is_element(value: n.Expr) -> bool:
    """Whether an expression is an element of an array, or a field of one: a reference in Warp."""
    if isinstance(value, n.Attribute):
        return isinstance(value.value.type, t.Struct) and not is_local(value)
    return isinstance(value, n.Index) and isinstance(value.value.type, t.Array) and not isinstance(value.type, t.Array)


def pin(value: n.Expr, names: c.Names) -> tuple[list[c.Execute], n.Expr]:
    """An element with its subscripts evaluated into temporaries, and what evaluates these."""
    if isinstance(value, n.Attribute):
        prelude, inner = pin(value.value, names)
        return prelude, n.Attribute(inner, value.name, value.type)  # pyright: ignore[reportArgumentType]
    assert isinstance(value, n.Index)
    steps: list[c.Execute] = []
    base, indices = subscripted(value)
    if not isinstance(base, n.Name):
        base = keep(base, names, steps)
    return steps, n.Index(base, settle(indices, names, steps), value.type)


def subscripted(value: n.Index) -> tuple[n.Expr, tuple[n.Expr | n.Slice, ...]]:
    """What is subscripted, and with what: Warp takes the subscripts of a view or a row and of its element as one."""
    base, indices = value.value, value.indices
    whole = t.Array if isinstance(base.type, t.Array) else t.Matrix
    while isinstance(base, n.Index) and isinstance(base.value.type, whole):
        if any(isinstance(each, n.Slice) for each in (*base.indices, *indices)):
            break
        base, indices = base.value, (*base.indices, *indices)
    return base, indices


def settle(indices: Sequence[n.Expr | n.Slice], names: c.Names, steps: list[c.Execute]) -> tuple[n.Expr | n.Slice, ...]:
    """Temporaries for subscripts, which are all evaluated, elements to their places, before any element is loaded."""
    placed: list[n.Expr | n.Slice] = []
    for index in indices:
        if isinstance(index, n.Slice):
            placed.append(index)
        elif is_element(index):
            prelude, pinned = pin(index, names)
            steps += prelude
            placed.append(pinned)
        else:
            placed.append(keep(index, names, steps))
    return tuple([_loaded(each, names, steps) for each in placed])


def _loaded(index: n.Expr | n.Slice, names: c.Names, steps: list[c.Execute]) -> n.Expr | n.Slice:
    return keep(index, names, steps) if not isinstance(index, n.Slice) and is_element(index) else index


def keep(value: n.Expr, names: c.Names, steps: list[c.Execute]) -> n.Expr:
    """A temporary that a new step evaluates the expression into; what cannot change stays."""
    if isinstance(value, (n.Literal, n.Static)):
        return value
    evaluate, name = names.expression(value), names.temporary()
    place = names.place(name)

    def step(frame: c.Frame) -> int:
        frame[place] = evaluate(frame)
        return c.NORMAL

    steps.append(step)
    return n.Name(name, value.type)


def after(steps: Sequence[c.Execute], then: Callable[[c.Frame], T]) -> Callable[[c.Frame], T]:
    """The function of a frame, which first runs the steps that evaluate temporaries for it."""

    def run(frame: c.Frame) -> T:
        for step in steps:
            step(frame)
        return then(frame)

    return run


# ------------------------------------------------------------------------- where flow meets


def branch(node: n.If, names: c.Names) -> c.Execute | None:
    """A branch: each name that it binds has a variable of its own afterwards."""
    if _known(node.test, names) is not None:
        return None
    test, body = evaluation.truth(node.test, names), execution.block(node.body, names)
    orelse = execution.block(node.orelse, names)
    places = _places(bound_names((*node.body, *node.orelse)), names)

    def execute(frame: c.Frame) -> int:
        ended = body(frame) if test(frame) else orelse(frame)
        if ended == c.NORMAL:
            for place in places:
                frame[place] = frame[place]
        return ended

    return execute


def for_loop(node: n.For, names: c.Names) -> c.Execute | None:
    if not names.is_dynamic(node):
        return None
    bounds = [names.expression(bound) for bound in node.bounds]
    counter = names.place(node.name)
    body = execution.block(node.body, names)
    places = _places(bound_names(node.body), names)

    def turns(frame: Any) -> Iterator[_Entered]:
        values = [bound(frame) for bound in bounds]
        if len(values) == 3 and values[2] == 0:
            raise Undefined(OUTSIDE_DOMAIN, node)
        variable: list[Any] = [c.UNBOUND]
        entered: _Entered = []
        for value in range(*values):
            variable[0] = value
            frame.bind(counter, variable)
            entered = entered or _variables(frame, places)
            yield entered

    return lambda frame: _loop(frame, turns(frame), body)


def while_loop(node: n.While, names: c.Names) -> c.Execute:
    test, body = evaluation.truth(node.test, names), execution.block(node.body, names)
    places = _places(bound_names(node.body), names)

    def turns(frame: Any) -> Iterator[_Entered]:
        entered = _variables(frame, places)
        while test(frame):
            yield entered

    return lambda frame: _loop(frame, turns(frame), body)


def _loop(frame: Any, turns: Iterator[_Entered], body: c.Execute) -> int:
    """Run the turns of a loop, each of which begins with the variables of before the loop."""
    for entered in turns:
        frame[c.THREAD].step()
        ended = body(frame)
        if ended == c.RETURN:
            return ended
        _write_back(frame, entered)
        if ended == c.BREAK:
            break
    return c.NORMAL


def _places(bound: frozenset[str], names: c.Names) -> list[int]:
    """The places of names, in the order in which the function came to them."""
    return sorted(names.place(name) for name in bound)


def _variables(frame: Any, places: list[int]) -> _Entered:
    """The variables that names have before a loop."""
    return [(place, frame.cell(place)) for place in places if frame[place] is not c.UNBOUND]


def _write_back(frame: Any, entered: _Entered) -> None:
    """Write what each name holds into its variable of before the loop, one after another."""
    for place, variable in entered:
        if frame.cell(place) is not variable:
            variable[0] = frame[place]
            frame.bind(place, variable)


# The rules of a Warp whose names may share a variable.
FLOW: dict[type[n.Node], c.Change] = {n.If: branch, n.For: for_loop, n.While: while_loop}
