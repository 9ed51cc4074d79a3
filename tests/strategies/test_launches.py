"""A launch keeps the contract of its kernel, and a kernel is defined for every launch that does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Input, flattened
from kernelfuzz.ir.nodes import Call, Kernel, Param, Unpack
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies import Launch, kernels, launches
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import ORDINARY, POSITIVE, SMOOTH, Style, draw_launch

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
AXES = ("x", "y", "z", "w")
# What an int32 or an int64 is where its parameter says nothing else, as documented for Param.bounds.
DEFAULT_BOUNDS = (-100, 100)


def assert_values(type_: t.Type, lengths: tuple[int, ...], bounds: tuple[int, int] | None, value: Input) -> None:
    if isinstance(type_, t.Struct):
        assert isinstance(value, Mapping)
        assert list(value) == [name for name, _ in type_.fields]
        for name, field in type_.fields:
            assert_values(field, lengths, None, value[name])
        return
    assert isinstance(value, np.ndarray)
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    scalar = type_ if isinstance(type_, t.Scalar) else type_.dtype
    assert value.shape == (lengths if isinstance(type_, t.Scalar) else (*lengths, *t.shape(type_)))
    assert value.dtype == np.dtype(scalar.name)
    if scalar.is_integer:
        low, high = bounds or (DEFAULT_BOUNDS if scalar.name in ("int32", "int64") else scalar.limits)
        assert low <= int(value.min())
        assert int(value.max()) <= high
    else:
        assert scalar.is_float or scalar == t.BOOL


def assert_argument(param: Param, dim: tuple[int, ...], value: Input) -> None:
    extents: dict[str, int] = dict(zip(AXES, dim, strict=False))
    if isinstance(param.type, t.Struct) and t.holds_array(param.type):
        assert isinstance(value, Mapping)
        for name, field in param.type.fields:
            assert_argument(Param(name, field), dim, value[name])
        return
    if not isinstance(param.type, t.Array):
        assert_values(param.type, (), param.bounds, value)
        return
    if value is None:
        assert param.optional
        return
    axes = param.shape or AXES[: param.type.ndim]
    assert len(axes) == param.type.ndim
    lengths = tuple(extents.get(axis, 1) if isinstance(axis, str) else axis for axis in axes)
    assert_values(param.type.dtype, lengths, param.bounds, value)


def unpacked_into(kernel: Kernel) -> int:
    """The number of names that ``wp.tid()`` is unpacked into; 1 where no thread reads its index."""
    for node in walk(*kernel.body):
        if isinstance(node, Unpack) and isinstance(node.values[0], Call) and node.values[0].name == "tid":
            return len(node.names)
    return 1


def assert_keeps_contract(kernel: Kernel, launch: Launch) -> None:
    assert 1 <= len(launch.dim) <= 4
    assert len(launch.dim) == unpacked_into(kernel)
    assert all(1 <= extent <= 64 for extent in launch.dim)
    assert list(launch.inputs) == [param.name for param in kernel.params]
    for param in kernel.params:
        assert_argument(param, launch.dim, launch.inputs[param.name])


@pytest.mark.parametrize("options", [{}, {"profile": "realistic"}, {"size": "large"}], ids=str)
def test_a_seeded_launch_keeps_the_contract(options: dict[str, Any]) -> None:
    for index in range(80):
        kernel = generate(seed=40, index=index, **options)
        for number in range(3):
            assert_keeps_contract(kernel, draw_launch(SeededChoices("launch", index, number), kernel))


@pytest.mark.parametrize(
    "feature",
    ["tid_nd", "array_3d", "struct_array", "nested_struct", "bool_data", "transform", "view", "tile"],
)
def test_a_seeded_launch_keeps_the_contract_of_parameters_of_every_kind(feature: str) -> None:
    for index in range(15):
        kernel = generate(seed=41, index=index, include=[feature])
        assert_keeps_contract(kernel, draw_launch(SeededChoices("launch", index), kernel))


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_a_drawn_launch_keeps_the_contract(data: st.DataObject) -> None:
    kernel = data.draw(kernels())
    assert_keeps_contract(kernel, data.draw(launches(kernel)))


def test_the_same_choices_give_the_same_launch() -> None:
    kernel = generate(seed=42, index=7)
    first, second = (draw_launch(SeededChoices("launch", 1), kernel) for _ in range(2))
    assert first.dim == second.dim
    assert repr(first.inputs) == repr(second.inputs)


def test_bounds_hold_for_every_number_of_launches() -> None:
    param = Param("p0", t.INT32, bounds=(3, 5))
    table = Param("a0", t.Array(t.INT32, 2), bounds=(-1, 0), shape=("x", 4))
    kernel = Kernel("kernel", (param, table), ())
    seen: set[int] = set()
    for number in range(60):
        launch = draw_launch(SeededChoices("bounds", number), kernel)
        assert_keeps_contract(kernel, launch)
        value = launch.inputs["p0"]
        assert isinstance(value, np.ndarray)
        seen.add(int(value))
    assert seen == {3, 4, 5}


def test_an_ascending_array_is_sorted_and_any_other_is_not_always() -> None:
    params = (Param("a", t.Array(t.INT32), shape=(8,), ascending=True), Param("b", t.Array(t.INT32), shape=(8,)))
    launches = [draw_launch(SeededChoices("order", number), Kernel("kernel", params, ())) for number in range(20)]
    in_order = {name: [np.all(np.diff(np.asarray(each.inputs[name])) >= 0) for each in launches] for name in "ab"}
    assert all(in_order["a"])
    assert not all(in_order["b"])


def test_grids_of_one_thread_and_of_many_come() -> None:
    kernel = Kernel("kernel", (Param("a0", t.Array(t.FLOAT32), shape=("x",)),), ())
    lengths = {draw_launch(SeededChoices("grid", number), kernel).dim[0] for number in range(100)}
    assert 1 in lengths
    assert max(lengths) > 32


# ----------------------------------------------------- on the CPU, through Warp

PROGRAM = Path(__file__).with_name("launch_on_cpu.py")


def events(seed: int, count: int, *options: str) -> Iterator[str]:
    """The failures of launching the first kernels of a seed; a crash costs its own kernel only."""
    start = 0
    while start < count:
        command = [sys.executable, str(PROGRAM), "--seed", str(seed), "--start", str(start)]
        command += ["--count", str(count - start), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
        for _, index, digest in (line for line in lines if line[0] == "done"):
            if " " in digest:
                yield f"seed {seed}, index {index}: two launches gave different outputs"
        started = [int(line[1]) for line in lines if line[0] == "start"]
        finished = [int(line[1]) for line in lines if line[0] == "done"]
        if done.returncode == 0:
            assert finished == list(range(start, count))
            return
        assert started, done.stderr
        errors = [line for line in done.stderr.splitlines() if "Assertion" in line or "Error" in line]
        yield f"seed {seed}, index {started[-1]}: status {done.returncode} {errors[-1:]}"
        start = started[-1] + 1


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--size", "large"), ("--profile", "realistic")], ids=str)
def test_every_kernel_is_defined_for_its_launch(options: tuple[str, ...]) -> None:
    """No index out of range, overflow, division by zero, wide shift or wild conversion; nothing random."""
    assert list(events(50, 150, *options)) == []


def test_an_array_of_structs_that_hold_arrays_has_no_launch() -> None:
    inner = t.Struct("Inner", (("values", t.Array(t.FLOAT32)),))
    outer = t.Struct("Outer", (("x", t.INT32), ("inner", inner)))
    for type_ in (inner, outer):
        with pytest.raises(ValueError, match="structs that hold arrays"):
            draw_launch(SeededChoices("launch"), Kernel("kernel", (Param("s", t.Array(type_)),), ()))


def test_an_array_in_a_struct_is_as_long_as_the_grid() -> None:
    inner = t.Struct("Inner", (("values", t.Array(t.FLOAT32)), ("rows", t.Array(t.Vector(3, t.INT16), 2))))
    outer = t.Struct("Outer", (("x", t.INT32), ("inner", inner)))
    launch = draw_launch(SeededChoices("launch"), Kernel("kernel", (Param("s", outer),), ()))
    shapes = {name: (array.shape, array.dtype.name) for name, array in flattened(launch.inputs).items()}
    (size,) = launch.dim
    assert shapes == {
        "s.x": ((), "int32"),
        "s.inner.values": ((size,), "float32"),
        "s.inner.rows": ((size, 1, 3), "int16"),
    }


def floats(kernel: Kernel, launch: Launch) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays of floats of a launch, without those of structs."""
    for param in kernel.params:
        value = launch.inputs[param.name]
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield value


