"""The table of builtins: what its rows say, and that the installed Warp says the same."""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.typecheck.builtins import (
    BUILTINS,
    Signature,
    at_least,
    instances,
    is_newer,
    pattern,
    producing,
    resolve,
)
from kernelfuzz.typecheck.domains import DOMAINS, interval
from kernelfuzz.typecheck.patterns import Composed, Pattern, Several, Variable
from kernelfuzz.typecheck.verify import verify

VEC3 = t.Vector(3, t.FLOAT32)

# ------------------------------------------------------------------- the table


def test_there_are_at_least_130_names_without_those_that_a_release_lacks() -> None:
    assert len({builtin.name for builtin in BUILTINS if not builtin.since}) >= 130


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda builtin: f"{builtin.name} {builtin.signature}")
def test_a_row_parses_and_has_known_domains_for_its_parameters(builtin) -> None:
    params = pattern(builtin).params
    assert not builtin.domains or len(builtin.domains) == len(params)
    assert set(builtin.domains) <= DOMAINS.keys()
    assert all(position < len(params) for position in builtin.mutates)
    assert bool(builtin.mutates) == (builtin.draws != 0)
    results = {scalar for signature in instances(builtin) for scalar in _dtypes(signature.result)}
    assert builtin.range or isinstance(pattern(builtin).result, Several) or not results & {t.INT32, t.INT64}


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda builtin: f"{builtin.name} {builtin.signature}")
def test_every_instance_resolves_to_itself_and_is_found_by_its_result(builtin) -> None:
    for signature in instances(builtin):
        found = resolve(signature.name, signature.params, signature.keywords)
        assert found is not None
        assert found.result == signature.result
        assert len(signature.domains) == len(signature.params)
        assert signature in producing(signature.result, newer=True)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_is_an_interval_of_every_scalar(domain: str) -> None:
    for scalar in t.SCALARS:
        low, high = interval(domain, scalar)
        if low is not None and high is not None:
            assert low <= high
        if not scalar.is_float:
            least, most = scalar.limits
            assert low is None or least <= low <= most
            assert high is None or least <= high <= most


def test_the_simplest_signature_comes_first() -> None:
    assert [signature.name for signature in producing(t.FLOAT32)[:3]] == ["abs", "min", "max"]
    assert producing(t.FLOAT32)[0].params == (t.FLOAT32,)


def test_types_beyond_the_usual_shapes_are_produced_too() -> None:
    assert {"abs", "normalize", "vector", "lerp"} <= {s.name for s in producing(t.Vector(5, t.FLOAT32))}
    assert {"outer", "transpose", "cw_mul"} <= {s.name for s in producing(t.Matrix(2, 5, t.FLOAT32))}
    assert producing(t.Tuple((t.Matrix(3, 3, t.FLOAT64), t.Vector(3, t.FLOAT64))))[0].name == "eig3"


def test_a_newer_builtin_is_left_out_unless_it_is_asked_for() -> None:
    assert "copysign" not in {signature.name for signature in producing(t.FLOAT32)}
    assert "copysign" in {signature.name for signature in producing(t.FLOAT32, newer=True)}
    assert resolve("copysign", (t.FLOAT32, t.FLOAT32)) is not None


@pytest.mark.parametrize(
    ("name", "arguments", "keywords", "result"),
    [
        ("dot", (VEC3, VEC3), (), t.FLOAT32),
        ("dot", (t.Quaternion(t.FLOAT64), t.Quaternion(t.FLOAT64)), (), t.FLOAT64),
        ("outer", (t.Vector(2, t.INT32), VEC3), (), None),
        ("outer", (t.Vector(2, t.FLOAT32), VEC3), (), t.Matrix(2, 3, t.FLOAT32)),
        ("matrix_from_rows", (VEC3, VEC3), (), t.Matrix(2, 3, t.FLOAT32)),
        ("matrix", (t.INT32,) * 6, (("shape", (2, 3)),), t.Matrix(2, 3, t.INT32)),
        ("matrix", (t.INT32,) * 5, (("shape", (2, 3)),), None),
        ("identity", (), (("n", 3), ("dtype", t.FLOAT16)), t.Matrix(3, 3, t.FLOAT16)),
        ("identity", (), (("n", 3),), None),
        ("cast", (t.FLOAT32,), (("dtype", t.UINT32),), t.UINT32),
        ("cast", (t.FLOAT32,), (("dtype", t.INT8),), None),
        ("atomic_add", (t.Array(VEC3, 2), t.INT32, t.INT32, VEC3), (), VEC3),
        ("atomic_add", (t.Array(VEC3, 2), t.INT32, VEC3), (), None),
        ("atomic_add", (t.Array(t.INT8), t.INT32, t.INT8), (), None),
        ("where", (t.BOOL, VEC3, VEC3), (), VEC3),
        ("where", (t.INT32, VEC3, VEC3), (), VEC3),
        ("where", (t.FLOAT32, VEC3, VEC3), (), None),
        ("sin", (t.INT32,), (), None),
        ("sin", (t.FLOAT32, t.FLOAT32), (), None),
        ("no_such_builtin", (), (), None),
    ],
)
def test_resolve(name: str, arguments: tuple[t.Type, ...], keywords, result: t.Type | None) -> None:
    found = resolve(name, arguments, keywords)
    assert (found and found.result) == result


