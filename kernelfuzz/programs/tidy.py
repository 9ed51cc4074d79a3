"""A program without what nothing in it uses, and its kernels with all that they use."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies.program_kernels import reachable


def whole(program: p.Program, kernel: n.Kernel) -> n.Kernel:
    """The kernel with the program's functions and constants, so that it stands alone.

    One that captures what functions name too is no closure here: there the two have one value.
    """
    functions = reachable(kernel, program.functions)
    own = {constant.name: constant for constant in kernel.constants} if kernel.closure else {}
    shared = {constant.name: constant for constant in program.constants}
    named = {node.id for unit in (kernel, *functions) for node in walk(*unit.body) if isinstance(node, n.Name)}
    constants = [constant for name, constant in {**shared, **own}.items() if name in named]
    return replace(kernel, functions=functions, constants=tuple(constants), structs=program.structs, closure=False)


def tidied(program: p.Program) -> p.Program:
    """The program without arrays, functions and constants that nothing uses, and what is done to them."""
    launched = list(program.launches)
    arrays = {array for launch in launched for array in launch.arrays.values()}
    bodies: list[n.Kernel | n.Function] = []
    events: list[p.Event] = []
    kernels = {event.name: event.kernel for event in program.events if isinstance(event, p.Declare)}
    called: set[str] = set()
    for kernel in kernels.values():
        functions = reachable(kernel, program.functions)
        called.update(function.name for function in functions)
        bodies += [kernel, *functions]
    bodies += [event.function for event in program.events if isinstance(event, p.SetFunction)]
    named = {node.id for unit in bodies for node in walk(*unit.body) if isinstance(node, n.Name)}
    for event in program.events:
        match event:
            case p.Declare(kernel=kernel):
                functions = reachable(kernel, program.functions)
                own = {node.id for node in walk(*kernel.body) if isinstance(node, n.Name)}
                constants = tuple([each for each in kernel.constants if each.name in own])
                closure = kernel.closure and bool(constants)
                made = replace(kernel, functions=functions, constants=constants, closure=closure)
                events.append(replace(event, kernel=made))
            case p.SetFunction(function=function) if function.name not in called:
                pass
            case p.SetConstant(constant=constant) if constant.name not in named:
                pass
            case p.Backward(seeds=seeds):
                events.append(replace(event, seeds=tuple([each for each in seeds if each in arrays])))
            case _:
                events.append(event)
    return p.Program(
        tuple([array for array in program.arrays if array.name in arrays]),
        program.structs,
        tuple([constant for constant in program.constants if constant.name in named]),
        tuple([function for function in program.functions if function.name in called]),
        tuple(events),
    )
