"""A constant spelt another way: static, an argument, a constant of the module or of a closure; and back."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.analysis.effects import changed_locals, names_read
from kernelfuzz.analysis.kept_digits import in_a_kernel
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.rewrite import Path, node_at, replaced
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32
from kernelfuzz.ir.walk import bound_names
from kernelfuzz.rewrites.parameters import given_value, new_scalar, with_param
from kernelfuzz.rewrites.places import Picks, function_at, new_name
from kernelfuzz.typecheck.static_values import static_value

# -------------------------------------------------------------------- static


def is_plain(node: n.Literal, kernel: n.Kernel) -> bool:
    """Whether Python's number has the type that the literal has."""
    return node.type in (INT32, FLOAT32, BOOL)


def made_static(node: n.Literal, kernel: n.Kernel) -> n.Static:
    """``wp.static(1.5)`` instead of ``1.5``."""
    return n.Static(node, node.type)


def is_known(node: n.Static, kernel: n.Kernel) -> bool:
    """Whether a static expression has one value: it reads no counter of a loop."""
    return names_read(node) <= {constant.name for constant in kernel.constants}


def evaluated_static(node: n.Static, kernel: n.Kernel) -> n.Literal | None:
    """The value that Python computes: the same operations in the kernel would round to its own types."""
    value = static_value(node.value, {constant.name: constant for constant in kernel.constants})
    if value != value or (node.type.is_integer and value not in range(*node.type.limits)):
        return None
    return n.Literal(value, node.type)


# ------------------------------------------------------------------ arguments


def is_param(node: n.Name, kernel: n.Kernel) -> bool:
    """Whether a name is a parameter of the kernel, which holds what the launch gives it wherever it is read."""
    return any(param.name == node.id for param in kernel.params) and node.id not in changed_locals(kernel.body)


def literal_to_argument(case: Case, path: Path, picks: Picks) -> Case:
    """A new parameter, to which the launch gives the value of the literal."""
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Literal)
    new = new_scalar(case.kernel, "given", node)
    return with_param(case, replaced(case.kernel, path, new.read), new)


def argument_to_literal(case: Case, path: Path, picks: Picks) -> Case | None:
    """The value that the launch gives a parameter, where its name stood."""
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Name)
    value = given_value(case, node.id)
    return None if value is None else replace(case, kernel=replaced(case.kernel, path, value))


# ---------------------------------------------------------- module and closure


def is_constant_name(node: n.Name, kernel: n.Kernel) -> bool:
    """Whether a name is a constant of the module, whose value may stand in a kernel."""
    return any(each.name == node.id and in_a_kernel(each) is not None for each in kernel.constants)


def literal_to_constant(case: Case, path: Path, picks: Picks) -> Case | None:
    """A new constant of the module in place of a literal."""
    kernel, node = case.kernel, node_at(case.kernel, path)
    assert isinstance(node, n.Literal)
    if kernel.closure and function_at(kernel, path) is not None:
        return None  # functions stand outside of the factory that has the constants
    name = new_name(kernel, "CONSTANT")
    changed = replaced(kernel, path, n.Name(name, node.type))
    return replace(case, kernel=replace(changed, constants=(*kernel.constants, n.Constant(name, node))))


def constant_to_literal(node: n.Name, kernel: n.Kernel) -> n.Literal | n.Construct:
    """The value of a constant, where its name stood."""
    (value,) = [constant.value for constant in kernel.constants if constant.name == node.id]
    return value


def has_movable_constants(kernel: n.Kernel) -> bool:
    """Whether the kernel has constants that no function reads."""
    read: set[str] = set()
    for function in kernel.functions:
        read |= names_read(*function.body) - bound_names(function.body) - {param.name for param in function.params}
    fixed = any(constant.name in read or constant.enumeration for constant in kernel.constants)
    return bool(kernel.constants) and not fixed


def moved_constants(case: Case, path: Path, picks: Picks) -> Case:
    """The constants of the module as those of a closure, or the other way."""
    return replace(case, kernel=replace(case.kernel, closure=not case.kernel.closure))
