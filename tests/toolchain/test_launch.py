"""Kernels run with the values that they are given and hand back what they made of them, on every target."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernelfuzz.devices import TARGETS, Target
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.compat import has_option
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded

Values = Mapping[str, Any]

# A target with the grids that are tried on it: blocks and threads in each.  On the host, threads take several
# turns of the grid-stride loop in some, and in some the last turn is not for all.
GRIDS: dict[Target, list[tuple[int | None, int | None]]] = {
    "cpu": [(None, None)],
    "cuda-host": [(None, None), (1, 1), (2, 2), (1, 3), (1, 64), (9, 1)],
}
ON = [(target, *grid) for target, grids in GRIDS.items() for grid in grids]

DTYPES = {
    "bool": np.bool_, "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "float16": np.float16, "float32": np.float32, "float64": np.float64,
}  # fmt: skip

# The largest value and the smallest, and one that is not a round number where there is such a one.
EXTREMES = {
    name: [False, True, True] if name == "bool"
    else [np.finfo(dtype).max, -np.finfo(dtype).tiny, dtype(1) / dtype(3)] if name.startswith("float")
    else [np.iinfo(dtype).max, np.iinfo(dtype).min, 7]
    for name, dtype in DTYPES.items()
}  # fmt: skip

COPY = """
@wp.kernel
def copy_{name}(value: wp.{name}, values: wp.array(dtype=wp.{name}), out: wp.array2d(dtype=wp.{name})):
    i = wp.tid()
    out[i, 0] = value
    out[i, 1] = values[i]
"""

KERNELS = """
import warp as wp

mat23 = wp.types.matrix(shape=(2, 3), dtype=wp.int8)
vec5 = wp.types.vector(5, wp.float16)
SCALE = wp.constant(3)


@wp.struct
class Inner:
    half: wp.float16
    flag: bool
    matrix: mat23


@wp.struct
class Outer:
    number: int
    inner: Inner
    pose: wp.transformd


@wp.func
def twice(x: int):
    return x * 2


@wp.kernel
def composites(
    v: wp.vec3, m: mat23, q: wp.quath, t: wp.transformd, w: vec5,
    vs: wp.array(dtype=wp.vec3), ms: wp.array(dtype=mat23), qs: wp.array(dtype=wp.quath),
    ts: wp.array(dtype=wp.transformd), ws: wp.array(dtype=vec5),
):
    i = wp.tid()
    vs[i] = v + vs[i]
    ms[i] = m + ms[i]
    qs[i] = q
    ts[i] = wp.transformd(t.p * wp.float64(2.0), ts[i].q)
    ws[i] = w * wp.float16(0.5)


@wp.kernel
def structs(one: Outer, many: wp.array2d(dtype=Outer), out: wp.array(dtype=int)):
    i, j = wp.tid()
    s = many[i, j]
    made = Outer()
    made.number = s.number + one.number
    made.inner.half = one.inner.half
    made.inner.flag = not s.inner.flag
    made.inner.matrix = s.inner.matrix + one.inner.matrix
    made.pose = one.pose
    many[i, j] = made
    if s.inner.flag:
        wp.atomic_add(out, 0, twice(s.number))


@wp.kernel
def dimensions(
    a: wp.array(dtype=int), b: wp.array2d(dtype=int), c: wp.array3d(dtype=int), d: wp.array4d(dtype=int)
):
    i, j, k, l = wp.tid()
    d[i, j, k, l] = d[i, j, k, l] * 1000 + a[i] + b[i, j] + c[i, j, k]
    if wp.len(a) == 1:
        wp.atomic_max(a, 0, j)


def make(step):
    @wp.kernel
    def kernel(out: wp.array(dtype=int)):
        i = wp.tid()
        if i == 1:
            return
        out[i] = i * step + SCALE

    return kernel


by_two = make(2)
by_five = make(5)


@wp.kernel(module="unique")
def apart(out: wp.array(dtype=float)):
    out[wp.tid()] = 1.5