def test_importing_the_table_parses_nothing() -> None:
    """Every command imports the table, and few need more than a handful of its rows."""
    program = (
        "import kernelfuzz.typecheck.builtins as table, kernelfuzz.typecheck.patterns as patterns\n"
        "print(patterns.parse.cache_info().currsize, table.pattern.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0"]


# ------------------------------------------------------------ what Warp declares

# Not in the stub: helpers that Warp writes as functions, and operators that it keeps to itself.
NOT_IN_THE_STUB = frozenset(
    [
        "norm_l1",
        "norm_l2",
        "norm_huber",
        "norm_pseudo_huber",
        "smooth_normalize",
        "transform_from_matrix",
        "transform_to_matrix",
        "transform_compose",
        "transform_decompose",
        "transform_twist",
        "transform_wrench",
        "velocity_at_point",
        "quat_from_euler",
        "quat_to_euler",
        "quat_to_rpy",
        "quat_twist",
        "quat_twist_angle",
        "quat_twist_angle_signed",
        "matrix_from_rows",
        "matrix_from_cols",
        "vector",
        "matrix",
        "cast",
    ]
)


@functools.cache
def _stub() -> dict[str, list[ast.FunctionDef]]:
    spec = importlib.util.find_spec("warp")
    assert spec is not None
    assert spec.origin is not None
    stub = Path(spec.origin).with_suffix(".pyi")
    declared: defaultdict[str, list[ast.FunctionDef]] = defaultdict(list)
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            declared[node.name].append(node)
    return declared


# How Warp writes a parameter of each kind: the generic name, and the start of the concrete ones.
_WRITTEN = {
    "vec": ("Vector", ("vec", "spatial_vec")),
    "mat": ("Matrix", ("mat", "spatial_mat")),
    "quat": ("Quaternion", ("quat",)),
    "transform": ("Transform", ("transform",)),
    "array": ("Array", ("array",)),
}


def _fits(pattern_: Pattern, annotation: str) -> bool:
    """Whether a parameter of the pattern can be one that Warp annotates like this."""
    if annotation in ("Any", "") or isinstance(pattern_, Several):
        return True
    if isinstance(pattern_, Composed):
        generic, concrete = _WRITTEN[pattern_.kind]
        return generic in annotation or annotation.startswith(concrete)
    if isinstance(pattern_, Variable):
        return any(name in annotation for name in ("Scalar", "Float", "Int", "int", "float", "bool"))
    return pattern_.name.rstrip("0123456789").lstrip("u") in annotation or "Int" in annotation


@pytest.mark.parametrize(
    "builtin",
    [builtin for builtin in BUILTINS if builtin.name not in NOT_IN_THE_STUB],
    ids=lambda builtin: f"{builtin.name} {builtin.signature}",
)
def test_warp_declares_an_overload_like_the_row(builtin) -> None:
    overloads = _stub().get(builtin.name)
    if not overloads and builtin.since:
        pytest.skip(f"{builtin.name} is new in Warp {builtin.since}")
    assert overloads, f"Warp declares no {builtin.name}"
    signature = pattern(builtin)
    names = {name for name, _ in signature.keywords}
    params = [param.pattern for param in signature.params for _ in range(2 if param.times else 1)]

    def fits(overload: ast.FunctionDef) -> bool:
        arguments = [argument for argument in overload.args.args if argument.arg not in names]
        keywords = {argument.arg for argument in overload.args.args + overload.args.kwonlyargs}
        if not names <= keywords:
            return False
        required = len(arguments) - len(overload.args.defaults)
        if not required <= len(params) <= len(arguments):
            return False
        annotations = [
            "" if argument.annotation is None else ast.unparse(argument.annotation) for argument in arguments
        ]
        return all(_fits(each, annotation) for each, annotation in zip(params, annotations, strict=False))

    assert any(fits(overload) for overload in overloads), [ast.unparse(each.args) for each in overloads]


# ---------------------------------------------------------------- what Warp does


def _element(array: n.Name, dtype: t.Type) -> n.Index:
    return n.Index(array, (n.Name("i", t.INT32),), dtype)


