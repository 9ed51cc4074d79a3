"""The type of an expression, by the rules that Warp 1.10, 1.14 and 1.19 share.

Sources: Warp's documentation ("Basics", "Code Generation", "Built-Ins Reference") and its behaviour in these
three releases, tried one small kernel per rule.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NoReturn

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.typecheck.builtins import NAMES, resolve
from kernelfuzz.typecheck.comparisons import mixed_operands
from kernelfuzz.typecheck.local_arrays import LOCAL_ARRAYS
from kernelfuzz.typecheck.messages import MESSAGES, message_call
from kernelfuzz.typecheck.operators import (
    TILE_CALLS,
    binary_result,
    compare_allowed,
    is_tested,
    tile_call,
    unary_result,
)
from kernelfuzz.typecheck.scope import Scope, VerifyError

COMPONENTS = ("x", "y", "z", "w")
# What wp.static evaluates in Python with the same result as the typing of Warp says.
STATIC_OPERATORS = frozenset({"+", "-", "*", "//", "%"})


def fail(message: str, node: n.Node) -> NoReturn:
    raise VerifyError(message, node)


def infer(node: n.Expr, scope: Scope) -> t.Type:
    """The type of an expression; raises VerifyError where it has none or is marked with another."""
    type_ = _infer(node, scope)
    if node.type != type_:
        fail(f"is {t.type_name(type_)} but is marked as {t.type_name(node.type)}", node)
    return type_


def expect(node: n.Expr, type_: t.Type, scope: Scope, role: str) -> None:
    """Raise unless the expression has the type."""
    found = infer(node, scope)
    if found != type_:
        fail(f"{role} must be {t.type_name(type_)}, not {t.type_name(found)}", node)


def expect_test(node: n.Expr, role: str, scope: Scope) -> t.Type:
    """The type of a condition; raises unless it may stand for its truth in the role (``operators.is_tested``)."""
    found = infer(node, scope)
    if not is_tested(found, role):
        fail(f"{t.type_name(found)} is no condition here ({role})", node)
    return found


def _infer(node: n.Expr, scope: Scope) -> t.Type:
    match node:
        case n.Name():
            found = scope.lookup(node.id)
            return found if found is not None else fail("is not defined here", node)
        case n.Literal():
            return _literal(node)
        case n.Binary():
            left, right = infer(node.left, scope), infer(node.right, scope)
            result = binary_result(node.op, left, right)
            if result is None:
                fail(f"no operator {node.op} for {t.type_name(left)} and {t.type_name(right)}", node)
            return result
        case n.Index():
            return _index(node, scope)
        case n.Call():
            return _call(node, scope)
        case n.Attribute():
            return _attribute(node, scope)
        case n.Construct():
            return _construct(node, scope)
        case n.Cast():
            return _cast(node, scope)
        case n.Compare():
            return _compare(node, scope)
        case n.Unary():
            operand = infer(node.operand, scope)
            result = unary_result(node.op, operand)
            return result or fail(f"no operator {node.op} for {t.type_name(operand)}", node)
        case n.BoolOp():
            if node.op not in ("and", "or") or len(node.values) < 2:
                fail("needs and/or with two values or more", node)
            for value in node.values:
                expect_test(value, "operand", scope)
            return t.BOOL
        case n.IfExp():
            expect_test(node.test, "ternary", scope)
            body, orelse = infer(node.body, scope), infer(node.orelse, scope)
            if body != orelse or isinstance(body, (t.Tile, t.Tuple)):
                fail(f"branches are {t.type_name(body)} and {t.type_name(orelse)}", node)
            return body
        case n.CallFunction():
            return _call_function(node, scope)
        case n.ArrayShape():
            array = infer(node.array, scope)
            if not isinstance(array, t.Array) or not 0 <= node.axis < array.ndim:
                fail(f"{t.type_name(array)} has no axis {node.axis}", node)
            return t.INT32
        case n.Static():
            return _static(node.value, scope)
        case _:
            return assert_never(node)


def is_value(value: float, type_: t.Scalar) -> bool:
    """Whether a literal of the type can have the value."""
    if type_ == t.BOOL:
        return isinstance(value, bool)
    if type_.is_float:
        special = math.isnan(value) or math.isinf(value)
        return isinstance(value, float) and (special or abs(value) <= type_.largest)
    low, high = type_.limits
    return type(value) is int and low <= value <= high


def _literal(node: n.Literal) -> t.Type:
    if not is_value(node.value, node.type):
        fail(f"{node.value!r} is no value of {node.type}", node)
    return node.type


# ------------------------------------------------------------- parts of values


def constant_value(node: n.Expr, scope: Scope) -> int | None:
    """The value of an integer that Warp knows while it generates code, where it is plain to see."""
    match node:
        case n.Literal(value=int() as value):
            return value
        case n.Unary(op="-", operand=operand):
            inner = constant_value(operand, scope)
            return None if inner is None else -inner
        case n.Static(value=value):
            return constant_value(value, scope)
        case n.Name(id=name) if name not in scope.visible and name in scope.module.constants:
            return constant_value(scope.module.constants[name].value, scope)
        case n.Call(name="len", args=(argument,)):
            return _fixed_length(argument.type)
        case _:
            return None


def _fixed_length(type_: t.Type) -> int | None:
    """What ``wp.len`` gives while code is generated: everything but an array has a length of its own."""
    return t.shape(type_)[0] if isinstance(type_, (t.Vector, t.Matrix, t.Quaternion, t.Transform)) else None


def _axis_index(index: n.Expr, size: int, scope: Scope) -> None:
    """An index into a vector, matrix, quaternion or transform: an integer, in bounds where it is constant."""
    found = infer(index, scope)
    if not isinstance(found, t.Scalar) or not found.is_integer:
        fail(f"an index of a component must be an integer, not {t.type_name(found)}", index)
    value = constant_value(index, scope)
    if value is not None and not -size <= value < size:
        fail(f"index {value} is out of bounds for {size}", index)


def subscript_type(value: t.Type, indices: tuple[n.Expr | n.Slice, ...]) -> t.Type | None:
    """The type of ``value[indices]`` with good indices, or None where it does not take as many."""
    count = len(indices)
    match value:
        case t.Array(dtype=dtype, ndim=ndim) if 1 <= count <= ndim:
            left = ndim - count + sum(isinstance(index, n.Slice) for index in indices)
            return t.Array(dtype, left) if left else dtype
        case t.Tile(dtype=dtype, shape=sizes) if count == len(sizes):
            return dtype if not any(isinstance(index, n.Slice) for index in indices) else None
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() if count <= len(t.shape(value)):
            sizes = t.shape(value)
            lengths = [
                _slice_length(index, size)
                for index, size in zip(indices, sizes, strict=False)
                if isinstance(index, n.Slice)
            ]
            return _of_shape((*lengths, *sizes[count:]), value.dtype)
        case _:
            return None


def _of_shape(lengths: tuple[int, ...], dtype: t.Scalar) -> t.Type:
    """The type of a part of a composite value that has so many components along each axis."""
    match lengths:
        case ():
            return dtype
        case (length,):
            return t.Vector(length, dtype)
        case _:
            rows, columns = lengths
            return t.Matrix(rows, columns, dtype)


def _index(node: n.Index, scope: Scope) -> t.Type:
    value, indices = infer(node.value, scope), node.indices
    result = subscript_type(value, indices)
    if result is None:
        fail(f"{t.type_name(value)} does not take {len(indices)} indices", node)
    if isinstance(value, t.Array):
        if _is_open_slice(node.value):
            fail("Warp takes the subscripts of this slice and those behind it as one", node)
        for index in indices:
            _array_index(index, scope)
    elif isinstance(value, (t.Vector, t.Matrix, t.Quaternion, t.Transform)):
        for index, size in zip(indices, t.shape(value), strict=False):
            if not isinstance(index, n.Slice):
                _axis_index(index, size, scope)
    return result


def _is_open_slice(array: n.Expr) -> bool:
    """Whether this is a slice of an array that leaves out dimensions (notes/findings/subscript-of-a-slice.md)."""
    if not isinstance(array, n.Index) or not isinstance(array.value.type, t.Array):
        return False
    return len(array.indices) < array.value.type.ndim and any(isinstance(index, n.Slice) for index in array.indices)


def _array_index(index: n.Expr | n.Slice, scope: Scope) -> None:
    if isinstance(index, n.Slice):
        if index.step == 0:
            fail("a slice of an array needs a step that is not 0", index)
        return
    found = infer(index, scope)
    if not isinstance(found, t.Scalar) or not found.is_integer:
        fail(f"an index of an array must be an integer, not {t.type_name(found)}", index)
    value = constant_value(index, scope)
    if value is not None and value < 0:
        fail("an array index does not count from the end", index)


def _slice_length(index: n.Slice, length: int) -> int:
    inside = all(part is None or -length <= part <= length for part in (index.start, index.stop))
    if not inside or index.step == 0:
        fail(f"is out of bounds for {length}", index)
    count = len(range(*slice(index.start, index.stop, index.step).indices(length)))
    return count or fail("selects nothing", index)


def attribute_type(value: t.Type, name: str) -> t.Type | None:
    """The type of ``value.name``, or None where there is no such part."""
    match value:
        case t.Struct():
            return value.field(name)
        case t.Vector(length=length, dtype=dtype) if name in COMPONENTS[:length]:
            return dtype
        case t.Quaternion(dtype=dtype) if name in COMPONENTS:
            return dtype
        case t.Transform(dtype=dtype) if name in ("p", "q"):
            return t.Vector(3, dtype) if name == "p" else t.Quaternion(dtype)
        case _:
            return None


def _attribute(node: n.Attribute, scope: Scope) -> t.Type:
    value = infer(node.value, scope)
    result = attribute_type(value, node.name)
    return result or fail(f"{t.type_name(value)} has no attribute {node.name}", node)


# ------------------------------------------------------------------ new values


@cache
def is_valid(type_: t.Type) -> bool:
    """Whether Warp's releases all have this type (they have no vectors of bool that compile)."""
    match type_:
        case t.Vector(length=length, dtype=dtype):
            return length >= 1
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            return rows >= 1 and columns >= 1
        case t.Quaternion(dtype=dtype) | t.Transform(dtype=dtype):
            return dtype.is_float
        case t.Array(dtype=dtype, ndim=ndim):
            return 1 <= ndim <= 4 and is_valid(dtype)
        case t.Struct(fields=fields):
            names = {name for name, _ in fields}
            return len(names) == len(fields) and all(
                is_valid(field) and not isinstance(field, (t.Tuple, t.Tile)) for _, field in fields
            )
        case t.Tuple(elements=elements):
            return all(is_valid(element) for element in elements)
        case _:
            return True