""" + "".join(COPY.format(name=name) for name in DTYPES)


@pytest.fixture(scope="module")
def programs() -> Iterator[dict[str, Program]]:
    with loaded(KERNELS, "cpu", options=JUDGED) as cpu, loaded(KERNELS, "cuda-host", options=JUDGED) as host:
        assert isinstance(cpu, Program)
        assert isinstance(host, Program)
        yield {"cpu": cpu, "cuda-host": host}


def same(got: Input, expected: Any) -> None:
    """Equal values of equal dtypes and shapes, all the way down."""
    if isinstance(expected, dict):
        assert isinstance(got, dict)
        assert list(got) == list(expected)
        for name, value in expected.items():
            same(got[name], value)
    else:
        assert isinstance(got, np.ndarray)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_kernels_are_named_as_the_source_names_them(programs: dict[str, Program]) -> None:
    names = ["composites", "structs", "dimensions", "by_two", "by_five", "apart"]
    for program in programs.values():
        assert list(program.kernels) == names + [f"copy_{name}" for name in DTYPES]


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
@pytest.mark.parametrize("name", DTYPES)
def test_scalars_of_every_dtype(
    programs: dict[str, Program], name: str, target: str, blocks: int | None, block_dim: int | None
) -> None:
    extremes = np.array(EXTREMES[name], DTYPES[name])
    for value in extremes:
        inputs: dict[str, Input] = {
            "value": np.array(value), "values": extremes, "out": np.zeros((3, 2), extremes.dtype)
        }  # fmt: skip
        got = programs[target].run(f"copy_{name}", Launch((3,), inputs), blocks=blocks, block_dim=block_dim)
        same(got, {"values": extremes, "out": np.stack([np.full(3, value), extremes], axis=1)})


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
def test_vectors_matrices_quaternions_transforms(
    programs: dict[str, Program], target: str, blocks: int | None, block_dim: int | None
) -> None:
    f2, f4 = np.float16, np.float32
    inputs: dict[str, Input] = {
        "v": np.array([1, 2, 3], f4),
        "m": np.array([[1, 2, 3], [-4, -5, -6]], np.int8),
        "q": np.array([0.5, -1, 2, 4], f2),
        "t": np.array([1, 2, 3, 0, 0, 0, 1], np.float64),
        "w": np.array([2, 4, 6, 8, 10], f2),
        "vs": np.array([[10, 20, 30], [0.5, 0, -3]], f4),
        "ms": np.array([[[1, 1, 1], [1, 1, 1]], [[0, 0, 0], [9, 9, 9]]], np.int8),
        "qs": np.zeros((2, 4), f2),
        "ts": np.array([[9, 9, 9, 1, 2, 3, 4], [9, 9, 9, 5, 6, 7, 8]], np.float64),
        "ws": np.zeros((2, 5), f2),
    }
    got = programs[target].run("composites", Launch((2,), inputs), blocks=blocks, block_dim=block_dim)
    same(
        got,
        {
            "vs": np.array([[11, 22, 33], [1.5, 2, 0]], f4),
            "ms": np.array([[[2, 3, 4], [-3, -4, -5]], [[1, 2, 3], [5, 4, 3]]], np.int8),
            "qs": np.array([[0.5, -1, 2, 4]] * 2, f2),
            "ts": np.array([[2, 4, 6, 1, 2, 3, 4], [2, 4, 6, 5, 6, 7, 8]], np.float64),
            "ws": np.array([[1, 2, 3, 4, 5]] * 2, f2),
        },
    )


def struct_inputs() -> dict[str, Input]:
    numbers = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
    flags = np.array([[True, False, False], [False, False, True]])
    return {
        "one": {
            "number": np.array(100, np.int32),
            "inner": {
                "half": np.array(0.25, np.float16),
                "flag": np.array(True),
                "matrix": np.array([[1, 2, 3], [4, 5, 6]], np.int8),
            },
            "pose": np.arange(7.0),
        },
        "many": {
            "number": numbers,
            "inner": {
                "half": np.ones((2, 3), np.float16),
                "flag": flags,
                "matrix": np.full((2, 3, 2, 3), 10, np.int8),
            },
            "pose": np.zeros((2, 3, 7)),
        },
        "out": np.array([0], np.int32),
    }


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
def test_nested_structs_and_arrays_of_them(
    programs: dict[str, Program], target: str, blocks: int | None, block_dim: int | None
) -> None:
    got = programs[target].run("structs", Launch((2, 3), struct_inputs()), blocks=blocks, block_dim=block_dim)
    same(
        got,
        {
            "many": {
                "number": np.array([[101, 102, 103], [104, 105, 106]], np.int32),
                "inner": {
                    "half": np.full((2, 3), 0.25, np.float16),
                    "flag": np.array([[False, True, True], [True, True, False]]),
                    "matrix": np.broadcast_to(np.array([[11, 12, 13], [14, 15, 16]], np.int8), (2, 3, 2, 3)),
                },
                "pose": np.broadcast_to(np.arange(7.0), (2, 3, 7)),
            },
            "out": np.array([2 * (1 + 6)], np.int32),
        },
    )


def dimension_inputs(*dim: int) -> dict[str, Input]:
    sizes = [dim[: axes + 1] for axes in range(4)]
    return {
        name: np.arange(np.prod(size), dtype=np.int32).reshape(size) for name, size in zip("abcd", sizes, strict=True)
    }


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
def test_one_to_four_dimensions(
    programs: dict[str, Program], target: str, blocks: int | None, block_dim: int | None
) -> None:
    inputs = dimension_inputs(2, 1, 3, 2)
    got = programs[target].run("dimensions", Launch((2, 1, 3, 2), inputs), blocks=blocks, block_dim=block_dim)
    # d counts 0 to 11, two for each element of c, six for each of b and of a.
    expected = [n * 1000 + n // 6 + n // 6 + n // 2 for n in range(12)]
    same(got, inputs | {"d": np.array(expected, np.int32).reshape(2, 1, 3, 2)})


@pytest.mark.parametrize("target", GRIDS)
def test_an_array_without_elements(programs: dict[str, Program], target: str) -> None:
    inputs = dimension_inputs(2, 0, 3, 2)
    same(programs[target].run("dimensions", Launch((2, 0, 3, 2), inputs)), inputs)


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
def test_closures_with_an_early_return_and_a_module_of_its_own(
    programs: dict[str, Program], target: str, blocks: int | None, block_dim: int | None
) -> None:
    program = programs[target]
    grid: dict[str, Any] = {"blocks": blocks, "block_dim": block_dim}
    out = np.full(5, -1, np.int32)
    same(program.run("by_two", Launch((5,), {"out": out}), **grid)["out"], np.array([3, -1, 7, 9, 11], "i4"))
    same(program.run("by_five", Launch((4,), {"out": out}), **grid)["out"], np.array([3, -1, 13, 18, -1], "i4"))
    ones = np.ones(3, np.float32)
    same(program.run("apart", Launch((2,), {"out": ones}), **grid)["out"], np.array([1.5, 1.5, 1], "f4"))


@pytest.mark.parametrize("target", GRIDS)
def test_runs_do_not_see_one_another(programs: dict[str, Program], target: str) -> None:
    inputs = struct_inputs()
    first, second = (programs[target].run("structs", Launch((2, 3), inputs)) for _ in range(2))
    same(first, second)
    same(inputs, struct_inputs())


# ----------------------------------------------------------------------------------------- gradients

GRADIENTS = """
import warp as wp


