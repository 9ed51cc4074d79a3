"""Reduction of programs: fewer events, plainer ones, and the passes for one kernel on each of its kernels."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir.launch import Case, Launch, flattened
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.programs.tidy import tidied, whole
from kernelfuzz.reduce.edit import Edit, apply
from kernelfuzz.reduce.reduce_case import CASES
from kernelfuzz.reduce.search import Asking, OutOfTime, Reducible, Search
from kernelfuzz.toolchain.layouts import CONTIGUOUS
from kernelfuzz.typecheck.verify import VerifyError, verify

# What makes a smaller program of a program, or nothing.
Cut: TypeAlias = Callable[[p.Program], "p.Program | None"]
Labelled: TypeAlias = Iterator[tuple[Hashable, Cut]]


def reduce_program(
    program: p.Program, interesting: Callable[[p.Program], bool], *, seconds: float | None = None
) -> p.Program:
    """The smallest program found that is interesting; ``program`` itself must be.

    After ``seconds`` nothing more is asked.
    """
    search = Search(tidied(program), PROGRAMS, Asking(lambda value: lambda: interesting(value)), seconds)
    with contextlib.suppress(OutOfTime):
        if search.best.key != _key(program) and not interesting(search.best.value):
            return program
        search.exhaust()
    return search.best.value


# ---------------------------------------------------------------------------------------- passes


def drop_events(program: p.Program) -> Labelled:
    """Leave out one event; with a kernel all that is done to it."""
    for event in program.events:
        yield ("drop", repr(event)), lambda value, event=event: _without(value, event)


def _without(program: p.Program, event: p.Event) -> p.Program | None:
    at = _position(program, event)
    if at is None:
        return None
    left = (*program.events[:at], *program.events[at + 1 :])
    if isinstance(event, p.Declare):
        left = tuple([each for each in left if getattr(each, "kernel", None) != event.name])
    return tidied(replace(program, events=left))


def _position(program: p.Program, event: p.Event) -> int | None:
    """Where an event is; told by its text, for arrays have no equality of their own."""
    texts = [repr(each) for each in program.events]
    return texts.index(repr(event)) if repr(event) in texts else None


def plainer(program: p.Program) -> Labelled:
    """Leave out what an event or an array need not have."""
    for event in program.events:
        for made in _plainer_events(event):
            yield ("plain", repr(made)), lambda value, event=event, made=made: _replaced(value, event, made)
    for array in program.arrays:
        for made in (replace(array, layout=CONTIGUOUS), replace(array, gradient=True), replace(array, retained=False)):
            if made != array:
                yield ("array", made.name, made.layout), lambda value, made=made: _with_array(value, made)


def _plainer_events(event: p.Event) -> Iterator[p.Event]:
    match event:
        case p.Declare(module=module, backward=backward):
            if module != p.OWN_MODULE:
                yield replace(event, module=p.OWN_MODULE)
            if backward is not None:
                yield replace(event, backward=None)
        case p.Backward(again=True):
            yield replace(event, again=False)
        case p.Backward(seeds=seeds) if len(seeds) > 1:
            yield from (p.Backward((each,)) for each in seeds)
        case _:
            pass


def _replaced(program: p.Program, event: p.Event, made: p.Event) -> p.Program | None:
    at = _position(program, event)
    if at is None:
        return None
    return tidied(replace(program, events=(*program.events[:at], made, *program.events[at + 1 :])))


def _with_array(program: p.Program, made: p.ArrayVariable) -> p.Program | None:
    arrays = tuple([made if array.name == made.name else array for array in program.arrays])
    return replace(program, arrays=arrays)


def cut_kernels(program: p.Program) -> Labelled:
    """Every edit of a kernel that leaves its launches as they are, but for parameters that it drops."""
    for name in {declared.kernel.name: name for name, declared in program.declarations.items()}.values():
        case = _case(program, name)
        if case is None:
            continue
        for each in CASES.passes:
            for label, edit in each(case):
                yield (name, label), lambda value, name=name, edit=edit: _with_edit(value, name, edit)


def _case(program: p.Program, name: str) -> Case | None:
    """The kernel that a name is given last, with its first launch; of arrays as they are made."""
    declared = program.declarations.get(name)
    if declared is None:
        return None
    later = program.events[program.events.index(declared) + 1 :]
    launch = next((each for each in later if isinstance(each, p.LaunchKernel) and each.kernel == name), None)
    if launch is None:
        return None
    arrays = {array.name: array.value for array in program.arrays}
    inputs = {**launch.values, **{param: arrays[array] for param, array in launch.arrays.items()}}
    return Case(whole(program, declared.kernel), Launch(launch.dim, inputs))


def _with_edit(program: p.Program, name: str, edit: Edit) -> p.Program | None:
    case = _case(program, name)
    made = None if case is None else apply(case, (edit,))
    if case is None or made is None or made.launch.dim != case.launch.dim:
        return None
    kernel, before = made.kernel, {param.name: param for param in case.kernel.params}
    if any(before.get(param.name) != param for param in kernel.params):
        return None
    if any(made.launch.inputs[param.name] is not case.launch.inputs[param.name] for param in kernel.params):
        return None
    return tidied(_with_kernel(program, program.declarations[name].kernel, kernel))


def _with_kernel(program: p.Program, old: n.Kernel, new: n.Kernel) -> p.Program:
    """The program with another kernel wherever it has the old one, whatever values that captures."""
    kept = {param.name for param in new.params}
    changed = {function.name: function for function in new.functions}
    functions = tuple([changed.get(each.name, each) for each in program.functions])
    added = tuple([each for each in new.functions if all(each.name != one.name for one in program.functions)])
    names: set[str] = set()
    events: list[p.Event] = []
    for event in program.events:
        match event:
            case p.Declare(name=name, kernel=kernel) if (kernel.name, kernel.body) == (old.name, old.body):
                values = {each.name: each.value for each in kernel.constants}
                names.add(name)
                events.append(replace(event, kernel=p.with_values(new, values)))
            case p.Declare(name=name):
                # From here on the name is that of another kernel.
                names.discard(name)
                events.append(event)
            case p.LaunchKernel(kernel=kernel, arrays=arrays, values=given) if kernel in names:
                left = {param: array for param, array in arrays.items() if param in kept}
                values = {param: value for param, value in given.items() if param in kept}
                events.append(replace(event, arrays=left, values=values))
            case _:
                events.append(event)
    return replace(program, functions=(*added, *functions), events=tuple(events))


# ------------------------------------------------------------------------- what the search knows


def _apply(program: p.Program, cuts: Sequence[Cut]) -> p.Program | None:
    for cut in cuts:
        made = cut(program)
        if made is None:
            return None
        program = made
    return program


def measure(program: p.Program) -> tuple[int, ...]:
    """What makes a program small: few events, small kernels, few and plain arrays."""
    kernels = {identity(each.kernel): each.kernel for each in program.declarations.values()}
    nodes = sum(map(count_nodes, (*kernels.values(), *program.functions)))
    plain = sum(
        (each.module != p.OWN_MODULE) + (each.backward is not None) for each in program.declarations.values()
    ) + sum((array.layout != CONTIGUOUS) + (not array.gradient) + array.retained for array in program.arrays)
    seeds = sum(len(event.seeds) + event.again for event in program.events if isinstance(event, p.Backward))
    numbers = sum(leaf.size for array in program.arrays for leaf in flattened({"": array.value}).values())
    return len(program.events), plain + seeds, nodes, len(program.arrays), numbers


def _key(program: p.Program) -> str:
    return repr(program)


def _is_valid(program: p.Program) -> bool:
    try:
        for declared in program.declarations.values():
            verify(whole(program, declared.kernel))
    except VerifyError:
        return False
    return any(True for _ in program.launches)


PROGRAMS: Reducible[p.Program, Cut] = Reducible((drop_events, plainer, cut_kernels), _apply, measure, _key, _is_valid)
