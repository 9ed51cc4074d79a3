"""Statements of a run that knows what the adjoint has lost (``lost_values``)."""

from __future__ import annotations

from collections.abc import Sequence, Set

from kernelfuzz.analysis.unrolling import is_dynamic
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import is_local, root_name
from kernelfuzz.ir.walk import bound_names, subscripts
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import compiled_calls, evaluation, execution, lost_values
from kernelfuzz.reference.lost_regions import Region
from kernelfuzz.reference.lost_values import CARRIED, CONDITION, OVERWRITTEN, UNSET, Watch, lost_of
from kernelfuzz.reference.needs import READ_THEIR_RESULTS, Operand, needs
from kernelfuzz.reference.smooth import depends
from kernelfuzz.reference.undefined import OUTSIDE_DOMAIN, Lost, Undefined


def language(watch: Watch) -> c.Language:
    """The language that compiles a kernel for such a run."""
    return c.Language(
        lambda node, names: lost_values.expression(node, names, watch),
        lambda node, names: statement(node, names, watch),
    )


def statement(node: n.Stmt, names: c.Names, watch: Watch) -> c.Execute:
    """The function that runs a statement in a frame."""
    match node:
        case n.Assign(target=n.Name(id=name)):
            return _assign_name(names.place(name), names.expression(node.value), watch)
        case n.Assign() | n.AugAssign() if is_local(node.target):
            return _assign_local(node, names, watch)
        case n.Assign() | n.AugAssign():
            return _assign_element(node, names, watch)
        case n.Unpack():
            return _unpack(node, names, watch)
        case n.If():
            return _if(node, names, watch)
        case n.For():
            return _for(node, names, watch)
        case n.While():
            return _while(node, names, watch)
        case n.Return():
            return _return(node, names, watch)
        case n.ExprStmt(value=n.Call(name=name) as call) if name.startswith("atomic_"):
            return _forgetting(lost_values.atomic(call, names, watch, used=False), watch)
        case n.ExprStmt(value=n.Call(name="tile_store") as call):
            return _store_tile(call, names, watch)
        case n.ExprStmt(value=value):
            return _forgetting(names.expression(value), watch)
        case _:
            return _without_operands(execution.statement(node, names), watch)


def _forgetting(evaluate: c.Evaluate, watch: Watch) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        evaluate(frame)
        watch.operands.pop()
        return c.NORMAL

    return execute


def _store_tile(node: n.Call, names: c.Names, watch: Watch) -> c.Execute:
    store = compiled_calls.builtin(node, names, used=False)

    def execute(frame: c.Frame) -> int:
        base = len(watch.operands)
        store(frame)
        watch.wander(watch.since(base)[:1], ())
        return c.NORMAL

    return execute


def _return(node: n.Return, names: c.Names, watch: Watch) -> c.Execute:
    run = _without_operands(execution.statement(node, names), watch)

    def execute(frame: c.Frame) -> int:
        watch.returned = False
        return run(frame)

    return execute


def _without_operands(run: c.Execute, watch: Watch) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        base = len(watch.operands)
        ended = run(frame)
        watch.since(base)
        return ended

    return execute


# ------------------------------------------------------------------------------------ assignments


def _assign_name(place: int, value: c.Evaluate, watch: Watch) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        frame[place] = value(frame)
        watch.bind(frame, place, watch.operands.pop().lost)
        return c.NORMAL

    return execute


def _unpack(node: n.Unpack, names: c.Names, watch: Watch) -> c.Execute:
    run = execution.statement(node, names)
    places = [names.place(name) for name in node.names]
    spoilt = _are_read(node.values) and not watch.reassigned(names.unit).isdisjoint(node.names)

    def execute(frame: c.Frame) -> int:
        base = len(watch.operands)
        run(frame)
        operands = watch.since(base)
        for at, place in enumerate(places):
            watch.bind(frame, place, operands[at if len(operands) > 1 else 0].lost)
            if spoilt:
                watch.spoil(frame, place, OVERWRITTEN)
        return c.NORMAL

    return execute


