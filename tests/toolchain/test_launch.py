"""Kernels run with the values that they are given and hand back what they made of them, on every target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from launched_programs import DTYPES, GRIDS, ON, dimension_inputs, same, struct_inputs

from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.toolchain.programs import Program

# The largest value and the smallest, and one that is not a round number where there is such a one.
EXTREMES = {
    name: [False, True, True] if name == "bool"
    else [np.finfo(dtype).max, -np.finfo(dtype).tiny, dtype(1) / dtype(3)] if name.startswith("float")
    else [np.iinfo(dtype).max, np.iinfo(dtype).min, 7]
    for name, dtype in DTYPES.items()
}  # fmt: skip


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
