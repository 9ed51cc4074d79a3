"""Code moved into a function or out of one."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.analysis.effects import asks_thread, has_tiles, is_bindable, is_pure, names_read
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import INT32, Tile, Tuple, Type
from kernelfuzz.ir.walk import count_nodes, walk
from kernelfuzz.rewrites.everywhere import fresh
from kernelfuzz.rewrites.paths import (
    Path,
    changed_everywhere,
    expression_at,
    node_at,
    replaced,
    values,
)
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel

# An argument that a function reads more than once is copied; no larger ones than this.
_LARGEST_COPY = 12

_NOTHING = Tuple(())


def _free_names(kernel: n.Kernel, *nodes: n.Node) -> dict[str, Type] | None:
    """The locals and parameters that code reads, by name; None where it cannot stand in a function.

    A function stands outside of a closure's factory, so that what the kernel captures is handed over, and a
    static expression over it cannot move.
    """
    constants = {constant.name for constant in kernel.constants}
    found: dict[str, Type] = {}
    for node in walk(*nodes):
        if isinstance(node, n.Name) and (kernel.closure or node.id not in constants):
            found.setdefault(node.id, node.type)
        elif isinstance(node, n.Static) and kernel.closure and names_read(node):
            return None
    return None if any(isinstance(type_, (Tile, Tuple)) for type_ in found.values()) else found


def _new_name(name: str, constants: frozenset[str]) -> str:
    """A parameter cannot have the name of a constant of the module."""
    return f"{name}_value" if name in constants else name


# -------------------------------------------------------------- expression out


def _outlinable(kernel: n.Kernel) -> list[Path]:
    return [
        path
        for path, node in values(kernel)
        if not isinstance(node, (n.Name, n.Literal, n.Static))
        and is_bindable(node)
        and is_pure(node, kernel.functions)
        and not asks_thread(node)
    ]


def _outline(case: Case, path: Path, choices: Picks) -> Case | None:
    kernel, node = case.kernel, expression_at(case.kernel, path)
    free = _free_names(kernel, node)
    if free is None:
        return None
    constants = frozenset(constant.name for constant in kernel.constants)
    handed = {name: _new_name(name, constants) for name in free}

    def change(inner: n.Node) -> n.Node:
        return n.Name(handed[inner.id], inner.type) if isinstance(inner, n.Name) and inner.id in free else inner

    params = tuple([n.Param(handed[name], free[name]) for name in free])
    statement = n.Return((changed_everywhere(node, change),))
    moved = n.Function(next(fresh(kernel, "moved")), params, node.type, (statement,))
    call = n.CallFunction(moved.name, tuple([n.Name(name, free[name]) for name in free]), node.type)
    changed = replaced(kernel, path, call)
    # A function stands behind those that it calls and in front of the one that calls it.
    name, position = path[0]
    at = position if name == "functions" and position is not None else len(kernel.functions)
    functions = (*changed.functions[:at], moved, *changed.functions[at:])
    return with_kernel(case, replace(changed, functions=functions))


# ------------------------------------------------------------------ function in


def _inlinable(kernel: n.Kernel) -> list[Path]:
    single = {function.name: function for function in kernel.functions if _single(function)}
    return [
        path
        for path, node in values(kernel)
        if isinstance(node, n.CallFunction)
        and node.name in single
        and is_pure(node, kernel.functions)
        and all(count_nodes(arg) <= _LARGEST_COPY for arg in node.args)
    ]


def _single(function: n.Function) -> bool:
    match function.body:
        case (n.Return(values=(_,)),):
            return True
        case _:
            return False


def _inline(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.CallFunction)
    (function,) = [each for each in case.kernel.functions if each.name == node.name]
    (statement,) = function.body
    assert isinstance(statement, n.Return)
    given = {param.name: arg for param, arg in zip(function.params, node.args, strict=True)}

    def change(inner: n.Node) -> n.Node:
        return given.get(inner.id, inner) if isinstance(inner, n.Name) else inner

    (value,) = statement.values
    return with_kernel(case, replaced(case.kernel, path, changed_everywhere(value, change)))


# ------------------------------------------------------------- body as procedure


def _prologue(kernel: n.Kernel) -> int:
    """How many statements at the start of a kernel only ask for the thread."""
    for count, statement in enumerate(kernel.body):
        match statement:
            case n.Assign(target=n.Name(), value=n.Call(name="tid")) | n.Unpack(values=(n.Call(name="tid"),)):
                continue
            case _:
                return count
    return len(kernel.body)


def _movable_body(kernel: n.Kernel) -> list[Path]:
    """One place, the kernel itself, where everything behind the thread index can be a function."""
    rest = kernel.body[_prologue(kernel) :]
    return [()] if rest and not has_tiles(kernel) and not asks_thread(*rest) else []


def _thread_names(statements: tuple[n.Stmt, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for statement in statements:
        match statement:
            case n.Assign(target=n.Name(id=name)):
                names.append(name)
            case n.Unpack(names=several):
                names += several
            case _:
                pass
    return tuple(names)


def _move_body(case: Case, path: Path, choices: Picks) -> Case | None:
    kernel = case.kernel
    count = _prologue(kernel)
    kept, moved = kernel.body[:count], kernel.body[count:]
    constants = {constant.name for constant in kernel.constants}
    if kernel.closure and names_read(*moved) & constants:
        return None
    params = (*kernel.params, *(n.Param(name, INT32) for name in _thread_names(kept)))
    name = next(fresh(kernel, "procedure"))
    call = n.CallFunction(name, tuple([n.Name(param.name, param.type) for param in params]), _NOTHING)
    changed = replace(
        kernel,
        body=(*kept, n.ExprStmt(call)),
        functions=(*kernel.functions, n.Function(name, params, None, moved)),
    )
    return with_kernel(case, changed)


FUNCTIONS = (
    Transformation("expression moved into a function", _outlinable, _outline),
    Transformation("function inlined", _inlinable, _inline),
    Transformation("body moved into a function", _movable_body, _move_body),
)
