"""Closed forms over vectors, and over what is treated like one (the components of any composite)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernelfuzz.ir.types import Vector
from kernelfuzz.reference.closed_forms import numbers
from kernelfuzz.reference.closed_forms.form import Form, Function
from kernelfuzz.reference.closed_forms.numbers import Components, array_of, total
from kernelfuzz.reference.closed_forms.scalar import FORMS as SCALAR
from kernelfuzz.reference.dual import value_of
from kernelfuzz.typecheck.builtins import Signature


def componentwise(function: Function) -> Function:
    """The function of scalars on each component of composites of one shape."""

    def apply(*composites: Components) -> Components:
        result = np.empty(composites[0].shape, dtype=composites[0].dtype)
        for at in np.ndindex(result.shape):
            result[at] = function(*[composite[at] for composite in composites])
        return result

    return apply


def dot(a: Components, b: Components) -> Any:
    """The sum of the products of components, in order."""
    return total([x * y for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True)])


def length_squared(a: Components) -> Any:
    return dot(a, a)


def length(a: Components) -> Any:
    return numbers.sqrt(dot(a, a))


def cross(a: Components, b: Components) -> Components:
    (a0, a1, a2), (b0, b1, b2) = a, b
    return array_of([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], a)


def _normalize(a: Components) -> Components:
    size = length(a)
    return a / size if value_of(size) > 0 else a * 0


def _smallest(a: Components) -> Any:
    result = a[0]
    for x in a[1:]:
        result = numbers.smaller(result, x)
    return result


def _largest(a: Components) -> Any:
    result = a[0]
    for x in a[1:]:
        result = numbers.larger(result, x)
    return result


def _position(a: Components, best: Any) -> int:
    found = [at for at, x in enumerate(a) if value_of(x) == value_of(best)]
    return found[0] if found else 0


def _argmin(a: Components) -> int:
    return _position(a, _smallest(a))


def _argmax(a: Components) -> int:
    return _position(a, _largest(a))


def lerp(a: Components, b: Components, t: Any) -> Components:
    return a * (1 - t) + b * t


def _norm_l1(a: Components) -> Any:
    return total([abs(x) for x in a])


def _norm_huber(a: Components, delta: Any) -> Any:
    squared = dot(a, a)
    if squared <= delta * delta:
        return squared * 0.5
    return delta * (numbers.sqrt(squared) - delta * 0.5)


def _norm_pseudo_huber(a: Components, delta: Any) -> Any:
    return delta * numbers.sqrt(1 + numbers.divide(dot(a, a), delta * delta))


def _smooth_normalize(a: Components, delta: Any) -> Components:
    return scaled_down(a, _norm_pseudo_huber(a, delta))


def scaled_down(a: Components, divisor: Any) -> Components:
    """Each component divided by a number."""
    return componentwise(lambda x: numbers.divide(x, divisor))(a)


def _vector(signature: Signature, *values: Any) -> Components:
    result = signature.result
    assert isinstance(result, Vector)
    return np.array(list(values) * (result.length // len(values)), dtype=_dtype(values))


def _dtype(values: tuple[Any, ...]) -> Any:
    return values[0].dtype if all(isinstance(value, np.floating) for value in values) else object


def _size(a: Components) -> int:
    return len(a)


def is_any(function: Function) -> Function:
    return lambda a: any(function(x) for x in a.reshape(-1))


def is_every(function: Function) -> Function:
    return lambda a: all(function(x) for x in a.reshape(-1))


def on_components(name: str, exact: bool = True) -> Form:
    """The closed form of the same builtin over scalars, on each component."""
    return Form(componentwise(SCALAR[name].function), SCALAR[name].source + ", element-wise", exact=exact)


PREDICATES: dict[str, Form] = {
    "isfinite": Form(is_every(SCALAR["isfinite"].function), "Built-ins: if all elements are", exact=True),
    "isnan": Form(is_any(SCALAR["isnan"].function), "Built-ins: if any element is", exact=True),
    "isinf": Form(is_any(SCALAR["isinf"].function), "Built-ins: if any element is", exact=True),
}


def _minimum(*composites: Components) -> Any:
    return _smallest(*composites) if len(composites) == 1 else componentwise(numbers.smaller)(*composites)


def _maximum(*composites: Components) -> Any:
    return _largest(*composites) if len(composites) == 1 else componentwise(numbers.larger)(*composites)


FORMS: dict[str, Form] = {
    "dot": Form(dot, "Built-ins, dot", exact=True),
    "length_sq": Form(length_squared, "Built-ins, length_sq", exact=True),
    "length": Form(length, "Built-ins, length", exact=True),
    "min": Form(_minimum, "Built-ins, min: C's fmin"),
    "max": Form(_maximum, "Built-ins, max: C's fmax"),
    "argmin": Form(_argmin, "Built-ins, argmin: the first smallest element; NaN is skipped", exact=True),
    "argmax": Form(_argmax, "Built-ins, argmax: the first largest element; NaN is skipped", exact=True),
    "abs": on_components("abs"),
    "sign": on_components("sign"),
    "cw_mul": Form(componentwise(lambda x, y: x * y), "Built-ins, cw_mul", exact=True),
    "cw_div": Form(componentwise(numbers.divide), "Built-ins, cw_div", exact=True),
    "mod": on_components("mod"),
    "cross": Form(cross, "Built-ins, cross", exact=True),
    "normalize": Form(_normalize, "Built-ins, normalize: the zero vector where the length is 0"),
    "lerp": Form(lerp, "Built-ins, lerp: a*(1-t) + b*t", exact=True),
    "vector": Form(_vector, "Built-ins, vector", exact=True, typed=True),
    **PREDICATES,
    "where": SCALAR["where"],
    "len": Form(_size, "Built-ins, len: the number of elements", exact=True),
    "norm_l1": Form(_norm_l1, "Built-ins, norm_l1: the sum of |v_i|", exact=True),
    "norm_l2": Form(length, "Built-ins, norm_l2: the length", exact=True),
    "norm_huber": Form(_norm_huber, "Built-ins, norm_huber", exact=True),
    "norm_pseudo_huber": Form(_norm_pseudo_huber, "Built-ins, norm_pseudo_huber", exact=True),
    "smooth_normalize": Form(_smooth_normalize, "Built-ins, smooth_normalize: v / H'(v)", exact=True),
    "add": on_components("add"),
    "sub": on_components("sub"),
    "mul": Form(lambda a, s: componentwise(lambda x: x * s)(a), "a vector times a scalar", exact=True),
    "neg": on_components("neg"),
    "bit_and": on_components("bit_and"),
    "bit_or": on_components("bit_or"),
    "bit_xor": on_components("bit_xor"),
    "invert": on_components("invert"),
}
