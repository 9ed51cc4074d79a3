"""Rewrites of single expressions, for bugs that give wrong values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kernelfuzz.analysis.writes import changed_arguments, is_local
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import FLOAT32, Array, Scalar, Tile
from kernelfuzz.ir.walk import walk
from kernelfuzz.rewrites.everywhere import map_expressions, map_statements
from kernelfuzz.rewrites.parts import loaded, own_value, writes


def constant_ternary_aliases(kernel: n.Kernel) -> n.Kernel:
    """The sides of a conditional expression get variables of their own where Warp may know its condition."""

    def change(node: n.Expr) -> n.Expr:
        if not isinstance(node, n.IfExp) or not _may_be_constant(node.test):
            return node
        return n.IfExp(node.test, own_value(node.body), own_value(node.orelse), node.type)

    return map_expressions(kernel, change)


def _may_be_constant(test: n.Expr) -> bool:
    return not any(isinstance(node, (n.Index, n.Attribute, n.Call, n.CallFunction)) for node in walk(test))


def conversion_retypes_a_constant(kernel: n.Kernel) -> n.Kernel:
    """A 64-bit conversion takes ``+n`` instead of the name itself."""

    def change(node: n.Expr) -> n.Expr:
        if isinstance(node, n.Cast) and node.type.bits == 64 and isinstance(node.operand, n.Name):
            return n.Cast(node.type, own_value(node.operand))
        return node

    return map_expressions(kernel, change)


def subscript_of_a_slice(kernel: n.Kernel) -> n.Kernel:
    """``(+v[1:3])[0]``: an operator between the two subscripts."""

    def change(node: n.Expr) -> n.Expr:
        if isinstance(node, n.Index) and isinstance(node.value, n.Index) and _is_slice(node.value):
            return n.Index(own_value(node.value), node.indices, node.type)
        return node

    return map_expressions(kernel, change, targets=False)


def _is_slice(node: n.Index) -> bool:
    return any(isinstance(index, n.Slice) for index in node.indices)


def chained_comparison_of_references(kernel: n.Kernel) -> n.Kernel:
    """The elements and fields that a chain compares get variables of their own."""

    def change(node: n.Expr) -> n.Expr:
        if not isinstance(node, n.Compare) or len(node.ops) < 2:
            return node
        return n.Compare(loaded(node.left), node.ops, tuple(map(loaded, node.comparators)), node.type)

    return map_expressions(kernel, change)


def negated_zero(kernel: n.Kernel) -> n.Kernel:
    """``x * -1.0`` instead of ``-x`` and ``wp.neg(x)`` of a scalar or a tile."""

    def change(node: n.Expr) -> n.Expr:
        match node:
            case n.Unary(op="-", operand=operand, type=Scalar(is_float=True) as dtype):
                pass
            case n.Unary(op="-", operand=operand, type=Tile(dtype=dtype)):
                pass
            case n.Call(name="neg", args=(operand,), type=Scalar(is_float=True) as dtype):
                pass
            case _:
                return node
        if isinstance(operand, n.Literal) and (operand.value or operand.type == FLOAT32):
            return node  # Warp negates a constant itself
        return n.Binary("*", operand, n.Unary("-", n.Literal(1.0, dtype), dtype), node.type)

    return map_expressions(kernel, change)


def element_is_read_late(kernel: n.Kernel) -> n.Kernel:
    """``+a[i] + f(a)``: an operator loads the element before a later operand writes it."""

    def change(node: n.Expr) -> n.Expr:
        match node:
            case n.Binary(left=left, right=right):
                left, right = _read_early((left, right))
                return replace(node, left=left, right=right)
            case n.Compare(left=left, comparators=comparators):
                left, *others = _read_early((left, *comparators))
                return replace(node, left=left, comparators=tuple(others))
            case n.Call(args=args) | n.CallFunction(args=args) | n.Construct(args=args):
                return replace(node, args=_read_early(args))
            case _:
                return node

    def change_statement(node: n.Stmt, function: n.Function | n.Kernel) -> n.Block:
        match node:
            case n.AugAssign(target=n.Index(indices=indices) as target, op=op, value=value):
                simple = all(isinstance(index, (n.Name, n.Literal)) for index in indices)
                if op in _NOT_ATOMIC and simple and _is_element(target) and writes(value):
                    return (n.Assign(target, n.Binary(op, own_value(target), value, target.type)),)
            case n.AugAssign(target=n.Name() as target, op=op, value=value) if _changes(target, value):
                return (n.Assign(target, n.Binary(op, own_value(target), value, target.type)),)
            case n.For(bounds=bounds):
                return (replace(node, bounds=_read_early(bounds)),)
            case n.Return(values=values):
                return (n.Return(_read_early(values)),)
            case _:
                pass
        return (node,)

    return map_statements(map_expressions(kernel, change), change_statement)


# An augmented assignment of an array element by any other operator is one atomic operation.
_NOT_ATOMIC = frozenset(("*", "/", "//", "%", "<<", ">>", "**"))


def _read_early(operands: tuple[n.Expr, ...]) -> tuple[n.Expr, ...]:
    """The operands; those that one behind them may change (elements, random states) are loaded."""
    return tuple(
        [
            own_value(node) if any(_changes(node, later) for later in operands[number + 1 :]) else node
            for number, node in enumerate(operands)
        ]
    )


def _changes(node: n.Expr, later: n.Expr) -> bool:
    """Whether evaluating an expression may change what an element or a local holds."""
    if isinstance(node, n.Name):
        return any(node == call.args[at] for call, at in _changed_in_place(later))
    return _is_element(node) and writes(later)


def _is_element(node: n.Expr) -> bool:
    return isinstance(node, (n.Index, n.Attribute)) and not isinstance(node.type, Array) and not is_local(node)


def condition_is_read_again(kernel: n.Kernel) -> n.Kernel:
    """``if not not a[i]:`` instead of ``if a[i]:``: an operator loads the element once."""

    def change(node: n.Expr) -> n.Expr:
        if isinstance(node, n.IfExp) and _is_element(node.test):
            return replace(node, test=own_value(node.test))
        return node

    def change_statement(node: n.Stmt, function: n.Function | n.Kernel) -> n.Block:
        if isinstance(node, n.If) and _is_element(node.test):
            return (replace(node, test=own_value(node.test)),)
        return (node,)

    return map_statements(map_expressions(kernel, change), change_statement)


def chained_comparison_is_eager(kernel: n.Kernel) -> n.Kernel:
    """``a < b and b < f(c)`` instead of ``a < b < f(c)``, where ``b`` may be evaluated twice."""

    def change(node: n.Expr) -> n.Expr:
        if not isinstance(node, n.Compare) or not any(map(writes, node.comparators[1:])):
            return node
        if any(map(_has_effects, node.comparators[:-1])):
            return node
        sides = (node.left, *node.comparators)
        links = zip(sides[:-1], node.ops, sides[1:], strict=True)
        return n.BoolOp("and", tuple([n.Compare(left, (op,), (right,)) for left, op, right in links]))

    return map_expressions(kernel, change)


def _changed_in_place(node: n.Expr) -> Iterator[tuple[n.Call, int]]:
    """The calls of builtins that change an argument (the states of random numbers), and which."""
    for each in walk(node):
        if isinstance(each, n.Call):
            yield from ((each, at) for at in changed_arguments(each))


def _has_effects(node: n.Expr) -> bool:
    return writes(node) or any(_changed_in_place(node))
