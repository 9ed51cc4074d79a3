"""Running a launch: parameters in, one thread after another, arrays out."""

from __future__ import annotations

from math import prod

import numpy as np

from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import Array
from kernelfuzz.reference import interpreter, memory, statements
from kernelfuzz.reference.compiled import FIRST_LOCAL, UNBOUND, Module, Thread
from kernelfuzz.reference.domain import Domain
from kernelfuzz.reference.exact import Exact

# Iterations of loops, of all threads together: more than any kernel of the grammar does.
MOST_STEPS = 200_000


def run(
    kernel: Kernel, launch: Launch, *, steps: int = MOST_STEPS, quirks: frozenset[str] = frozenset()
) -> dict[str, Input]:
    """The contents of every array parameter after the launch, to the bit as Warp's CPU backend has them.

    The results have the shapes and dtypes of ``launch.inputs``, which are not changed.  ``steps`` bounds the
    iterations of all loops; ``quirks`` (of ``kernelfuzz.reference.exact.QUIRKS``) names known bugs of Warp to
    imitate.  Raises Undefined where the kernel is not defined for the launch.
    """
    return execute(kernel, launch, Exact(quirks), steps=steps)


def execute(
    kernel: Kernel,
    launch: Launch,
    domain: Domain,
    *,
    steps: int = MOST_STEPS,
    overwritten: set[str] | None = None,
    rewritten: set[str] | None = None,
    rounded: bool = False,
) -> dict[str, Input]:
    """``run`` with the numbers of a domain: what ``domain.leave`` makes of every array parameter.

    ``overwritten`` collects the parameters of which an element was written after it was read, ``rewritten``
    those of which one was after it was written.  ``rounded``: a sum of several threads may depend on their
    order by its rounding.
    """
    module = Module(domain, interpreter.expression, {each.name: each for each in kernel.constants})
    with np.errstate(all="ignore"):
        for function in kernel.functions:
            statements.declare(function, module)
        size, body = statements.function_body(kernel, module)
        entered = [
            memory.enter(domain, (param.name,), param.type, launch.inputs[param.name]) for param in kernel.params
        ]
        values = [value for value, _ in entered]
        watched = prod(launch.dim) > 1 or overwritten is not None or rewritten is not None
        thread = Thread((), 0, watched, steps)
        rest = [UNBOUND] * (size - FIRST_LOCAL - len(values))
        for number, index in enumerate(np.ndindex(*launch.dim)):
            thread.index, thread.number = index, number
            body([thread, (), *values, *rest])
        views = {param.name: (param.type, view) for param, (_, view) in zip(kernel.params, entered, strict=True)}
        for _, view in views.values():
            if view is not None:
                view.shadow.finish(rounded)
        for param, (value, _) in zip(kernel.params, entered, strict=True):
            for view in memory.views(value):
                if overwritten is not None and view.shadow.overwritten:
                    overwritten.add(param.name)
                if rewritten is not None and view.shadow.rewritten:
                    rewritten.add(param.name)
        return {
            name: memory.leave(domain, (name,), type_, view)
            for name, (type_, view) in views.items()
            if view is not None and isinstance(type_, Array)
        }
