"""The kernels of a program: drawn one after the other in one module, so that they call each other's functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.context import Module
from kernelfuzz.strategies.kernel import draw_in_module
from kernelfuzz.strategies.options import Options

# How many kernels are drawn, with weights.
_COUNTS = ((1, 1), (2, 4), (3, 2))


def draw_kernels(choices: Choices, options: Options) -> tuple[list[n.Kernel], Module]:
    """Kernels with what they share; each names what it uses.  More often than not the first has a function."""
    module = Module()
    if "function" not in options.ruled_out and choices.chance(0.7):
        options = replace(options, include=options.include | {"function"})
    count = choices.weighted(_COUNTS)
    kernels = [choices.span(lambda: draw_in_module(choices, options, module)) for _ in range(count)]
    named = [replace(pruned(kernel), name=f"kernel{at}") for at, kernel in enumerate(kernels)]
    return named, module


def pruned(kernel: n.Kernel) -> n.Kernel:
    """The kernel without the functions that it does not reach, and the constants that it and they do not name."""
    functions = reachable(kernel, kernel.functions)
    shown = (kernel,) if kernel.closure else (kernel, *functions)
    names = {node.id for each in shown for node in walk(*each.body) if isinstance(node, n.Name)}
    constants = tuple([each for each in kernel.constants if each.name in names])
    return replace(kernel, functions=functions, constants=constants, closure=kernel.closure and bool(constants))


def reachable(kernel: n.Kernel, functions: Sequence[n.Function]) -> tuple[n.Function, ...]:
    """The functions that the kernel calls, by themselves or by others, in the order of ``functions``."""
    known = {each.name: each for each in functions}
    found: set[str] = set()
    waiting = [*_called(kernel)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _called(known[name])
    return tuple([each for each in functions if each.name in found])


def _called(unit: n.Kernel | n.Function) -> Iterator[str]:
    return (node.name for node in walk(*unit.body) if isinstance(node, n.CallFunction))


def ends_backward(kernel: n.Kernel) -> bool:
    """Whether the backward pass of a kernel ends.

    That of a ``while`` that is left by ``return`` may not (notes/findings/leaving-a-dynamic-loop.md).
    """
    loops = [node for unit in (kernel, *kernel.functions) for node in walk(*unit.body) if isinstance(node, n.While)]
    return not any(isinstance(node, n.Return) for loop in loops for node in walk(*loop.body))


# ---------------------------------------------------------------------------------- other values


def other_constant(constant: n.Constant) -> n.Constant:
    """The constant with other numbers, each between its own and zero where there is one."""

    def change(node: n.Node) -> n.Node:
        return replace(node, value=_other_number(node)) if isinstance(node, n.Literal) else node

    return transform(constant, change)


def _other_number(literal: n.Literal) -> int | float | bool:
    old = literal.value
    if isinstance(old, bool):
        return not old
    if literal.type.is_float:
        return old / 2 if old else 0.5
    return old - 1 if old > 0 else old + 1


def other_function(function: n.Function) -> n.Function | None:
    """The function with another result, where that is one float: half of it."""
    type_ = function.returns
    if not isinstance(type_, t.Scalar) or not type_.is_float:
        return None
    half = n.Literal(0.5, type_)

    def change(node: n.Node) -> n.Node:
        match node:
            case n.Return(values=(value,)):
                return n.Return((n.Binary("*", value, half, type_),))
            case _:
                return node

    return transform(function, change)
