"""examples/poisson: solutions converge as they must, a wrong equation is noticed, and the pairs are pairs."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kernelfuzz.toolchain import Artifact, Lowering, build, lower_kernel

EXAMPLE = Path(__file__).parents[1] / "examples" / "poisson"

INTEGRANDS = {"stiffness", "mass", "moment_waves_source", "moment_waves", "squared_error_waves"}


@pytest.fixture(scope="module")
def example() -> ModuleType:
    sys.path.insert(0, str(EXAMPLE))
    try:
        # Which imports the other two.
        importlib.import_module("pairs")
        return importlib.import_module("convergence")
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="module")
def quick_builds() -> Iterator[None]:
    """The kernels of warp.fem take much longer to optimize than to run on few cells."""
    import warp as wp

    config: dict[str, Any] = vars(wp.config)  # pyright: ignore[reportAssignmentType]
    before = config.get("optimization_level")
    config["optimization_level"] = 0
    yield
    config["optimization_level"] = before


@pytest.fixture(scope="module")
def kernels(example: ModuleType, quick_builds: None) -> list[Any]:
    """What warp.fem makes on squares of degree 1; each process makes it once, so this comes first."""
    return sys.modules["pairs"].record(["squares"], [1])


@pytest.fixture(scope="module")
def rows(kernels: list[Any]) -> list[dict[str, Any]]:
    return list(sys.modules["pairs"].rows(kernels))


# -------------------------------------------------------------------------------------------- convergence


def test_the_order_is_a_least_squares_fit(example: ModuleType) -> None:
    assert example.observed_order((8, 16, 32), [3.0 * n**-2.0 for n in (8, 16, 32)]) == pytest.approx(2.0)
    # Through three points that are on no line: the middle one does not count.
    assert example.observed_order((8, 16, 32), (4.0, 17.0, 1.0)) == pytest.approx(1.0)


@pytest.mark.usefixtures("kernels")
def test_linear_elements_converge_with_order_two(example: ModuleType) -> None:
    errors, order = example.check(example.STUDY[0])
    assert errors == sorted(errors, reverse=True)
    assert order == pytest.approx(2.0, abs=0.05)


@pytest.mark.usefixtures("kernels")
def test_a_right_hand_side_that_is_one_percent_off_is_noticed(example: ModuleType) -> None:
    import warp as wp

    poisson = sys.modules["poisson"]
    source, scalar = poisson.waves_source, poisson.SCALAR

    def one_percent_off(x):
        return source(x) * scalar(1.01)

    one_percent_off.__annotations__["x"] = poisson.Vec2
    right = example.STUDY[0]
    wrong = replace(right, problem=replace(right.problem, source=wp.func(one_percent_off)))
    with pytest.raises(AssertionError, match=r"waves on squares of degree 1: the observed order is 1\.\d\d, not 2"):
        example.check(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(14))
def test_the_whole_study(example: ModuleType, number: int) -> None:
    assert len(example.STUDY) == 14
    example.check(example.STUDY[number])


# -------------------------------------------------------------------------------------------------- pairs


def test_every_integrand_has_its_kernel_and_its_function(rows: list[dict[str, Any]]) -> None:
    for device in ("cpu", "cuda"):
        of_device = [row for row in rows if row["device"] == device]
        assert {row["kernel_name"] for row in of_device if row["kind"] == "integrand"} == INTEGRANDS
        kernels = [row["kernel_name"] for row in of_device if row["kind"] == "kernel"]
        assert {name.rpartition("_")[0] for name in kernels} >= INTEGRANDS
        # And what assembles and solves.
        assert any("dispatch_bilinear" in name for name in kernels)
        assert any("bsr_mv" in name for name in kernels)


def test_an_integrand_is_what_it_became_inside_the_kernel(rows: list[dict[str, Any]]) -> None:
    for device in ("cpu", "cuda"):
        (row,) = [
            row
            for row in rows
            if (row["kind"], row["kernel_name"], row["device"]) == ("integrand", "stiffness", device)
        ]
        # The gradients have become calls of functions that warp.fem made for this space.
        assert re.search(r"return wp\.dot\(eval_nabla\w+\(u, s\), eval_nabla\w+\(v, s\)\)", row["python_source"])
        assert "wp::dot(var_0, var_1)" in row["ir_forward"]
        assert row["ir_forward"].count("eval_nabla") == 2


def test_python_is_python_and_code_is_without_it(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        tree = ast.parse(row["python_source"])
        texts = [row["ir_forward"], *row["ir_functions"], *row["ir_structs"]]
        assert all(texts)
        for text in texts:
            assert "//" not in text
            assert "/*" not in text
            assert "#line" not in text
        if row["kind"] == "kernel":
            assert isinstance(tree.body[-1], ast.FunctionDef)
            names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
            # The functions of the one are those of the other.
            assert len(names) - 1 == len(row["ir_functions"])
            for text in row["ir_functions"]:
                assert any(re.search(rf"\b{name}_\d+\(", text) for name in names)
            entry = 'extern "C" __global__ void' if row["device"] == "cuda" else "struct wp_args_"
            assert row["ir_forward"].startswith(entry)


def test_numbers_and_functions_from_around_a_kernel_are_resolved(rows: list[dict[str, Any]]) -> None:
    sources = {row["kernel_name"].rpartition("_")[0]: row["python_source"] for row in rows if row["kind"] == "kernel"}
    kernel = sources["stiffness"].rpartition("@wp.kernel\n")[2]
    assert "if element_index == -1:" in kernel
    assert "self." not in sources["stiffness"]
    assert "quadrature." not in kernel


def test_the_lowered_text_compiles_for_cuda_and_the_kernel_still_runs(kernels: list[Any], example: ModuleType) -> None:
    poisson = sys.modules["poisson"]
    before = poisson.l2_error(poisson.PROBLEMS["waves"], "squares", 1, 4)
    (kernel,) = [kernel for kernel in kernels if kernel.key.startswith("stiffness_")]
    lowering = lower_kernel(kernel, "cuda")
    assert isinstance(lowering, Lowering)
    assert isinstance(build(lowering, "ptx"), Artifact)
    assert poisson.l2_error(poisson.PROBLEMS["waves"], "squares", 1, 4) == before


@pytest.mark.slow
def test_the_command_gives_the_same_pairs_twice(tmp_path: Path) -> None:
    written = []
    for seed in ("0", "1"):
        output = tmp_path / f"{seed}.jsonl"
        subprocess.run(
            [sys.executable, str(EXAMPLE / "pairs.py"), "--output", str(output)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
        written.append(output.read_bytes())
    assert written[0] == written[1]
    rows = [json.loads(line) for line in written[0].splitlines()]
    assert len({(row["id"], row["device"]) for row in rows}) == len(rows) > 150
