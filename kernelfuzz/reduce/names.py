"""Short names: the last step of a reduction."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.nodes import Param
from kernelfuzz.ir.rename import canonical_names, rename
from kernelfuzz.ir.types import Array, Struct, Type


def canonical(case: Case) -> Case:
    """The case under canonical names, in the inputs too: parameters a0, a1, ..., variables v0, v1, ..."""
    new = rename(case.kernel, canonical_names())
    params: list[Param] = []
    inputs: dict[str, Input] = {}
    for old, param in zip(case.kernel.params, new.params, strict=True):
        # Renaming leaves out what is no part of the text.
        params.append(replace(param, bounds=old.bounds, shape=old.shape))
        if old.name in case.launch.inputs:
            inputs[param.name] = _renamed(case.launch.inputs[old.name], param.type)
    return Case(replace(new, params=tuple(params)), replace(case.launch, inputs=inputs))


def _renamed(value: Input, type_: Type) -> Input:
    element = type_.dtype if isinstance(type_, Array) else type_
    if not isinstance(value, dict) or not isinstance(element, Struct):
        return value
    fields = zip(value.values(), element.fields, strict=True)
    return {name: _renamed(field, inner) for field, (name, inner) in fields}
