"""The nodes of a kernel: closed unions of frozen dataclasses.

Every expression knows its type.  A tree is what the source text says and no more: rendering it and
reading the text back gives the same tree.  Each phase (verify, render, walk, interpret) is one
``match`` over these unions that ends in ``assert_never``, so that a type checker lists what a new
node still lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.hooks import HOOKS
from kernelfuzz.ir.printed import Printed
from kernelfuzz.ir.types import BOOL, INT32, Scalar, Struct, Type

# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True, repr=False)
class Literal(Printed):
    """``1``, ``2.5``, ``True``; any other dtype than int32, float32 and bool as ``wp.int8(1)``."""

    value: int | float | bool
    type: Scalar


@dataclass(frozen=True, slots=True, repr=False)
class Name(Printed):
    """A local variable, a parameter or a module constant."""

    id: str
    type: Type


@dataclass(frozen=True, slots=True, repr=False)
class Unary(Printed):
    """``-x``, ``+x``, ``~x``, ``not x``."""

    op: str
    operand: Expr
    type: Type


@dataclass(frozen=True, slots=True, repr=False)
class Binary(Printed):
    """``left op right`` for the arithmetic, bitwise and shift operators."""

    op: str
    left: Expr
    right: Expr
    type: Type


@dataclass(frozen=True, slots=True, repr=False)
class Compare(Printed):
    """``a < b``, chained with several operators as in ``a < b <= c``."""

    left: Expr
    ops: tuple[str, ...]
    comparators: tuple[Expr, ...]
    type: Type = BOOL


@dataclass(frozen=True, slots=True, repr=False)
class BoolOp(Printed):
    """``a and b and c`` or ``a or b``: two values or more."""

    op: str
    values: tuple[Expr, ...]
    type: Type = BOOL


@dataclass(frozen=True, slots=True, repr=False)
class IfExp(Printed):
    """``body if test else orelse``."""

    test: Expr
    body: Expr
    orelse: Expr
    type: Type


@dataclass(frozen=True, slots=True, repr=False)
class Call(Printed):
    """``wp.name(args...)``: a builtin, by its row in the table of ``kernelfuzz.typecheck.builtins``.

    ``keywords`` holds what Warp wants by name (``dtype=``, ``shape=``): compile-time constants.
    """

    name: str
    args: tuple[Expr, ...]
    type: Type
    keywords: tuple[tuple[str, Keyword], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class CallFunction(Printed):
    """``name(args...)``: a ``@wp.func`` of the same module; ``static``: ``wp.static(name)(args...)``."""

    name: str
    args: tuple[Expr, ...]
    type: Type
    static: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Construct(Printed):
    """``wp.vec3f(...)``, ``mat23(...)``, ``wp.quatf(...)``, ``wp.transformf(p, q)``, ``S()``."""

    type: Type
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Cast(Printed):
    """``float(x)``, ``wp.int8(x)``: also of a literal, which declares a mutable local in Warp."""

    type: Scalar
    operand: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Slice(Printed):
    """The constant slice ``start:stop:step`` of a vector; None is an omitted part."""

    start: int | None
    stop: int | None
    step: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Index(Printed):
    """``a[i]``, ``a[i, j]``, ``v[-1]``, ``m[i, j]``, ``m[i]`` (a row), ``v[0:2]``, a view of an array."""

    value: Expr
    indices: tuple[Expr | Slice, ...]
    type: Type


@dataclass(frozen=True, slots=True, repr=False)
class Attribute(Printed):
    """``v.x``, ``t.p``, ``s.field``."""

    value: Expr
    name: str
    type: Type


@dataclass(frozen=True, slots=True, repr=False)
class ArrayShape(Printed):
    """``a.shape[axis]``."""

    array: Expr
    axis: int
    type: Scalar = INT32


@dataclass(frozen=True, slots=True, repr=False)
class Static(Printed):
    """``wp.static(expression)``: the expression is evaluated by Python when the kernel is declared.

    One that reads the counter of an unrolled loop is evaluated for each copy of the loop's body.
    """

    value: Expr
    type: Scalar


Keyword: TypeAlias = Type | int | tuple[int, ...] | str | bool
Expr: TypeAlias = (
    Literal | Name | Unary | Binary | Compare | BoolOp | IfExp | Call | CallFunction | Construct | Cast
    | Index | Attribute | ArrayShape | Static
)  # fmt: skip
Place: TypeAlias = Name | Index | Attribute

# ----------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True, repr=False)
class Assign(Printed):
    """``target = value``; a first assignment to a name declares it."""

    target: Place
    value: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Unpack(Printed):
    """``i, j = value``: one value of a tuple type, or ``i, j = a, b`` with as many values as names."""

    names: tuple[str, ...]
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, repr=False)
class AugAssign(Printed):
    """``target op= value``; ``op`` without the equals sign."""

    target: Place
    op: str
    value: Expr


@dataclass(frozen=True, slots=True, repr=False)
class If(Printed):
    """``if test: body else: orelse``; an orelse that is one If renders as ``elif``."""

    test: Expr
    body: Block
    orelse: Block = ()


@dataclass(frozen=True, slots=True, repr=False)
class For(Printed):
    """``for name in range(*bounds): body`` with one to three bounds."""

    name: str
    bounds: tuple[Expr, ...]
    body: Block


@dataclass(frozen=True, slots=True, repr=False)
class While(Printed):
    """``while test: body``."""

    test: Expr
    body: Block


@dataclass(frozen=True, slots=True, repr=False)
class Break(Printed):
    """``break``."""


@dataclass(frozen=True, slots=True, repr=False)
class Continue(Printed):
    """``continue``."""


@dataclass(frozen=True, slots=True, repr=False)
class Pass(Printed):
    """``pass``."""


@dataclass(frozen=True, slots=True, repr=False)
class Return(Printed):
    """``return``, ``return a``, ``return a, b``."""

    values: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class ExprStmt(Printed):
    """An expression for its effect: an atomic, a call of a function that writes an array."""

    value: Expr


Stmt: TypeAlias = Assign | Unpack | AugAssign | If | For | While | Break | Continue | Pass | Return | ExprStmt
Block: TypeAlias = tuple[Stmt, ...]

# --------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True, repr=False)
class Param(Printed):
    """A parameter of a kernel or of a function.

    ``bounds``, ``shape``, ``ascending`` and ``optional`` are the contract that a launch keeps so that the kernel is
    defined for its inputs; they are no part of the text.  ``bounds`` holds for every integer component (None: the
    default of ``kernelfuzz.strategies.ranges``).  ``shape`` gives each axis of an array as a number or as the axis of
    the launch grid that it is as long as (``"x"``, ``"y"``, ``"z"``, ``"w"``); empty: as the grid has them.
    The elements of an ``ascending`` array are sorted along its last axis.  In place of an ``optional`` array a launch
    may give None.
    """

    name: str
    type: Type
    bounds: tuple[int, int] | None = None
    shape: tuple[int | str, ...] = ()
    ascending: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Printed):
    """A module constant: ``NAME = wp.constant(value)``; a composite is made of literals, in one call or two.

    ``Class.MEMBER`` is a member of an enumeration, and ``enumeration`` what the class is: ``IntEnum`` or ``IntFlag``.
    """

    name: str
    value: Literal | Construct
    enumeration: str = ""

    @property
    def number(self) -> Literal | None:
        """The value, where it is one number."""
        return self.value if isinstance(self.value, Literal) else None


@dataclass(frozen=True, slots=True, repr=False)
class Function(Printed):
    """A ``@wp.func``.  ``returns`` is None for a function that returns nothing.

    A ``native`` one, ``@wp.func_native(...)``, is written in C++: the text of its body, where there are, that of its
    adjoint and of its replay; its own body is one ``pass``.
    """

    name: str
    params: tuple[Param, ...]
    returns: Type | None
    body: Block
    native: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Kernel(Printed):
    """A ``@wp.kernel`` with everything of its module that it needs, in order of declaration.

    With ``closure`` set, the constants are the parameters of a factory function around the kernel,
    which captures them, as ``make_kernel(3)`` does in much Warp code.
    """

    name: str
    params: tuple[Param, ...]
    body: Block
    functions: tuple[Function, ...] = ()
    structs: tuple[Struct, ...] = ()
    constants: tuple[Constant, ...] = ()
    closure: bool = False

    def __str__(self) -> str:
        return HOOKS.source(self)


def require_kernel(value: object) -> None:
    """Raise TypeError at what is no kernel: not everybody has a type checker."""
    if not isinstance(value, Kernel):
        hint = "; kernelfuzz.syntax.parse.parse makes one of a text" if isinstance(value, str) else ""
        raise TypeError(f"a kernel must be a kernelfuzz.ir.nodes.Kernel, not {type(value).__name__}{hint}")


Node: TypeAlias = Expr | Slice | Stmt | Param | Constant | Function | Kernel
