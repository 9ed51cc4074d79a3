"""The kernels of a module as objects: those that importing it makes, and one of each that a function of it makes.

A function that makes kernels is called with its defaults, and where it has none with a sample of what it is annotated
as, until a call makes some: what comes out is an instance such as the package itself would make.  A generic kernel
that nothing has overloaded gets the first overload that Warp generates code for.
"""

from __future__ import annotations

import ast
import contextlib
import enum
import importlib
import inspect
import itertools
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from kernelfuzz.toolchain import Failure, compat, lower_kernel, made_kernels

# Calls are tried with each of these numbers, and with each of the flags, for what has no default.
NUMBERS = (4, 32, 1)
FLAGS = (True, False)
# How many overloads of a generic kernel are tried.
OVERLOADS = 100


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
            _call(getattr(loaded, maker), made)
        _collect(made, tree, path, found)
    for kernel in found.values():
        if kernel.is_generic and not kernel.overloads:
            _overload(kernel)
    return found


def _call(function: Callable[..., Any], made: list[Any]) -> None:
    """Call a function that makes kernels, with one sample after the other until a call has made some."""
    before = len(made)
    for number, flag in itertools.product(NUMBERS, FLAGS):
        with contextlib.suppress(Exception, SystemExit):  # it wants other arguments
            function(*_arguments(function, number, flag))
        if len(made) > before:
            return


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


def _arguments(function: Callable[..., Any], number: int, flag: bool, depth: int = 0) -> list[Any]:
    """A value for each positional parameter."""
    hints: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # names that are there for type checkers only
        hints = typing.get_type_hints(function.__init__ if isinstance(function, type) else function)
    given: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            break
        kind = hints.get(name, parameter.annotation)
        has_default = parameter.default is not parameter.empty
        given.append(parameter.default if has_default else _sample(name, kind, number, flag, depth))
    return given


def _sample(name: str, kind: Any, number: int, flag: bool, depth: int) -> Any:
    """A value for a parameter without a default, by its annotation, or by its name where it has none."""
    wp: Any = importlib.import_module("warp")
    words = f"{name} {'' if kind is inspect.Parameter.empty else getattr(kind, '__name__', kind)}"
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if compat.tree_type(kind) is not None and not isinstance(kind, type):
        return wp.zeros((1,) * kind.ndim, dtype=kind.dtype, device="cpu")
    if "dtype" in name or ("type" in str(kind) and not isinstance(kind, type)):
        return wp.float32
    for word, value in (("bool", flag), ("float", 1.0), ("int", number), ("str", "")):
        if word in words:
            return value
    if isinstance(kind, type) and depth < 2 and kind is not inspect.Parameter.empty:
        return kind(*_arguments(kind, number, flag, depth + 1))
    return number


# ---------------------------------------------------------------------------------------- generic kernels


def _overload(kernel: Any) -> None:
    """Give a generic kernel the first overload that Warp generates code for."""
    types = {name: type_ for name, type_ in kernel.adj.arg_types.items() if name != "return"}
    ranks, given = _ranks(kernel), _taken(kernel)
    choices = [
        [given[name]] if type_ is Any and name in given else _concrete(type_, ranks.get(name, 0))
        for name, type_ in types.items()
    ]
    # Parameters of one kind mostly have one type: the same choice for all comes first.
    most = max(map(len, choices))
    same = [tuple([each[min(at, len(each) - 1)] for each in choices]) for at in range(most)]
    tried = itertools.islice(itertools.chain(same, itertools.product(*choices)), OVERLOADS)
    for chosen in tried:
        with contextlib.suppress(Exception):  # such types do not fit the annotations
            made = _wp().overload(kernel, dict(zip(types, chosen, strict=True)))
            if not isinstance(lower_kernel(made), Failure):
                break
            kernel.overloads.clear()


def _taken(kernel: Any) -> dict[str, Any]:
    """The types that functions around a kernel take under a name: it hands on what it is given by that name."""
    found: dict[str, Any] = {}
    for value in compat.captured_values(kernel).values():
        for function in compat.overloads_of(value):
            known = {name: type_ for name, type_ in function.adj.arg_types.items() if compat.tree_type(type_)}
            found = {**known, **found}
    return found


def _wp() -> Any:
    return importlib.import_module("warp")


def _concrete(type_: Any, rank: int) -> list[Any]:
    """The types to try for a parameter of a generic kernel that is used with so many indices."""
    wp = _wp()
    values = [wp.float32, wp.vec3, wp.int32, wp.mat33, wp.float64, wp.mat22, wp.vec2i]
    if hasattr(type_, "ndim") and hasattr(type_, "dtype"):
        # An array, or another class of the kind.
        found = _concrete(type_.dtype, 0)
        make = wp.indexedarray if isinstance(type_, wp.indexedarray) else wp.array
        return [type_] if found == [type_.dtype] else [make(dtype=each, ndim=type_.ndim) for each in found]
    if hasattr(type_, "_shape_") and hasattr(type_, "_wp_scalar_type_"):
        shape = tuple([each if isinstance(each, int) else 3 for each in type_._shape_])
        scalars = _concrete(type_._wp_scalar_type_, 0)
        return [wp.types.vector(*shape, each) if len(shape) == 1 else wp.types.matrix(shape, each) for each in scalars]
    if type_ is wp.Int:
        return [wp.int32, wp.int64]
    if type_ in (wp.Float, wp.Scalar):
        return [wp.float32, wp.float64, *([wp.int32] if type_ is wp.Scalar else [])]
    if type_ is not Any and not isinstance(type_, TypeVar):
        return [type_]
    return [wp.array(dtype=each, ndim=rank) for each in values] if rank else values


def _ranks(kernel: Any) -> dict[str, int]:
    """How many indices each name is used with."""
    found: dict[str, int] = {}
    for node in ast.walk(compat.definition(kernel)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            count = len(node.slice.elts) if isinstance(node.slice, ast.Tuple) else 1
            found[node.value.id] = max(count, found.get(node.value.id, 0))
    return found
