"""The operations of a kernel, each alone: a kernel that does nothing else, with the operands that it had.

A defect of one operation shows there, whatever surrounded the operation: that is what findings of the defect
have in common.  A store into a part of a local and an augmented assignment of one are operations as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np

from kernelfuzz.analysis.effects import changed_arguments
from kernelfuzz.findings.shape import kind
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.rewrite import Part, map_expressions, map_statements, rebuild
from kernelfuzz.ir.thread_kernels import element, thread_kernel
from kernelfuzz.ir.walk import children
from kernelfuzz.ir.zeros import zero_of
from kernelfuzz.reference.compiled_calls import OPERATORS, UNARY_OPERATORS
from kernelfuzz.typecheck.verify import VerifyError, verify

Value: TypeAlias = Any
Operator: TypeAlias = (
    n.Unary | n.Binary | n.Compare | n.BoolOp | n.IfExp | n.Call | n.Construct | n.Cast | n.Index | n.Attribute
)
_OPERATORS = (n.Unary, n.Binary, n.Compare, n.BoolOp, n.IfExp, n.Call, n.Construct, n.Cast, n.Index, n.Attribute)
# In this order a defect is looked for over simpler types.
_SCALARS = (t.INT32, t.FLOAT32, t.FLOAT64)
_VALUES = (t.Scalar, t.Vector, t.Matrix, t.Quaternion, t.Transform)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation over names: ``node`` is an expression, or a statement that changes the first operand.

    Literals stay what they are, since Warp may have ways of its own with a constant.
    """

    node: Operator | n.Name | n.Assign | n.AugAssign
    operands: tuple[n.Name, ...]

    @property
    def name(self) -> str:
        """What it does, without widths, sizes and names: ``int // int``."""
        return named(self.node)

    @property
    def types(self) -> tuple[t.Type, ...]:
        """The types of its operands and of its result."""
        results = () if isinstance(self.node, (n.Assign, n.AugAssign)) else (self.node.type,)
        return (*[operand.type for operand in self.operands], *results)

    def alone(self, values: Sequence[tuple[Value, ...]]) -> Case | None:
        """A kernel whose threads do the operation with these operands, one each; None where Warp has none such."""
        node = self.node
        changes = isinstance(node, (n.Assign, n.AugAssign))
        result: n.Expr = self.operands[0] if changes else node
        arrays = {f"in{at}": operand.type for at, operand in enumerate(self.operands)}
        inputs: dict[str, Any] = {
            name: _stored(type_, [each[at] for each in values]) for at, (name, type_) in enumerate(arrays.items())
        }
        body: list[n.Stmt] = [
            n.Assign(operand, element(name, operand.type)) for operand, name in zip(self.operands, arrays, strict=True)
        ]
        if changes:
            body.append(node)
        body.append(n.Assign(element("out", result.type), result))
        inputs["out"] = _stored(result.type, [_zero(result.type)] * len(values))
        kernel = thread_kernel({**arrays, "out": result.type}, body)
        return Case(kernel, Launch((len(values),), inputs)) if _verifies(kernel) else None


def operation(node: n.Node) -> tuple[Operation, tuple[n.Expr, ...]] | None:
    """The operation that a node does itself, and the expressions that its operands are; None where it does none.

    Of a statement the first operand is the local that it changes.
    """
    match node:
        case n.AugAssign(target=n.Name() as target):
            return _abstracted(node, (target, node.value))
        case (
            n.Assign(target=n.Index() | n.Attribute() as target)
            | n.AugAssign(target=n.Index() | n.Attribute() as target)
        ) if isinstance(target.value, n.Name):
            return _abstracted(node, (target.value, *children(target)[1:], node.value))
        case n.Call() if not node.args or changed_arguments(node):
            return None
        case _ if isinstance(node, _OPERATORS) and isinstance(node.type, _VALUES):
            return _abstracted(node, children(node))
        case _:
            return None


def copy_of(type_: t.Type) -> Operation:
    """The value of an element, stored: what the kernel of every other operation does as well."""
    value = n.Name("x0", type_)
    return Operation(value, (value,))


def forms(operation_: Operation) -> list[Operation]:
    """The operation and simpler ones, the simplest first.

    They are its operator over scalars, ``+`` for ``+=`` and ``wp.add``, and the change of a component of a vector.
    Where one of them is wrong as well, it is the defect of all.
    """
    plain = _as_operator(operation_)
    over: list[Operation] = []
    if isinstance(plain.node, (n.Unary, n.Binary, n.Compare)):
        over = [_over(plain, scalar) for scalar in _SCALARS]
    elif isinstance(plain.node, (n.Assign, n.AugAssign)) and isinstance(plain.node.target.type, t.Scalar):
        over = _of_a_vector(plain.node, plain.node.target.type)
    return [*dict.fromkeys([*over, plain, operation_])]


def _as_operator(operation_: Operation) -> Operation:
    match operation_.node:
        case n.AugAssign(target=n.Name() as target, op=op, value=value):
            return replace(operation_, node=n.Binary(op, target, value, target.type))
        case n.Call(name=name, args=(left, right), type=type_) if name in OPERATORS:
            return replace(operation_, node=n.Binary(OPERATORS[name], left, right, type_))
        case n.Call(name=name, args=(operand,), type=type_) if name in UNARY_OPERATORS:
            return replace(operation_, node=n.Unary(UNARY_OPERATORS[name], operand, type_))
        case _:
            return operation_


