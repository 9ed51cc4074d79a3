"""What is being read: one kernel with what it needs, and one function of it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kernelfuzz.ir.nodes import Constant, Construct, Function, Literal, Node
from kernelfuzz.ir.types import INT32, Array, Struct, Tuple, Type
from kernelfuzz.ir.walk import literal_text, walk
from kernelfuzz.syntax.parse.bindings import FunctionSource, Member, Namespace
from kernelfuzz.syntax.parse.errors import error


@dataclass(slots=True)
class Unit:
    """The declarations that a kernel needs, collected while its functions are read.

    ``lines`` has the line of every node that was read, by the node's identity: ``nodes`` keeps them alive.
    ``read_function`` reads a function of the text under a name, for the types of the arguments of a call; it stands
    here so that calls can ask for it.  ``instances`` has the names by function and, where it is generic, by types.
    """

    read_function: Callable[[FunctionSource, str, tuple[Type, ...], Unit], Function]
    constants: dict[str, Constant] = field(default_factory=dict[str, Constant])
    structs: dict[str, Struct] = field(default_factory=dict[str, Struct])
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    sources: dict[str, FunctionSource] = field(default_factory=dict[str, FunctionSource])
    instances: dict[tuple[int, tuple[Type, ...]], str] = field(
        default_factory=dict[tuple[int, "tuple[Type, ...]"], str]
    )
    reading: list[str] = field(default_factory=list[str])
    lines: dict[int, int] = field(default_factory=dict[int, int])
    nodes: list[Node] = field(default_factory=list[Node])

    def at(self, node: Node, source: ast.AST) -> None:
        """Remember where in the text a node comes from."""
        if id(node) not in self.lines:
            self.lines[id(node)] = getattr(source, "lineno", 0)
            self.nodes.append(node)

    def constant(self, name: str, value: Literal | Construct) -> str:
        """Declare a constant that the text captures under this name, and return its name here: modules share names."""
        for chosen in self._names(name):
            if _told(self.constants.setdefault(chosen, Constant(chosen, value)).value) == _told(value):
                return chosen
        raise AssertionError("there are names without end")

    def member(self, member: Member) -> str:
        """Declare a member of an enumeration, and return its name here."""
        value = Literal(int(member), INT32)
        for chosen in self._names(member.enumeration):
            name = f"{chosen}.{member.name}"
            if self.constants.setdefault(name, Constant(name, value, member.base)) == Constant(
                name, value, member.base
            ):
                return name
        raise AssertionError("there are names without end")

    def _names(self, name: str) -> Iterator[str]:
        """The name, and others like it that no function has."""
        others = (f"{name}_{number}" for number in itertools.count(1))
        return (each for each in itertools.chain((name,), others) if each not in self.sources)

    def state(self) -> tuple[dict[Any, Any], ...]:
        """What has been collected so far, to go back to where something turns out not to fit."""
        kept = (self.constants, self.structs, self.functions, self.sources, self.instances)
        return tuple([dict(each) for each in kept])

    def restore(self, state: tuple[dict[Any, Any], ...], reading: int = 0) -> None:
        """Forget what was collected after a state, when so many functions were being read."""
        self.constants, self.structs, self.functions, self.sources, self.instances = state
        del self.reading[reading:]

    def struct(self, type_: Type, node: ast.AST) -> None:
        """Declare the structs that a type is made of, the inner ones first."""
        match type_:
            case Struct(name=name, fields=fields):
                for _, inner in fields:
                    self.struct(inner, node)
                if self.structs.setdefault(name, type_) != type_:
                    raise error(f"two structs are called {name}", node)
            case Array(dtype=dtype):
                self.struct(dtype, node)
            case Tuple(elements=elements):
                for inner in elements:
                    self.struct(inner, node)
            case _:
                pass

    def function(self, source: FunctionSource, types: tuple[Type, ...], node: ast.AST) -> Function:
        """Read a function of the text once, and declare it after those that it calls.

        One that is generic is read once for each ``types`` of arguments; others are called with ().
        """
        key = id(source.node), types
        name = self.instances.get(key)
        if name is None:
            free = (each for each in self._names(source.node.name) if each not in self.constants)
            name = self.instances[key] = next(free)
            self.sources[name] = source
            self.reading.append(name)
            self.functions[name] = self.read_function(source, name, types, self)
            self.reading.remove(name)
        elif name in self.reading:
            raise error(f"{source.node.name} calls itself", node)
        elif name not in self.functions:
            raise error(f"{source.node.name} does not fit", node)
        return self.functions[name]


def _told(value: Literal | Construct) -> list[object]:
    """What two equal constants have in common: Python calls more numbers equal than Warp does."""
    parts = [node for node in walk(value) if isinstance(node, (Literal, Construct))]
    return [(part.type, literal_text(part) if isinstance(part, Literal) else "") for part in parts]


@dataclass(slots=True)
class Reader:
    """One function while it is read: ``types`` has the locals that have a type so far.

    ``once`` are the names that one place assigns, ``fixed`` has the numbers of those of them that are constants.
    """

    unit: Unit
    namespace: Namespace
    is_kernel: bool
    types: dict[str, Type] = field(default_factory=dict[str, Type])
    returns: list[Type] = field(default_factory=list[Type])
    once: frozenset[str] = frozenset()
    fixed: dict[str, int | float | bool] = field(default_factory=dict[str, "int | float | bool"])
