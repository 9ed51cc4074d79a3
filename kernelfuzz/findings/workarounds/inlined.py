"""A rewrite for functions that write arrays: their statements stand where they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kernelfuzz.findings.messages import own_names
from kernelfuzz.findings.rewrite import FreshNames, map_statements
from kernelfuzz.findings.workarounds.parts import writes
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    Call,
    CallFunction,
    Cast,
    Construct,
    Expr,
    ExprStmt,
    For,
    Function,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Return,
    Stmt,
    Unary,
    Unpack,
)
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import bound_names, walk

# Functions call functions; no kernel that is drawn nests them deeper.
_DEPTH = 4


def writing_functions(kernel: Kernel) -> Kernel:
    """The statements of a function that takes an array in place of each call of it that they can replace.

    They can where the call is the first thing of a statement that reads or writes an array, and where the
    function returns at its end only.
    """
    fresh = FreshNames(own_names(kernel), "inner")
    for _ in range(_DEPTH):
        functions = {each.name: each for each in kernel.functions if not _returns_early(each)}

        def change(
            node: Stmt, function: Function | Kernel, known: Mapping[str, Function] = functions
        ) -> Block:
            return _inlined(node, known, fresh)

        inlined = map_statements(kernel, change)
        if inlined == kernel:
            break
        kernel = inlined
    return kernel


def _returns_early(function: Function) -> bool:
    returns = [node for node in walk(*function.body) if isinstance(node, Return)]
    return any(node is not function.body[-1] for node in returns)


def _inlined(node: Stmt, functions: Mapping[str, Function], fresh: FreshNames) -> Block:
    value = _evaluated_first(node)
    call = None if value is None else _first(value)
    if call is None or call.name not in functions:
        return (node,)
    *before, last = (*_body(call, functions[call.name], fresh), None)
    returned = before.pop() if before and isinstance(before[-1], Return) else last
    if isinstance(node, ExprStmt) and node.value is call:
        unread = returned.values if isinstance(returned, Return) else ()
        return (node,) if any(map(writes, unread)) else tuple(before)
    if not isinstance(returned, Return) or not returned.values:
        return (node,)
    if isinstance(node, Unpack) and node.values == (call,):
        return (*before, Unpack(node.names, returned.values))
    if len(returned.values) != 1:
        return (node,)
    (result,) = returned.values
    return (*before, transform(node, lambda each: result if each is call else each))


def _evaluated_first(node: Stmt) -> Expr | None:
    match node:
        case Assign(value=value) | ExprStmt(value=value) | Unpack(values=(value,)) | Return(values=(value,)):
            return value
        case AugAssign(target=Name(), value=value):
            return value
        case _:
            return None


def _first(node: Expr) -> CallFunction | None:
    """The call of a function that takes an array, where nothing that a write changes is evaluated before."""
    if isinstance(node, CallFunction) and writes(node) and not any(map(writes, node.args)):
        return node
    match node:
        case Binary(left=left, right=right):
            operands = (left, right)
        case Unary(operand=operand) | Cast(operand=operand):
            operands = (operand,)
        case Call(args=args) | CallFunction(args=args) | Construct(args=args):
            operands = args
        case Attribute(value=value):
            operands = (value,)
        case _:
            operands = ()
    for operand in operands:
        if _reads_memory(operand):
            return _first(operand)
    return None


def _reads_memory(node: Expr) -> bool:
    return writes(node) or any(
        (isinstance(each, Index) and isinstance(each.value.type, Array))
        or (isinstance(each, Call) and any(isinstance(arg.type, Array) for arg in each.args))
        for each in walk(node)
    )


def _body(call: CallFunction, function: Function, fresh: FreshNames) -> Block:
    """The statements of a function with the arguments of a call, all its locals under new names.

    No function assigns its parameters.
    """
    renamed = {name: fresh() for name in sorted(bound_names(function.body))}
    given: dict[str, Expr] = {}
    before: list[Stmt] = []
    for param, arg in zip(function.params, call.args, strict=True):
        if not isinstance(arg, (Name, Literal)):
            value, arg = arg, Name(fresh(), param.type)
            before.append(Assign(arg, value))
        given[param.name] = arg

    def change(node: Node) -> Node:
        match node:
            case Name(id=name, type=type_):
                return given.get(name) or Name(renamed.get(name, name), type_)
            case Unpack(names=names):
                return replace(node, names=tuple([renamed.get(name, name) for name in names]))
            case For(name=name):
                return replace(node, name=renamed.get(name, name))
            case _:
                return node

    # ``transform`` leaves the root to its caller: the body is a child of its function.
    body = transform(function, change).body
    return (*before, *body)
