"""The arguments of a launch as the lines of a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import libcst as cst
import numpy as np

from kernelfuzz.ir.array_text import (
    WIDTH,
    list_text,
    number_text,
    numpy_text,
    shape_text,
    uniform,
)
from kernelfuzz.ir.launch import Input, Launch, leaves
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import (
    Array,
    Scalar,
    Struct,
    Type,
    has_floats,
)
from kernelfuzz.syntax.tokens import type_expression
from kernelfuzz.toolchain.layouts import Layout

# Names that the scripts use for something of their own.
TAKEN = frozenset(
    {"np", "os", "sys", "wp", "check", "good", "tape", "device", "expected", "actual", "around", "placed", "unchanged"}
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """``lines`` make the arguments, ``inputs`` names them in the order of the parameters.

    ``names`` has the name of the script's variable for each array that is given; that of a field is ``s.field``.
    """

    lines: tuple[str, ...]
    inputs: tuple[str, ...]
    names: Mapping[str, str]


def arguments(kernel: Kernel, launch: Launch, *, suffix: str = "", gradients: bool = False) -> Arguments:
    """Return the arguments of one launch on ``device``, a name that the script has.

    ``suffix`` tells the variables of two launches apart.  ``gradients``: arrays of floats require one.
    """
    lines: list[str] = []
    inputs: list[str] = []
    names: dict[str, str] = {}
    for param in kernel.params:
        value = launch.inputs[param.name]
        name = f"{param.name}{suffix}"
        name = f"{name}_" if name in TAKEN else name
        match param.type:
            case Array() if value is None:
                inputs.append("None")
            case Array() as type_:
                lines += array_lines(name, type_, value, gradient=gradients and has_floats(type_.dtype))
                names[param.name] = name
                inputs.append(name)
            case Struct() as type_:
                made, inside = struct_lines(name, type_, value, gradients=gradients)
                lines += made
                names |= {f"{param.name}{path}": variable for path, variable in inside.items()}
                inputs.append(name)
            case _:
                inputs.append(value_text(param.type, value))
    return Arguments(tuple(lines), tuple(inputs), names)


def type_text(type_: Type) -> str:
    """The type as a value: ``wp.float32``, ``wp.vec3``, or the name that the kernel's module gives it."""
    return cst.Module(()).code_for_node(type_expression(type_))


def value_text(type_: Type, value: Input) -> str:
    """A scalar, vector, matrix, quaternion or transform as an expression."""
    assert isinstance(value, np.ndarray)
    if isinstance(type_, Scalar):
        return number_text(value[()])
    components = ", ".join(number_text(each) for each in value.reshape(-1))
    return f"{type_text(type_)}({components})"


def array_lines(name: str, type_: Array, value: Input, *, gradient: bool = False) -> list[str]:
    """The lines that make a Warp array ``name``."""
    dtype = type_text(type_.dtype)
    more = ", device=device" + (", requires_grad=True" if gradient else "")
    assert value is not None
    if not isinstance(value, np.ndarray):
        assert isinstance(type_.dtype, Struct)
        # The first axes of any leaf.
        shape = next(leaf for _, leaf in leaves(value)).shape[: type_.ndim]
        lines = [f"{name} = np.zeros({shape_text(shape)}, dtype={dtype}.numpy_dtype())"]
        lines += [
            f"{name}{''.join(f'[{part!r}]' for part in path)} = {numpy_text(leaf)}".replace("'", '"')
            for path, leaf in leaves(value)
            if leaf.any() or np.signbit(leaf).any()
        ]
        return [*lines, f"{name} = wp.array({name}, dtype={dtype}{more})"]
    lengths = value.shape[: type_.ndim]
    same = uniform(value)
    if same in ("0", "0.0", "False") or value.size == 0:
        return [f"{name} = wp.zeros({shape_text(lengths)}, dtype={dtype}{more})"]
    if same is not None and isinstance(type_.dtype, Scalar):
        return [f"{name} = wp.full({shape_text(lengths)}, {same}, dtype={dtype}{more})"]
    line = f"{name} = wp.array({list_text(value)}, dtype={dtype}{more})"
    if len(line) <= WIDTH and "\n" not in line:
        return [line]
    options = [f"dtype={dtype}", *more.removeprefix(", ").split(", ")]
    return [f"{name} = wp.array(", f"    {list_text(value)},", f"    {', '.join(options)},", ")"]


def placed_line(name: str, layout: Layout) -> str:
    """The line that moves the array ``name`` between bands, where it lies as the layout has it."""
    plain = Layout()
    chosen = [
        f", {each.name}={getattr(layout, each.name)!r}"
        for each in fields(layout)
        if getattr(layout, each.name) != getattr(plain, each.name)
    ]
    return f'{name} = placed("{name}", {name}{"".join(chosen)})'


def struct_lines(
    name: str, type_: Struct, value: Input, *, gradients: bool = False
) -> tuple[list[str], dict[str, str]]:
    """The lines that make a struct, and the variables of the arrays in it by the fields (``.field``).

    A struct inside it is filled in place, as Warp allows.
    """
    lines = [f"{name} = {type_.name}()"]
    arrays: dict[str, str] = {}

    def fill(place: str, inner: Struct, values: Input) -> None:
        assert isinstance(values, dict)
        for field, field_type in inner.fields:
            match field_type:
                case Struct():
                    fill(f"{place}.{field}", field_type, values[field])
                case Array() if values[field] is None:
                    continue
                case Array():
                    made = arrays[f"{place}.{field}".removeprefix(name)] = f"{place}.{field}".replace(".", "_")
                    gradient = gradients and has_floats(field_type.dtype)
                    lines.extend(array_lines(made, field_type, values[field], gradient=gradient))
                    lines.append(f"{place}.{field} = {made}")
                case _:
                    lines.append(f"{place}.{field} = {value_text(field_type, values[field])}")

    fill(name, type_, value)
    return lines, arrays
