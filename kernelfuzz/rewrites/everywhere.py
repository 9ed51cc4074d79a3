"""A kernel with its expressions or its statements replaced, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.walk import bound_names

ChangeExpression: TypeAlias = Callable[[n.Expr], n.Expr]
ChangeStatement: TypeAlias = Callable[[n.Stmt, "n.Function | n.Kernel"], n.Block]

# A static expression is Python's: what is inside keeps its form.
_REWRITTEN = (
    *(
        n.Literal,
        n.Name,
        n.Unary,
        n.Binary,
        n.Compare,
        n.BoolOp,
        n.IfExp,
        n.Call,
        n.CallFunction,
        n.Construct,
        n.Cast,
        n.Index,
    ),
    *(n.Attribute, n.ArrayShape),
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


def map_expressions(kernel: n.Kernel, change: ChangeExpression, *, targets: bool = True) -> n.Kernel:
    """Every expression changed, the inner ones first; a target stays a place, whose indices are changed.

    ``targets=False`` leaves targets alone altogether.
    """

    def changed(node: Any) -> Any:
        match node:
            case tuple():
                return tuple([changed(element) for element in node])
            case n.Assign(target=target, value=value):
                return n.Assign(place(target), changed(value))
            case n.AugAssign(target=target, op=op, value=value):
                return n.AugAssign(place(target), op, changed(value))
            case _ if isinstance(node, _REWRITTEN):
                return change(_rebuilt(node, changed))
            case n.If() | n.For() | n.While() | n.Unpack() | n.Return() | n.ExprStmt():
                return _rebuilt(node, changed)
            case _:
                return node

    def place(target: n.Place) -> n.Place:
        match target:
            case n.Name():
                return target
            case n.Attribute(value=(n.Name() | n.Index() | n.Attribute()) as value):
                return replace(target, value=place(value)) if targets else target
            case n.Attribute():
                return target
            case n.Index(value=value, indices=indices):
                if not targets:
                    return target
                inner = place(value) if isinstance(value, (n.Name, n.Index, n.Attribute)) else value
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
        if name != "type" and (isinstance(value, (tuple, n.Slice)) or is_dataclass(value))
    }
    return replace(node, **made)  # pyright: ignore[reportArgumentType]


def map_statements(kernel: n.Kernel, change: ChangeStatement) -> n.Kernel:
    """Every statement replaced by what ``change`` makes of it, the inner ones first."""

    def blocks(block: n.Block, function: n.Function | n.Kernel) -> n.Block:
        return tuple([new for node in block for new in change(statement(node, function), function)])

    def statement(node: n.Stmt, function: n.Function | n.Kernel) -> n.Stmt:
        match node:
            case n.If(test=test, body=body, orelse=orelse):
                return n.If(test, blocks(body, function), blocks(orelse, function))
            case n.For(name=name, bounds=bounds, body=body):
                return n.For(name, bounds, blocks(body, function))
            case n.While(test=test, body=body):
                return n.While(test, blocks(body, function))
            case (
                n.Assign()
                | n.Unpack()
                | n.AugAssign()
                | n.Break()
                | n.Continue()
                | n.Pass()
                | n.Return()
                | n.ExprStmt()
            ):
                return node
            case _:
                return assert_never(node)

    return _with_bodies(kernel, lambda function: blocks(function.body, function))


def _with_bodies(kernel: n.Kernel, body: Callable[[n.Function | n.Kernel], n.Block]) -> n.Kernel:
    functions = tuple([replace(function, body=body(function)) for function in kernel.functions])
    return replace(kernel, body=body(kernel), functions=functions)


def identifiers(kernel: n.Kernel) -> frozenset[str]:
    """Every name that the kernel's module has, wherever."""
    names = {kernel.name, *(constant.name for constant in kernel.constants)}
    names.update(function.name for function in kernel.functions)
    for struct in kernel.structs:
        names.update((struct.name, *(name for name, _ in struct.fields)))
    for owner in (kernel, *kernel.functions):
        names.update(param.name for param in owner.params)
        names.update(bound_names(owner.body))
    return frozenset(names)


def fresh(kernel: n.Kernel, prefix: str) -> Iterator[str]:
    """Names that the kernel does not have yet: ``prefix0``, ``prefix1``, ..."""
    taken = identifiers(kernel)
    number = 0
    while True:
        if (name := f"{prefix}{number}") not in taken:
            yield name
        number += 1
