"""What is known while a kernel is drawn: the module under construction and the names in scope."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames
from kernelfuzz.ir.nodes import Attribute, Block, Constant, Function, Name, Param, Stmt
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS, Ranged, input_range, is_ranged

T = TypeVar("T")

AXES = ("x", "y", "z", "w")
GRID_NAMES = ("i", "j", "k", "l")

# No axis of a launch grid is longer than this, so that thread indices have a range.
MAX_GRID = 64


@dataclass(frozen=True, slots=True)
class Variable:
    """A name in scope.  ``axis`` is set for a thread index: it may index that axis of the grid's arrays."""

    name: str
    type: t.Type
    low: int = 0
    high: int = 0
    mutable: bool = False
    axis: str | None = None

    def read(self) -> Ranged:
        return Ranged(Name(self.name, self.type), self.low, self.high)


@dataclass(frozen=True, slots=True)
class Buffer:
    """An array and what a thread may do with it: a parameter, or a field of the ``owner``.

    ``role`` is ``in`` (read anywhere, never written), ``out`` (read and written at the thread's own slot) or
    ``shared`` (only updated by the atomic operation ``op``, which commutes, and never read).  A ``view`` is a local
    with a part of such an array, as wide as ``param`` says.
    """

    param: Param
    role: str
    op: str = ""
    view: bool = False
    owner: Name | None = None

    @property
    def array(self) -> t.Array:
        assert isinstance(self.param.type, t.Array)
        return self.param.type

    @property
    def name(self) -> Name | Attribute:
        if self.owner is not None:
            return Attribute(self.owner, self.param.name, self.param.type)
        return Name(self.param.name, self.param.type)


