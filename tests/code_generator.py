"""Defects in Warp's code generator, planted at run time: what the package itself must not touch, a test may."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

Patch: TypeAlias = pytest.MonkeyPatch


def codegen() -> Any:
    """Warp's code generator, to be patched."""
    return importlib.import_module("warp._src.codegen")


def forward(patch: Patch, change: Callable[[str, str | None], tuple[str, str | None]]) -> None:
    """Have every statement of the forward pass, and what the replay has instead of it, go through ``change``."""
    original = codegen().Adjoint.add_forward

    def add_forward(adjoint: Any, statement: str, replay: str | None = None, **more: Any) -> None:
        original(adjoint, *change(statement, replay), **more)

    patch.setattr(codegen().Adjoint, "add_forward", add_forward)


def reverse(patch: Patch, change: Callable[[str], str]) -> None:
    """Have every statement of the reverse pass go through ``change``; what is empty then is left out."""
    original = codegen().Adjoint.add_reverse

    def add_reverse(adjoint: Any, statement: str) -> None:
        changed = change(statement)
        if changed:
            original(adjoint, changed)

    patch.setattr(codegen().Adjoint, "add_reverse", add_reverse)


def around_loops(patch: Patch, before: Callable[[Any], object], after: Callable[[list[str]], list[str]]) -> None:
    """Do something with the blocks of a loop before Warp ends it, and with the reverse pass of what is around."""
    original = codegen().Adjoint.end_for

    def end_for(adjoint: Any, *args: Any, **more: Any) -> None:
        before(adjoint)
        original(adjoint, *args, **more)
        adjoint.blocks[-1].body_reverse[:] = after(adjoint.blocks[-1].body_reverse)

    patch.setattr(codegen().Adjoint, "end_for", end_for)


def text_of(patch: Patch, function: str, change: Callable[[str, str], str]) -> None:
    """Have the body of each function go through ``change``, with the device."""
    original = getattr(codegen(), function)

    def generated(adjoint: Any, func_type: str = "kernel", device: str = "cpu", **more: Any) -> str:
        return change(original(adjoint, func_type=func_type, device=device, **more), device)

    patch.setattr(codegen(), function, generated)


def without_adjoints_of(patch: Patch, name: str, over: str | None = None) -> None:
    """Lose the adjoint of one builtin; ``over`` a type of C++ ("wp::float32"), only where its first operand has it."""
    original = codegen().Adjoint.add_reverse

    def add_reverse(adjoint: Any, statement: str) -> None:
        if f"adj_{name}(" not in statement or (over is not None and over != first_type(adjoint, statement)):
            original(adjoint, statement)

    def first_type(adjoint: Any, statement: str) -> str:
        call = re.search(rf"adj_{name}\(var_(\d+)", statement)
        return adjoint.variables[int(call[1])].ctype(value_type=True) if call else ""

    patch.setattr(codegen().Adjoint, "add_reverse", add_reverse)
