"""Runs the source text of a Warp kernel by walking its syntax tree: int32 only, one thread after another."""

from __future__ import annotations

import ast
import contextlib
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

BUG = "negative-step"


class Unsupported(Exception):
    """The kernel has something that this backend does not know."""


class _Left(Exception):
    """A loop or a kernel was left by a statement of this name."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


def _quotient(a: int, b: int) -> int:
    """Towards zero, as in C."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _remainder(a: int, b: int) -> int:
    """With the sign of the dividend, as in C."""
    return a - b * _quotient(a, b)


_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _quotient,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: _remainder,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_BUILTINS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "add": operator.add,
    "clamp": lambda x, low, high: min(max(low, x), high),
    "div": _quotient,
    "floordiv": operator.floordiv,
    "int": int,
    "max": max,
    "min": min,
    "mod": _remainder,
    "mul": operator.mul,
    "neg": operator.neg,
    "pos": operator.pos,
    "sign": lambda x: -1 if x < 0 else 1,
    "step": lambda x: 1 if x < 0 else 0,
    "sub": operator.sub,
    "unot": operator.not_,
}


def run(source: str, dim: Sequence[int], inputs: Mapping[str, Any], *, bug: str | None = None) -> dict[str, Any]:
    """Launch the only kernel of the text; the arrays afterwards, by the name of the parameter.

    ``bug`` switches a planted bug on (default: what the environment variable TOYWARP_BUG says).
    """
    bug = os.environ.get("TOYWARP_BUG") if bug is None else bug
    (kernel,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    values = {name: np.array(value) for name, value in inputs.items()}
    for index in product(*map(range, dim)):
        # A scalar is the thread's own; arrays are shared.
        names = {name: value if value.ndim else int(value) for name, value in values.items()}
        with contextlib.suppress(_Left):  # by a return: loops end the others
            _Thread(names, index, bug == BUG).block(kernel.body)
    return {name: value for name, value in values.items() if value.ndim}


class _Thread:
    """One thread: the values of its names, and its index in the grid."""

    def __init__(self, names: dict[str, Any], index: tuple[int, ...], buggy: bool) -> None:
        self.names = names
        self.index = index
        self.buggy = buggy

    def block(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[target], value=value):
                self.store(target, self.value(value))
            case ast.AugAssign(target=target, op=op, value=value):
                self.store(target, _BINARY[type(op)](self.value(target), self.value(value)))
            case ast.If(test=test, body=body, orelse=orelse):
                self.block(body if self.value(test) else orelse)
            case ast.For(target=target, iter=ast.Call(args=bounds), body=body):
                self.loop(body, self.range(*map(self.value, bounds)), target)
            case ast.While(test=test, body=body):
                self.loop(body, iter(lambda: bool(self.value(test)), False), None)
            case ast.Break() | ast.Continue() | ast.Return(value=None):
                raise _Left(type(node).__name__.lower())
            case ast.Pass():
                pass
            case _:
                raise Unsupported(ast.unparse(node))

    def range(self, *bounds: int) -> range:
        made = range(*bounds)
        return made[:-1] if self.buggy and made.step < 0 else made

    def loop(self, body: Sequence[ast.stmt], values: Any, target: ast.expr | None) -> None:
        for value in values:
            if target is not None:
                self.store(target, value)
            try:
                self.block(body)
            except _Left as left:
                if left.by == "break":
                    return
                if left.by == "return":
                    raise

    def store(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.names[name] = value
            case ast.Tuple(elts=targets):
                for each, part in zip(targets, value, strict=True):
                    self.store(each, part)
            case ast.Subscript(value=array, slice=index):
                self.value(array)[self.value(index)] = value
            case _:
                raise Unsupported(ast.unparse(target))

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.names[name]
            case ast.Tuple(elts=parts):
                return tuple([self.value(part) for part in parts])
            case ast.Subscript(value=array, slice=index):
                return int(self.value(array)[self.value(index)])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self.value(left), self.value(right))
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self.value(operand))
            case ast.BoolOp(op=op, values=values):
                decided = isinstance(op, ast.Or)
                return next((True for each in values if bool(self.value(each)) == decided), False) == decided
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test) else orelse)
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self.value(each) for each in (left, *others)]
                return all(_COMPARE[type(op)](a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False))
            case ast.Call(func=ast.Attribute(attr="tid")):
                return self.index if len(self.index) > 1 else self.index[0]
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=args) if name in _BUILTINS:
                return _BUILTINS[name](*[self.value(each) for each in args])
            case _:
                raise Unsupported(ast.unparse(node))
