"""What the backward pass of generated code must be, told from its forward pass, and where it is something else.

It has the statements of the forward pass once more, without what writes to arrays (the replay), and then the
adjoints of the statements from the last to the first, inside the same branches.  A loop is left out of the replay:
among the adjoints it runs the other way round, and each turn sets its adjoints to zero, replays its statements and
runs their adjoints.  notes/generated_code.md shows one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache

from kernelfuzz.toolchain.generated_statements import Branch, GeneratedFunction, Jump, Leave, Loop, Node, Step
from kernelfuzz.typecheck.builtins import ROWS

# What the replay leaves out, because it is done already; and pointers that only such statements use.
_DONE = re.compile(r"wp::(?:array_store|store|atomic_\w+|array_atomic_\w+_slot|tile_atomic_add\w*|tile_store\w*)")
_FOR_STORES = frozenset(["wp::index", "wp::indexref"])

# Which calls have an adjoint, in every release: by Warp's language reference, and of those that kernels do not call by
# name.  Others may have one, as conversions to integers had in early releases, and so may these of such an operand or
# result.
_INNER = (
    "add_inplace address array_store assign assign_copy assign_inplace copy extract float float16 float32 float64 mat_t"
    " quat_t sub_inplace tile_add tile_broadcast tile_extract tile_load tile_mul tile_neg tile_store"
    " transform_set_rotation transform_set_translation transform_t vec_t view"
)
_LATER = frozenset(["curlnoise"])
_NAMED = {row.name for row in ROWS if row.differentiable} - _LATER
_DIFFERENTIABLE = frozenset(f"wp::{name}" for name in (*_NAMED, *_INNER.split()))
_NOT_OF: Mapping[str, tuple[str, ...]] = {"wp::extract": ("wp::shape_t", "wp::tuple_t"), "wp::mod": ("wp::vec_t",)}

# What is no function of a user, but has no namespace either.
_NO_FUNCTIONS = frozenset(["bool", "printf", *(f"builtin_tid{axes}d" for axes in range(1, 5))])

# What a function of Warp that may return nothing ends with; only its forward pass does.
_RETURNS_NOTHING = "return {};"


class Differs(Exception):
    """The first statement of a backward pass that is not as it must be: by which check, and what stands there."""

    def __init__(self, check: str, wanted: str, actual: str) -> None:
        super().__init__(check, wanted, actual)
        self.check: str = check
        self.wanted: str = wanted
        self.actual: str = actual


def compare(forward: GeneratedFunction, backward: GeneratedFunction) -> None:
    """Raise Differs where the backward pass is not what the forward pass makes it."""
    steps = [*_steps(forward.body)]
    mirror = _Mirror(
        {declared.name: declared.type for declared in forward.declarations},
        {step.target: step.names[0] for step in steps if step.called == "wp::load"},
        {step.target for step in steps if _computes(step)},
    )
    place = _Place(backward.body)
    mirror.replay(forward.body, place)
    mirror.reverse(forward.body, place)
    place.take("adjoint", "return;", lambda node: isinstance(node, Leave))
    place.end()


def _is_done(node: Step) -> bool:
    """Whether a step writes to an array: 1.14 has ``wp::index(array, i).part = value`` too."""
    return _writes(node.called) or (node.called == "wp::index" and not node.target)


@cache
def _writes(called: str) -> bool:
    return _DONE.fullmatch(called) is not None


def _steps(nodes: Sequence[Node]) -> Iterator[Step]:
    """The steps of a block and of all that is inside."""
    for node in nodes:
        if isinstance(node, Step):
            yield node
        elif isinstance(node, (Branch, Loop)):
            yield from _steps(node.body)


def _adjoint(name: str) -> str:
    return f"adj_{name.removeprefix('var_')}"


def _adjoint_call(called: str) -> str:
    return f"wp::adj_{called[4:]}" if called.startswith("wp::") else f"adj_{called}"


# ---------------------------------------------------------------------------------- the backward pass


@dataclass(slots=True)
class _Place:
    """A place in a block of the backward pass."""

    nodes: Sequence[Node]
    at: int = 0

    @property
    def text(self) -> str:
        return self.nodes[self.at].text if self.at < len(self.nodes) else ""

    def skip(self, text: str) -> bool:
        """Whether the statement here reads so; then go past it."""
        found = self.at < len(self.nodes) and self.nodes[self.at].text == text
        self.at += found
        return found

    def same(self, check: str, text: str) -> None:
        """Go past a statement that reads so.  Raises Differs."""
        if not self.skip(text):
            raise Differs(check, text, self.text)

    def take(self, check: str, wanted: str, fits: Callable[[Node], bool]) -> Node:
        """Go past a statement that fits.  Raises Differs; where it comes later, its order is at fault."""
        rest = self.nodes[self.at :]
        if rest and fits(rest[0]):
            self.at += 1
            return rest[0]
        later = check == "adjoint" and any(fits(node) for node in rest)
        raise Differs("order" if later else check, wanted, self.text)

    def resets(self) -> Iterator[str]:
        """Go past statements that set adjoints to zero, and return the names of those."""
        while self.at < len(self.nodes):
            node = self.nodes[self.at]
            if not isinstance(node, Step) or node.part or not node.text.endswith((" = {};", ".grad_zero();")):
                return
            self.at += 1
            yield node.target or node.text.partition(".")[0]

    def writes_nothing(self) -> None:
        """Raise Differs where the statement here writes to an array: that was done."""
        here = self.nodes[self.at] if self.at < len(self.nodes) else None
        if isinstance(here, Step) and _is_done(here):
            raise Differs("replay", "", here.text)

    def end(self) -> None:
        if self.at < len(self.nodes):
            raise Differs("adjoint", "", self.text)


@dataclass(frozen=True, slots=True)
class _Mirror:
    """What one forward pass wants of its backward pass.

    ``types`` are those of its variables, ``loaded`` has for each value the pointer that it was loaded from,
    ``computed`` are those that calls give a value.  ``labels`` are those that the replay jumped to and the adjoints
    have not reached yet.
    """

    types: Mapping[str, str]
    loaded: Mapping[str, str]
    computed: Set[str]
    labels: list[str] = field(default_factory=list[str])

    def replay(self, nodes: Sequence[Node], place: _Place) -> None:
        for node in nodes:
            if isinstance(node, Step):
                if _is_done(node):
                    continue
                if not place.skip(node.text) and node.called not in _FOR_STORES:
                    place.writes_nothing()
                    raise Differs("replay", node.text, place.text)
            elif isinstance(node, Branch):
                inside = self.branch("replay", node, place)
                self.replay(node.body, inside)
                inside.end()
            elif isinstance(node, Jump):
                place.same("replay", node.text)
            elif isinstance(node, Leave) and node.text != _RETURNS_NOTHING:
                found = place.take("replay", "goto label;", _goes_to_label)
                assert isinstance(found, Jump)
                self.labels.append(found.label)
        place.writes_nothing()

    def branch(self, check: str, node: Branch, place: _Place) -> _Place:
        """Go past a branch under the same condition, which may be loaded again; what is inside."""

        def source(branch: Branch) -> tuple[str, bool]:
            return self.loaded.get(branch.name, branch.name), branch.negated

        found = place.take(check, node.text, lambda other: isinstance(other, Branch) and source(other) == source(node))
        assert isinstance(found, Branch)
        return _Place(found.body)

    def reverse(self, nodes: Sequence[Node], place: _Place) -> None:
        for at in range(len(nodes) - 1, -1, -1):
            node = nodes[at]
            if isinstance(node, Step):
                self.adjoint(node, place)
            elif isinstance(node, Branch):
                inside = self.branch("adjoint", node, place)
                self.reverse(node.body, inside)
                inside.end()
            elif isinstance(node, Loop):
                self.loop(node, nodes[at - 1] if at else None, place)
            elif isinstance(node, Leave) and node.text != _RETURNS_NOTHING:
                place.same("adjoint", f"{self.labels.pop()}:;")
                for name in node.names:
                    place.same("adjoint", f"{_adjoint(name)} += adj_ret;")

    # ------------------------------------------------------------------------------------------ loops

    def loop(self, node: Loop, before: Node | None, place: _Place) -> None:
        """A loop the other way round, behind the statement that turns it; ``before`` stands in front of it."""
        start, head, body, ends = _parts(node)
        turn, head = _turned(head, before)
        if turn:
            place.same("loops", turn)
        found = place.take("loops", node.text, lambda other: isinstance(other, Loop) and other.name == node.name)
        assert isinstance(found, Loop)
        inside = _Place(found.body)
        _again([start, *head], inside)
        self.resets(node, body, inside)
        self.replay(body, inside)
        self.reverse(body, inside)
        _again(ends, inside)

    def resets(self, node: Loop, body: Sequence[Node], inside: _Place) -> None:
        """Go past what a turn sets to zero: all that it computes itself, and nothing from outside of the loop."""
        reset = [*inside.resets()]
        for each in body:
            if isinstance(each, Step) and _computes(each) and _adjoint(each.target) not in reset:
                raise Differs("resets", f"{_adjoint(each.target)} = {{}};", inside.text)
        outside = self.computed - {step.target for step in _steps(node.body)}
        for adjoint in reset:
            if f"var_{adjoint.removeprefix('adj_')}" in outside:
                raise Differs("resets", "", f"{adjoint} = {{}};")

    # --------------------------------------------------------------------------------- single adjoints

    def adjoint(self, node: Step, place: _Place) -> None:
        """Go past the adjoint of a step, which is one statement or two."""
        if node.part:
            # A field of a struct gets a value: its adjoint goes to the value, and starts anew.
            of_field = _adjoint(node.target) + node.part
            place.skip(f"{_adjoint(node.names[0])} += {of_field};")
            place.same("adjoint", f"{of_field} = {{}};")
        elif node.target.startswith("ret_"):
            place.same("adjoint", f"{_adjoint(node.names[0])} += adj_{node.target};")
        elif not node.called:
            if (pointed := _FIELD.search(node.text)) is not None:
                _field(pointed[1], _adjoint(node.target), place)
        elif node.called.endswith("_slot"):
            _component(_adjoint_call(node.called), _adjoint(node.names[1]), place)
        elif node.text.startswith(("wp::store(&(", "wp::index(")):
            _component("wp::adj_array_store_slot", _adjoint(node.names[-1]), place)
        elif node.names:
            self.call(node, place)

    def differentiable(self, node: Step) -> bool:
        """Whether a call surely has an adjoint."""
        if not node.called.startswith("wp::"):
            return node.called not in _NO_FUNCTIONS
        not_of = _NOT_OF.get(node.called, ())
        unless = any(self.types.get(name, "").startswith(not_of) for name in (node.names[0], node.target))
        return node.called in _DIFFERENTIABLE and not unless

    def call(self, node: Step, place: _Place) -> None:
        """The adjoint of a call: its arguments, perhaps its result, the adjoints of its arguments and its result."""
        called, given = _adjoint_call(node.called), node.names
        values = (*given, node.target) if node.target else given

        def fits(other: Node) -> bool:
            if not isinstance(other, Step) or other.called != called or other.names[: len(given)] != given:
                return False
            adjoints = other.names[len(given) :]
            if node.target and adjoints[:1] == (node.target,):
                adjoints = adjoints[1:]
            return len(adjoints) == len(values) and all(map(self.is_adjoint, adjoints, values))

        if self.differentiable(node) or place.text.startswith(f"{called}("):
            place.take("adjoint", f"{called}({', '.join([*given, *map(_adjoint, values)])});", fits)

    def is_adjoint(self, adjoint: str, name: str) -> bool:
        """Whether a variable is the adjoint of a value, or of the pointer that this was loaded from."""
        return adjoint == _adjoint(name) or (name in self.loaded and adjoint == _adjoint(self.loaded[name]))


_FIELD = re.compile(r"= &\((?!wp::index\().*?(?:\.|->)(\w+)\)+;")


def _field(name: str, adjoint: str, place: _Place) -> None:
    """Go past the adjoint of a pointer to a field, which counts for that of the field."""

    def fits(node: Node) -> bool:
        return isinstance(node, Step) and node.part.endswith(f".{name}") and node.names[-1:] == (adjoint,)

    place.take("adjoint", f"adj.{name} += {adjoint};", fits)


def _component(called: str, adjoint: str, place: _Place) -> None:
    """Go past the adjoint of a store of a value into a part of an array's element."""

    def fits(node: Node) -> bool:
        return isinstance(node, Step) and node.called == called and adjoint in node.names

    place.take("adjoint", f"{called}(..., {adjoint}, ...);", fits)