@cache
def _constructors(type_: t.Type) -> tuple[tuple[t.Type, ...], ...]:
    """The argument lists that construct a value, besides a copy of another vector, matrix or quaternion."""
    match type_:
        case t.Vector(length=length, dtype=dtype):
            return (), (dtype,), (dtype,) * length
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            return (), (dtype,), (dtype,) * (rows * columns)
        case t.Quaternion(dtype=dtype):
            return (), (dtype,) * 4, (t.Vector(3, dtype), dtype)
        case t.Transform(dtype=dtype):
            return (), (t.Vector(3, dtype), t.Quaternion(dtype)), (dtype,) * 7, (dtype,), (type_,)
        case t.Struct(fields=fields):
            return (), tuple(field for _, field in fields)
        case _:
            return ()


def _construct(node: n.Construct, scope: Scope) -> t.Type:
    type_ = node.type
    _declared(type_, node, scope)
    given = tuple([infer(argument, scope) for argument in node.args])
    if given in _constructors(type_):
        return type_
    match type_, given:
        case t.Vector(), (t.Vector(length=length),) if length == type_.length:
            return type_
        case t.Matrix(), (t.Matrix() as other,) if t.shape(other) == t.shape(type_):
            return type_
        case t.Quaternion(), (t.Quaternion(),):
            return type_
        case _:
            fail(f"{t.type_name(type_)} cannot be made from ({', '.join(map(t.type_name, given))})", node)


