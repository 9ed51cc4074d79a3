"""Statements and functions, compiled into functions of a frame.

A name belongs to its function: what a branch or a loop assigns outlives it, and a name that was never
assigned has no value ("The Python Language Reference", 4.2.2; Warp calls reading it undefined: Limitations,
"Variable Scope").  An assignment evaluates its value first and then the parts of its target (7.2); an
augmented one evaluates its target first and once (7.2.1).
"""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.reference import assignment, calls
from kernelfuzz.reference.compiled import (
    BREAK,
    CONTINUE,
    NORMAL,
    RETURN,
    RETURNED,
    THREAD,
    Body,
    Execute,
    Frame,
    Module,
    Names,
)
from kernelfuzz.reference.undefined import OUTSIDE_DOMAIN, Stopped, Undefined


def function_body(function: n.Function | n.Kernel, module: Module) -> tuple[int, Execute]:
    """The size of a function's frame, and the function that runs its body."""
    names = Names(module)
    for param in function.params:
        names.place(param.name)
        names.bound.add(param.name)
    execute = block(function.body, names)
    return names.size(), execute


def declare(function: n.Function, module: Module) -> None:
    """Compile a ``@wp.func``; those that it calls are declared before it."""
    module.functions[function.name] = Body(function, *function_body(function, module))


def block(statements: n.Block, names: Names) -> Execute:
    """Run statements until one does not end normally."""
    # A name is a local of the whole function: it has a place before any code that reads it is compiled.
    compiled = [statement(each, names) for each in statements]
    if len(compiled) == 1:
        return compiled[0]

    def execute(frame: Frame) -> int:
        for each in compiled:
            ended = each(frame)
            if ended:
                return ended
        return NORMAL

    return execute


def statement(node: n.Stmt, names: Names) -> Execute:
    """The function that runs a statement in a frame."""
    match node:
        case n.Assign(target=n.Name(id=name), value=value):
            return _assign_name(names.place(name), names.expression(value))
        case n.Assign():
            return assignment.assign(node, names)
        case n.AugAssign():
            return assignment.augment(node, names)
        case n.Unpack():
            return _unpack(node, names)
        case n.If():
            return _if(node, names)
        case n.For():
            return _for(node, names)
        case n.While():
            return _while(node, names)
        case n.ExprStmt(value=value):
            evaluate = calls.builtin(value, names, used=False) if isinstance(value, n.Call) else names.expression(value)
            return _effect(evaluate)
        case n.Return():
            return _return(node, names)
        case n.Break():
            return lambda _: BREAK
        case n.Continue():
            return lambda _: CONTINUE
        case n.Pass():
            return lambda _: NORMAL
        case _:
            return assert_never(node)


def _assign_name(place: int, value: assignment.Evaluate) -> Execute:
    def execute(frame: Frame) -> int:
        frame[place] = value(frame)
        return NORMAL

    return execute


def _effect(evaluate: assignment.Evaluate) -> Execute:
    def execute(frame: Frame) -> int:
        evaluate(frame)
        return NORMAL

    return execute


def _unpack(node: n.Unpack, names: Names) -> Execute:
    """``a, b = b, a``: every value is evaluated before any name changes."""
    values = [names.expression(value) for value in node.values]
    targets = [names.place(name) for name in node.names]
    single = len(values) == 1

    def execute(frame: Frame) -> int:
        found = values[0](frame) if single else [value(frame) for value in values]
        for place, value in zip(targets, found, strict=True):
            frame[place] = value
        return NORMAL

    return execute


def _return(node: n.Return, names: Names) -> Execute:
    values = [names.expression(value) for value in node.values]
    if not values:
        return lambda _: RETURN
    single = len(values) == 1

    def execute(frame: Frame) -> int:
        frame[RETURNED] = values[0](frame) if single else tuple([value(frame) for value in values])
        return RETURN

    return execute


def _if(node: n.If, names: Names) -> Execute:
    test, body = names.expression(node.test), block(node.body, names)
    orelse = block(node.orelse, names)
    return lambda frame: body(frame) if test(frame) else orelse(frame)


def _for(node: n.For, names: Names) -> Execute:
    """The bounds are evaluated once; what the body assigns to the name does not change the iteration."""
    bounds = [names.expression(bound) for bound in node.bounds]
    place = names.place(node.name)
    body = block(node.body, names)

    def execute(frame: Frame) -> int:
        thread = frame[THREAD]
        values = [bound(frame) for bound in bounds]
        if len(values) == 3 and values[2] == 0:
            raise Undefined(OUTSIDE_DOMAIN, node)  # Python has no such range, and Warp's loop does not end
        for value in range(*values):
            _step(thread, node)
            frame[place] = value
            ended = body(frame)
            if ended == BREAK:
                break
            if ended == RETURN:
                return RETURN
        return NORMAL

    return execute


def _while(node: n.While, names: Names) -> Execute:
    test, body = names.expression(node.test), block(node.body, names)

    def execute(frame: Frame) -> int:
        thread = frame[THREAD]
        while test(frame):
            _step(thread, node)
            ended = body(frame)
            if ended == BREAK:
                break
            if ended == RETURN:
                return RETURN
        return NORMAL

    return execute


def _step(thread: assignment.Thread, node: n.Stmt) -> None:
    try:
        thread.step()
    except Stopped as error:
        error.node = node
        raise
