"""A kernel that a program has made, described for the reader: its text, and what the names in it stand for.

A name is looked up where Warp looks it up: among what the function captures, then among the globals of its module.
"""

from __future__ import annotations

import enum
import math
import types
import typing
from typing import Any

from kernelfuzz.syntax.parse.bindings import (
    FunctionSource,
    Known,
    Member,
    Members,
    Namespace,
    Overloads,
    PythonModule,
    PythonName,
    WarpName,
    member,
    module_named,
)
from kernelfuzz.toolchain import compat


def described(kernel: Any) -> FunctionSource:
    """What the reader needs of a ``warp.Kernel``.  Raises TypeError at what is none."""
    if not compat.is_kernel(kernel):
        raise TypeError(f"a text or a warp.Kernel is read, got {type(kernel).__name__}")
    if kernel.is_generic and kernel.overloads:
        kernel = next(iter(kernel.overloads.values()))
    return _Objects().function(kernel, "kernel")


class _Objects:
    """What objects are for the reader; a function is described once."""

    def __init__(self) -> None:
        self._functions: dict[int, FunctionSource] = {}

    def function(self, value: Any, kind: str) -> FunctionSource:
        """A kernel or a function of Warp."""
        if id(value) not in self._functions:
            captured = compat.captured_values(value)
            around = {**value.func.__globals__, **captured}

            def ask(name: str) -> Known:
                return self.known(around[name])

            def run(text: str) -> Known:
                return self.known(eval(text, dict(around)))

            self._functions[id(value)] = FunctionSource(
                compat.definition(value),
                Namespace(None, ask=ask, run=run),
                kind,
                compat.own_types(value),
                frozenset(captured),
                compat.beyond_a_tree(value),
                compat.native_texts(value),
            )
        return self._functions[id(value)]

    def known(self, value: Any) -> Known:
        """What an object is for the reader."""
        if isinstance(value, (enum.IntEnum, enum.IntFlag)):
            base = "IntEnum" if isinstance(value, enum.IntEnum) else "IntFlag"
            name = value.name or ""
            # Several flags at once have no name of their own.
            return Member(int(value), type(value).__name__, name, base) if name.isidentifier() else int(value)
        if isinstance(value, enum.Enum):
            return self.known(value.value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (tuple, list)):
            return tuple([self.known(each) for each in typing.cast("tuple[Any, ...]", value)])
        type_ = compat.tree_type(value)
        if type_ is not None:
            return type_
        node = compat.tree_value(value)
        return self._callable(value) if node is None else node

    def _callable(self, value: Any) -> Known:
        builtin = compat.builtin_name(value)
        if builtin is not None:
            return WarpName(builtin)
        functions = tuple([self.function(each, "func") for each in compat.overloads_of(value)])
        if functions:
            return functions[0] if len(functions) == 1 else Overloads(functions)
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if isinstance(value, typing.TypeVar) or value is typing.Any:
            return PythonName("typing", "Any")
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(name, str):
            return self._members(type(value).__name__, value)
        if module_named(module) == WarpName("warp") and (not isinstance(value, type) or compat.is_exported(value)):
            return member(WarpName("warp"), name)
        return self._members(name, value) if isinstance(value, type) else PythonName(module, name)

    def _module(self, value: types.ModuleType) -> Known:
        if value is math or module_named(value.__name__) == WarpName("warp"):
            return WarpName("warp") if value is not math else PythonModule("math")
        return self._members(value.__name__, value)

    def _members(self, name: str, value: Any) -> Known:
        def ask(attribute: str) -> Known:
            try:
                return self.known(getattr(value, attribute))
            except AttributeError:
                raise KeyError(attribute) from None

        return Members(name, ask)
