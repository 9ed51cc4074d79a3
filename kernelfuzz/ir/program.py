"""A program: several kernels over shared declarations, launched one after the other, and differentiated by tapes.

What a name of a constant or a function means is asked when a module of Warp is built, which a launch does where
something of the module has changed ("Late Binding and Static Expressions", "Updating Constants" in Warp's guide).
So what happens is a list of events, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.hooks import HOOKS
from kernelfuzz.ir.launch import Input, input_text
from kernelfuzz.ir.nodes import Constant, Construct, Function, Kernel, Literal
from kernelfuzz.ir.printed import Printed
from kernelfuzz.ir.types import Array, Struct

# The Warp module that the text itself is, and one for a kernel alone (``module="unique"``).
OWN_MODULE, UNIQUE = "", "unique"


@dataclass(frozen=True, slots=True, repr=False)
class ArrayVariable(Printed):
    """An array of the program, made before everything else: its contents, and how it lies in memory.

    ``layout`` is a row of ``kernelfuzz.toolchain.layouts``; ``gradient``: it requires one; ``retained``: it keeps its
    gradient in a backward pass (``retain_grad``).
    """

    name: str
    type: Array
    value: Input
    layout: str = "contiguous"
    gradient: bool = True
    retained: bool = False

    def __repr__(self) -> str:
        more = f"{self.layout!r}, {self.gradient}, {self.retained}"
        return f"ArrayVariable({self.name!r}, {self.type!r}, {input_text(self.value)}, {more})"


@dataclass(frozen=True, slots=True, repr=False)
class Declare(Printed):
    """A kernel is declared, as the variable ``name``, in a module of Warp.

    ``kernel`` names the functions, structs and constants that it uses; those that a name means are the program's.
    One with ``closure`` is made by a factory, which is declared where there is none for a kernel of that name:
    its constants are what the factory is called with.  ``backward`` is its ``enable_backward``; None: its module's.
    """

    name: str
    kernel: Kernel
    module: str = OWN_MODULE
    backward: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class SetConstant(Printed):
    """A constant gets another value, of which Warp learns nothing."""

    constant: Constant


@dataclass(frozen=True, slots=True, repr=False)
class SetFunction(Printed):
    """A function is declared again, with another body."""

    function: Function


@dataclass(frozen=True, slots=True, repr=False)
class SetOption(Printed):
    """An option of the program's own module."""

    name: str
    value: bool | int | str


@dataclass(frozen=True, slots=True, repr=False)
class MarkModified(Printed):
    """Warp is told that the module of a kernel was modified."""

    kernel: str


@dataclass(frozen=True, slots=True, repr=False)
class LaunchKernel(Printed):
    """A launch of a kernel by its name: the array of each array parameter, the value of each other one.

    The value of an array parameter that is left out is None.
    """

    kernel: str
    dim: tuple[int, ...]
    arrays: Mapping[str, str]
    values: Mapping[str, Input]

    def __repr__(self) -> str:
        return f"LaunchKernel({self.kernel!r}, {self.dim!r}, {dict(self.arrays)!r}, {input_text(self.values)})"


@dataclass(frozen=True, slots=True, repr=False)
class Backward(Printed):
    """The tape of the launches since the last one runs backward, from gradients of the arrays in ``seeds``.

    Each has 1, 2, 3, ...  Then all gradients are made zero; with ``again`` it runs once more.
    """

    seeds: tuple[str, ...]
    again: bool = False


Event: TypeAlias = Declare | SetConstant | SetFunction | SetOption | MarkModified | LaunchKernel | Backward


@dataclass(frozen=True, slots=True, repr=False)
class Program(Printed):
    """A program: its arrays, what its kernels share, and what happens, in this order."""

    arrays: tuple[ArrayVariable, ...]
    structs: tuple[Struct, ...]
    constants: tuple[Constant, ...]
    functions: tuple[Function, ...]
    events: tuple[Event, ...]

    def __str__(self) -> str:
        return HOOKS.program(self)

    @property
    def declarations(self) -> dict[str, Declare]:
        """The kernels by the names that they are launched by."""
        return {event.name: event for event in self.events if isinstance(event, Declare)}

    @property
    def launches(self) -> Iterator[LaunchKernel]:
        return (event for event in self.events if isinstance(event, LaunchKernel))


def array_named(program: Program, name: str) -> ArrayVariable:
    """The array of that name; KeyError where there is none."""
    return {array.name: array for array in program.arrays}[name]


def with_values(kernel: Kernel, values: Mapping[str, Literal | Construct]) -> Kernel:
    """The kernel with other values of some of its constants."""
    constants = [Constant(each.name, values.get(each.name, each.value)) for each in kernel.constants]
    return Kernel(
        kernel.name, kernel.params, kernel.body, kernel.functions, kernel.structs, tuple(constants), kernel.closure
    )
