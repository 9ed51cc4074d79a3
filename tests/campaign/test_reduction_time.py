"""A reduction keeps its time where each answer takes long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from kernelfuzz.campaign.failure import Failure
from kernelfuzz.campaign.reduction import Reduction
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.request import Checks, Evidence, Request, draw_case
from kernelfuzz.oracles.verdict import FailedKind, Verdict
from kernelfuzz.strategies.options import check_options


@dataclass
class SlowJudges:
    """Every case fails in the same way, and each takes a second of a clock that only they move."""

    now: float = 0.0
    pool: Any = field(default_factory=lambda: SimpleNamespace(jobs=1))

    def again(self, cases: Sequence[Case], verdict: Verdict, *, fresh: bool = False) -> list[Verdict]:
        self.now += len(cases)
        return [verdict for _ in cases]


@pytest.mark.parametrize("kind", ["does not compile", "crash", "hang"])
def test_no_case_is_judged_after_the_time(kind: FailedKind, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = SlowJudges()
    monkeypatch.setattr(time, "monotonic", lambda: judges.now)
    options, checks = check_options(), Checks(("compile",), ("cpu",))
    case = draw_case(options, 0, 0)
    verdict = Verdict("compile", "failed", kind, "error: no")
    failure = Failure(Request(options, 0, 0, 1, checks), 0, 0, verdict, Evidence(case, message="error: no"))
    reduction = Reduction(judges, 3.0, lambda _: None, lambda *_: pytest.fail("a fault"))  # pyright: ignore[reportArgumentType]
    small = reduction.smallest(failure)
    # The smallest is judged once more at the end.
    assert judges.now <= 3.0 + 1.0
    assert small.verdict.kind == kind