@wp.struct
class Item:
    x: float
    count: int
    v: wp.vec3d


@wp.kernel
def square(
    a: wp.array(dtype=float), b: wp.array(dtype=float), factor: float, n: wp.array(dtype=int),
    out: wp.array(dtype=float),
):
    i = wp.tid()
    out[i] = a[i] * a[i] * factor * float(n[i]) + b[0]


@wp.kernel
def items(items: wp.array(dtype=Item), w: wp.vec3d, one: Item, out: wp.array2d(dtype=wp.float64)):
    i = wp.tid()
    s = items[i]
    for j in range(s.count):
        out[i, j] = wp.dot(s.v, w) * wp.float64(s.x) + wp.float64(one.x)


@wp.kernel
def rows(m: wp.array(dtype=wp.mat22h), v: wp.array(dtype=wp.vec2h), out: wp.array(dtype=wp.vec2h)):
    i = wp.tid()
    out[i] = m[i] * v[i]
"""


@pytest.fixture(scope="module")
def adjoints() -> Iterator[dict[str, Program]]:
    with (
        loaded(GRADIENTS, "cpu", options=JUDGED, backward=True) as cpu,
        loaded(GRADIENTS, "cuda-host", options=JUDGED, backward=True) as host,
    ):
        assert isinstance(cpu, Program)
        assert isinstance(host, Program)
        yield {"cpu": cpu, "cuda-host": host}


SQUARE: dict[str, Input] = {
    "a": np.array([1, -2, 0.5, 4, 3], np.float32),
    "b": np.array([7], np.float32),
    "factor": np.array(3, np.float32),
    "n": np.array([1, 2, 4, 1, 0], np.int32),
    "out": np.zeros(5, np.float32),
}


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
def test_the_derivative_of_a_square(
    adjoints: dict[str, Program], target: str, blocks: int | None, block_dim: int | None
) -> None:
    seeds: dict[str, Input] = {"out": np.array([1, 10, 100, 0, 2], np.float32)}
    launch = Launch((5,), SQUARE)
    got = adjoints[target].adjoint("square", launch, seeds, blocks=blocks, block_dim=block_dim)
    assert list(got) == ["a", "b", "out"]
    # d out[i] / d a[i] = 2 a[i] factor n[i]; every out[i] moves with b[0].
    same(got["a"], np.array([6, -240, 1200, 0, 0], np.float32))
    same(got["b"], np.array([113], np.float32))


@pytest.mark.parametrize(("target", "blocks", "block_dim"), ON)
def test_the_derivative_by_the_fields_of_structs(
    adjoints: dict[str, Program], target: str, blocks: int | None, block_dim: int | None
) -> None:
    inputs: dict[str, Input] = {
        "items": {
            "x": np.array([2, 3], np.float32),
            "count": np.array([1, 2], np.int32),
            "v": np.array([[1, 2, 3], [4, 5, 6]], np.float64),
        },
        "w": np.array([1, 10, 100], np.float64),
        "one": {"x": np.array(5, np.float32), "count": np.array(0, np.int32), "v": np.zeros(3)},
        "out": np.zeros((2, 2)),
    }
    seeds: dict[str, Input] = {"out": np.array([[1, 50], [2, 4]], np.float64)}
    launch = Launch((2,), inputs)
    got = adjoints[target].adjoint("items", launch, seeds, blocks=blocks, block_dim=block_dim)["items"]
    # out[0, 1] is never written; by x it is dot(v, w), which is 321 and 654; by v it is w x.
    same(
        got,
        {
            "x": np.array([321, 654 * 6], np.float32),
            "v": np.array([[2, 20, 200], [18, 180, 1800]], np.float64),
        },
    )


@pytest.mark.parametrize("target", GRIDS)
def test_the_derivative_of_a_product_in_half_precision(adjoints: dict[str, Program], target: str) -> None:
    f2 = np.float16
    inputs: dict[str, Input] = {
        "m": np.array([[[1, 2], [3, 4]]], f2), "v": np.array([[5, 6]], f2), "out": np.zeros((1, 2), f2)
    }  # fmt: skip
    got = adjoints[target].adjoint("rows", Launch((1,), inputs), {"out": np.array([[1, 0.5]], f2)})
    same(got["m"], np.array([[[5, 6], [2.5, 3]]], f2))
    same(got["v"], np.array([[2.5, 4]], f2))


@pytest.mark.parametrize("target", GRIDS)
def test_gradients_do_not_add_up_over_calls(adjoints: dict[str, Program], target: str) -> None:
    launch, seeds = Launch((5,), SQUARE), {"out": np.ones(5, np.float32)}
    first, second = (adjoints[target].adjoint("square", launch, seeds) for _ in range(2))
    same(first, second)
    same(adjoints[target].adjoint("square", launch, {})["a"], np.zeros(5, np.float32))


def test_the_adjoint_is_that_of_a_tape(adjoints: dict[str, Program], tmp_path: Path) -> None:
    import warp as wp

    path = tmp_path / "taped.py"
    path.write_text(GRADIENTS)
    spec = importlib.util.spec_from_file_location("taped", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arrays = {
        name: wp.array(value, device="cpu", requires_grad=name != "n")
        for name, value in SQUARE.items()
        if isinstance(value, np.ndarray) and value.ndim
    }
    seed = np.array([1, 10, 100, 0, 2], np.float32)
    with wp.Tape() as tape:
        wp.launch(module.square, 5, [arrays["a"], arrays["b"], 3.0, arrays["n"], arrays["out"]], device="cpu")
    tape.backward(grads={arrays["out"]: wp.array(seed, device="cpu")})
    got = adjoints["cpu"].adjoint("square", Launch((5,), SQUARE), {"out": seed})
    for name in ("a", "b"):
        gradient = arrays[name].grad
        assert gradient is not None
        same(got[name], gradient.numpy())


# ------------------------------------------------------------------------------------ what goes wrong

HEAD = "import warp as wp\n"
FAILURES = {
    "syntax": ("def :", {}, "syntax", "invalid syntax", 2),
    "no kernel": ("x = 1", {}, "empty", "no @wp.kernel", None),
    "raises": ("1 / 0", {}, "codegen", "ZeroDivisionError", 2),
    "unknown name": (
        "@wp.kernel\ndef kernel(a: wp.array(dtype=int)):\n    a[0] = nothing",
        {},
        "codegen",
        "nothing",
        4,
    ),
    "bad native code": (
        "@wp.func_native('not C++;')\ndef native(x: int): ...\n"
        "@wp.kernel\ndef kernel(a: wp.array(dtype=int)):\n    native(a[0])",
        {},
        "compile",
        "error:",
        None,
    ),
    "generic": (
        "from typing import Any\n@wp.kernel\ndef kernel(a: wp.array(dtype=Any)):\n    a[0] = a[1]",
        {},
        "unsupported",
        "generic kernel without an overload: kernel",
        None,
    ),
    "option": (
        "@wp.kernel\ndef kernel(a: wp.array(dtype=int)):\n    a[0] = 1",
        {"no_such_option": 1},
        "unsupported",
        "no_such_option",
        None,
    ),
}


@pytest.mark.parametrize("target", GRIDS)
@pytest.mark.parametrize("case", FAILURES)
def test_failures(case: str, target: Target) -> None:
    body, options, kind, words, line = FAILURES[case]
    with loaded(HEAD + body, target, options=options) as outcome:
        assert isinstance(outcome, Failure)
        assert outcome.kind == kind
        assert words in outcome.message
        assert outcome.line == line
        assert tempfile.gettempdir() not in outcome.message
        assert "kernelfuzz_source" not in outcome.message


def test_without_a_device_cuda_is_unsupported() -> None:
    import warp as wp

    if wp.is_cuda_available():
        pytest.skip("there is a CUDA device")
    with loaded(KERNELS, "cuda") as outcome:
        assert isinstance(outcome, Failure)
        assert (outcome.kind, outcome.message[:14]) == ("unsupported", "no CUDA device")


def test_an_unknown_target() -> None:
    assert TARGETS == ("cpu", "cuda-host", "cuda")
    with (
        pytest.raises(ValueError, match="target must be one of cpu, cuda-host, cuda, got 'tpu'"),
        loaded("", "tpu"),  # pyright: ignore[reportArgumentType]
    ):
        pass


def changed(**values: Any) -> dict[str, Input]:
    return dimension_inputs(1, 1, 1, 1) | values


MISTAKES: dict[str, tuple[str, Launch, str]] = {
    "kernel": ("nothing", Launch((1,), {}), "no kernel named 'nothing'; the source has composites, structs"),
    "missing": ("dimensions", Launch((1,), {}), "no value for the parameter a, b, c, d"),
    "unknown": ("dimensions", Launch((1,), changed(e=np.zeros(1))), "the kernel has no parameter e; it has"),
    "dtype": ("dimensions", Launch((1,), changed(a=np.zeros(1))), "a must have the dtype int32, got float64"),
    "list": ("dimensions", Launch((1,), changed(a=[1])), "a must be a numpy array of int32, got list"),
    "dimensions": (
        "dimensions",
        Launch((1,), changed(b=np.zeros(1, np.int32))),
        r"b must have 2 dimensions and then the shape \(\), got \(1,\)",
    ),
    "scalar": (
        "copy_int8",
        Launch(
            (1,), {"value": np.zeros(1, "i1"), "values": np.zeros(1, "i1"), "out": np.zeros((1, 2), "i1")}
        ),
        r"value must have the shape \(\), got \(1,\)",
    ),
    "fields": (
        "structs",
        Launch((1, 1), {**struct_inputs(), "one": {"number": np.array(1, np.int32)}}),
        "one must be a mapping of the struct's fields number, inner, pose, got number",
    ),
    "launch": ("dimensions", Launch((1,) * 5, changed()), "a launch has 1 to 4 dimensions, got 5"),
    "negative": ("dimensions", Launch((-1,), changed()), "the dimensions of a launch are not negative"),
}  # fmt: skip


@pytest.mark.parametrize("target", GRIDS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_inputs_that_do_not_fit(programs: dict[str, Program], mistake: str, target: str) -> None:
    name, launch, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message):
        programs[target].run(name, launch)


@pytest.mark.parametrize("target", GRIDS)
def test_seeds_that_do_not_fit(adjoints: dict[str, Program], target: str) -> None:
    launch, program = Launch((5,), SQUARE), adjoints[target]
    with pytest.raises(ValueError, match="a seed for n, which is no array of floats"):
        program.adjoint("square", launch, {"n": np.ones(5, np.int32)})
    with pytest.raises(ValueError, match=r"the seed of out must have the shape \(5,\), got \(4,\)"):
        program.adjoint("square", launch, {"out": np.ones(4, np.float32)})


@pytest.mark.parametrize("target", GRIDS)
def test_an_adjoint_that_was_not_built(programs: dict[str, Program], target: str) -> None:
    with pytest.raises(ValueError, match="the kernel by_two has no adjoint: load the source with backward=True"):
        programs[target].adjoint("by_two", Launch((1,), {"out": np.zeros(2, np.int32)}), {})


# -------------------------------------------------------------------------------------- options, traces

SMALL = HEAD + "@wp.kernel\ndef kernel(a: wp.array(dtype=float)):\n    i = wp.tid()\n    a[i] = a[i] * a[i] - {}"


MARKED = (
    HEAD
    + '''
@wp.func_native("""
#ifdef MARK
    return MARK;
