"""Code moved into a function or out of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kernelfuzz.analysis.effects import (
    asks_thread,
    changed_locals,
    has_tiles,
    is_bindable,
    is_pure,
    may_write_array,
    names_read,
)
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.names import FreshNames
from kernelfuzz.ir.rewrite import Path, map_statements, node_at, replaced, transform
from kernelfuzz.ir.walk import bound_by, bound_names, count_nodes, statements_in, walk
from kernelfuzz.rewrites.places import Picks, fresh_names, function_at, new_name, with_names

# An argument that a function reads more than once is copied; no larger ones than this.
_LARGEST_COPY = 12

_NOTHING = t.Tuple(())

# -------------------------------------------------------------- expression out


def is_outlinable(node: n.Expr, kernel: n.Kernel) -> bool:
    """Whether an expression can be what a function returns: a value that no effect goes with."""
    if isinstance(node, (n.Name, n.Literal, n.Static)) or not is_bindable(node):
        return False
    return is_pure(node, kernel.functions) and not asks_thread(node)


def outlined(case: Case, path: Path, picks: Picks) -> Case | None:
    """A call of a new function in place of the expression, which the function returns."""
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Expr)
    free = _free_names(kernel, node)
    if free is None:
        return None
    constants = frozenset([constant.name for constant in kernel.constants])
    # A parameter cannot have the name of a constant of the module.
    handed = {name: n.Name(f"{name}_value" if name in constants else name, type_) for name, type_ in free.items()}
    params = tuple([n.Param(new.id, new.type) for new in handed.values()])
    moved = n.Function(new_name(kernel, "moved"), params, node.type, (n.Return((with_names(node, handed),)),))
    call = n.CallFunction(moved.name, tuple([n.Name(name, type_) for name, type_ in free.items()]), node.type)
    changed = replaced(kernel, path, call)
    # A function stands behind those that it calls and in front of the one that calls it.
    caller = function_at(kernel, path)
    at = len(kernel.functions) if caller is None else kernel.functions.index(caller)
    functions = (*changed.functions[:at], moved, *changed.functions[at:])
    return replace(case, kernel=replace(changed, functions=functions))


def _free_names(kernel: n.Kernel, node: n.Expr) -> dict[str, t.Type] | None:
    """The locals and parameters that an expression reads, by name; None where it cannot stand in a function.

    A function stands outside of a closure's factory, so that what the kernel captures is handed over, and a
    static expression over it cannot move.
    """
    constants = {constant.name for constant in kernel.constants}
    found: dict[str, t.Type] = {}
    for inner in walk(node):
        if isinstance(inner, n.Name) and (kernel.closure or inner.id not in constants):
            found.setdefault(inner.id, inner.type)
        elif isinstance(inner, n.Static) and kernel.closure and names_read(inner):
            return None
    return None if any(isinstance(type_, (t.Tile, t.Tuple)) for type_ in found.values()) else found


# ------------------------------------------------------------------ function in


def is_inlinable(node: n.CallFunction, kernel: n.Kernel) -> bool:
    """Whether what a function returns can stand in place of its call: it does nothing else."""
    (function,) = [each for each in kernel.functions if each.name == node.name]
    return (
        _single_return(function) is not None
        # A parameter that a call changes in place is the function's own.
        and not changed_locals(function.body)
        and is_pure(node, kernel.functions)
        and all(count_nodes(arg) <= _LARGEST_COPY for arg in node.args)
    )


def _single_return(function: n.Function) -> n.Expr | None:
    match function.body:
        case (n.Return(values=(value,)),):
            return value
        case _:
            return None


def inlined(node: n.CallFunction, kernel: n.Kernel) -> n.Expr:
    """What the function returns, over the arguments of the call."""
    (function,) = [each for each in kernel.functions if each.name == node.name]
    value = _single_return(function)
    assert value is not None
    return with_names(value, {param.name: arg for param, arg in zip(function.params, node.args, strict=True)})


# ------------------------------------------------------------- body as procedure


def _thread_names(kernel: n.Kernel) -> list[tuple[str, ...]]:
    """The names that each statement at the start of a kernel binds, as long as they only ask for the thread."""
    found: list[tuple[str, ...]] = []
    for statement in kernel.body:
        match statement:
            case n.Assign(target=n.Name(), value=n.Call(name="tid")) | n.Unpack(values=(n.Call(name="tid"),)):
                found.append(bound_by(statement))
            case _:
                break
    return found


def has_movable_body(kernel: n.Kernel) -> bool:
    """Whether everything behind the thread index can be a function."""
    rest = kernel.body[len(_thread_names(kernel)) :]
    return bool(rest) and not has_tiles(kernel) and not asks_thread(*rest)


def moved_body(case: Case, path: Path, picks: Picks) -> Case | None:
    """The statements behind the thread index in a new function, which the kernel calls."""
    kernel = case.kernel
    names = _thread_names(kernel)
    kept, moved = kernel.body[: len(names)], kernel.body[len(names) :]
    if kernel.closure and names_read(*moved) & {constant.name for constant in kernel.constants}:
        return None
    params = (*kernel.params, *[n.Param(name, t.INT32) for several in names for name in several])
    name = new_name(kernel, "procedure")
    call = n.CallFunction(name, tuple([n.Name(param.name, param.type) for param in params]), _NOTHING)
    functions = (*kernel.functions, n.Function(name, params, None, moved))
    return replace(case, kernel=replace(kernel, body=(*kept, n.ExprStmt(call)), functions=functions))


# ------------------------------------------------- functions that write arrays, statement by statement

# Functions call functions; no kernel that is drawn nests them deeper.
_DEPTH = 4


def writing_functions(kernel: n.Kernel) -> n.Kernel:
    """The statements of a function that takes an array in place of each call of it that they can replace.

    They can where the call is the first thing of a statement that reads or writes an array, and where the
    function returns at its end only.
    """
    fresh = fresh_names(kernel)
    for _ in range(_DEPTH):
        functions = {each.name: each for each in kernel.functions if not (each.native or _returns_early(each))}
        changed = map_statements(kernel, lambda node, _, known=functions: _statements_for(node, known, fresh))
        if changed == kernel:
            break
        kernel = changed
    return kernel


def _returns_early(function: n.Function) -> bool:
    returns = [node for node in statements_in(function.body) if isinstance(node, n.Return)]
    return any(node is not function.body[-1] for node in returns)


def _statements_for(node: n.Stmt, functions: Mapping[str, n.Function], fresh: FreshNames) -> n.Block:
    value = _evaluated_first(node)
    call = None if value is None else _first_writing_call(value)
    if call is None or call.name not in functions:
        return (node,)
    *before, last = (*_body(call, functions[call.name], fresh), None)
    returned = before.pop() if before and isinstance(before[-1], n.Return) else last
    if isinstance(node, n.ExprStmt) and node.value is call:
        unread = returned.values if isinstance(returned, n.Return) else ()
        return (node,) if any(map(may_write_array, unread)) else tuple(before)
    if not isinstance(returned, n.Return) or not returned.values:
        return (node,)
    if isinstance(node, n.Unpack) and node.values == (call,):
        return (*before, n.Unpack(node.names, returned.values))
    if len(returned.values) != 1:
        return (node,)
    (result,) = returned.values
    return (*before, transform(node, lambda each: result if each is call else each))


def _evaluated_first(node: n.Stmt) -> n.Expr | None:
    match node:
        case n.Assign(value=value) | n.ExprStmt(value=value) | n.Unpack(values=(value,)) | n.Return(values=(value,)):
            return value
        case n.AugAssign(target=n.Name(), value=value):
            return value
        case _:
            return None


def _first_writing_call(node: n.Expr) -> n.CallFunction | None:
    """The call of a function that takes an array, where nothing that a write changes is evaluated before."""
    if isinstance(node, n.CallFunction) and may_write_array(node) and not any(map(may_write_array, node.args)):
        return node
    match node:
        case n.Binary(left=left, right=right):
            operands = (left, right)
        case n.Unary(operand=operand) | n.Cast(operand=operand) | n.Attribute(value=operand):
            operands = (operand,)
        case n.Call(args=args) | n.CallFunction(args=args) | n.Construct(args=args):
            operands = args
        case _:
            return None
    first = next(filter(_reads_memory, operands), None)
    return None if first is None else _first_writing_call(first)


def _reads_memory(node: n.Expr) -> bool:
    return may_write_array(node) or any(
        (isinstance(each, n.Index) and isinstance(each.value.type, t.Array))
        or (isinstance(each, n.Call) and any(isinstance(arg.type, t.Array) for arg in each.args))
        for each in walk(node)
    )


def _body(call: n.CallFunction, function: n.Function, fresh: FreshNames) -> n.Block:
    """The statements of a function with the arguments of a call, all its locals under new names.

    A parameter that the function changes is a local too, with the value of its argument.
    """
    params, changed = {param.name for param in function.params}, changed_locals(function.body)
    renamed = {name: fresh("inner") for name in sorted(bound_names(function.body) - params)}
    given: dict[str, n.Expr] = {}
    before: list[n.Stmt] = []
    for param, arg in zip(function.params, call.args, strict=True):
        if param.name in changed or not isinstance(arg, (n.Name, n.Literal)):
            value, arg = arg, n.Name(fresh("inner"), param.type)
            before.append(n.Assign(arg, value))
        given[param.name] = arg

    def bound(name: str) -> str:
        held = given.get(name)
        return held.id if isinstance(held, n.Name) else renamed.get(name, name)

    def change(node: n.Node) -> n.Node:
        match node:
            case n.Name(id=name, type=type_):
                return given.get(name) or n.Name(renamed.get(name, name), type_)
            case n.Unpack(names=names):
                return replace(node, names=tuple([bound(name) for name in names]))
            case n.For(name=name):
                return replace(node, name=bound(name))
            case _:
                return node

    # ``transform`` leaves the root to its caller: the body is a child of its function.
    return (*before, *transform(function, change).body)
