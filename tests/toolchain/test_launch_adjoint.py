"""Adjoints give the derivatives of what kernels compute, on every target."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from launched_programs import GRADIENTS, GRIDS, ON, SQUARE, same

from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.toolchain.programs import Program


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