def _declared(type_: t.Type, node: n.Node, scope: Scope) -> None:
    if isinstance(type_, t.Struct) and scope.module.structs.get(type_.name) != type_:
        fail(f"the struct {type_.name} is not declared like this", node)
    if not is_valid(type_):
        fail(f"Warp has no type {t.type_name(type_)}", node)


def _cast(node: n.Cast, scope: Scope) -> t.Type:
    operand = infer(node.operand, scope)
    if not isinstance(operand, t.Scalar) or {operand, node.type} == {t.FLOAT16, t.BOOL}:
        fail(f"{t.type_name(operand)} cannot be converted to {node.type}", node)
    return node.type


def _compare(node: n.Compare, scope: Scope) -> t.Type:
    if not node.ops or len(node.ops) != len(node.comparators):
        fail("needs as many operators as comparators", node)
    left = infer(node.left, scope)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = infer(comparator, scope)
        mixed = len(node.ops) == 1 and mixed_operands(op, node.left, comparator) is not None
        if not mixed and not compare_allowed(op, left, right):
            fail(f"no comparison {op} for {t.type_name(left)} and {t.type_name(right)}", node)
        left = right
    return t.BOOL


# ----------------------------------------------------------------------- calls


def _call(node: n.Call, scope: Scope) -> t.Type:
    if node.name == "tid":
        return _thread_index(node, scope)
    types = tuple([infer(argument, scope) for argument in node.args])
    if node.name == "block_dim":
        return t.INT32 if not types and not node.keywords else fail("block_dim takes nothing", node)
    if node.name in TILE_CALLS:
        result = tile_call(node.name, types, node.keywords)
        return result or fail(f"{node.name} does not take ({', '.join(map(t.type_name, types))})", node)
    if node.name in LOCAL_ARRAYS:
        made = LOCAL_ARRAYS[node.name](types, dict(node.keywords))
        return made or fail(f"{node.name} does not take ({', '.join(map(t.type_name, types))})", node)
    if node.name in MESSAGES:
        told = message_call(node.name, types, node.keywords)
        return told or fail(f"{node.name} does not take ({', '.join(map(t.type_name, types))})", node)
    signature = resolve(node.name, types, node.keywords)
    if signature is None:
        known = node.name in NAMES
        given = ", ".join([*map(t.type_name, types), *(f"{name}=" for name, _ in node.keywords)])
        fail(f"{node.name} does not take ({given})" if known else f"no builtin {node.name}", node)
    for position in signature.builtin.mutates:
        _mutable_argument(node.args[position], scope)
    return signature.result


