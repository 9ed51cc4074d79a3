"""The kernels of a module as objects: those that importing it makes, and one of each that a function of it makes.

A function that makes kernels is called with its defaults, and where it has none with a sample of what it is annotated
as: what comes out is an instance such as the package itself would make.  A generic kernel that nothing has
overloaded gets an overload of floats.
"""

from __future__ import annotations

import ast
import contextlib
import enum
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from kernelfuzz.toolchain import compat, made_kernels

# By a word of the annotation, or of the name where there is none.
SAMPLES: tuple[tuple[str, Any], ...] = (("bool", True), ("float", 1.0), ("int", 4), ("str", ""))


def made_by(module: str, path: Path, *, call: bool = True) -> dict[int, Any]:
    """The kernels of a module by the line of their ``def``; none where it cannot be imported.

    ``call``: functions that make kernels are called.  Those of tests may do anything.
    """
    with made_kernels() as made:
        try:
            loaded = importlib.import_module(module)
        except (Exception, SystemExit):
            return {}
        found: dict[int, Any] = {}
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _collect([*made, *vars(loaded).values()], tree, path, found)
        for maker in _makers(tree, found) if call else ():
            with contextlib.suppress(Exception, SystemExit):  # it wants other arguments
                function = getattr(loaded, maker)
                function(*_arguments(function))
        _collect(made, tree, path, found)
    for kernel in found.values():
        if kernel.is_generic and not kernel.overloads:
            with contextlib.suppress(Exception):  # it stays generic
                _overload(kernel)
    return found


def _collect(values: list[Any], tree: ast.Module, path: Path, found: dict[int, Any]) -> None:
    for value in values:
        if compat.is_kernel(value) and Path(value.func.__code__.co_filename) == path:
            found.setdefault(_line_of(tree, value.func.__code__.co_firstlineno), value)


def _line_of(tree: ast.Module, first: int) -> int:
    """The line of the ``def`` whose first line, decorators included, is this one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and first in (node.lineno, *[d.lineno for d in node.decorator_list]):
            return node.lineno
    return 0


def _makers(tree: ast.Module, found: dict[int, Any]) -> Iterator[str]:
    """The functions at the top of a module that have kernels which are not made yet."""
    for top in tree.body:
        if isinstance(top, ast.FunctionDef):
            for node in ast.walk(top):
                is_kernel = isinstance(node, ast.FunctionDef) and "wp.kernel" in "".join(
                    map(ast.unparse, node.decorator_list)
                )
                if is_kernel and node is not top and getattr(node, "lineno", 0) not in found:
                    yield top.name
                    break


def _arguments(function: Callable[..., Any]) -> Iterator[Any]:
    """A value for each positional parameter."""
    for name, parameter in inspect.signature(function).parameters.items():
        kind = parameter.annotation
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            return
        if parameter.default is not parameter.empty:
            yield parameter.default
        elif isinstance(kind, type) and issubclass(kind, enum.Enum):
            yield next(iter(kind))
        elif "dtype" in name or ("type" in str(kind) and not isinstance(kind, type)):
            yield importlib.import_module("warp").float32
        else:
            words = name if kind is parameter.empty else str(kind)
            yield next((value for word, value in SAMPLES if word in words), 4)


def _overload(kernel: Any) -> None:
    wp: Any = importlib.import_module("warp")
    generic = (Any, wp.Float, wp.Scalar)

    def concrete(type_: Any, ndim: int = 0) -> Any:
        if hasattr(type_, "ndim") and hasattr(type_, "dtype"):
            return wp.array(dtype=concrete(type_.dtype), ndim=type_.ndim)
        if hasattr(type_, "_shape_") and hasattr(type_, "_wp_scalar_type_"):
            shape = tuple([each if isinstance(each, int) else 3 for each in type_._shape_])
            scalar = concrete(type_._wp_scalar_type_)
            return wp.types.vector(*shape, scalar) if len(shape) == 1 else wp.types.matrix(shape, scalar)
        if type_ is wp.Int:
            return wp.int32
        if type_ not in generic and not isinstance(type_, TypeVar):
            return type_
        return wp.array(dtype=wp.float32, ndim=ndim) if ndim else wp.float32

    text = inspect.getsource(kernel.func)
    types = {name: type_ for name, type_ in kernel.adj.arg_types.items() if name != "return"}
    wp.overload(kernel, {name: concrete(type_, _subscripts(text, name)) for name, type_ in types.items()})


def _subscripts(text: str, name: str) -> int:
    """How many indices a parameter is used with; 0 where with none."""
    found = re.search(rf"\b{name}\[([^\[\]]*)\]", text)
    return found[1].count(",") + 1 if found else 0