def test_one_launch_in_four_has_special_floats() -> None:
    kernel = generate(seed=43, index=0, category="vector", dtypes=["float32"])
    launches_of = [draw_launch(SeededChoices("launch", number), kernel) for number in range(400)]
    found = [np.concatenate([each.reshape(-1) for each in floats(kernel, launch)]) for launch in launches_of]
    unusual = [values for values in found if not np.isfinite(values).all()]
    assert 60 <= len(unusual) <= 110
    every = np.concatenate(unusual)
    tiny = np.finfo(np.float32).tiny
    assert np.isnan(every).any()
    assert {np.inf, -np.inf, float(np.finfo(np.float32).max)} <= set(every.tolist())
    assert ((every != 0) & (np.abs(every) < tiny)).any()
    assert (np.signbit(every) & (every == 0)).any()


@pytest.mark.parametrize("style", [ORDINARY, SMOOTH, POSITIVE], ids=["ordinary", "smooth", "positive"])
def test_other_launches_have_none(style: Style) -> None:
    for index in range(30):
        kernel = generate(seed=44, index=index)
        for value in floats(kernel, draw_launch(SeededChoices("launch", index), kernel, style)):
            assert np.isfinite(value).all()


def test_a_sorted_array_has_no_nan() -> None:
    kernel = generate(seed=45, index=0, include=["search"])
    for param in kernel.params:
        if param.ascending:
            for number in range(60):
                value = draw_launch(SeededChoices("launch", number), kernel).inputs[param.name]
                assert isinstance(value, np.ndarray)
                assert not np.isnan(value).any()
                assert (np.sort(value, axis=-1) == value).all()


def test_matrices_and_quaternions_are_rotations_now_and_then() -> None:
    turned: dict[str, int] = {}
    for index in range(120):
        kernel = generate(seed=46, index=index, include=["matrix", "quaternion"])
        launch = draw_launch(SeededChoices("launch", index), kernel, ORDINARY)
        for param in kernel.params:
            type_ = param.type.dtype if isinstance(param.type, t.Array) else param.type
            if launch.inputs[param.name] is None:
                continue
            if isinstance(type_, t.Quaternion):
                lengths = np.linalg.norm(np.asarray(launch.inputs[param.name], np.float64), axis=-1)
                turned["quaternion"] = turned.get("quaternion", 0) + bool(np.allclose(lengths, 1, atol=1e-3))
            elif isinstance(type_, t.Matrix) and type_.rows == type_.columns == 3 and type_.dtype.is_float:
                m = np.asarray(launch.inputs[param.name], np.float64).reshape(-1, 3, 3)[0]
                same = np.allclose(m @ m.T, (m @ m.T)[0, 0] * np.eye(3)) and m.any()
                turned["matrix"] = turned.get("matrix", 0) + bool(same)
    assert turned["quaternion"] >= 3
    assert turned["matrix"] >= 3
