"""Builtins evaluated without the code generator give a kernel's bits, over every row and type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.types import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT32,
    UINT32,
    Array,
    Scalar,
    Struct,
    Tile,
    Tuple,
    Type,
    shape,
)
from kernelfuzz.oracles.batch import batch_source
from kernelfuzz.reference import builtin_values
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.closed_forms import form
from kernelfuzz.reference.undefined import OUTSIDE_DOMAIN, Undefined
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded
from kernelfuzz.typecheck.builtin_columns import Builtin
from kernelfuzz.typecheck.builtins import BUILTINS, Signature, instances, resolve
from kernelfuzz.typecheck.domains import interval

POINTS = 24
# Of a row with more signatures only about as many are tried, evenly spread: the dimensions repeat.
MOST_SIGNATURES = 12

# Of these there is no reference over float16 (``builtin_values.NO_REFERENCE``): Python scope rounds float16
# differently, and no closed form gives the same bits.
NOT_OVER_FLOAT16 = frozenset({
    "determinant", "inverse", "inverse_approx", "svd2", "svd3", "qr3", "eig3", "quat_from_axis_angle",
    "quat_to_axis_angle", "quat_rpy", "quat_slerp",
})  # fmt: skip


def evaluated() -> list[Signature]:
    """Every signature that ``builtin_values.call`` is for, thinned out."""
    found: list[Signature] = []
    for builtin in BUILTINS:
        if builtin.group == "atomic" or "array" in builtin.signature or builtin.name == "cast":
            continue
        every = instances(builtin)
        found.extend(every[:: max(1, len(every) // MOST_SIGNATURES)])
    return found


def dimensions(type_: Type) -> tuple[int, ...]:
    assert not isinstance(type_, (Struct, Array, Tile, Tuple))
    return () if isinstance(type_, Scalar) else shape(type_)


def array_of(type_: Type) -> Array:
    assert not isinstance(type_, (Array, Tile, Tuple))
    return Array(type_)


def boundary(scalar: Scalar) -> list[Any]:
    """Values at which something changes."""
    if scalar == BOOL:
        return [False, True]
    if not scalar.is_float:
        low, high = scalar.limits
        return [v for v in (0, 1, -1, 2, 3, -7, low, high, low + 1, high - 1) if low <= v <= high]
    limits = np.finfo(scalar.name)
    tiny = [float(limits.max), float(limits.tiny), float(limits.smallest_subnormal)]
    halves = [0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997]
    return [0.0, -0.0, 1.0, -1.0, 3.0, 1e-3, np.inf, -np.inf, np.nan, *halves, *tiny]


def points(type_: Type, domain: str, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Boundary and random values in the domain of an argument: shape (POINTS, *dimensions)."""
    scalar, sizes = component_type(type_), (POINTS, *dimensions(type_))
    edges = boundary(scalar)
    count = int(np.prod(sizes))
    low, high = interval(domain, scalar)
    if scalar.is_float:
        values = np.where(random.random(count) < 0.35, random.choice(edges, count), random.normal(0, 2, count))
        outside = np.zeros(count, dtype=bool)
        outside |= np.isnan(values) & (low is not None or high is not None)
        if low is not None:
            values = np.where(outside | (values < low), low, values)
        if high is not None:
            values = np.where(values > high, high, values)
        with np.errstate(over="ignore"):
            return values.astype(scalar.name).reshape(sizes)
    least, most = scalar.limits
    least, most = (int(end) if end is not None else limit for end, limit in ((low, least), (high, most)))
    chosen = [edge for edge in edges if least <= edge <= most] or [least]
    numbers = [
        chosen[int(random.integers(len(chosen)))]
        if random.random() < 0.4
        else int(random.integers(max(least, -100), min(most, 100) + 1))
        for _ in range(count)
    ]
    values = np.array(numbers, dtype=scalar.name)
    if domain == "divisor":
        values[values == 0] = 1
    return values.reshape(sizes)


