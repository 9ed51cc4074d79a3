"""Warp's builtins against their definitions in a wider precision, over every row and float type."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir import types as t
from kernelfuzz.reference import builtin_values
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.closed_forms import form
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import NotSmooth
from kernelfuzz.typecheck.builtins import BUILTINS, Signature, instances
from kernelfuzz.typecheck.domains import interval

POINTS = 40
DERIVATIVE_POINTS = 6

WIDER: dict[t.Scalar, Any] = {t.FLOAT16: np.float32, t.FLOAT32: np.float64, t.FLOAT64: np.longdouble}

# The bound on the error in units in the last place of the largest component, where it is not the row's own
# bound (``ulp``, which is CUDA's) and not the number of roundings of the formula, about ROUNDINGS.
ROUNDINGS = 12
BOUNDS: dict[str, tuple[int, str]] = {
    "determinant": (60, "cancels: up to 4! products of four"),
    "inverse": (4000, "the condition of random matrices"),
    "inverse_approx": (4000, "the condition of random matrices"),
    "closest_point_edge_edge": (4000, "the angle of random edges"),
    "quat_to_axis_angle": (40, "the angle comes from a quotient of two lengths"),
    "lerp": (40, "cancels"),
    "pow": (8, "the exponent scales the error of the logarithm"),
    "frac": (1, "exact"),
}
# Of these the error is counted in units of the result; of all others, which cancel, in units of at least 1.
SCALARS = frozenset({"scalar", "trigonometry", "exponential", "rounding"})


def dimensions(type_: t.Type) -> tuple[int, ...]:
    assert not isinstance(type_, (t.Struct, t.Array, t.Tile, t.Tuple))
    return () if isinstance(type_, t.Scalar) else t.shape(type_)


def with_forms(*, differentiable: bool = False) -> list[Signature]:
    """One signature of each row and float type that has a closed form over floats."""
    found: list[Signature] = []
    for builtin in BUILTINS:
        if builtin.group in ("atomic", "random", "operator") or "array" in builtin.signature:
            continue
        if differentiable and not builtin.differentiable:
            continue
        of_scalar: dict[t.Scalar, Signature] = {}
        for signature in instances(builtin):
            if not signature.params or form(signature) is None:
                continue
            scalar = computed_in(signature)
            if scalar in WIDER:
                of_scalar.setdefault(scalar, signature)
        if differentiable and of_scalar:
            of_scalar = {t.FLOAT64: of_scalar.get(t.FLOAT64) or next(iter(of_scalar.values()))}
        found.extend(of_scalar.values())
    return found


def computed_in(signature: Signature) -> t.Scalar:
    """The type of the last float argument, or of the last one."""
    scalars = [component_type(type_) for type_ in signature.params]
    return next((scalar for scalar in reversed(scalars) if scalar.is_float), scalars[-1])


def label(signature: Signature) -> str:
    return f"{signature.name}-{signature.builtin.signature}-{computed_in(signature)}"


def arguments(signature: Signature, random: np.random.Generator) -> tuple[Any, ...]:
    """Random values of about 1 in the domains; quaternions of unit length."""
    axes = iter([(0, 1, 2), (1, 2, 1), (2, 0, 1), (2, 1, 2)][int(random.integers(4))])
    return tuple(
        next(axes) if domain == "axis" else argument(type_, domain, random)
        for type_, domain in zip(signature.params, signature.domains, strict=True)
    )


def argument(type_: t.Type, domain: str, random: np.random.Generator) -> Any:
    scalar, sizes = component_type(type_), dimensions(type_)
    if scalar.kind == "bool":
        return bool(random.integers(2))
    low, high = interval(domain, scalar)
    values = random.uniform(-2, 2, sizes)
    if low is not None or high is not None:
        least = max(-2.0, float(low)) if low is not None else -2.0
        most = min(2.0, float(high)) if high is not None else 2.0
        values = random.uniform(least, most, sizes)
    if isinstance(type_, (t.Quaternion, t.Transform)):
        values[-4:] /= np.linalg.norm(values[-4:])
    if isinstance(type_, t.Matrix) and type_.rows == type_.columns:
        values = values + 3 * np.eye(type_.rows)
    return np.asarray(values).astype(scalar.name)[()]


def flat(value: Any) -> np.ndarray[Any, Any]:
    """All numbers of a result, as long doubles."""
    parts = value if isinstance(value, tuple) else (value,)
    numbers = [value_of(number) for part in parts for number in np.asarray(part).reshape(-1)]
    return np.array(numbers, dtype=np.longdouble)


def bound(signature: Signature) -> float:
    if computed_in(signature) == t.FLOAT64 and signature.builtin.cpu_ulp:
        return signature.builtin.cpu_ulp
    if signature.name in BOUNDS:
        return BOUNDS[signature.name][0]
    if signature.builtin.group in ("trigonometry", "exponential"):
        return max(signature.builtin.ulp or 0, 1)
    return ROUNDINGS


def error(signature: Signature, given: tuple[Any, ...]) -> float:
    """How far the builtin is from its closed form in a wider precision, in units in the last place."""
    scalar = computed_in(signature)
    found = form(signature)
    assert found is not None
    wide = tuple(each.astype(WIDER[scalar]) if isinstance(each, (np.ndarray, np.floating)) else each for each in given)
    exact = flat(found.function(signature, *wide) if found.typed else found.function(*wide))
    value = flat(builtin_values.call(signature, given))
    size = float(np.max(np.abs(exact)))
    if signature.builtin.group not in SCALARS:
        size = max(size, 1.0)
    unit = float(np.spacing(np.dtype(scalar.name).type(max(size, float(np.finfo(scalar.name).tiny)))))
    return float(np.max(np.abs(exact - value))) / unit


@pytest.mark.parametrize("signature", with_forms(), ids=label)
def test_builtin_is_its_definition(signature: Signature) -> None:
    random = np.random.default_rng(17)
    if builtin_values.compiled(signature) is builtin_values.no_reference:
        pytest.skip(builtin_values.NO_REFERENCE)
    errors = [error(signature, arguments(signature, random)) for _ in range(POINTS)]
    assert max(errors) <= bound(signature)


@pytest.mark.parametrize("signature", with_forms(differentiable=True), ids=label)
def test_derivative_is_the_central_difference(signature: Signature) -> None:
    """Of the closed form over duals, against differences of Warp's own values, or, where those are single, its own."""
    random = np.random.default_rng(23)
    found = form(signature)
    assert found is not None
    if component_type(signature.params[0]).is_float and not isinstance(signature.result, t.Tuple):
        assert not component_type(signature.result).is_integer
    form_of = partial(found.function, signature) if found.typed else found.function
    own = computed_in(signature) != t.FLOAT64

    def evaluate(values: tuple[Any, ...]) -> Any:
        return form_of(*values) if own else builtin_values.call(signature, values)

    tried = 0
    for _ in range(DERIVATIVE_POINTS):
        given = arguments(signature, random)
        direction = tuple(
            random.normal(size=np.shape(each)) if isinstance(each, (np.ndarray, np.floating)) else None
            for each in given
        )
        moved = tuple(
            _dual(each, along) if along is not None else each for each, along in zip(given, direction, strict=True)
        )
        try:
            result = form_of(*moved)
        except NotSmooth:
            continue
        tried += 1
        h = 1e-5
        above, below = (
            flat(evaluate(tuple(
                (each + sign * h * along).astype(np.float64)[()] if along is not None else each
                for each, along in zip(given, direction, strict=True)
            )))
            for sign in (1, -1)
        )  # fmt: skip
        slopes = np.array((above - below) / (2 * h), dtype=np.float64)
        parts = result if isinstance(result, tuple) else (result,)
        tangents = [
            number.tangent[0] if isinstance(number, Dual) else 0.0
            for part in parts
            for number in (part.reshape(-1) if isinstance(part, np.ndarray) else [part])
        ]
        np.testing.assert_allclose(tangents, slopes, rtol=2e-6, atol=2e-6 * max(1.0, np.abs(slopes).max()))
    assert tried


def _dual(value: Any, along: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return Dual(float(value), np.array([float(along)]))
    result = np.empty(value.shape, dtype=object)
    for at in np.ndindex(value.shape):
        result[at] = Dual(float(value[at]), np.array([along[at]]))
    return result