def _of_a_vector(node: n.Assign | n.AugAssign, scalar: t.Scalar) -> list[Operation]:
    """The same done to the first component of a vector; of an augmented assignment the sum, too."""
    vector, value = n.Name("x0", t.Vector(2, scalar)), n.Name("x1", scalar)
    first = n.Attribute(vector, "x", scalar)
    if isinstance(node, n.Assign):
        return [Operation(n.Assign(first, value), (vector, value))]
    return [Operation(n.AugAssign(first, op, value), (vector, value)) for op in ("+", node.op)]


def _over(operation_: Operation, scalar: t.Scalar) -> Operation:
    """An operation with names for all its operands, over a scalar type."""
    node = operation_.node
    names = [n.Name(f"x{at}", scalar) for at in range(len(children(node)))]
    made = rebuild(node, [(name,) for name in names])
    return Operation(made if isinstance(node, n.Compare) else replace(made, type=scalar), tuple(names))


def without(kernel: n.Kernel, names: Collection[str]) -> Iterator[n.Kernel]:
    """Kernels that do none of the operations of these names: an operand stands for the result, or a zero.

    They compute something else; whatever else the kernel has is in them as before.
    """
    for by_operand in (True, False):

        def changed(node: n.Expr, by_operand: bool = by_operand) -> n.Expr:
            found = operation(node)
            if found is None or found[0].name not in names:
                return node
            same = [each for each in found[1] if each.type == node.type and by_operand]
            return same[0] if same else zero_of(node.type)

        def kept(node: n.Stmt, _: n.Function | n.Kernel) -> n.Block:
            found = operation(node)
            return () if found is not None and found[0].name in names else (node,)

        made = map_statements(map_expressions(kernel, changed), kept)
        if made != kernel and _verifies(made):
            yield made


# ------------------------------------------------------------------------------------ names


def named(node: n.Node) -> str:
    """The name of an operation: two that differ in widths, sizes, literals or names only have the same."""
    match node:
        case n.Unary(op=op, operand=operand):
            return f"{op}{' ' if op == 'not' else ''}{kind(operand.type)}"
        case n.Binary(op=op, left=left, right=right):
            return f"{kind(left.type)} {op} {kind(right.type)}"
        case n.Compare(left=left, ops=ops, comparators=comparators):
            rest = [f" {op} {kind(each.type)}" for op, each in zip(ops, comparators, strict=True)]
            return kind(left.type) + "".join(rest)
        case n.BoolOp(op=op):
            return f"bool {op} bool"
        case n.IfExp(type=type_):
            return f"{kind(type_)} if bool else {kind(type_)}"
        case n.Call(name=name, args=args):
            return f"{name}({', '.join(kind(each.type) for each in args)})"
        case n.Construct(type=type_, args=args):
            return f"{kind(type_)}({', '.join(dict.fromkeys(kind(each.type) for each in args))})"
        case n.Cast(type=type_, operand=operand):
            return f"{kind(type_)}({kind(operand.type)})"
        case n.Index(value=value, indices=indices):
            return f"{kind(value.type)}[{', '.join(':' if isinstance(each, n.Slice) else 'i' for each in indices)}]"
        case n.Attribute(value=value, name=name):
            return f"{kind(value.type)}.{name if isinstance(value.type, t.Transform) else 'x'}"
        case n.Name(type=type_):
            return f"copy of {kind(type_)}"
        case n.Assign(target=target, value=value):
            return f"{named(target)} = {kind(value.type)}"
        case n.AugAssign(target=target, op=op, value=value):
            place = kind(target.type) if isinstance(target, n.Name) else named(target)
            return f"{place} {op}= {kind(value.type)}"
        case _:
            raise TypeError(f"{type(node).__name__} is no operation")


# ---------------------------------------------------------------------------- operands and kernels


def _abstracted(node: n.Node, below: Sequence[n.Node]) -> tuple[Operation, tuple[n.Expr, ...]] | None:
    """The node with names for those of the nodes below it that are values but no literals."""
    operands: list[n.Name] = []
    values: list[n.Expr] = []
    parts: list[Part] = []
    for child in below:
        if isinstance(child, (n.Literal, n.Slice)):
            parts.append((child,))
            continue
        value = cast("n.Expr", child)
        if not isinstance(value.type, _VALUES):
            return None
        operands.append(n.Name(f"x{len(operands)}", value.type))
        values.append(value)
        parts.append((operands[-1],))
    if isinstance(node, (n.Assign, n.AugAssign)):
        *place, new = parts
        target = node.target if isinstance(node.target, n.Name) else rebuild(node.target, place)
        made: n.Node = rebuild(node, [place[0] if isinstance(target, n.Name) else (target,), new])
    else:
        made = rebuild(node, parts)
    return Operation(cast("Operator", made), tuple(operands)), tuple(values)


def _scalar_and_sizes(type_: t.Type) -> tuple[t.Scalar, tuple[int, ...]]:
    if isinstance(type_, t.Scalar):
        return type_, ()
    assert isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform))
    return type_.dtype, t.shape(type_)


def _stored(type_: t.Type, values: Sequence[Value]) -> Any:
    """An array of values, as a launch has it."""
    scalar, sizes = _scalar_and_sizes(type_)
    return np.array(values, dtype=scalar.name).reshape(len(values), *sizes)


def _zero(type_: t.Type) -> Value:
    return np.zeros(_scalar_and_sizes(type_)[1])


def filled(type_: t.Type, numbers: Sequence[float]) -> list[Value]:
    """For each number the value of the type that has it everywhere, as far as it can."""
    scalar, sizes = _scalar_and_sizes(type_)
    fits = [each for each in numbers if scalar.is_float or scalar.limits[0] <= each <= scalar.limits[1]]
    return [np.full(sizes, each).astype(scalar.name) for each in fits]


def _verifies(kernel: n.Kernel) -> bool:
    try:
        verify(kernel)
    except VerifyError:
        return False
    return True
