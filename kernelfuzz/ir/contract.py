"""What a launch keeps to, apart from the kernel: the bounds and the shapes of parameters, by name.

The parameter ``x`` of a function ``f`` of the module is called ``f.x``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from kernelfuzz.ir.nodes import Function, Kernel, Param

Bounds: TypeAlias = Mapping[str, tuple[int, int]]
Shapes: TypeAlias = "Mapping[str, tuple[int | str, ...]]"


def bounds_of(kernel: Kernel) -> dict[str, tuple[int, int]]:
    """The bounds of every parameter that has some."""
    return {name: param.bounds for name, param in _params(kernel) if param.bounds is not None}


def shapes_of(kernel: Kernel) -> dict[str, tuple[int | str, ...]]:
    """The shape of every parameter that has one."""
    return {name: param.shape for name, param in _params(kernel) if param.shape}


def with_contract(kernel: Kernel, bounds: Bounds, shapes: Shapes) -> Kernel:
    """The kernel with this contract and no other.  Raises ValueError at a name that no parameter has."""
    known = {name for name, _ in _params(kernel)}
    if unknown := (bounds.keys() | shapes.keys()) - known:
        raise ValueError(f"no parameter {min(unknown)}; there are {', '.join(sorted(known)) or 'none'}")

    def params(of: Kernel | Function, prefix: str) -> tuple[Param, ...]:
        return tuple(
            [
                replace(each, bounds=bounds.get(prefix + each.name), shape=shapes.get(prefix + each.name, ()))
                for each in of.params
            ]
        )

    functions = tuple([replace(each, params=params(each, f"{each.name}.")) for each in kernel.functions])
    return replace(kernel, params=params(kernel, ""), functions=functions)


def _params(kernel: Kernel) -> Iterator[tuple[str, Param]]:
    yield from ((param.name, param) for param in kernel.params)
    for function in kernel.functions:
        yield from ((f"{function.name}.{param.name}", param) for param in function.params)
