"""What a launch keeps to, apart from the kernel: what parameters hold, by name.

The parameter ``x`` of a function ``f`` of the module is called ``f.x``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias, TypedDict

from kernelfuzz.ir.nodes import Function, Kernel, Param

Bounds: TypeAlias = Mapping[str, tuple[int, int]]
Shapes: TypeAlias = "Mapping[str, tuple[int | str, ...]]"


class Contract(TypedDict, total=False):
    """What ``Param`` says of the parameters that have it; what none has is left out."""

    bounds: Bounds
    shapes: Shapes
    ascending: Collection[str]
    optional: Collection[str]


def contract_of(kernel: Kernel) -> Contract:
    """The contract of a kernel and its functions."""
    contract: Contract = {}
    if bounds := {name: param.bounds for name, param in _params(kernel) if param.bounds is not None}:
        contract["bounds"] = bounds
    if shapes := {name: param.shape for name, param in _params(kernel) if param.shape}:
        contract["shapes"] = shapes
    if ascending := tuple(name for name, param in _params(kernel) if param.ascending):
        contract["ascending"] = ascending
    if optional := tuple(name for name, param in _params(kernel) if param.optional):
        contract["optional"] = optional
    return contract


def with_contract(
    kernel: Kernel,
    *,
    bounds: Bounds | None = None,
    shapes: Shapes | None = None,
    ascending: Collection[str] = (),
    optional: Collection[str] = (),
) -> Kernel:
    """The kernel with this contract and no other.  Raises ValueError at a name that no parameter has."""
    bounds, shapes = bounds or {}, shapes or {}
    known = {name for name, _ in _params(kernel)}
    if unknown := (bounds.keys() | shapes.keys() | set(ascending) | set(optional)) - known:
        raise ValueError(f"no parameter {min(unknown)}; there are {', '.join(sorted(known)) or 'none'}")

    def param(name: str, each: Param) -> Param:
        kept = {"ascending": name in ascending, "optional": name in optional}
        return replace(each, bounds=bounds.get(name), shape=shapes.get(name, ()), **kept)

    def params(of: Kernel | Function, prefix: str) -> tuple[Param, ...]:
        return tuple([param(prefix + each.name, each) for each in of.params])

    functions = tuple([replace(each, params=params(each, f"{each.name}.")) for each in kernel.functions])
    return replace(kernel, params=params(kernel, ""), functions=functions)


def _params(kernel: Kernel) -> Iterator[tuple[str, Param]]:
    yield from ((param.name, param) for param in kernel.params)
    for function in kernel.functions:
        yield from ((f"{function.name}.{param.name}", param) for param in function.params)
