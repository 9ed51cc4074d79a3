"""New parameters of a kernel, with what the launch gives them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.nodes import Expr, Index, Literal, Name, Param
from kernelfuzz.ir.types import INT32, Array, Scalar
from kernelfuzz.rewrites.everywhere import fresh


def with_scalar(case: Case, prefix: str, value: Literal) -> tuple[Case, Name]:
    """The case with a new parameter that has the value of a literal, and the name that reads it."""
    type_ = value.type
    name = next(fresh(case.kernel, prefix))
    bounds = (int(value.value), int(value.value)) if type_.is_integer else None
    given = np.array(value.value, dtype=np.dtype(type_.name))
    return _with_param(case, Param(name, type_, bounds), given), Name(name, type_)


def with_element(case: Case, prefix: str, value: int) -> tuple[Case, Expr]:
    """The case with a new int32 array of one element, and the expression that reads the element."""
    name = next(fresh(case.kernel, prefix))
    type_ = Array(INT32)
    changed = _with_param(case, Param(name, type_, (value, value), (1,)), np.array([value], dtype=np.int32))
    return changed, Index(Name(name, type_), (Literal(0, INT32),), INT32)


def _with_param(case: Case, param: Param, value: Input) -> Case:
    kernel = replace(case.kernel, params=(*case.kernel.params, param))
    launch = case.launch
    inputs = {**launch.inputs, param.name: value}
    return Case(kernel, Launch(launch.dim, inputs, launch.tiled))


def given_value(case: Case, name: str) -> Literal | None:
    """What the launch gives a scalar parameter; None for other parameters, and for NaN, whose bits vary."""
    param = next((each for each in case.kernel.params if each.name == name), None)
    value = case.launch.inputs.get(name)
    if param is None or not isinstance(param.type, Scalar) or not isinstance(value, np.ndarray):
        return None
    plain = value.item()
    return None if plain != plain else Literal(plain, param.type)
