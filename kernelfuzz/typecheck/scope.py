"""What is known about names at a point of a function, as Warp keeps it, and the error of ``verify``."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kernelfuzz.hooks import HOOKS
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.nodes import Constant, Function
from kernelfuzz.ir.types import Struct, Type

# Warp unrolls a loop over constant bounds of at most this many iterations (``wp.config.max_unroll``).
MAX_UNROLL = 16


@dataclass(frozen=True, slots=True)
class Module:
    """What a kernel's module declares; ``functions`` has only those that are already declared.

    ``max_unroll`` is Warp's option of this name.
    """

    structs: Mapping[str, Struct]
    constants: Mapping[str, Constant]
    functions: Mapping[str, Function]
    reserved: frozenset[str]
    max_unroll: int = MAX_UNROLL


@dataclass(slots=True)
class Scope:
    """The names of one function.

    ``types`` has every name that was ever given a type, ``visible`` those that are defined here.
    ``fixed`` are the names whose value is a compile-time constant here, ``counters`` the names that a loop
    left behind, ``active`` the names of the loops around, ``copied`` those of them whose loop is unrolled, so that
    every copy of the body knows the number, and ``frozen`` the names that were fixed when one
    of the loops around was entered: Warp refuses to change those.
    """

    module: Module
    is_kernel: bool
    returns: Type | None
    types: dict[str, Type] = field(default_factory=dict[str, Type])
    visible: set[str] = field(default_factory=set[str])
    fixed: set[str] = field(default_factory=set[str])
    counters: set[str] = field(default_factory=set[str])
    active: set[str] = field(default_factory=set[str])
    copied: set[str] = field(default_factory=set[str])
    frozen: frozenset[str] = frozenset()
    assigned: set[str] = field(default_factory=set[str])
    loops: int = 0

    def lookup(self, name: str) -> Type | None:
        """The type of a name that is defined here: a local, a parameter or a constant of the module."""
        if name in self.visible:
            return self.types[name]
        constant = self.module.constants.get(name)
        return None if constant is None else constant.value.type

    def bind(self, name: str, type_: Type, fixed: bool) -> None:
        """Give a name a value; ``fixed`` when the value is a compile-time constant."""
        self.types[name] = type_
        self.visible.add(name)
        self.assigned.add(name)
        self.counters.discard(name)
        if fixed:
            self.fixed.add(name)
        else:
            self.fixed.discard(name)

    @contextmanager
    def loop(self, name: str | None, unrolled: bool, runs: bool, copied: bool = False) -> Generator[None]:
        """The body of a loop.

        Warp unrolls loops with constant bounds, so that what such a body leaves behind may be a
        constant; elsewhere a name that existed before has its own variable afterwards.  A body
        that may not run at all at compile time (``runs`` is False) defines nothing.  In the copies of a body
        that Warp surely unrolls (``copied``), a name that was fixed before is assigned as anywhere else.
        """
        before, fixed, frozen = set(self.visible), set(self.fixed), self.frozen
        if not copied:
            self.frozen = frozen | self.fixed | self.counters
        self.loops += 1
        if name is not None:
            self.active.add(name)
        yield
        self.loops -= 1
        if name is not None:
            self.active.discard(name)
        self.frozen = frozen
        if not unrolled:
            self.fixed -= before - fixed
        if not runs:
            self.visible = before


def merge_branches(
    scope: Scope,
    before: tuple[set[str], set[str]],
    body: tuple[set[str], set[str], set[str]],
    orelse: tuple[set[str], set[str], set[str]],
    static: bool,
) -> None:
    """The names after an If: (visible, fixed) before, (visible, fixed, assigned) at the end of a branch.

    A name that both branches or that a branch and the code before it assign gets a variable of its
    own, and so is no constant.  Where the test is a compile-time constant Warp generates one branch only.
    """
    visible, fixed = before
    if static:
        scope.visible = body[0] & orelse[0]
        scope.fixed = body[1] | orelse[1]
    else:
        scope.visible = body[0] | orelse[0]
        one_sided = {name for name in body[2] ^ orelse[2] if name not in visible and name in body[1] | orelse[1]}
        scope.fixed = (fixed - body[2] - orelse[2]) | one_sided
    scope.assigned |= body[2] | orelse[2]


class VerifyError(Exception):
    """A kernel that is not well typed.

    ``node`` is what is wrong, ``statement`` the innermost statement around it and ``function`` the name of
    the kernel or function.  The text is made when somebody asks for it: rendering is slow.
    """

    def __init__(self, message: str, node: n.Node) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.statement: n.Node | None = None
        self.function: str | None = None

    def __str__(self) -> str:
        text = f"{self.message}: `{HOOKS.line(self.node)}`"
        if self.statement is not None and self.statement is not self.node:
            text += f", in `{HOOKS.line(self.statement)}`"
        return text + (f", in {self.function}" if self.function else "")
