"""Statements, functions and launches: parameters in, one thread after another, arrays out.

A name belongs to its function: what a branch or a loop assigns outlives it, and a name that was never
assigned has no value ("The Python Language Reference", 4.2.2; Warp calls reading it undefined: Limitations,
"Variable Scope").  An assignment evaluates its value first and then the parts of its target (7.2); an
augmented one evaluates its target first and once (7.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.launch import Input, Launch, nested
from kernelfuzz.ir.types import Tile
from kernelfuzz.reference import compiled as c
from kernelfuzz.reference import compiled_calls, evaluation, memory, value_parts
from kernelfuzz.reference.domain import Domain
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.undefined import COOPERATION, OUTSIDE_DOMAIN, Stopped, Undefined

# Iterations of loops, of all threads together: more than any kernel of the grammar does.
MOST_STEPS = 200_000


def run(
    kernel: n.Kernel, launch: Launch, *, steps: int = MOST_STEPS, deviations: Sequence[c.Deviation] = ()
) -> dict[str, Input]:
    """The contents of every array after the launch, to the bit as Warp's CPU backend has them.

    Of a struct that holds arrays the result has these fields alone.  The results have the shapes and dtypes of
    ``launch.inputs``, which are not changed.  ``steps`` bounds the iterations of all loops; with ``deviations`` (of
    ``kernelfuzz.reference.deviations``) the results are those of a Warp that has these bugs.  Raises Undefined where
    the kernel is not defined for the launch.
    """
    return execute(kernel, launch, Exact(), steps=steps, deviations=deviations)


def execute(
    kernel: n.Kernel,
    launch: Launch,
    domain: Domain,
    *,
    steps: int = MOST_STEPS,
    deviations: Sequence[c.Deviation] = (),
    rounded: bool = False,
    language: c.Language | None = None,
    shadow: memory.MakeShadow | None = None,
) -> dict[str, Input]:
    """``run`` with the numbers of a domain: what ``domain.leave`` makes of every array parameter.

    ``rounded``: a sum of several threads may depend on their order by its rounding.  ``language`` compiles the
    kernel (default: ``PLAIN``); ``shadow`` makes what watches each array.
    """
    for each in deviations:
        domain = each.numbers(domain) if each.numbers else domain
    constants = {each.name: each for each in kernel.constants}
    module = c.Module(domain, language or PLAIN, constants, tuple(deviations))
    with np.errstate(all="ignore"):
        for function in kernel.functions:
            _declare(function, module)
        size, body = _function_body(kernel, module)
        views: memory.Views = {}
        values = [
            memory.enter(domain, (param.name,), param.type, launch.inputs[param.name], shadow or memory.Shadow, views)
            for param in kernel.params
        ]
        watched = prod(launch.dim) > 1 or shadow is not None
        thread = c.Thread((), 0, watched, steps)
        rest = [c.UNBOUND] * (size - c.FIRST_LOCAL - len(values))
        make_frame = module.frame
        for number, index in enumerate(np.ndindex(*launch.dim)):
            thread.index, thread.number = index, number
            body(make_frame([thread, (), None, *values, *rest]))
        for _, view in views.values():
            view.shadow.finish(rounded)
        return nested({path: memory.leave(domain, path, type_, view) for path, (type_, view) in views.items()})


# -------------------------------------------------------------- functions and statements


def _function_body(function: n.Function | n.Kernel, module: c.Module) -> tuple[int, c.Execute]:
    """The size of a function's frame, and the function that runs its body."""
    names = c.Names(module, function)
    for param in function.params:
        names.place(param.name)
        names.bound.add(param.name)
    execute = block(function.body, names)
    return names.size(), execute


def _declare(function: n.Function, module: c.Module) -> None:
    """Compile a ``@wp.func``; those that it calls are declared before it."""
    module.functions[function.name] = c.Body(function, *_function_body(function, module))


def block(statements: n.Block, names: c.Names) -> c.Execute:
    """Run statements until one does not end normally."""
    # A name is a local of the whole function: it has a place before any code that reads it is compiled.
    compiled = [names.statement(each) for each in statements]
    if len(compiled) == 1:
        return compiled[0]

    def execute(frame: c.Frame) -> int:
        for each in compiled:
            ended = each(frame)
            if ended:
                return ended
        return c.NORMAL

    return execute


def _not_computed(node: n.Stmt) -> c.Execute:
    """A store into an element of a tile, which each thread of the block makes for itself."""

    def execute(_: c.Frame) -> int:
        raise Undefined(COOPERATION, node)

    return execute