#else
    return 1;
#endif
""")
def mark() -> int: ...


@wp.kernel
def kernel(a: wp.array(dtype=int)):
    a[wp.tid()] = mark()
'''
)


@pytest.mark.parametrize("target", GRIDS)
def test_options_reach_the_compiler_and_go_again(target: Target) -> None:
    if not has_option("cpu_compiler_flags"):
        pytest.skip("this Warp takes no flags for its compiler")
    launch = Launch((1,), {"a": np.zeros(1, np.int32)})
    for options, expected in (({}, 1), ({"cpu_compiler_flags": "-DMARK=5"}, 5), ({}, 1)):
        with loaded(MARKED, target, options=options) as program:
            assert isinstance(program, Program)
            same(program.run("kernel", launch)["a"], np.array([expected], np.int32))


@pytest.mark.parametrize("target", GRIDS)
def test_programs_of_the_same_text_live_side_by_side(target: Target) -> None:
    launch = Launch((1,), {"a": np.array([3], np.float32)})
    with loaded(SMALL.format(1.0), target, options=JUDGED) as outer:
        with loaded(SMALL.format(1.0), target, options=JUDGED) as inner:
            assert isinstance(inner, Program)
            assert isinstance(outer, Program)
            same(inner.run("kernel", launch), outer.run("kernel", launch))
        with pytest.raises(RuntimeError, match="this program is unloaded"):
            inner.run("kernel", launch)
        same(outer.run("kernel", launch)["a"], np.array([8], np.float32))


@pytest.mark.parametrize("target", GRIDS)
def test_nothing_is_left_behind(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import warp as wp

    wp.init()
    temporary, cache = tmp_path / "temporary", tmp_path / "cache"
    temporary.mkdir()
    cache.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(wp.config, "kernel_cache_dir", str(cache))
    bad = HEAD + FAILURES["bad native code"][0]

    def use(source: str) -> None:
        with loaded(source, target, options={"verify_fp": False, **JUDGED}):
            pass

    def traces() -> tuple[Any, ...]:
        config = {name: value for name, value in vars(wp.config).items() if not name.startswith("__")}
        names = [name for name in sys.modules if name.startswith("kernelfuzz_source")]
        return config, names, sorted(os.listdir(temporary)), os.listdir(cache)

    use(SMALL.format(2.0))
    before = traces()
    for source in (SMALL.format(3.0), bad, HEAD):
        use(source)
    assert traces() == before
    assert not os.listdir(cache)
    assert not list(temporary.glob("kernelfuzz_*"))


STRUCTS = (
    HEAD
    + """
