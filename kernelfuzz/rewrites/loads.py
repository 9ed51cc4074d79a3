"""Workarounds in expressions: a value is loaded into a variable of its own, or read once."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.analysis.effects import changed_in_place, may_write_array
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames, is_local
from kernelfuzz.ir.rewrite import map_expressions
from kernelfuzz.ir.walk import walk
from kernelfuzz.rewrites.conditions import linked
from kernelfuzz.rewrites.places import fresh_names
from kernelfuzz.typecheck.operators import unary_result

Unit = n.Function | n.Kernel


def own_value(node: n.Expr) -> n.Expr:
    """The value of a name, an element or a part in a variable of its own, where an operator can do that."""
    if not isinstance(node, (n.Name, n.Index, n.Attribute)):
        return node
    if node.type == t.BOOL:
        return n.Unary("not", n.Unary("not", node, t.BOOL), t.BOOL)
    if unary_result("+", node.type) == node.type:
        return n.Unary("+", node, node.type)
    if isinstance(node.type, t.Transform):
        # It has no unary plus; a product by one has the same bits.
        return n.Binary("*", node, n.Literal(1.0, node.type.dtype), node.type)
    return node


def loaded(node: n.Expr) -> n.Expr:
    """The value of an element or a part in a variable of its own; a name stays."""
    return node if isinstance(node, n.Name) else own_value(node)


def constant_ternary_aliases(node: n.Expr) -> n.Expr:
    """The sides of a conditional expression get variables of their own where Warp may know its condition."""
    if not isinstance(node, n.IfExp) or not _may_be_constant(node.test):
        return node
    return n.IfExp(node.test, own_value(node.body), own_value(node.orelse), node.type)


def ternary_loads_too_late(kernel: n.Kernel) -> n.Kernel:
    """``+a[i] if c else x``: an operator, or a function, loads an element on its side of a conditional expression."""
    fresh = fresh_names(kernel)
    made: dict[t.Type, n.Function] = {}

    def loaded_by_call(node: n.Expr) -> n.Expr:
        if not (isinstance(node, (n.Index, n.Attribute)) and isinstance(node.type, t.Struct)):
            return loaded(node)
        if node.type not in made:
            given = n.Name("value", node.type)
            made[node.type] = n.Function(
                fresh("same"), (n.Param("value", node.type),), node.type, (n.Return((given,)),)
            )
        return n.CallFunction(made[node.type].name, (node,), node.type)

    def change(node: n.Expr) -> n.Expr:
        if not isinstance(node, n.IfExp):
            return node
        return replace(node, body=loaded_by_call(node.body), orelse=loaded_by_call(node.orelse))

    changed = map_expressions(kernel, change)
    return replace(changed, functions=(*made.values(), *changed.functions))


def _may_be_constant(test: n.Expr) -> bool:
    return not any(isinstance(node, (n.Index, n.Attribute, n.Call, n.CallFunction)) for node in walk(test))


def conversion_retypes_a_constant(node: n.Expr) -> n.Expr:
    """A 64-bit conversion takes ``+n`` instead of the name itself."""
    if isinstance(node, n.Cast) and node.type.bits == 64 and isinstance(node.operand, n.Name):
        return n.Cast(node.type, own_value(node.operand))
    return node


def subscript_of_a_slice(node: n.Expr) -> n.Expr:
    """``(+v[1:3])[0]``: an operator between the two subscripts."""
    match node:
        case n.Index(value=n.Index(indices=inner)) if any(isinstance(index, n.Slice) for index in inner):
            return replace(node, value=own_value(node.value))
        case _:
            return node


def chained_comparison_of_references(node: n.Expr) -> n.Expr:
    """The elements and fields that a chain compares get variables of their own."""
    if not isinstance(node, n.Compare) or len(node.ops) < 2:
        return node
    return replace(node, left=loaded(node.left), comparators=tuple(map(loaded, node.comparators)))


def negated_zero(node: n.Expr) -> n.Expr:
    """``x * -1.0`` instead of ``-x`` and ``wp.neg(x)`` of a scalar or a tile."""
    match node:
        case n.Unary(op="-", operand=operand) | n.Call(name="neg", args=(operand,)):
            pass
        case _:
            return node
    match node.type:
        case t.Scalar(is_float=True) as dtype:
            pass
        case t.Tile(dtype=dtype) if isinstance(node, n.Unary):
            pass
        case _:
            return node
    if isinstance(operand, n.Literal) and (operand.value or operand.type == t.FLOAT32):
        return node  # Warp negates a constant itself
    return n.Binary("*", operand, n.Unary("-", n.Literal(1.0, dtype), dtype), node.type)


# ------------------------------------------------------------- elements that are read late

# An augmented assignment of an array element by any other operator is one atomic operation.
_NOT_ATOMIC = frozenset(("*", "/", "//", "%", "<<", ">>", "**"))


def element_is_read_late(node: n.Expr) -> n.Expr:
    """``+a[i] + f(a)``: an operator loads the element before a later operand writes it."""
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


def element_is_read_late_by_statements(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """The same for what an update in place, a loop and a return evaluate."""
    match node:
        case n.AugAssign(target=n.Index(indices=indices) as target, op=op, value=value) if (
            op in _NOT_ATOMIC
            and all(isinstance(index, (n.Name, n.Literal)) for index in indices)
            and _is_element(target)
            and may_write_array(value)
        ):
            return (n.Assign(target, n.Binary(op, own_value(target), value, target.type)),)
        case n.AugAssign(target=n.Name() as target, op=op, value=value) if _changes(target, value):
            return (n.Assign(target, n.Binary(op, own_value(target), value, target.type)),)
        case n.For(bounds=bounds):
            return (replace(node, bounds=_read_early(bounds)),)
        case n.Return(values=values):
            return (n.Return(_read_early(values)),)
        case _:
            return (node,)


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
        return node in changed_in_place(later)
    return _is_element(node) and may_write_array(later)


def _is_element(node: n.Expr) -> bool:
    return isinstance(node, (n.Index, n.Attribute)) and not isinstance(node.type, t.Array) and not is_local(node)


# ---------------------------------------------------------------- conditions and chains


def condition_is_read_again(node: n.Expr) -> n.Expr:
    """``x if not not a[i] else y``: an operator loads the element once."""
    if isinstance(node, n.IfExp) and _is_element(node.test):
        return replace(node, test=own_value(node.test))
    return node


def condition_is_read_again_by_if(node: n.Stmt, unit: Unit, fresh: FreshNames) -> n.Block:
    """``if not not a[i]:`` instead of ``if a[i]:``."""
    if isinstance(node, n.If) and _is_element(node.test):
        return (replace(node, test=own_value(node.test)),)
    return (node,)


def chained_comparison_is_eager(node: n.Expr) -> n.Expr:
    """``a < b and b < f(c)`` instead of ``a < b < f(c)``, where ``b`` may be evaluated twice."""
    if not isinstance(node, n.Compare) or not any(map(may_write_array, node.comparators[1:])):
        return node
    return node if any(map(_has_effects, node.comparators[:-1])) else linked(node)


def _has_effects(node: n.Expr) -> bool:
    return may_write_array(node) or any(True for _ in changed_in_place(node))