def _for_effect(node: n.Expr, names: c.Names) -> c.Evaluate:
    match node:
        case n.Call():
            return compiled_calls.builtin(node, names, used=False)
        case n.CallFunction():
            return evaluation.call_function(node, names, used=False)
        case _:
            return names.expression(node)


def statement(node: n.Stmt, names: c.Names) -> c.Execute:
    """The function that runs a statement in a frame."""
    if names.module.deviations and (changed := names.module.changed(node, names)) is not None:
        return changed
    match node:
        case n.Assign(target=n.Name(id=name), value=value):
            return _assign_name(names.place(name), names.expression(value))
        case n.Assign(target=n.Index(value=stored)) | n.AugAssign(target=n.Index(value=stored)) if isinstance(
            stored.type, Tile
        ):
            return _not_computed(node)
        case n.Assign():
            return value_parts.assign(node, names)
        case n.AugAssign():
            return value_parts.augment(node, names)
        case n.Unpack():
            return _unpack(node, names)
        case n.If():
            return _if(node, names)
        case n.For():
            return for_loop(node, names)
        case n.While():
            return while_loop(node, names)
        case n.ExprStmt(value=value):
            return _effect(_for_effect(value, names))
        case n.Return():
            return return_values(node, names)
        case n.Break():
            return lambda _: c.BREAK
        case n.Continue():
            return lambda _: c.CONTINUE
        case n.Pass():
            return lambda _: c.NORMAL
        case _:
            return assert_never(node)


def _assign_name(place: int, value: c.Evaluate) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        frame[place] = value(frame)
        return c.NORMAL

    return execute


def _effect(evaluate: c.Evaluate) -> c.Execute:
    def execute(frame: c.Frame) -> int:
        evaluate(frame)
        return c.NORMAL

    return execute


def _unpack(node: n.Unpack, names: c.Names) -> c.Execute:
    """``a, b = b, a``: every value is evaluated before any name changes."""
    values = [names.expression(value) for value in node.values]
    targets = [names.place(name) for name in node.names]
    single = len(values) == 1

    def execute(frame: c.Frame) -> int:
        found = values[0](frame) if single else [value(frame) for value in values]
        for place, value in zip(targets, found, strict=True):
            frame[place] = value
        return c.NORMAL

    return execute


def return_values(node: n.Return, names: c.Names) -> c.Execute:
    """``return``, ``return x, y``: what is returned is kept in the frame."""
    values = [names.expression(value) for value in node.values]
    if not values:
        return lambda _: c.RETURN
    single = len(values) == 1

    def execute(frame: c.Frame) -> int:
        frame[c.RETURNED] = values[0](frame) if single else tuple([value(frame) for value in values])
        return c.RETURN

    return execute


def _if(node: n.If, names: c.Names) -> c.Execute:
    test, body = evaluation.truth(node.test, names), block(node.body, names)
    orelse = block(node.orelse, names)
    return lambda frame: body(frame) if test(frame) else orelse(frame)


def for_loop(node: n.For, names: c.Names) -> c.Execute:
    """The bounds are evaluated once; what the body assigns to the name does not change the iteration."""
    bounds = [names.expression(bound) for bound in node.bounds]
    place = names.place(node.name)
    body = block(node.body, names)

    def execute(frame: c.Frame) -> int:
        thread = frame[c.THREAD]
        values = [bound(frame) for bound in bounds]
        if len(values) == 3 and values[2] == 0:
            raise Undefined(OUTSIDE_DOMAIN, node)  # Python has no such range, and Warp's loop does not end
        for value in range(*values):
            step(thread, node)
            frame[place] = value
            ended = body(frame)
            if ended == c.BREAK:
                break
            if ended == c.RETURN:
                return c.RETURN
        return c.NORMAL

    return execute


def while_loop(node: n.While, names: c.Names) -> c.Execute:
    test, body = evaluation.truth(node.test, names), block(node.body, names)

    def execute(frame: c.Frame) -> int:
        thread = frame[c.THREAD]
        while test(frame):
            step(thread, node)
            ended = body(frame)
            if ended == c.BREAK:
                break
            if ended == c.RETURN:
                return c.RETURN
        return c.NORMAL

    return execute


def step(thread: c.Thread, node: n.Stmt) -> None:
    try:
        thread.step()
    except Stopped as error:
        error.node = node
        raise


PLAIN = c.Language(evaluation.expression, statement)