def _thread_index(node: n.Call, scope: Scope) -> t.Type:
    if not scope.is_kernel:
        fail("only a kernel may ask for its thread index", node)
    axes = node.type.elements if isinstance(node.type, t.Tuple) else (node.type,)
    if node.args or node.keywords or not 1 <= len(axes) <= 4 or any(axis != t.INT32 for axis in axes):
        fail("gives one to four int32 and takes nothing", node)
    return node.type


def _mutable_argument(node: n.Expr, scope: Scope) -> None:
    """An argument that the call changes in place: a local variable, or a value of no other name."""
    if isinstance(node, n.Name):
        if node.id not in scope.visible or node.id in scope.fixed:
            fail("a call changes this argument, which must be a local variable", node)
        scope.assigned.add(node.id)
    elif isinstance(node, (n.Index, n.Attribute)) or is_fixed(node, scope):
        fail("a call changes this argument, which must be a local variable", node)


def _call_function(node: n.CallFunction, scope: Scope) -> t.Type:
    function = scope.module.functions.get(node.name)
    if function is None:
        fail(f"no function {node.name} is declared before this", node)
    given = tuple([infer(argument, scope) for argument in node.args])
    if given != tuple([param.type for param in function.params]):
        fail(f"{node.name} does not take ({', '.join(map(t.type_name, given))})", node)
    return t.Tuple(()) if function.returns is None else function.returns


# ------------------------------------------------------------------- constants


def is_fixed(node: n.Expr, scope: Scope) -> bool:
    """Whether Warp evaluates the expression to a constant, so that a name given it cannot change in a loop.

    A bare literal, a static expression and the length of a vector are; so are their negatives, and the
    negative of a name that is one.  The name itself is copied (``x = y``), and a literal of another dtype
    is a call.
    """
    match node:
        case n.Literal(type=type_):
            return type_ in (t.INT32, t.FLOAT32, t.BOOL)
        case n.Static():
            return True
        case n.Call(name="len", args=(argument,)):
            return _fixed_length(argument.type) is not None
        case n.Unary(op="-", operand=operand):
            return operand.type in (t.INT32, t.FLOAT32) and is_fixed_value(operand, scope)
        case n.IfExp(test=test, body=body, orelse=orelse):
            return is_fixed_value(test, scope) and (is_fixed_value(body, scope) or is_fixed_value(orelse, scope))
        case _:
            return False


def is_fixed_value(node: n.Expr, scope: Scope) -> bool:
    """Whether Warp knows the value while it generates code; of a name too, where it is not copied."""
    if not isinstance(node, n.Name):
        return is_fixed(node, scope)
    if node.id in scope.visible:
        return node.id in scope.fixed or node.id in scope.counters
    return node.id in scope.module.constants


def _static(node: n.Expr, scope: Scope) -> t.Type:
    """An expression that Python evaluates when the kernel is declared, over literals, constants and counters."""
    match node:
        case n.Literal():
            return infer(node, scope)
        case n.Name(id=name) if name in scope.copied or (name in scope.module.constants and name not in scope.visible):
            return infer(node, scope)
        case n.Unary(op="-" | "+" | "not" as op, operand=operand):
            _plain(_static(operand, scope), operand)
            if op == "not" and operand.type != t.BOOL:
                fail("not takes a bool in a static expression", node)
            return infer(node, scope)
        case n.Binary(op=op, left=left, right=right):
            for operand in (left, right):
                _plain(_static(operand, scope), operand)
            if op in STATIC_OPERATORS or (op == "/" and left.type == t.FLOAT32):
                return infer(node, scope)
        case n.Compare(left=left, comparators=comparators):
            for operand in (left, *comparators):
                _plain(_static(operand, scope), operand)
            return infer(node, scope)
        case n.BoolOp(values=values):
            for operand in values:
                # Python gives the operand itself, where Warp's types say bool.
                if _static(operand, scope) != t.BOOL:
                    fail(f"{node.op} takes bools in a static expression", operand)
            return infer(node, scope)
        case _:
            pass
    fail("a static expression has only literals, constants, counters of unrolled loops and their arithmetic", node)


def _plain(type_: t.Type, node: n.Expr) -> None:
    if type_ not in (t.INT32, t.FLOAT32, t.BOOL):
        fail("a static expression computes with int, float and bool only", node)
