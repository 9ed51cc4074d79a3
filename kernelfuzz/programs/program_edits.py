"""One change of a program: another value of a constant, or another body of a function, from its start.

A cache that holds what the program was built to must not serve the changed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies.program_kernels import other_constant, other_function


def edited(program: p.Program, number: int) -> p.Program | None:
    """The program with one thing changed that a kernel uses; None where there is none."""
    found = list(edits(program))
    return found[number % len(found)] if found else None


def edits(program: p.Program) -> Iterator[p.Program]:
    """Each change that there is."""
    kernels = [declared.kernel for declared in program.declarations.values()]
    called = {function.name for kernel in kernels for function in kernel.functions}
    bodies = [statement for unit in (*kernels, *program.functions) for statement in unit.body]
    named = {node.id for node in walk(*bodies) if isinstance(node, n.Name)}
    for at, constant in enumerate(program.constants):
        if constant.name in named:
            changed = (*program.constants[:at], other_constant(constant), *program.constants[at + 1 :])
            yield replace(program, constants=changed)
    for at, function in enumerate(program.functions):
        other = other_function(function)
        if function.name in called and other is not None:
            yield replace(program, functions=(*program.functions[:at], other, *program.functions[at + 1 :]))
    for at, event in enumerate(program.events):
        if isinstance(event, p.Declare) and event.kernel.closure:
            values = {each.name: other_constant(each).value for each in event.kernel.constants}
            made = replace(event, kernel=p.with_values(event.kernel, values))
            yield replace(program, events=(*program.events[:at], made, *program.events[at + 1 :]))