def kernel_of(signature: Signature) -> tuple[n.Kernel, tuple[Type, ...]]:
    """A kernel that calls the builtin on each element of arrays; the types of its output arrays."""
    i = n.Name("i", INT32)
    params = [n.Param(f"a{at}", array_of(type_)) for at, type_ in enumerate(signature.params)]
    arguments: list[n.Expr] = [n.Index(n.Name(f"a{at}", array_of(t)), (i,), t) for at, t in enumerate(signature.params)]
    body: list[n.Stmt] = [n.Assign(i, n.Call("tid", (), INT32))]
    if signature.builtin.mutates:
        state = n.Name("state", UINT32)
        body.append(n.Assign(state, n.Cast(UINT32, arguments[0])))
        arguments[0] = state
    call = n.Call(signature.name, tuple(arguments), signature.result, signature.keywords)
    results: tuple[Type, ...] = (signature.result,)
    values: list[n.Expr] = [call]
    if isinstance(signature.result, Tuple):
        results = signature.result.elements
        names = tuple(f"r{at}" for at in range(len(results)))
        body.append(n.Unpack(names, (call,)))
        values = [n.Name(name, type_) for name, type_ in zip(names, results, strict=True)]
    if signature.builtin.mutates:
        body.append(n.Assign(n.Name("r0", results[0]), values[0]))
        values, results = [n.Name("r0", results[0]), n.Name("state", UINT32)], (*results, UINT32)
    for at, (type_, value) in enumerate(zip(results, values, strict=True)):
        params.append(n.Param(f"o{at}", array_of(type_)))
        body.append(n.Assign(n.Index(n.Name(f"o{at}", array_of(type_)), (i,), type_), value))
    return n.Kernel("k", tuple(params), tuple(body)), results


def arguments_at(signature: Signature, inputs: dict[str, Any], at: int) -> tuple[Any, ...]:
    return tuple(
        inputs[f"a{number}"][at].item()
        if isinstance(type_, Scalar) and not type_.is_float
        else inputs[f"a{number}"][at]
        for number, type_ in enumerate(signature.params)
    )


def same_bits(found: Any, expected: np.ndarray[Any, Any]) -> bool:
    """Equal, with the sign of zero; any NaN for any NaN."""
    value = np.asarray(found, dtype=expected.dtype)
    if expected.dtype.kind != "f":
        return bool(np.all(value == expected))
    equal = (value == expected) & (np.signbit(value) == np.signbit(expected))
    return bool(np.all(equal | (np.isnan(value) & np.isnan(expected))))


def differences(signatures: list[Signature]) -> Iterator[str]:
    """What does not agree with a kernel of Warp."""
    random = np.random.default_rng(11)
    kernels = [kernel_of(signature) for signature in signatures]
    source, names = batch_source([kernel for kernel, _ in kernels])
    with loaded(source, "cpu", options=dict(JUDGED)) as program:
        assert isinstance(program, Program), program
        for signature, (_, results), name in zip(signatures, kernels, names, strict=True):
            inputs = {
                f"a{at}": points(type_, domain, random)
                for at, (type_, domain) in enumerate(zip(signature.params, signature.domains, strict=True))
            }
            outputs = {
                f"o{at}": np.zeros((POINTS, *dimensions(type_)), dtype=component_type(type_).name)
                for at, type_ in enumerate(results)
            }
            after = program.run(name, Launch((POINTS,), {**inputs, **outputs}))
            for at in range(POINTS):
                given = arguments_at(signature, inputs, at)
                try:
                    value = builtin_values.call(signature, given)
                except Undefined as error:
                    if error.reason == OUTSIDE_DOMAIN:
                        continue  # the domains of arguments say nothing of one beside another
                    half = FLOAT16 in map(component_type, signature.params)
                    if error.reason == builtin_values.NO_REFERENCE and half and signature.name in NOT_OVER_FLOAT16:
                        break
                    raise
                found = value if signature.builtin.mutates or isinstance(value, tuple) else (value,)
                for number, each in enumerate(found):
                    expected = np.asarray(after[f"o{number}"])[at]
                    if not same_bits(each, expected):
                        yield f"{signature.name}{given}: {each}, not {expected}"


