"""Given cases are asked everything, but for clang for CUDA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import judge
from kernelfuzz.oracles.request import Checks
from kernelfuzz.syntax.parse import parse

SOURCE = """
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype=int)):
    out[0] = 1
"""


@pytest.mark.parametrize("given", [True, False])
def test_given_cases_are_asked_everything(given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets: list[judge.CaseRecord] = []

    def judged(asked: list[judge.CaseRecord], *_: Any) -> list[Any]:
        sheets.extend(asked)
        return []

    monkeypatch.setattr(judge, "_judge", judged)
    case = Case(parse(SOURCE), Launch((1,), {"out": np.zeros(1, np.int32)}))
    judge.judge_cases([case], Checks(("value",), ("cpu",)), launch_given=given)
    assert [(sheet.everything, sheet.launch_given) for sheet in sheets] == [(True, given)]


def test_clang_is_not_started_for_cuda_where_few_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judge, "_of_some_batches", lambda what, *_: what == "clang")
    kinds: list[Any] = []
    monkeypatch.setattr(judge.compile, "judge", lambda _, how=None: kinds.append(how) or [])
    monkeypatch.setattr(judge, "_note", lambda *_: None)
    monkeypatch.setattr(judge.compile, "rejected", lambda kernels: [None for _ in kernels])
    case = Case(parse(SOURCE), Launch((1,), {"out": np.zeros(1, np.int32)}))
    judge.judge_cases([case], Checks(("compile",), ("cpu",)))
    assert judge.compile.CLANG not in kinds