def _are_read(values: Sequence[n.Expr]) -> bool:
    """Whether the adjoint of one call reads all of these from the locals that they were put into."""
    return any(isinstance(value, n.Call) and value.name in READ_THEIR_RESULTS for value in values)


def _assign_local(node: n.Assign | n.AugAssign, names: c.Names, watch: Watch) -> c.Execute:
    """``v op= e``, ``v.x = e``, ``v[i] op= e``: the local as a whole gets a new value."""
    run = execution.statement(node, names)
    place = names.place(root_name(node.target))
    augments = isinstance(node, n.AugAssign)
    by = needs(n.Binary(node.op, node.target, node.value, node.target.type)) if isinstance(node, n.AugAssign) else None

    def execute(frame: c.Frame) -> int:
        base, changed = len(watch.operands), watch.changed
        before = Operand(frame[place], watch.lost(frame, place))
        run(frame)
        operands = watch.since(base)
        # The value is evaluated before the parts of the target where nothing is augmented.
        value, keys = (operands[-1], operands[:-1]) if augments else (operands[0], operands[1:])
        lost = before.lost | lost_of(operands) | (OVERWRITTEN if watch.changed != changed else 0)
        watch.bind(frame, place, lost)
        if lost_of(keys) or (by is not None and by((before, value))):
            frame[place] = watch.domain.lost(frame[place])
        return c.NORMAL

    return execute


def _assign_element(node: n.Assign | n.AugAssign, names: c.Names, watch: Watch) -> c.Execute:
    """``a[i] = e``, ``a[i].x op= e``."""
    run = execution.statement(node, names)
    element, inner = _element_of(node.target)
    indices = subscripts(element)
    dtype = element.type
    if not t.has_floats(dtype):
        return _without_operands(run, watch)
    first = 0 if isinstance(node, n.AugAssign) else 1
    in_place = isinstance(node, n.AugAssign) and node.op not in ("+", "-")

    def execute(frame: c.Frame) -> int:
        base = len(watch.operands)
        run(frame)
        operands = watch.since(base)
        where = operands[first : len(operands) - (1 - first)]
        watch.wander(where, (*indices, *inner))
        # "In-place multiplication and division are *not* supported" (In-Place Math Operations).
        if in_place or where[0].value.shadow.stored_over:
            watch.spoil_element(where[0].value, tuple([each.value for each in where[1 : 1 + len(indices)]]), dtype)
        return c.NORMAL

    return execute


def _element_of(place: n.Expr) -> tuple[n.Index, list[n.Expr]]:
    """The element of an array that a place is, or is a part of, and the indices within it."""
    inner: list[n.Expr] = []
    while not (isinstance(place, n.Index) and isinstance(place.value.type, t.Array)):
        assert isinstance(place, (n.Attribute, n.Index))
        inner += subscripts(place) if isinstance(place, n.Index) else ()
        place = place.value
    return place, inner


# ----------------------------------------------------------------------------------- control flow


def _if(node: n.If, names: c.Names, watch: Watch) -> c.Execute:
    test = evaluation.truth(node.test, names)
    body, orelse = execution.block(node.body, names), execution.block(node.orelse, names)
    both = Region((*node.body, *node.orelse), names, watch)

    def execute(frame: c.Frame) -> int:
        taken = test(frame)
        lost = watch.operands.pop().lost
        if lost:
            both.doubt(frame, node)
        ended = body(frame) if taken else orelse(frame)
        if lost:
            both.spoil(frame, lost)
        return ended

    return execute


def _for(node: n.For, names: c.Names, watch: Watch) -> c.Execute:
    bounds = [names.expression(bound) for bound in node.bounds]
    # The counter is a variable of the loop, whatever had its name before.
    before = set(names.places) - {node.name}
    place = names.place(node.name)
    body = execution.block(node.body, names)
    loop = _Loop(node, names, watch, before)

    def execute(frame: c.Frame) -> int:
        thread = frame[c.THREAD]
        base = len(watch.operands)
        values = [bound(frame) for bound in bounds]
        lost = lost_of(watch.since(base))
        loop.doubt(frame, lost)
        if len(values) == 3 and values[2] == 0:
            raise Undefined(OUTSIDE_DOMAIN, node)
        ended = c.NORMAL
        for value in range(*values):
            execution.step(thread, node)
            loop.enter(frame)
            frame[place] = value
            watch.bind(frame, place, lost)
            ended = body(frame)
            loop.leave(ended)
            if ended in (c.BREAK, c.RETURN):
                loop.note_left(frame, ended, more=value != range(*values)[-1])
                break
        loop.end(frame)
        return c.RETURN if ended == c.RETURN else c.NORMAL

    return execute