SIGNATURES = evaluated()
# The operators by name are the interpreter's; notes/findings has what Warp computes for -0.0.
GROUPS = sorted({signature.builtin.group for signature in SIGNATURES} - {"operator"})


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_the_bits_of_a_kernel(group: str) -> None:
    chosen = [signature for signature in SIGNATURES if signature.builtin.group == group]
    assert not list(differences(chosen))


@pytest.mark.parametrize(
    "name",
    [
        "sin",
        "min",
        "clamp",
        "round",
        "dot",
        "randi",
        "quat_rotate",
        "transform_multiply",
        "transform_decompose",
        "closest_point_edge_edge",
        "intersect_tri_tri",
    ],
)
def test_the_bits_of_a_kernel_for_some(name: str) -> None:
    chosen = [signature for signature in SIGNATURES if signature.name == name]
    assert chosen
    assert not list(differences(chosen))


def test_a_wrong_value_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [signature for signature in SIGNATURES if signature.name == "sin"]
    call = builtin_values.call
    monkeypatch.setattr(builtin_values, "call", lambda s, a: np.nextafter(call(s, a), type(a[0])(9)))  # pyright: ignore
    assert list(differences(chosen))


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda builtin: f"{builtin.name} {builtin.signature}")
def test_every_row_has_a_closed_form_or_a_reason(builtin: Builtin) -> None:
    found = form(instances(builtin)[0])
    assert (found is None) == bool(builtin.without)
    assert found is None or callable(found.function)


def test_closed_rows_have_closed_forms() -> None:
    for signature in SIGNATURES:
        if builtin_values.closed_reason(signature):
            found = form(signature)
            assert found is not None
            assert found.exact, signature.name


def signature_of(name: str, *types: Type) -> Signature:
    found = resolve(name, types)
    assert found is not None
    return found


def test_float64_does_not_pass_through_float32() -> None:
    value = builtin_values.call(signature_of("sin", FLOAT64), (np.float64(0.3),))
    assert type(value) is np.float64
    assert value == pytest.approx(float(np.sin(0.3)), rel=1e-15)
    assert value != np.float64(np.float32(value))


def test_float16_halves_are_rounded_to_even() -> None:
    # In Python scope Warp 1.19 gives -1.3564453125: it rounds halves of a unit away from zero.
    left, right = np.float16(-0.91552734375), np.float16(0.4404296875)
    lerp = signature_of("lerp", FLOAT16, FLOAT16, FLOAT16)
    assert float(builtin_values.call(lerp, (left - right, left, np.float16(0)))) == -1.35546875


def test_the_type_of_the_result() -> None:
    for signature in SIGNATURES:
        result = signature.result
        if not isinstance(result, Scalar) or not signature.params or signature.builtin.mutates:
            continue
        arguments = tuple(
            1 if isinstance(t, Scalar) and t.is_integer else np.ones(dimensions(t), component_type(t).name)[()]
            for t in signature.params
        )
        try:
            value = builtin_values.call(signature, arguments)
        except Undefined as error:
            assert error.reason == builtin_values.NO_REFERENCE  # noqa: PT017  # which signatures: above
            continue
        expected = bool if result.kind == "bool" else np.dtype(result.name).type if result.is_float else int
        assert type(value) is expected, signature.name


def test_random_states_advance() -> None:
    state = 12345
    drawn: list[int] = []
    for _ in range(3):
        value, state = builtin_values.call(signature_of("randu", UINT32), (state,))
        drawn.append(value)
    assert len(set(drawn)) == 3
    assert state == drawn[-1]
    _, after = builtin_values.call(signature_of("poisson", UINT32, FLOAT32), (7, np.float32(0)))
    assert after == 7
