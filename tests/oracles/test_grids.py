"""Each case has a grid of its own as CUDA text: one chunk tells of a wrong step, and each verdict repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from code_generator import Patch, codegen

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.chunk import GRIDS, Launching, draw_launching
from kernelfuzz.oracles.judge import judge_again, judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.syntax.parse import parse

KERNEL = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    out[i] = x[i] * wp.float64({number})
"""


def case(number: int) -> Case:
    inputs = {"x": np.arange(40, dtype=np.float64), "out": np.zeros(40)}
    return Case(parse(KERNEL.format(number=number)), Launch((40,), inputs))


CASES = [case(number) for number in range(2, 10)]


def step_too_far(patch: Patch) -> None:
    """The loop of a thread over the grid leaves every other turn out."""
    step = "static_cast<size_t>(blockDim.x) * static_cast<size_t>(gridDim.x))"
    for name, text in vars(codegen()).items():
        if isinstance(text, str) and step in text:
            patch.setattr(codegen(), name, text.replace(step, f"2 * {step}"))


@pytest.mark.parametrize("oracle", ["value", "gradient"])
def test_a_wrong_step_of_the_grid_is_seen_by_some_cases_of_a_chunk(oracle: str, monkeypatch: Patch) -> None:
    step_too_far(monkeypatch)
    outcomes = judge_cases(CASES, Checks((oracle,), ("cuda-host",)), launch_given=True)
    assert {len(outcome.failed) for outcome in outcomes} == {0, 1}
    for of, outcome in zip(CASES, outcomes, strict=True):
        for at, verdict in enumerate(outcome.verdicts):
            assert verdict.setting.blocks is None or verdict.setting.block_dim in (1, 4, 32)
            evidence = outcome.evidence[at]
            assert judge_again([of if evidence is None else evidence.case], verdict) == [verdict]


def test_a_grid_is_of_the_case_and_not_of_its_module() -> None:
    drawn = [draw_launching("seed", index) for index in range(200)]
    grids: list[Any] = [(each.blocks, each.block_dim) for each in drawn]
    assert set(grids) == set(GRIDS["cuda-host"])
    assert min(map(grids.count, set(grids))) > 20


def test_a_device_takes_blocks_of_the_size_that_was_built() -> None:
    launching = Launching(blocks=3, block_dim=1)
    assert launching.of(BuildSetting("cuda-host")) == BuildSetting("cuda-host", block_dim=1, blocks=3)
    assert launching.of(BuildSetting("cuda", block_dim=64)) == BuildSetting("cuda", block_dim=64, blocks=3)
    assert launching.of(BuildSetting("cpu")) == BuildSetting("cpu")
