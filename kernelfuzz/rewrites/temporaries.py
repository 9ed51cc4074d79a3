"""Assignments written another way, and temporaries put in or taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kernelfuzz.analysis.effects import count_name, has_tiles, is_bindable, is_pure
from kernelfuzz.analysis.writes import changed_arguments, root_name
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import walk
from kernelfuzz.rewrites.everywhere import fresh
from kernelfuzz.rewrites.paths import Path, changed_everywhere, next_statement, node_at, replaced, spliced, statements
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel

# ------------------------------------------------------- augmented assignments


def _is_local(target: n.Expr) -> bool:
    """Whether a place is a local or a part of one.  In an array, ``+=`` is atomic and ``= a +`` is not."""
    return not any(isinstance(node, n.Index) and isinstance(node.value.type, Array) for node in walk(target))


def _augmented(kernel: n.Kernel) -> list[Path]:
    return [
        path
        for path, node in statements(kernel)
        if isinstance(node, n.AugAssign) and _is_local(node.target) and is_bindable(node.target)
    ]


def _expand(case: Case, path: Path, choices: Picks) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.AugAssign)
    if not is_pure(node.target, case.kernel.functions):
        return None  # an index would be evaluated twice
    target = node.target
    plain = n.Assign(target, n.Binary(node.op, target, node.value, target.type))
    return with_kernel(case, replaced(case.kernel, path, plain))


def _plain(kernel: n.Kernel) -> list[Path]:
    return [
        path
        for path, node in statements(kernel)
        if isinstance(node, n.Assign)
        and isinstance(node.value, n.Binary)
        and node.value.left == node.target
        and _is_local(node.target)
        and is_bindable(node.target)
    ]


def _contract(case: Case, path: Path, choices: Picks) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Assign)
    value = node.value
    assert isinstance(value, n.Binary)
    if not is_pure(node.target, case.kernel.functions):
        return None
    return with_kernel(case, replaced(case.kernel, path, n.AugAssign(node.target, value.op, value.right)))


# ----------------------------------------------------------------- temporaries


class _Binder:
    """Binds the operands of an expression to new names in the order in which Python evaluates them."""

    def __init__(self, names: Iterator[str]) -> None:
        self.names = names
        self.bound: list[n.Stmt] = []

    def bind(self, node: n.Expr) -> n.Expr:
        """A name for the value of ``node``, whose own operands are bound before."""
        if isinstance(node, (n.Literal, n.Static)) or not is_bindable(node):
            return node
        name = n.Name(next(self.names), node.type)
        self.bound.append(n.Assign(name, self.flat(node)))
        return name

    def flat(self, node: n.Expr) -> n.Expr:
        """The expression over names.  What is evaluated only sometimes stays as it is."""
        match node:
            case n.Binary(left=left, right=right):
                return replace(node, left=self.bind(left), right=self.bind(right))
            case n.Unary(operand=operand) if not isinstance(operand, (n.Literal, n.Static)):
                return replace(node, operand=self.bind(operand))
            case n.Cast(operand=operand) if not isinstance(operand, (n.Literal, n.Static)):
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


def _bindable(kernel: n.Kernel) -> list[Path]:
    if has_tiles(kernel):
        return []
    return [
        path
        for path, node in statements(kernel)
        if any(isinstance(value, (n.Binary, n.Compare, n.Call, n.CallFunction)) for value in _evaluated(node))
    ]


def _bind_operands(case: Case, path: Path, choices: Picks) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, (n.Assign, n.ExprStmt, n.AugAssign, n.If, n.Return))
    evaluated = _evaluated(node)
    pure = all(is_pure(value, case.kernel.functions) for value in evaluated)
    if not pure and (isinstance(node, n.AugAssign) or any(_has_view(value) for value in evaluated)):
        return None  # what is read in place would be read after a change
    binder = _Binder(fresh(case.kernel, "operand"))
    match node:
        case n.Return(values=(_, _, *_) as values):
            new: n.Stmt = n.Return(tuple([binder.bind(value) for value in values]))
        case n.Return(values=values):
            new = n.Return(tuple([binder.flat(value) for value in values]))
        case n.If():
            new = replace(node, test=binder.flat(node.test))
        case _:
            new = replace(node, value=binder.flat(node.value))
    return with_kernel(case, spliced(case.kernel, path, (*binder.bound, new)))


def _has_view(value: n.Expr) -> bool:
    return any(isinstance(node, n.Index) and isinstance(node.type, Array) for node in walk(value))


def _temporaries(kernel: n.Kernel) -> list[Path]:
    """Assignments to a local that one other place reads, in the next statement."""
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
    name, position = path[0]
    if name == "functions" and position is not None:
        return kernel.functions[position]
    return replace(kernel, functions=())


def _inline_temporary(case: Case, path: Path, choices: Picks) -> Case | None:
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Assign)
    assert isinstance(node.target, n.Name)
    name = node.target.id
    behind = next_statement(path)
    try:
        following = node_at(kernel, behind)
    except IndexError:
        return None
    if not isinstance(following, (n.Assign, n.AugAssign, n.ExprStmt, n.If, n.Return)):
        return None
    heads = [*_evaluated(following)]
    if isinstance(following, (n.Assign, n.AugAssign)):
        heads.append(following.target)
    # Moved behind what the statement evaluates before it, so nothing there may change anything.
    functions = kernel.functions
    roots = (node.value, *heads)
    if count_name(name, *heads) != 1 or not all(is_pure(root, functions) for root in roots):
        return None
    if isinstance(following, (n.Assign, n.AugAssign)) and root_name(following.target) == name:
        return None

    def change(inner: n.Node) -> n.Node:
        return node.value if isinstance(inner, n.Name) and inner.id == name else inner

    new: n.Stmt
    if isinstance(following, n.If):
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
