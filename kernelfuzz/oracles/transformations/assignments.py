"""Assignments written another way, and temporaries put in or taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from kernelfuzz.analysis.writes import changed_arguments, root_name
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import (
    Assign,
    AugAssign,
    Binary,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Expr,
    ExprStmt,
    Function,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Return,
    Static,
    Stmt,
    Unary,
)
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles.transformations.facts import (
    count_name,
    fresh,
    has_tiles,
    is_bindable,
    is_pure,
    next_statement,
    statements,
)
from kernelfuzz.oracles.transformations.paths import Path, changed_everywhere, node_at, replaced, spliced
from kernelfuzz.oracles.transformations.transformation import Transformation, with_kernel

if TYPE_CHECKING:
    from kernelfuzz.strategies.choices import Choices


# ------------------------------------------------------- augmented assignments


def _is_local(target: Expr) -> bool:
    """Whether a place is a local or a part of one.  In an array, ``+=`` is atomic and ``= a +`` is not."""
    return not any(isinstance(node, Index) and isinstance(node.value.type, Array) for node in walk(target))


def _augmented(kernel: Kernel) -> list[Path]:
    return [
        path
        for path, node in statements(kernel)
        if isinstance(node, AugAssign) and _is_local(node.target) and is_bindable(node.target)
    ]


def _expand(case: Case, path: Path, choices: Choices) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, AugAssign)
    if not is_pure(node.target, case.kernel.functions):
        return None  # an index would be evaluated twice
    target = node.target
    plain = Assign(target, Binary(node.op, target, node.value, target.type))
    return with_kernel(case, replaced(case.kernel, path, plain))


def _plain(kernel: Kernel) -> list[Path]:
    return [
        path
        for path, node in statements(kernel)
        if isinstance(node, Assign)
        and isinstance(node.value, Binary)
        and node.value.left == node.target
        and _is_local(node.target)
        and is_bindable(node.target)
    ]


def _contract(case: Case, path: Path, choices: Choices) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, Assign)
    value = node.value
    assert isinstance(value, Binary)
    if not is_pure(node.target, case.kernel.functions):
        return None
    return with_kernel(case, replaced(case.kernel, path, AugAssign(node.target, value.op, value.right)))


# ----------------------------------------------------------------- temporaries


class _Binder:
    """Binds the operands of an expression to new names in the order in which Python evaluates them."""

    def __init__(self, names: Iterator[str]) -> None:
        self.names = names
        self.bound: list[Stmt] = []

    def bind(self, node: Expr) -> Expr:
        """A name for the value of ``node``, whose own operands are bound before."""
        if isinstance(node, (Literal, Static)) or not is_bindable(node):
            return node
        name = Name(next(self.names), node.type)
        self.bound.append(Assign(name, self.flat(node)))
        return name

    def flat(self, node: Expr) -> Expr:
        """The expression over names.  What is evaluated only sometimes stays as it is."""
        match node:
            case Binary(left=left, right=right):
                return replace(node, left=self.bind(left), right=self.bind(right))
            case Unary(operand=operand) if not isinstance(operand, (Literal, Static)):
                return replace(node, operand=self.bind(operand))
            case Cast(operand=operand) if not isinstance(operand, (Literal, Static)):
                return replace(node, operand=self.bind(operand))
            case Compare(left=left, comparators=(right,)):
                return replace(node, left=self.bind(left), comparators=(self.bind(right),))
            case Call(args=args):
                kept = changed_arguments(node)
                new = tuple([arg if at in kept else self.bind(arg) for at, arg in enumerate(args)])
                return replace(node, args=new)
            case CallFunction(args=args) | Construct(args=args):
                return replace(node, args=tuple([self.bind(arg) for arg in args]))
            case _:
                return node


def _evaluated(node: Stmt) -> tuple[Expr, ...]:
    """What a statement evaluates first and once."""
    match node:
        case Assign(value=value) | ExprStmt(value=value) | AugAssign(value=value):
            return (value,)
        case If(test=test):
            return (test,)
        case Return(values=values):
            return values
        case _:
            return ()


def _bindable(kernel: Kernel) -> list[Path]:
    if has_tiles(kernel):
        return []
    return [
        path
        for path, node in statements(kernel)
        if any(isinstance(value, (Binary, Compare, Call, CallFunction)) for value in _evaluated(node))
    ]


def _bind_operands(case: Case, path: Path, choices: Choices) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, (Assign, ExprStmt, AugAssign, If, Return))
    evaluated = _evaluated(node)
    pure = all(is_pure(value, case.kernel.functions) for value in evaluated)
    if not pure and (isinstance(node, AugAssign) or any(_has_view(value) for value in evaluated)):
        return None  # what is read in place would be read after a change
    binder = _Binder(fresh(case.kernel, "operand"))
    match node:
        case Return(values=(_, _, *_) as values):
            new: Stmt = Return(tuple([binder.bind(value) for value in values]))
        case Return(values=values):
            new = Return(tuple([binder.flat(value) for value in values]))
        case If():
            new = replace(node, test=binder.flat(node.test))
        case _:
            new = replace(node, value=binder.flat(node.value))
    return with_kernel(case, spliced(case.kernel, path, (*binder.bound, new)))


def _has_view(value: Expr) -> bool:
    return any(isinstance(node, Index) and isinstance(node.type, Array) for node in walk(value))


def _temporaries(kernel: Kernel) -> list[Path]:
    """Assignments to a local that one other place reads, in the next statement."""
    return [
        path
        for path, node in statements(kernel)
        if isinstance(node, Assign)
        and isinstance(node.target, Name)
        and is_bindable(node.target)
        and count_name(node.target.id, _owner(kernel, path)) == 2
    ]


def _owner(kernel: Kernel, path: Path) -> Kernel | Function:
    """What a local lives in: a function, or the kernel, here without its functions."""
    name, position = path[0]
    if name == "functions" and position is not None:
        return kernel.functions[position]
    return replace(kernel, functions=())


def _inline_temporary(case: Case, path: Path, choices: Choices) -> Case | None:
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, Assign)
    assert isinstance(node.target, Name)
    name = node.target.id
    behind = next_statement(path)
    try:
        following = node_at(kernel, behind)
    except IndexError:
        return None
    if not isinstance(following, (Assign, AugAssign, ExprStmt, If, Return)):
        return None
    heads = [*_evaluated(following)]
    if isinstance(following, (Assign, AugAssign)):
        heads.append(following.target)
    # Moved behind what the statement evaluates before it, so nothing there may change anything.
    functions = kernel.functions
    roots = (node.value, *heads)
    if count_name(name, *heads) != 1 or not all(is_pure(root, functions) for root in roots):
        return None
    if isinstance(following, (Assign, AugAssign)) and root_name(following.target) == name:
        return None

    def change(inner: Node) -> Node:
        return node.value if isinstance(inner, Name) and inner.id == name else inner

    new: Stmt
    if isinstance(following, If):
        new = replace(following, test=changed_everywhere(following.test, change))
    else:
        new = changed_everywhere(following, change)
    return with_kernel(case, spliced(kernel, path, (new,), 2))


ASSIGNMENTS = (
    Transformation("augmented to plain assignment", _augmented, _expand),
    Transformation("plain to augmented assignment", _plain, _contract),
    Transformation("operands bound to temporaries", _bindable, _bind_operands),
    Transformation("temporary inlined", _temporaries, _inline_temporary),
)
