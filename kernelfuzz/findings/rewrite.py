"""A kernel with its expressions or its statements replaced, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias

from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Pass,
    Place,
    Return,
    Slice,
    Stmt,
    Unary,
    Unpack,
    While,
)

ChangeExpression: TypeAlias = Callable[[Expr], Expr]
ChangeStatement: TypeAlias = Callable[[Stmt, "Function | Kernel"], Block]

# A static expression is Python's: what is inside keeps its form.
_REWRITTEN = (
    *(Literal, Name, Unary, Binary, Compare, BoolOp, IfExp, Call, CallFunction, Construct, Cast, Index),
    *(Attribute, ArrayShape),
)


class FreshNames:
    """Names that a kernel does not use: ``copy0``, ``copy1``, each given once."""

    def __init__(self, taken: Iterable[str], prefix: str) -> None:
        self._taken = set(taken)
        self._prefix = prefix
        self._next = 0

    def __call__(self) -> str:
        while True:
            name = f"{self._prefix}{self._next}"
            self._next += 1
            if name not in self._taken:
                return name


def map_expressions(kernel: Kernel, change: ChangeExpression, *, targets: bool = True) -> Kernel:
    """Every expression changed, the inner ones first; a target stays a place, whose indices are changed.

    ``targets=False`` leaves targets alone altogether.
    """

    def changed(node: Any) -> Any:
        match node:
            case tuple():
                return tuple([changed(element) for element in node])
            case Assign(target=target, value=value):
                return Assign(place(target), changed(value))
            case AugAssign(target=target, op=op, value=value):
                return AugAssign(place(target), op, changed(value))
            case _ if isinstance(node, _REWRITTEN):
                return change(_rebuilt(node, changed))
            case If() | For() | While() | Unpack() | Return() | ExprStmt():
                return _rebuilt(node, changed)
            case _:
                return node

    def place(target: Place) -> Place:
        match target:
            case Name():
                return target
            case Attribute(value=(Name() | Index() | Attribute()) as value):
                return replace(target, value=place(value)) if targets else target
            case Attribute():
                return target
            case Index(value=value, indices=indices):
                if not targets:
                    return target
                inner = place(value) if isinstance(value, (Name, Index, Attribute)) else value
                return replace(target, value=inner, indices=changed(indices))
            case _:
                return assert_never(target)

    return _with_bodies(kernel, lambda function: changed(function.body))


def _rebuilt(node: Any, changed: Callable[[Any], Any]) -> Any:
    """The node with its direct children changed; types, operators and names are no children."""
    assert is_dataclass(node)
    values = {field.name: getattr(node, field.name) for field in fields(node)}
    made = {
        name: changed(value)
        for name, value in values.items()
        if name != "type" and (isinstance(value, (tuple, Slice)) or is_dataclass(value))
    }
    return replace(node, **made)  # pyright: ignore[reportArgumentType]


def map_statements(kernel: Kernel, change: ChangeStatement) -> Kernel:
    """Every statement replaced by what ``change`` makes of it, the inner ones first."""

    def blocks(block: Block, function: Function | Kernel) -> Block:
        return tuple([new for node in block for new in change(statement(node, function), function)])

    def statement(node: Stmt, function: Function | Kernel) -> Stmt:
        match node:
            case If(test=test, body=body, orelse=orelse):
                return If(test, blocks(body, function), blocks(orelse, function))
            case For(name=name, bounds=bounds, body=body):
                return For(name, bounds, blocks(body, function))
            case While(test=test, body=body):
                return While(test, blocks(body, function))
            case Assign() | Unpack() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
                return node
            case _:
                return assert_never(node)

    return _with_bodies(kernel, lambda function: blocks(function.body, function))


def _with_bodies(kernel: Kernel, body: Callable[[Function | Kernel], Block]) -> Kernel:
    functions = tuple([replace(function, body=body(function)) for function in kernel.functions])
    return replace(kernel, body=body(kernel), functions=functions)
