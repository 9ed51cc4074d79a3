"""The parts of a compiled kernel: functions of a frame, frames, the thread that runs them, and changed rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from kernelfuzz.analysis.unrolling import MAX_UNROLL, is_dynamic
from kernelfuzz.ir.nodes import Constant, Expr, For, Function, Kernel, Node, Stmt, While
from kernelfuzz.reference.domain import Domain, Value
from kernelfuzz.reference.undefined import TOO_MANY_STEPS, Stopped, Undefined

T = TypeVar("T")


class Unbound:
    """The value of a local before its first assignment."""


UNBOUND = Unbound()

# A frame: the thread, what a return statement left, what a language of its own knows about the locals (else
# None), and the locals of one function call.
Frame: TypeAlias = list[Any]
THREAD, RETURNED, KNOWN, FIRST_LOCAL = 0, 1, 2, 3
Evaluate: TypeAlias = Callable[[Frame], Value]

# How a statement ends.
NORMAL, BREAK, CONTINUE, RETURN = 0, 1, 2, 3
Execute: TypeAlias = Callable[[Frame], int]


@dataclass(slots=True)
class Thread:
    """The thread that runs: its place in the grid, its number, and how many steps all have left."""

    index: tuple[int, ...]
    number: int
    watched: bool
    steps: int

    def step(self) -> None:
        """One more iteration of a loop."""
        self.steps -= 1
        if self.steps < 0:
            raise Undefined(TOO_MANY_STEPS)


@dataclass(frozen=True, slots=True)
class Body:
    """A compiled function: ``size`` is that of its frame, whose first locals are its parameters."""

    function: Function
    size: int
    execute: Execute


# Another rule for a node: what the node is compiled to, or None where its own rule holds.
Change: TypeAlias = "Callable[[Any, Names], Any]"


@dataclass(frozen=True, slots=True, eq=False)
class Deviation:
    """A known bug of Warp as a rule of the reference that it changes.

    ``name`` is that of its page in notes/findings.  Releases ``since`` <= r < ``until`` have it ("": all before,
    all after).  ``rule`` says in one sentence what they do.  ``nodes`` are the rules for the nodes that it is
    about, ``numbers`` changes operations on numbers; with ``shares`` two names may share one variable.
    ``of_gradients``: it concerns adjoints only.  ``open``: what such a Warp computes depends on what a variable
    happens to hold, so that the reference calls it undefined.  ``strided``: only where arrays are not contiguous;
    ``in_turns``: only where a thread of the grid does the work of several of the launch.
    """

    name: str
    rule: str
    since: str = ""
    until: str = ""
    nodes: Mapping[type[Node], Change] = field(default_factory=dict[type[Node], Change])
    numbers: Callable[[Domain], Domain] | None = None
    shares: bool = False
    of_gradients: bool = False
    open: bool = False
    strided: bool = False
    in_turns: bool = False


class Cells(list[Any]):
    """A frame whose locals are cells, so that two names may share one; an assignment makes a new cell."""

    def __init__(self, values: Iterable[Any]) -> None:
        super().__init__([value] for value in values)

    def __getitem__(self, place: Any) -> Any:
        return self.cell(place)[0]

    def __setitem__(self, place: Any, value: Any) -> None:
        super().__setitem__(place, [value])

    def cell(self, place: int) -> list[Any]:
        return super().__getitem__(place)

    def bind(self, place: int, cell: list[Any]) -> None:
        super().__setitem__(place, cell)

    def change(self, place: int, value: Any) -> None:
        """Change what the variable holds, for all names that share it."""
        self.cell(place)[0] = value


@dataclass(frozen=True, slots=True)
class Language:
    """What compiles the expressions and statements of a kernel, and is asked again for those below each.

    ``unroll`` is Warp's option ``max_unroll``, which deviations ask about.
    """

    expression: Callable[[Expr, Names], Evaluate]
    statement: Callable[[Stmt, Names], Execute]
    unroll: int = MAX_UNROLL


@dataclass(slots=True)
class Module:
    """The state that the functions of one kernel share while they are compiled."""

    domain: Domain
    language: Language
    constants: dict[str, Constant]
    deviations: tuple[Deviation, ...] = ()
    functions: dict[str, Body] = field(default_factory=dict[str, Body])

    @property
    def frame(self) -> Callable[[Iterable[Any]], Frame]:
        """Make a frame of its values."""
        return Cells if self.shares else list

    @property
    def change(self) -> Callable[[Any, int, Any], None]:
        """Change a variable in place: a part of it, or the random state in it."""
        return Cells.change if self.shares else list.__setitem__

    @property
    def shares(self) -> bool:
        return any(each.shares for each in self.deviations)

    def changed(self, node: Node, names: Names) -> Any:
        """The node compiled by the rule of a deviation, or None where none changes it."""
        for deviation in self.deviations:
            change = deviation.nodes.get(type(node))
            if change is not None and (made := change(node, names)) is not None:
                return made
        return None


@dataclass(slots=True)
class Names:
    """The places of a function's names in its frame; ``bound`` are those that always have a value.

    ``temporaries`` are those that no kernel has, of rules that evaluate something beforehand.
    """

    module: Module
    unit: Function | Kernel
    places: dict[str, int] = field(default_factory=dict[str, int])
    bound: set[str] = field(default_factory=set[str])
    temporaries: set[str] = field(default_factory=set[str])

    def place(self, name: str) -> int:
        """The place of a local; a new name gets the next place."""
        return self.places.setdefault(name, FIRST_LOCAL + len(self.places))

    def temporary(self) -> str:
        """A new name that no kernel has."""
        name = f"%{len(self.places)}"
        self.place(name)
        self.bound.add(name)
        self.temporaries.add(name)
        return name

    def size(self) -> int:
        """The length of the frame."""
        return FIRST_LOCAL + len(self.places)

    def expression(self, node: Expr) -> Evaluate:
        """The function that evaluates an expression with these names."""
        return self.module.language.expression(node, self)

    def statement(self, node: Stmt) -> Execute:
        """The function that runs a statement with these names."""
        return self.module.language.statement(node, self)

    def is_dynamic(self, loop: For | While) -> bool:
        """Whether Warp does not unroll the loop."""
        return is_dynamic(loop, self.module.language.unroll)


def at_node(node: Node, function: Callable[[Frame], T]) -> Callable[[Frame], T]:
    """The function of a frame; an exception that it raises without a node gets this one."""

    def run(frame: Frame) -> T:
        try:
            return function(frame)
        except Stopped as error:
            error.node = error.node or node
            raise

    return run


def located(node: Node, function: Callable[..., Any], *operands: Evaluate) -> Evaluate:
    """``function`` of the operands, evaluated left to right; what it raises gets the node."""
    if len(operands) == 2:
        left, right = operands

        def of_two(frame: Frame) -> Value:
            try:
                return function(left(frame), right(frame))
            except Stopped as error:
                error.node = error.node or node
                raise

        return of_two
    if len(operands) == 1:
        (only,) = operands

        def of_one(frame: Frame) -> Value:
            try:
                return function(only(frame))
            except Stopped as error:
                error.node = error.node or node
                raise

        return of_one

    def of_any(frame: Frame) -> Value:
        try:
            return function(*[operand(frame) for operand in operands])
        except Stopped as error:
            error.node = error.node or node
            raise

    return of_any
