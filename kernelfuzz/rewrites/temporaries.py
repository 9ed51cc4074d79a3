"""Assignments written another way, and temporaries put in or taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kernelfuzz.analysis.effects import changed_arguments, count_name, is_bindable, is_pure, reads_element
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.names import root_name
from kernelfuzz.ir.rewrite import Path, block_at, node_at, spliced
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import walk
from kernelfuzz.rewrites.places import Picks, fresh_names, function_at, statements, with_names

# ------------------------------------------------------- augmented assignments


def _is_local_value(target: n.Expr) -> bool:
    """Whether a place is a local value or a part of one.  In an array, ``+=`` is atomic and ``= a +`` is not."""
    return not reads_element(target) and is_bindable(target)


def is_local_update(node: n.AugAssign, kernel: n.Kernel) -> bool:
    """Whether ``x op= e`` changes a local."""
    return _is_local_value(node.target)


def expanded(node: n.AugAssign, kernel: n.Kernel) -> n.Assign | None:
    """``x = x op e`` for ``x op= e``."""
    target = node.target
    if not is_pure(target, kernel.functions):
        return None  # an index would be evaluated twice
    return n.Assign(target, n.Binary(node.op, target, node.value, target.type))


def is_spelt_out(node: n.Assign, kernel: n.Kernel) -> bool:
    """Whether this is ``x = x op e`` of a local."""
    return isinstance(node.value, n.Binary) and node.value.left == node.target and _is_local_value(node.target)


def contracted(node: n.Assign, kernel: n.Kernel) -> n.AugAssign | None:
    """``x op= e`` for ``x = x op e``."""
    value = node.value
    assert isinstance(value, n.Binary)
    return n.AugAssign(node.target, value.op, value.right) if is_pure(node.target, kernel.functions) else None


# ----------------------------------------------------------------- temporaries


class _Binder:
    """Binds the operands of an expression to new names in the order in which Python evaluates them."""

    def __init__(self, fresh: Callable[[str], str]) -> None:
        self.fresh = fresh
        self.bound: list[n.Stmt] = []

    def bind(self, node: n.Expr) -> n.Expr:
        """A name for the value of ``node``, whose own operands are bound before."""
        if isinstance(node, (n.Literal, n.Static)) or not is_bindable(node):
            return node
        name = n.Name(self.fresh("operand"), node.type)
        self.bound.append(n.Assign(name, self.flat(node)))
        return name

    def flat(self, node: n.Expr) -> n.Expr:
        """The expression over names.  What is evaluated only sometimes stays as it is."""
        match node:
            case n.Binary(left=left, right=right):
                return replace(node, left=self.bind(left), right=self.bind(right))
            case n.Unary(operand=operand) | n.Cast(operand=operand) if not isinstance(operand, (n.Literal, n.Static)):
                return replace(node, operand=self.bind(operand))
            case n.Compare(left=left, comparators=(right,)):
                return replace(node, left=self.bind(left), comparators=(self.bind(right),))
            case n.Call(args=args):
                kept = changed_arguments(node)
                new = tuple([arg if at in kept else self.bind(arg) for at, arg in enumerate(args)])
                return replace(node, args=new)
            case n.CallFunction(args=args) | n.Construct(args=args):
                return replace(node, args=tuple([self.bind(arg) for arg in args]))
            case _:
                return node


def _evaluated(node: n.Stmt) -> tuple[n.Expr, ...]:
    """What a statement evaluates first and once."""
    match node:
        case n.Assign(value=value) | n.ExprStmt(value=value) | n.AugAssign(value=value):
            return (value,)
        case n.If(test=test):
            return (test,)
        case n.Return(values=values):
            return values
        case _:
            return ()


Evaluating = n.Assign | n.AugAssign | n.ExprStmt | n.If | n.Return


def has_operands(node: Evaluating, kernel: n.Kernel) -> bool:
    """Whether a statement evaluates an expression whose operands can be bound."""
    return any(isinstance(value, (n.Binary, n.Compare, n.Call, n.CallFunction)) for value in _evaluated(node))


def with_bound_operands(node: Evaluating, kernel: n.Kernel) -> n.Block | None:
    """Each operand in a temporary of its own, in front of the statement."""
    evaluated = _evaluated(node)
    pure = all(is_pure(value, kernel.functions) for value in evaluated)
    if not pure and (isinstance(node, n.AugAssign) or any(_has_view(value) for value in evaluated)):
        return None  # what is read in place would be read after a change
    binder = _Binder(fresh_names(kernel))
    match node:
        case n.Return(values=(_, _, *_) as values):
            new: n.Stmt = n.Return(tuple([binder.bind(value) for value in values]))
        case n.Return(values=values):
            new = n.Return(tuple([binder.flat(value) for value in values]))
        case n.If(test=test):
            new = replace(node, test=binder.flat(test))
        case _:
            new = replace(node, value=binder.flat(node.value))
    return (*binder.bound, new)


def _has_view(value: n.Expr) -> bool:
    return any(isinstance(node, n.Index) and isinstance(node.type, Array) for node in walk(value))


def temporaries(kernel: n.Kernel) -> list[Path]:
    """Assignments to a local that one other place reads, perhaps in the next statement."""
    return [
        path
        for path, node in statements(kernel)
        if isinstance(node, n.Assign)
        and isinstance(node.target, n.Name)
        and is_bindable(node.target)
        and count_name(node.target.id, _owner(kernel, path)) == 2
    ]


def _owner(kernel: n.Kernel, path: Path) -> n.Kernel | n.Function:
    """What a local lives in: a function, or the kernel, here without its functions."""
    return function_at(kernel, path) or replace(kernel, functions=())


def inlined_temporary(case: Case, path: Path, picks: Picks) -> Case | None:
    """The value of a temporary where the next statement reads it."""
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Assign)
    assert isinstance(node.target, n.Name)
    name = node.target.id
    block, at = block_at(kernel, path)
    if at + 1 == len(block) or not isinstance(following := block[at + 1], Evaluating):
        return None
    heads = [*_evaluated(following)]
    if isinstance(following, (n.Assign, n.AugAssign)):
        heads.append(following.target)
        if root_name(following.target) == name:
            return None
    # Moved behind what the statement evaluates before it, so nothing there may change anything.
    if count_name(name, *heads) != 1 or not all(is_pure(root, kernel.functions) for root in (node.value, *heads)):
        return None
    given = {name: node.value}
    if isinstance(following, n.If):
        new: n.Stmt = replace(following, test=with_names(following.test, given))
    else:
        new = with_names(following, given)
    return replace(case, kernel=spliced(kernel, path, (new,), 2))
