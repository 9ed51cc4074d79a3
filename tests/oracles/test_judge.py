"""Given cases are asked everything, but for clang for CUDA."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import finding_kernels  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import compile, judge, value
from kernelfuzz.oracles.chunk import CaseRecord, Chunk
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.table import COMPILE, VALUE, Sample
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck import builtins

SOURCE = """
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype=int)):
    out[0] = 1
"""


CASE = Case(parse(SOURCE), Launch((1,), {"out": np.zeros(1, np.int32)}))


@pytest.mark.parametrize("given", [True, False])
def test_given_cases_are_asked_everything(given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks: list[Chunk] = []
    monkeypatch.setattr(value, "ask", chunks.append)
    judge.judge_cases([CASE], Checks(("value",), ("cpu",)), launch_given=given)
    assert [(chunk.everything, chunk.launch_given) for chunk in chunks] == [(True, given)]
    assert chunks[0].samples(chunks[0].records[0], Sample("what is rare", 10**9))


def test_clang_is_not_started_for_cuda_where_few_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[Any] = []

    def compiled(kernels: list[Any], setting: BuildSetting = compile.PTX) -> list[Verdict]:
        settings.append(setting)
        return [COMPILE.passed(setting) for _ in kernels]

    monkeypatch.setattr(compile, "judge", compiled)
    monkeypatch.setattr(Chunk, "sampled", lambda chunk, sample: True)
    judge.judge_cases([CASE], Checks(("compile",), ("cpu",)))
    assert compile.PTX in settings
    assert compile.CLANG not in settings


def test_generated_code_has_the_statements_and_no_declarations() -> None:
    code = compile.generated_code(finding_kernels.product().kernel, "cuda")
    assert "wp::array_store(" in code
    assert "wp::mul(" in code
    for boilerplate in ("gridDim", "_wp_args", "tile_shared_storage", "wp::float32 var_3;", "__global__"):
        assert boilerplate not in code
    assert compile.generated_code(finding_kernels.chained().kernel) == ""


def test_what_the_installed_warp_lacks_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = replace(CASE, kernel=parse(SOURCE.replace("= 1", "= wp.bit_count(7)")))
    monkeypatch.setattr(builtins, "at_least", lambda *release: release < (1, 19))
    lacking, there = judge.judge_cases([newer, CASE], Checks(("value",), ("cpu",)))
    (verdict,) = lacking.verdicts
    assert verdict.status == "skipped"
    assert verdict.reason.endswith("has no bit_count, which is there since 1.19")
    assert [verdict.status for verdict in there.verdicts] == ["passed"]


@pytest.mark.parametrize("counts", [True, False])
def test_what_another_clang_built_is_a_part_of_what_clang_built(counts: bool) -> None:
    setting = BuildSetting("cpu", ())
    record = CaseRecord(0, "", CASE, SeededChoices("test"), fast=True)
    record.note(VALUE.passed(setting) if counts else VALUE.skipped("undefined: bits of a NaN", setting))
    found = record.outcome().counts
    assert (found.built_cpu, found.built_by_ziglang) == (counts, counts)
