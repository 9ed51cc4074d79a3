"""A constant spelt another way: static, an argument, a constant of the module or of a closure; and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kernelfuzz.analysis.effects import names_read
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32
from kernelfuzz.ir.walk import bound_names
from kernelfuzz.rewrites.everywhere import fresh
from kernelfuzz.rewrites.inputs import given_value, with_scalar
from kernelfuzz.rewrites.paths import KERNEL_BODY, Path, node_at, replaced, values
from kernelfuzz.rewrites.static import static_value
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel


def _where(wanted: Callable[[n.Expr, n.Kernel], bool], *, functions: bool) -> Callable[[n.Kernel], list[Path]]:
    def places(kernel: n.Kernel) -> list[Path]:
        return [
            path for path, node in values(kernel) if (functions or path[0][0] == KERNEL_BODY) and wanted(node, kernel)
        ]

    return places


def _is_literal(node: n.Expr, kernel: n.Kernel) -> bool:
    return isinstance(node, n.Literal)


def _is_plain_literal(node: n.Expr, kernel: n.Kernel) -> bool:
    return isinstance(node, n.Literal) and node.type in (INT32, FLOAT32, BOOL)


def _is_static(node: n.Expr, kernel: n.Kernel) -> bool:
    return isinstance(node, n.Static)


def _is_scalar_param(node: n.Expr, kernel: n.Kernel) -> bool:
    return isinstance(node, n.Name) and any(param.name == node.id for param in kernel.params)


def _is_constant(node: n.Expr, kernel: n.Kernel) -> bool:
    return isinstance(node, n.Name) and any(constant.name == node.id for constant in kernel.constants)


# -------------------------------------------------------------------- static


def _make_static(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Literal)
    return with_kernel(case, replaced(case.kernel, path, n.Static(node, node.type)))


def _unmake_static(case: Case, path: Path, choices: Picks) -> Case | None:
    """The value that Python computes: the same operations in the kernel would round to its own types."""
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Static)
    value = static_value(node.value, {constant.name: constant.value for constant in kernel.constants})
    if value != value or (node.type.is_integer and value not in range(*node.type.limits)):
        return None
    return with_kernel(case, replaced(kernel, path, n.Literal(value, node.type)))


# ------------------------------------------------------------------ arguments


def _make_argument(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Literal)
    changed, name = with_scalar(case, "given", node)
    return with_kernel(changed, replaced(changed.kernel, path, name))


def _unmake_argument(case: Case, path: Path, choices: Picks) -> Case | None:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Name)
    value = given_value(case, node.id)
    return None if value is None else with_kernel(case, replaced(case.kernel, path, value))


# ---------------------------------------------------------- module and closure


def _make_constant(case: Case, path: Path, choices: Picks) -> Case | None:
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Literal)
    if kernel.closure and path[0][0] != KERNEL_BODY:
        return None  # functions stand outside of the factory that has the constants
    name = next(fresh(kernel, "CONSTANT"))
    changed = replaced(kernel, path, n.Name(name, node.type))
    return with_kernel(case, replace(changed, constants=(*kernel.constants, n.Constant(name, node))))


def _unmake_constant(case: Case, path: Path, choices: Picks) -> Case:
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Name)
    (value,) = [constant.value for constant in kernel.constants if constant.name == node.id]
    return with_kernel(case, replaced(kernel, path, value))


def _whole(kernel: n.Kernel) -> list[Path]:
    """One place, the kernel itself, where its constants can move into a closure or out of it."""
    read: set[str] = set()
    for function in kernel.functions:
        own = bound_names(function.body) | {param.name for param in function.params}
        read |= names_read(*function.body) - own
    movable = bool(kernel.constants) and not any(constant.name in read for constant in kernel.constants)
    return [()] if movable else []


def _capture(case: Case, path: Path, choices: Picks) -> Case:
    return with_kernel(case, replace(case.kernel, closure=not case.kernel.closure))


CONSTANTS = (
    Transformation("constant to static", _where(_is_plain_literal, functions=True), _make_static),
    Transformation("static to constant", _where(_is_static, functions=True), _unmake_static),
    Transformation("constant to argument", _where(_is_literal, functions=False), _make_argument),
    Transformation("argument to constant", _where(_is_scalar_param, functions=False), _unmake_argument),
    Transformation("constant to named constant", _where(_is_literal, functions=True), _make_constant),
    Transformation("named constant to constant", _where(_is_constant, functions=True), _unmake_constant),
    Transformation("constants into or out of a closure", _whole, _capture),
)
