"""Programs, launches and inputs that do not go, with what is said of them."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import pytest
from launched_programs import (
    FAILURES,
    GRIDS,
    HEAD,
    KERNELS,
    SQUARE,
    dimension_inputs,
    struct_inputs,
)

from kernelfuzz.devices import TARGETS, Target
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import Program, loaded


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