# ------------------------------------------------------------------------------------ parts of loops

_EXIT = re.compile(r"if \((\w+) (>=|<=) (-?\d+)\) (goto \w+;)")


def _parts(node: Loop) -> tuple[Node, Sequence[Node], Sequence[Node], Sequence[Node]]:
    """The label of a loop, its head (what decides on another turn, and counts), its body, and how it ends."""
    start, *inner = node.body
    end = next(at for at, each in enumerate(inner) if isinstance(each, Jump)) + 1
    if node.name.startswith("for"):
        # A range that is an object is asked for the next number; a constant one is counted by two statements.
        end += 1 if "iter_cmp" in inner[end - 1].text else 2
    return start, inner[:end], inner[end:-2], inner[-2:]


def _turned(head: Sequence[Node], before: Node | None) -> tuple[str, Sequence[Node]]:
    """The statement that turns a loop around (empty for none), and the head that the loop has then."""
    ends = head[0]
    exits = _EXIT.fullmatch(ends.text)
    if exits is not None and before is not None:
        counter, sign, stop, jump = exits.groups()
        first, step = int(before.text.partition(" = ")[2][:-1]), int(head[2].text.partition(" += ")[2][:-1])
        back = Jump(f"if ({counter} {'<' if sign == '>=' else '>'} {first}) {jump}", "")
        return f"{counter} = {range(first, int(stop), step)[-1]};", [back, head[1], Step(f"{counter} -= {step};")]
    if isinstance(ends, Jump) and "iter_cmp" in ends.text:
        return "{0} = wp::iter_reverse({0});".format(*ends.names), head
    return "", head


def _again(nodes: Sequence[Node], place: _Place) -> None:
    """Go past the same statements, branches with all that is inside."""
    for node in nodes:
        place.same("loops", node.text)
        found = place.nodes[place.at - 1]
        if isinstance(node, Branch) and isinstance(found, Branch):
            inside = _Place(found.body)
            _again(node.body, inside)
            inside.end()


def _goes_to_label(node: Node) -> bool:
    return isinstance(node, Jump) and node.always and node.label.startswith("label")


def _computes(node: Step) -> bool:
    """Whether a step makes a value, to whose adjoint others may add."""
    return bool(node.called and node.target and not node.part) and node.called != "wp::load"
