"""What a campaign reports of defects that are planted in Warp's code generator: each once, whatever surrounds it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kernelfuzz.campaign import CampaignPlan, CampaignSummary, fuzz
from kernelfuzz.findings.mismatch_class import mismatch_class
from kernelfuzz.findings.recognised import BUGS
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.options import check_options

sys.path.insert(0, str(Path(__file__).parent))
import planted_defects as planted  # pyright: ignore[reportMissingImports]


def campaign(
    monkeypatch: pytest.MonkeyPatch,
    defects: str,
    cases: str,
    checks: Checks = planted.VALUES,
    *,
    seconds: float = 2.0,
) -> CampaignSummary:
    """A campaign over these cases with these defects; the bugs of Warp are known."""
    monkeypatch.setenv(planted.PLANTED, defects)
    monkeypatch.setenv(planted.JUDGED, cases)
    count = len(cases.split(", "))
    plan = CampaignPlan(check_options(size=1), checks, examples=count, bugs=BUGS, reduction=seconds)
    summary = fuzz(plan, judges=planted.WARP)
    assert summary.examples == count
    assert not summary.faults
    return summary


def counted(summary: CampaignSummary) -> dict[str, int]:
    return {found.finding.signature: found.count for found in summary.findings}


def test_a_defect_of_one_operation_is_one_finding_in_any_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = campaign(monkeypatch, "product", "product, product in a loop, product in a function")
    assert counted(summary) == {"wrong value: int * int": 3}
    assert summary.unexamined == []
    (found,) = summary.findings
    assert found.finding.lines <= 3


def test_two_defects_of_one_kind_are_two_findings_even_in_one_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is in a kernel that the first explains as well."""
    cases = "product, product in a loop, product in a function, product and xor, xor"
    summary = campaign(monkeypatch, "product, xor", cases)
    assert counted(summary) == {"wrong value: int * int": 4, "wrong value: int ^ int": 2}


@pytest.mark.slow
def test_after_any_number_of_one_defect_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is one operation, so that before reduction they look alike."""
    summary = campaign(monkeypatch, "if, while", "if, another if, if beside a sum, if, while", seconds=20.0)
    signatures = [*counted(summary)]
    assert sum("while" in name for name in signatures) == 1
    assert summary.unexamined == []


@pytest.mark.parametrize("case", ["negation", "negated zero"])
def test_a_wrong_number_does_not_become_the_sign_of_a_zero(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    summary = campaign(monkeypatch, "negation", case)
    (found,) = summary.findings
    assert found.finding.signature == "wrong value: -float"
    assert mismatch_class(found.finding.verdict.mismatch, found.finding.case.kernel) == ""


@pytest.mark.slow
def test_a_defect_of_one_adjoint_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = campaign(monkeypatch, "adjoint of a product", "gradient, gradient in a loop", planted.GRADIENTS)
    assert counted(summary) == {"wrong gradient: float * float": 2}
