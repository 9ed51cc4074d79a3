"""A run that knows which values the adjoint has no more, and marks what it needs them for.

The adjoint of a kernel computes again what it needs, from the arguments and from what the arrays hold after the
launch.  Lost to it are

- what a dynamic loop computes, outside of the iteration that computes it: "dynamic loops are not replayed or
  unrolled in the backward pass, meaning intermediate values that are meant to be computed in the loop and may be
  necessary for adjoint calculations are not updated" (Differentiability, Dynamic Loops), and so "the final value of a
  local variable" (there).  The counter of a ``for`` is known in each iteration; how often a ``while`` runs
  is found by running it;
- what was read from an element of an array that changes later (``history``);
- what an atomic returns, and vectors of which a component is assigned twice (``limitations``).

"One can force a dynamic loop to replay in the backward pass by migrating the body of the loop to a Warp function"
(there): what a function returns is not lost by its loops.

Where a derivative needs a lost value, the domain marks the result as lost, and so all that is computed from it.
Where the way that is taken or the place of a store needs one, the run raises Lost; and where the adjoint would read
at any place, divide by any integer, or run a loop any number of times, which may end the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kernelfuzz.analysis.effects import changed_arguments
from kernelfuzz.analysis.unrolling import MAX_UNROLL
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import subscripts, walk
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import compiled_calls, evaluation
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.history import History, Path, Told
from kernelfuzz.reference.limitations import reassigned_components
from kernelfuzz.reference.memory import View, reader, writer
from kernelfuzz.reference.needs import Needs, Operand, needs
from kernelfuzz.reference.smooth import Smooth, depends
from kernelfuzz.reference.undefined import Lost

# Why a value is lost: another iteration of a dynamic loop computed it, or something has overwritten it.  What only a
# loop that is over has bound is a variable that the adjoint never gives a value: it may be any number.
CARRIED, OVERWRITTEN, UNSET = 1, 2, 4

CONDITION = "a condition that the adjoint does not have"
PLACE = "a place that the adjoint does not have"
DIVISOR = "a divisor that the adjoint does not have"

# The builtins that divide.
_DIVISIONS = ("/", "//", "%")
_DIVIDING = frozenset({"div", "floordiv", "mod"})


# Why the adjoint must not run, given the operands; empty where it may.
_Harm: TypeAlias = "Callable[[Sequence[Operand]], str]"


@dataclass(slots=True)
class Watch:
    """What is known while the kernel runs.

    ``unroll`` is Warp's option ``max_unroll``.  ``astray`` has the arrays that are known to be stored into at a
    place that is lost: what is read from them is marked.  ``strays`` collects those that are found; where one of them
    is not in ``astray``, the run is to be repeated.
    """

    kernel: n.Kernel
    domain: Smooth
    history: History
    unroll: int = MAX_UNROLL
    astray: frozenset[Path] = frozenset()
    strays: set[Path] = field(default_factory=set[Path])
    # The operands of what is being evaluated, in the order of their evaluation.
    operands: list[Operand] = field(default_factory=list[Operand])
    # How many readings were of an element that changes later.
    changed: int = 0
    # The iterations of dynamic loops that are running, each with a number of its own; 0 is outside of all.
    running: list[int] = field(default_factory=lambda: [0])
    iterations: int = 0
    # Whether a return has left a ``while``, and whether the last one that ran has left a dynamic loop.
    endless: bool = False
    returned: bool = False
    # Whether a dynamic ``for`` was left before its end, or the function by it; and one that carries floats from one
    # iteration to the next.
    left: bool = False
    carried: bool = False
    # The loops around what runs, of the function that runs and of those that have called it.
    loops: list[Any] = field(default_factory=list[Any])
    _reassigned: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def reassigned(self, unit: n.Function | n.Kernel) -> frozenset[str]:
        """The locals of the kernel or of a function of which a component is assigned twice."""
        if unit.name not in self._reassigned:
            self._reassigned[unit.name] = reassigned_components(unit)
        return self._reassigned[unit.name]

    def shadow(self, path: Path, dtype: t.Type) -> Told:
        """What watches an array."""
        return Told(path, dtype, self.history, self._change)

    def _change(self) -> None:
        self.changed += 1

    def lost(self, frame: c.Frame, place: int) -> int:
        """Why the value of a local is lost here; 0 where it is not."""
        known = frame[c.KNOWN]
        if known is None or place not in known:
            return 0
        iteration, lost = known[place]
        return lost if iteration in self.running else lost | CARRIED

    def bind(self, frame: c.Frame, place: int, lost: int) -> None:
        """Note that a local got a value in the present iteration."""
        if frame[c.KNOWN] is None:
            frame[c.KNOWN] = {}
        frame[c.KNOWN][place] = self.running[-1], lost

    def spoil(self, frame: c.Frame, place: int, lost: int) -> None:
        """Note that the value of a local is lost, and that none of its derivatives is known."""
        if lost and frame[place] is not c.UNBOUND:
            self.bind(frame, place, self.lost(frame, place) | lost)
            frame[place] = self.domain.lost(frame[place])

    def since(self, base: int) -> list[Operand]:
        """Take the operands that were evaluated since there were ``base``."""
        taken = self.operands[base:]
        del self.operands[base:]
        return taken

    def wander(self, where: Sequence[Operand], indices: Sequence[n.Expr]) -> None:
        """Note a store of floats into a view, at some indices; where these are lost, the adjoint stores elsewhere.

        That is in the array where the indices are kept in it.
        """
        if not lost_of(where):
            return
        if where[0].lost or not all(map(is_kept_in, indices)):
            raise Lost(PLACE)
        self.strays.add(where[0].value.shadow.path)

    def spoil_element(self, view: View, at: tuple[int, ...], dtype: t.Type) -> None:
        flat = view.at(at)
        writer(dtype)(view.leaves, flat, self.domain.lost(reader(dtype)(view.leaves, flat)))


def is_kept_in(index: n.Expr) -> bool:
    """Whether an index is in its array whatever the locals are that it is computed from."""
    match index:
        case n.Literal() | n.Binary(op="%") | n.Call(name="mod" | "clamp"):
            return True
        case n.Call(name="min", args=args):
            return any(isinstance(node, n.ArrayShape | n.Literal) for node in walk(*args))
        case _:
            return False


def lost_of(operands: Sequence[Operand]) -> int:
    found = 0
    for each in operands:
        found |= each.lost
    return found


# ------------------------------------------------------------------------------------ expressions


def expression(node: n.Expr, names: c.Names, watch: Watch) -> c.Evaluate:
    """The function that evaluates an expression and leaves it as an operand."""
    match node:
        case n.Name():
            return _name(node, names, watch)
        case n.CallFunction():
            return _call_function(node, names, watch)
        case n.Call() if node.name.startswith("atomic_"):
            return atomic(node, names, watch, used=True)
        case n.Index(value=value):
            of_array = isinstance(value.type, t.Array)
            by = _element(watch) if of_array else needs(node)
            harm = _reads_anywhere(of_array, safe=all(map(is_kept_in, subscripts(node))))
            return _watched(node, evaluation.expression(node, names), by, watch, harm)
        case n.Call(name="tile_load"):
            evaluate = evaluation.expression(node, names)
            return _watched(node, evaluate, _element(watch), watch, _reads_anywhere(True, safe=False))
        case n.Call(args=(n.Name(id=name), *_)) if changed_arguments(node):
            watched = _watched(node, evaluation.expression(node, names), needs(node), watch)
            return _mutating(names.place(name), watched, watch)
        case n.Binary(op=op) if op in _DIVISIONS and not t.has_floats(node.type):
            return _watched(node, evaluation.expression(node, names), needs(node), watch, _divides_by_anything)
        case n.Call(name=name) if name in _DIVIDING and not t.has_floats(node.type):
            return _watched(node, evaluation.expression(node, names), needs(node), watch, _divides_by_anything)
        case _:
            return _watched(node, evaluation.expression(node, names), needs(node), watch)


def _no_harm(operands: Sequence[Operand]) -> str:
    return ""


def _reads_anywhere(of_array: bool, *, safe: bool) -> _Harm:
    """Where a part is read at a place that may be any, or of an array that may be any; ``safe``: a place within it."""

    def harm(operands: Sequence[Operand]) -> str:
        asked = operands[0 if of_array else 1 : 1 if safe else None]
        return PLACE if lost_of(asked) & UNSET else ""

    return harm


def _divides_by_anything(operands: Sequence[Operand]) -> str:
    return DIVISOR if operands[-1].lost & UNSET else ""


def _watched(node: n.Expr, evaluate: c.Evaluate, by: Needs, watch: Watch, harm: _Harm = _no_harm) -> c.Evaluate:
    """``harm`` gives the reason to stop where the adjoint might end its process."""
    floats, domain = t.has_floats(node.type), watch.domain

    def run(frame: c.Frame) -> Value:
        base, changed = len(watch.operands), watch.changed
        value = evaluate(frame)
        operands = watch.since(base)
        if reason := harm(operands):
            raise Lost(reason, node)
        lost = lost_of(operands) | (OVERWRITTEN if watch.changed != changed else 0)
        if floats and by(operands):
            value = domain.lost(value)
        watch.operands.append(Operand(value, lost))
        return value

    return run


def _name(node: n.Name, names: c.Names, watch: Watch) -> c.Evaluate:
    load = evaluation.expression(node, names)
    place = names.places.get(node.id)
    again = node.id in watch.reassigned(names.unit)

    def run(frame: c.Frame) -> Value:
        value = load(frame)
        lost = 0 if place is None else watch.lost(frame, place)
        if again:
            value, lost = watch.domain.lost(value), lost | OVERWRITTEN
        watch.operands.append(Operand(value, lost))
        return value

    return run


def _element(watch: Watch) -> Needs:
    """Of an element: where it is; and nothing may be asked of an array that the adjoint stores into astray."""

    def by(operands: Sequence[Operand]) -> bool:
        return bool(lost_of(operands)) or operands[0].value.shadow.path in watch.astray

    return by


def _mutating(place: int, evaluate: c.Evaluate, watch: Watch) -> c.Evaluate:
    """A call that advances the random state that a local has."""

    def run(frame: c.Frame) -> Value:
        lost = watch.lost(frame, place)
        value = evaluate(frame)
        watch.bind(frame, place, lost | watch.operands[-1].lost)
        return value

    return run


def atomic(node: n.Call, names: c.Names, watch: Watch, *, used: bool) -> c.Evaluate:
    """An atomic; what it returns is no more there for the adjoint."""
    evaluate = compiled_calls.builtin(node, names, used=used)
    array = node.args[0].type
    assert isinstance(array, t.Array)
    last = 1 + array.ndim
    floats = t.has_floats(array.dtype)
    picks = node.name in ("atomic_min", "atomic_max")
    sums = node.name in ("atomic_add", "atomic_sub")

    def run(frame: c.Frame) -> Value:
        base, changed = len(watch.operands), watch.changed
        value = evaluate(frame)
        operands = watch.since(base)
        if floats:
            view, operand = operands[0].value, operands[-1]
            watch.wander(operands[:last], node.args[1:last])
            compared = picks and (watch.changed != changed or (operand.lost and depends(operand.value)))
            if compared or not (picks or sums):
                watch.spoil_element(view, tuple([each.value for each in operands[1:last]]), array.dtype)
            value = watch.domain.lost(value)
        watch.operands.append(Operand(value, lost_of(operands) | OVERWRITTEN))
        return value

    return run


def _call_function(node: n.CallFunction, names: c.Names, watch: Watch) -> c.Evaluate:
    """A call: the adjoint calls the function too, loops and all, so that it has what comes back."""
    body = names.module.functions[node.name]
    arguments = [names.expression(argument) for argument in node.args]
    first, last = c.FIRST_LOCAL, c.FIRST_LOCAL + len(arguments)
    rest: list[Any] = [c.UNBOUND] * (body.size - last)

    def call(frame: c.Frame) -> Value:
        base, changed = len(watch.operands), watch.changed
        values = [argument(frame) for argument in arguments]
        operands = watch.since(base)
        known = {first + at: (watch.running[-1], each.lost) for at, each in enumerate(operands) if each.lost}
        inner: c.Frame = [frame[c.THREAD], (), known, *values, *rest]
        body.execute(inner)
        value = inner[c.RETURNED]
        lost = lost_of(operands) | (OVERWRITTEN if watch.changed != changed else 0)
        watch.operands.append(Operand(value, lost))
        return value

    return call