def _call_kernel(signature: Signature, number: int) -> n.Kernel:
    """``out[i] = wp.name(a0[i], a1[i])`` with out of the result type that the row declares."""
    params: list[n.Param] = []
    body: list = [n.Assign(n.Name("i", t.INT32), n.Call("tid", (), t.INT32))]
    arguments: list[n.Expr] = []
    for position, type_ in enumerate(signature.params):
        array = n.Name(f"a{position}", type_ if isinstance(type_, t.Array) else t.Array(_value(type_)))
        params.append(n.Param(array.id, array.type))
        if isinstance(type_, t.Array):
            arguments.append(array)
        elif position in signature.builtin.mutates:
            state = n.Name(f"s{position}", type_)
            body.append(n.Assign(state, _element(array, type_)))
            arguments.append(state)
        else:
            arguments.append(_element(array, type_))
    call = n.Call(signature.name, tuple(arguments), signature.result, signature.keywords)
    return n.Kernel(f"call_{number}", *_stored(call, params, body))


def _stored(call: n.Call, params: list[n.Param], body: list) -> tuple[tuple[n.Param, ...], n.Block]:
    """The call's result, or each of its results, in an array of exactly its type."""
    result = call.type
    types = result.elements if isinstance(result, t.Tuple) else (result,)
    outputs = [n.Name(f"out{position}", t.Array(_value(type_))) for position, type_ in enumerate(types)]
    if isinstance(result, t.Tuple):
        names = tuple(f"r{position}" for position in range(len(types)))
        body.append(n.Unpack(names, (call,)))
        values: list[n.Expr] = [n.Name(name, type_) for name, type_ in zip(names, types, strict=True)]
    else:
        values = [call]
    for output, value in zip(outputs, values, strict=True):
        body.append(n.Assign(_element(output, value.type), value))
    return (*params, *(n.Param(output.id, output.type) for output in outputs)), tuple(body)


def _value(type_: t.Type):
    assert not isinstance(type_, (t.Array, t.Tuple, t.Tile))
    return type_


def _dtypes(type_: t.Type) -> tuple:
    match type_:
        case t.Scalar():
            return (type_,)
        case t.Struct():
            return (type_.name,)
        case t.Tuple(elements=elements):
            return tuple(_dtypes(element) for element in elements)
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Array() | t.Tile():
            return _dtypes(type_.dtype)


def _sample(every: bool) -> list[Signature]:
    """Every instance of every row, or one for each row and combination of dtypes."""
    chosen: list[Signature] = []
    for builtin in BUILTINS:
        by_dtype: dict[tuple, Signature] = {}
        for signature in instances(builtin):
            by_dtype[tuple(_dtypes(type_) for type_ in (*signature.params, signature.result))] = signature
        chosen += instances(builtin) if every else by_dtype.values()
    return [signature for signature in chosen if _in_this_warp(signature)]


def _in_this_warp(signature: Signature) -> bool:
    return not is_newer(signature.builtin.since)


def _source(kernels: list[n.Kernel]) -> str:
    """One source with all the kernels; the lines around them are the same for all."""
    from kernelfuzz.syntax.render import render

    seen: dict[str, None] = {}
    for kernel in kernels:
        for part in render(kernel).strip().split("\n\n\n"):
            for piece in [part] if "@wp.kernel" in part else part.split("\n"):
                seen[piece] = None
    kernels_last = sorted(seen, key=lambda part: "@wp.kernel" in part)
    return "\n\n".join(kernels_last) + "\n"


def _batches(size: int, every: bool) -> list[list[n.Kernel]]:
    kernels = [_call_kernel(signature, number) for number, signature in enumerate(_sample(every))]
    return [kernels[start : start + size] for start in range(0, len(kernels), size)]


def test_every_call_verifies() -> None:
    for kernel in (_call_kernel(signature, 0) for signature in _sample(every=False)):
        verify(kernel)


def test_one_call_of_each_name_lowers_on_both_devices() -> None:
    from kernelfuzz.toolchain import Failure
    from kernelfuzz.toolchain.lower import lower_devices

    one_of_each = {signature.name: signature for signature in _sample(every=False)}
    kernels = [_call_kernel(signature, number) for number, signature in enumerate(one_of_each.values())]
    for lowering in lower_devices(_source(kernels)).values():
        assert not isinstance(lowering, Failure), lowering
        assert len(lowering.kernels) == len(kernels)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cpu", "ptx"])
def test_every_call_compiles(target: str) -> None:
    """Set KERNELFUZZ_EVERY_SHAPE=1 for every shape instead of one for each combination of dtypes."""
    from kernelfuzz.toolchain import Failure
    from kernelfuzz.toolchain.build import build
    from kernelfuzz.toolchain.lower import lower

    device = "cpu" if target == "cpu" else "cuda"
    options = {"optimization_level": 0} if at_least(1, 14) else None
    for kernels in _batches(100, every=bool(os.environ.get("KERNELFUZZ_EVERY_SHAPE"))):
        lowering = lower(_source(kernels), device)
        assert not isinstance(lowering, Failure), lowering
        built = build(lowering, target, 75, options=options)  # pyright: ignore[reportArgumentType]
        assert not isinstance(built, Failure), built