@dataclass(slots=True)
class Module:
    """The declarations drawn so far: made on demand, so that a kernel declares only what it uses."""

    functions: list[Function] = field(default_factory=list[Function])
    structs: list[t.Struct] = field(default_factory=list[t.Struct])
    constants: list[Constant] = field(default_factory=list[Constant])
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """The range of each integer function's result, by name."""
    statements: int = 0
    """How many statements were drawn so far, everywhere."""
    drawing: int = 0
    """How many functions are being drawn just now, one inside the other."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """Where the grammar is recursive: how an expression and a statement of any kind are drawn."""

    expression: Callable[[Context, t.Type, int], Ranged]
    """An expression of the type with about as many operations as the budget says."""
    statement: Callable[[Context], list[Stmt]]
    """A statement of any kind that is possible here."""


@dataclass(slots=True)
class Context:
    """The state of drawing one kernel or one function."""

    choices: Choices
    grammar: Grammar
    features: frozenset[str]
    """What the kernel may use."""
    focus: frozenset[str]
    """What the kernel must contain: its types come more often."""
    dtypes: tuple[t.Scalar, ...]
    """The numeric scalar types that it may use."""
    module: Module
    widths: tuple[tuple[int, int], ...] = ((1, 4), (2, 3), (3, 1))
    """How many statements a nested block has, with weights."""
    most: int = 30
    """After this many statements nothing nests any more, and no new function is made."""
    deepest: int = 5
    """How far control flow may nest."""
    ndims: tuple[tuple[int, int], ...] = ((1, 70), (2, 20), (3, 7), (4, 3))
    """How many dimensions a new array has, with weights."""
    ndim: int = 1
    """Dimensions of the launch grid; 0 in a function, which cannot ask for its thread."""
    params: list[Param] = field(default_factory=list[Param])
    buffers: list[Buffer] = field(default_factory=list[Buffer])
    optional: list[Buffer] = field(default_factory=list[Buffer])
    """The arrays that a launch may leave out; in ``buffers`` they are where a question says that they are there."""
    variables: list[Variable] = field(default_factory=list[Variable])
    uses_thread: bool = False
    loops: int = 0
    copies: int = 1
    """How often the loops around are unrolled, all together."""
    depth: int = 0
    read_names: set[str] = field(default_factory=set[str])
    fresh: FreshNames = field(default_factory=FreshNames)
    """Names that are not used yet in this kernel or function."""
    loop_names: list[str] = field(default_factory=list[str])
    """The names of loops that are over: another loop may use them again."""
    known: dict[tuple[Callable[..., Any], t.Type], Any] = field(
        default_factory=dict[tuple[Callable[..., Any], t.Type], Any]
    )
    """The results of ``once``, in this kernel and its functions."""

    @property
    def in_kernel(self) -> bool:
        return self.ndim > 0

    def allows(self, feature: str | None) -> bool:
        """Whether the kernel may use a feature; None stands for what is always there."""
        return feature is None or feature in self.features

    @property
    def has_room(self) -> bool:
        """Whether more statements may still be drawn."""
        return self.module.statements < self.most

    def once(self, find: Callable[[Context, t.Type], T], type_: t.Type) -> T:
        """``find(ctx, type_)``, which follows from the kernel's features and dtypes: computed once."""
        key = (find, type_)
        if key not in self.known:
            self.known[key] = find(self, type_)
        return self.known[key]

    # -------------------------------------------------- what is drawn inside

    def draw(self, type_: t.Type, budget: int) -> Ranged:
        """An expression of the type with about ``budget`` operations."""
        return self.grammar.expression(self, type_, budget)

    def draw_statement(self) -> list[Stmt]:
        """A statement of any kind that is possible here."""
        return self.grammar.statement(self)

    def draw_block(self) -> Block:
        """A nested block: one statement or a few."""
        body: list[Stmt] = []
        for _ in range(self.choices.weighted(self.widths)):
            body += self.draw_statement()
        return tuple(body)

    def operations(self) -> int:
        """How many operations the expression of one statement gets."""
        return self.choices.weighted(((0, 4), (1, 7), (2, 5), (3, 3), (4, 1), (6, 1)))

    def share(self, budget: int, operands: int) -> list[int]:
        """Split what is left of a budget after one operation; the simplest split gives all to the last."""
        if operands == 0:
            return []
        left = max(0, budget - 1)
        shares: list[int] = []
        for _ in range(operands - 1):
            part = self.choices.integer(0, left)
            shares.append(part)
            left -= part
        return [*shares, left]

    # ------------------------------------------------------------ variables

    def declare(self, type_: t.Type, value: Ranged, *, mutable: bool, name: str | None = None) -> Variable:
        """Bring a new local into scope."""
        variable = Variable(name or self.fresh(local_prefix(type_)), type_, value.low, value.high, mutable)
        self.variables.append(variable)
        return variable

    def is_fixed(self, name: str) -> bool:
        """Whether Warp may take a name for a compile-time constant: a constant, a local that only ever holds
        a literal, the counter of an unrolled loop."""
        if any(param.name == name for param in self.params) or name in GRID_NAMES:
            return False
        return not any(variable.name == name and variable.mutable for variable in self.variables)

    def visible(self, type_: t.Type) -> list[Variable]:
        """The variables of a type, the latest first: the simplest choice is the nearest value."""
        return [variable for variable in reversed(self.variables) if variable.type == type_]

    def use(self, variable: Variable) -> Ranged:
        """Read a variable, and remember that it was read."""
        self.read_names.add(variable.name)
        return variable.read()

    def wrote(self, variable: Variable) -> None:
        """Remember that a variable holds something that nobody has read yet."""
        self.read_names.discard(variable.name)

    @contextmanager
    def block(self, *, loop: bool = False, copies: int = 1) -> Generator[None]:
        """A nested block, of which an unrolled loop makes copies: names declared inside end with it."""
        mark, known, outside = len(self.variables), len(self.buffers), (self.depth, self.loops, self.copies)
        self.depth, self.loops, self.copies = self.depth + 1, self.loops + loop, self.copies * copies
        try:
            yield
        finally:
            del self.variables[mark:]
            self.buffers[known:] = [buffer for buffer in self.buffers[known:] if not buffer.view]
            self.depth, self.loops, self.copies = outside

    # ----------------------------------------------------- what a launch gives

    def thread(self, axis: str) -> Ranged:
        """The thread's index along an axis of the grid (in a function: a parameter that holds it)."""
        for variable in self.variables:
            if variable.axis == axis:
                return self.use(variable)
        assert self.in_kernel, "a function has its thread indices as parameters"
        self.uses_thread = True
        return Ranged(Name(GRID_NAMES[AXES.index(axis)], t.INT32), 0, MAX_GRID - 1)

    def axes(self) -> tuple[str, ...]:
        """The axes along which a thread index can be had here."""
        if self.in_kernel:
            return AXES[: self.ndim]
        return tuple(variable.axis for variable in self.variables if variable.axis is not None)

    def add_param(self, type_: t.Type, *, prefix: str, **contract: object) -> Param:
        param = replace(Param(self.fresh(prefix), type_), **contract)  # pyright: ignore[reportArgumentType]
        self.params.append(param)
        return param

    def scalar_param(self, type_: t.Type, bounds: tuple[int, int] | None = None) -> Variable:
        """A new parameter that is no array: a scalar, a vector, a matrix or a struct."""
        param = self.add_param(type_, prefix="p", bounds=bounds)
        variable = self.parameter(param, *(bounds or input_range(type_)), may_change=bounds is None)
        self.variables.insert(0, variable)
        return variable

    def parameter(self, param: Param, low: int, high: int, *, may_change: bool = True) -> Variable:
        """The variable that a parameter is; one without a range of its own may be assigned, where allowed."""
        if not may_change or not self.allows("assigned_param"):
            return Variable(param.name, param.type, low, high)
        if is_ranged(param.type):
            low, high = min(low, MUTABLE_BOUNDS[0]), max(high, MUTABLE_BOUNDS[1])
        return Variable(param.name, param.type, low, high, mutable=True)

    def buffer(
        self,
        array: t.Array,
        role: str,
        shape: tuple[int | str, ...],
        op: str = "",
        **contract: object,
    ) -> Buffer:
        """A new array parameter; ``contract`` as the fields of ``Param``."""
        prefix = {"in": "a", "out": "out", "shared": "acc"}[role]
        made = Buffer(self.add_param(array, prefix=prefix, shape=shape, **contract), role, op)
        self.buffers.append(made)
        return made


def local_prefix(type_: t.Type) -> str:
    """Locals are named after the kind of their type, as people do."""
    if isinstance(type_, t.Scalar):
        return {"bool": "b", "float": "x"}.get(type_.kind, "n")
    return _PREFIXES.get(type(type_), "r")


_PREFIXES: dict[type[t.Type], str] = {
    t.Vector: "v",
    t.Matrix: "m",
    t.Quaternion: "q",
    t.Transform: "t",
    t.Struct: "s",
    t.Tile: "tile",
}