@wp.struct
class Item:
    x: float

@wp.kernel
def kernel(items: wp.array(dtype=Item)):
    items[wp.tid()].x = 1.0
"""
)


@pytest.mark.parametrize("target", GRIDS)
def test_warp_forgets_the_structs_of_arrays(target: Target) -> None:
    def modules() -> set[str]:
        gc.collect()
        every = [each for each in gc.get_objects() if type(each).__name__ == "Module"]
        return {str(getattr(each, "name", "")) for each in every}

    before = modules()
    launch = Launch((2,), {"items": {"x": np.zeros(2, np.float32)}})
    with loaded(STRUCTS, target) as program:
        assert isinstance(program, Program)
        program.run("kernel", launch)
    del program
    assert not [name for name in modules() - before if name.startswith("kernelfuzz_source")]


def test_options_for_judging_are_those_that_this_warp_has() -> None:
    assert dict(JUDGED) == {name: JUDGED[name] for name in JUDGED}
    assert {"fuse_fp", "fast_math"} <= set(JUDGED) <= {"fuse_fp", "fast_math", "optimization_level"}
    assert all(has_option(name) for name in JUDGED)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(target: Target, count: int) -> int:
    before = 0
    for i in range(-20, count):
        if i == 0:
            gc.collect()
            before = resident()
        launch = Launch((1,), {"a": np.array([i], np.float32)})
        with loaded(SMALL.format(float(i)), target, options=JUDGED, backward=True) as program:
            assert isinstance(program, Program)
            program.adjoint("kernel", launch, {"a": np.array([1], np.float32)})
    gc.collect()
    return resident() - before


@linux
@pytest.mark.slow
@pytest.mark.parametrize("target", GRIDS)
def test_memory_is_flat_over_three_hundred_programs(target: Target) -> None:
    assert growth(target, 300) < 40 << 20
