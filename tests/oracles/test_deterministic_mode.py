"""Warp's deterministic mode is asked of kernels with atomics, and a defect of what it writes instead is caught."""

from __future__ import annotations

import numpy as np
import pytest
from code_generator import Patch, forward

from kernelfuzz.findings.script import option_lines
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import compile, metamorphic, value
from kernelfuzz.oracles.compile import DETERMINISTIC
from kernelfuzz.oracles.judge import judge_again
from kernelfuzz.oracles.option_sets import OPTION_SETS, available, sums_apart
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.syntax.parse import parse

ROW = next(row for row in OPTION_SETS if row.name == "deterministic")
CPU = BuildSetting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))

pytestmark = pytest.mark.skipif(not available(ROW), reason="this Warp has no deterministic mode")

SOURCE = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=float), acc: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    {statement}
    out[i] = x[i]
"""


def case(statement: str) -> Case:
    values = {"x": np.arange(3, dtype=np.float32), "acc": np.zeros(2, np.float32), "out": np.zeros(3, np.float32)}
    return Case(parse(SOURCE.format(statement=statement)), Launch((3,), values))


@pytest.mark.parametrize(
    "statement", ["wp.atomic_add(acc, i % 2, x[i])", "acc[0] -= x[i]", "wp.atomic_max(acc, 0, x[i])"]
)
def test_a_kernel_with_atomics_is_asked(statement: str) -> None:
    some = case(statement)
    assert sums_apart(some.kernel, some=True)
    (verdict,) = metamorphic.judge_options([some], value.expected([some]), ROW, CPU)
    assert verdict.status == "passed"
    assert [verdict.status for verdict in compile.judge([some.kernel], DETERMINISTIC)] == ["passed"]


@pytest.mark.parametrize("statement", ["acc[0] += acc[1]", "out[i] = wp.atomic_sub(acc, 0, x[i])"])
def test_what_is_documented_to_be_refused_is_not_asked(statement: str) -> None:
    assert not sums_apart(case(statement).kernel)
    assert not sums_apart(case("y = x[i]").kernel, some=True)


def test_a_defect_of_the_mode_is_caught(monkeypatch: Patch) -> None:
    some = case("wp.atomic_add(acc, i % 2, x[i])")
    forward(monkeypatch, lambda text, replay: (text.replace("det_scatter", "no_such_scatter"), replay))
    assert [verdict.status for verdict in compile.judge([some.kernel])] == ["passed"]
    (verdict,) = compile.judge([some.kernel], DETERMINISTIC)
    assert (verdict.status, verdict.kind) == ("failed", "does not compile")
    assert [again.kind for again in judge_again([some], verdict)] == ["does not compile"]


def test_a_script_sets_the_mode() -> None:
    assert option_lines(DETERMINISTIC.options) == [
        'wp.set_module_options({"deterministic": wp.DeterministicMode.RUN_TO_RUN})'
    ]
