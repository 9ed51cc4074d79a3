"""A rewrite for functions that write arrays: their statements stand where they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.rewrites.everywhere import FreshNames, identifiers, map_statements
from kernelfuzz.rewrites.parts import writes

# Functions call functions; no kernel that is drawn nests them deeper.
_DEPTH = 4


def writing_functions(kernel: n.Kernel) -> n.Kernel:
    """The statements of a function that takes an array in place of each call of it that they can replace.

    They can where the call is the first thing of a statement that reads or writes an array, and where the
    function returns at its end only.
    """
    fresh = FreshNames(identifiers(kernel), "inner")
    for _ in range(_DEPTH):
        functions = {each.name: each for each in kernel.functions if not _returns_early(each)}

        def change(
            node: n.Stmt, function: n.Function | n.Kernel, known: Mapping[str, n.Function] = functions
        ) -> n.Block:
            return _inlined(node, known, fresh)

        inlined = map_statements(kernel, change)
        if inlined == kernel:
            break
        kernel = inlined
    return kernel


def _returns_early(function: n.Function) -> bool:
    returns = [node for node in walk(*function.body) if isinstance(node, n.Return)]
    return any(node is not function.body[-1] for node in returns)


def _inlined(node: n.Stmt, functions: Mapping[str, n.Function], fresh: FreshNames) -> n.Block:
    value = _evaluated_first(node)
    call = None if value is None else _first(value)
    if call is None or call.name not in functions:
        return (node,)
    *before, last = (*_body(call, functions[call.name], fresh), None)
    returned = before.pop() if before and isinstance(before[-1], n.Return) else last
    if isinstance(node, n.ExprStmt) and node.value is call:
        unread = returned.values if isinstance(returned, n.Return) else ()
        return (node,) if any(map(writes, unread)) else tuple(before)
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


def _first(node: n.Expr) -> n.CallFunction | None:
    """The call of a function that takes an array, where nothing that a write changes is evaluated before."""
    if isinstance(node, n.CallFunction) and writes(node) and not any(map(writes, node.args)):
        return node
    match node:
        case n.Binary(left=left, right=right):
            operands = (left, right)
        case n.Unary(operand=operand) | n.Cast(operand=operand):
            operands = (operand,)
        case n.Call(args=args) | n.CallFunction(args=args) | n.Construct(args=args):
            operands = args
        case n.Attribute(value=value):
            operands = (value,)
        case _:
            operands = ()
    for operand in operands:
        if _reads_memory(operand):
            return _first(operand)
    return None


def _reads_memory(node: n.Expr) -> bool:
    return writes(node) or any(
        (isinstance(each, n.Index) and isinstance(each.value.type, Array))
        or (isinstance(each, n.Call) and any(isinstance(arg.type, Array) for arg in each.args))
        for each in walk(node)
    )


def _body(call: n.CallFunction, function: n.Function, fresh: FreshNames) -> n.Block:
    """The statements of a function with the arguments of a call, all its locals under new names.

    No function assigns its parameters.
    """
    renamed = {name: fresh() for name in sorted(bound_names(function.body))}
    given: dict[str, n.Expr] = {}
    before: list[n.Stmt] = []
    for param, arg in zip(function.params, call.args, strict=True):
        if not isinstance(arg, (n.Name, n.Literal)):
            value, arg = arg, n.Name(fresh(), param.type)
            before.append(n.Assign(arg, value))
        given[param.name] = arg

    def change(node: n.Node) -> n.Node:
        match node:
            case n.Name(id=name, type=type_):
                return given.get(name) or n.Name(renamed.get(name, name), type_)
            case n.Unpack(names=names):
                return replace(node, names=tuple([renamed.get(name, name) for name in names]))
            case n.For(name=name):
                return replace(node, name=renamed.get(name, name))
            case _:
                return node

    # ``transform`` leaves the root to its caller: the body is a child of its function.
    body = transform(function, change).body
    return (*before, *body)