def _while(node: n.While, names: c.Names, watch: Watch) -> c.Execute:
    """A loop that the adjoint runs again from what it knows, to find out how often."""
    before = set(names.places)
    test = evaluation.truth(node.test, names)
    body = execution.block(node.body, names)
    loop = _Loop(node, names, watch, before)

    def execute(frame: c.Frame) -> int:
        thread = frame[c.THREAD]
        going = test(frame)
        loop.doubt(frame, watch.operands.pop().lost)
        ended = c.NORMAL
        while going:
            execution.step(thread, node)
            loop.enter(frame)
            ended = body(frame)
            loop.leave(ended)
            if ended in (c.BREAK, c.RETURN):
                break
            going = test(frame)
            loop.doubt(frame, watch.operands.pop().lost & OVERWRITTEN)
        loop.end(frame)
        return c.RETURN if ended == c.RETURN else c.NORMAL

    return execute


class _Loop:
    """A loop that is being compiled or runs: what becomes of the locals that it changes, and of those that it binds.

    ``before`` are the locals that there were before it.
    """

    __slots__ = ("_born", "_dynamic", "_node", "_region", "_watch", "doubtful")

    def __init__(self, node: n.For | n.While, names: c.Names, watch: Watch, before: Set[str]) -> None:
        self._node = node
        counter = {node.name} if isinstance(node, n.For) else set[str]()
        self._born = [names.place(name) for name in sorted((bound_names(node.body) | counter) - before)]
        self._watch = watch
        self._dynamic = is_dynamic(node, watch.unroll)
        self._region = Region(node.body, names, watch, node.name if isinstance(node, n.For) else "")
        self.doubtful: int = 0

    def doubt(self, frame: c.Frame, lost: int) -> None:
        """Note that it is ``lost`` how often the loop runs, or what runs of it.

        Raises Lost where that may be any number of times.
        """
        if lost & UNSET:
            raise Lost(CONDITION, self._node)
        if lost and not self.doubtful:
            self._region.doubt(frame, self._node)
        self.doubtful |= lost

    def enter(self, frame: c.Frame) -> None:
        """Begin an iteration: what it changes is not what it was before."""
        self._watch.loops.append(self)
        if not self._dynamic:
            return
        watch = self._watch
        watch.iterations += 1
        watch.running.append(watch.iterations)
        for place in self._region.places:
            if frame[place] is not c.UNBOUND:
                watch.bind(frame, place, watch.lost(frame, place) | CARRIED)

    def leave(self, ended: int) -> None:
        """End an iteration; a return that leaves a ``while`` directly makes Warp's backward pass endless."""
        watch = self._watch
        watch.loops.pop()
        if not self._dynamic:
            return
        watch.running.pop()
        if ended == c.RETURN and not watch.returned:
            watch.returned = True
            watch.endless |= isinstance(self._node, n.While)

    def note_left(self, frame: c.Frame, ended: int, *, more: bool) -> None:
        """Note that the loop was left with ``more`` iterations to come, which compute with what it carries."""
        carried = [frame[place] for place in self._region.places if place not in self._born]
        self._watch.left |= self._dynamic and (more or ended == c.RETURN)
        self._watch.carried |= self._dynamic and more and any(map(depends, carried))

    def end(self, frame: c.Frame) -> None:
        """What was changed is lost where the loop is in doubt; what was bound first has no value in the adjoint."""
        if self._dynamic:
            for place in self._born:
                if frame[place] is not c.UNBOUND:
                    self._watch.bind(frame, place, self._watch.lost(frame, place) | CARRIED | UNSET)
        self._region.spoil(frame, self.doubtful)
        self.doubtful = 0
