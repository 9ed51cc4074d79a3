"""The same kernel with every float a float64: what derivatives are compared on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

import numpy as np

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.nodes import Call, Kernel, Node, Static
from kernelfuzz.ir.types import FLOAT16, FLOAT32, FLOAT64, Scalar
from kernelfuzz.ir.verify import verify
from kernelfuzz.ir.verify_error import VerifyError
from kernelfuzz.ir.walk import walk

# Without ``dtype=`` these give float32.
_FLOAT32_BY_DEFAULT = frozenset({"quat_identity", "transform_identity"})


def widen(kernel: Kernel) -> Kernel | None:
    """The kernel over float64, or None where it calls what Warp has for float32 only (random numbers, noise).

    The result verifies.  Its values differ from the kernel's by more than rounding where a float decides a
    branch, so it is another kernel: it is launched on inputs of its own (``widened``).
    """
    changed: Kernel = _over_float64(kernel)
    try:
        verify(changed)
    except VerifyError:
        # Reinterpreted bits, and builtins whose floats are float32 whatever they are given.
        return None
    return changed


def widened(case: Case) -> Case | None:
    """The case over float64: the kernel and the same inputs."""
    kernel = widen(case.kernel)
    if kernel is None:
        return None
    launch = case.launch
    inputs = {name: _widened_input(value) for name, value in launch.inputs.items()}
    return Case(kernel, Launch(launch.dim, inputs, launch.tiled))


def _widened_input(value: Input) -> Input:
    if isinstance(value, Mapping):
        return {name: _widened_input(field) for name, field in value.items()}
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def _is_float(node: Node) -> bool:
    type_ = getattr(node, "type", None)
    return isinstance(type_, Scalar) and type_.is_float


def _over_float64(value: Any) -> Any:
    """A node, a type, or a tuple of such, with every float type replaced; anything else as it is."""
    match value:
        case Scalar():
            return FLOAT64 if value in (FLOAT16, FLOAT32) else value
        case Static(value=inner) if any(_is_float(below) for below in walk(inner)):
            # A static expression computes with Python's floats, which would make float32 again.
            return _over_float64(inner)
        case Call(name=name, keywords=()) if name in _FLOAT32_BY_DEFAULT:
            value = replace(value, keywords=(("dtype", FLOAT32),))
        case tuple():
            return tuple(_over_float64(element) for element in cast("tuple[Any, ...]", value))
        case _:
            pass
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(
        value, **{field.name: _over_float64(getattr(value, field.name)) for field in fields(value)}
    )
