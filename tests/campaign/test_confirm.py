"""What confirms a crash, and what a campaign says while it waits."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernelfuzz.campaign import CampaignSummary, fuzz
from kernelfuzz.campaign.loop import judging
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import TIMEOUT_SECONDS
from kernelfuzz.oracles.request import Checks
from kernelfuzz.releases.run_script import ScriptOutcome

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]
from test_unconfirmed import plan  # pyright: ignore[reportMissingImports]

BOTH = Checks(("value",), ("cpu", "cuda-host"))


def test_a_crash_that_there_is_no_time_to_run_alone_does_not_count(tmp_path: Path) -> None:
    seen: list[str] = []

    def interrupt(summary: CampaignSummary) -> None:
        if summary.doing.startswith("reducing"):
            seen.append(summary.doing)
            if len(seen) == 3:
                raise KeyboardInterrupt

    def asked(finding: Finding, tick: Callable[[], None]) -> str:
        raise AssertionError("there is no time for that")

    summary = fuzz(
        plan(4, output=str(tmp_path)),
        judges=replace(fakes.COMPANY_CRASH, again=fakes.crashing_again, confirm=asked),
        on_progress=interrupt,
    )
    assert summary.interrupted
    assert summary.findings == []
    (found,) = summary.unconfirmed
    assert found.finding.signature.startswith("not tried alone: crash")


def test_a_wrong_gradient_that_there_is_no_time_for_was_not_examined(tmp_path: Path) -> None:
    def interrupt(summary: CampaignSummary) -> None:
        if summary.doing.startswith("reducing"):
            raise KeyboardInterrupt

    summary = fuzz(plan(4, output=str(tmp_path)), judges=fakes.WRONG_GRADIENT, on_progress=interrupt)
    assert summary.interrupted
    assert (summary.findings, summary.unconfirmed, summary.faults) == ([], [], [])
    assert [each.kind for each in summary.unexamined] == ["wrong gradient"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_done_first_is_said_no_longer_than_it_lasts() -> None:
    said: list[tuple[int, str]] = []
    fuzz(plan(12), judges=fakes.PASSING, on_progress=lambda now: said.append((now.examples, now.doing)))
    assert said[0][1].startswith("starting Warp")
    assert {doing for examples, doing in said if examples} == {""}


def test_the_oracles_have_a_control_and_confirm_crashes() -> None:
    confirm = importlib.import_module("kernelfuzz.campaign.confirmation").confirm
    require = importlib.import_module("kernelfuzz.oracles.control_kernels").require
    assert (judging().control, judging().confirm) == (require, confirm)


@pytest.mark.parametrize(
    ("presences", "why"),
    [
        (["present", "present"], ""),
        (["fixed"], "run 1 of the script: expected: exit status 0   actual: SIGSEGV"),
        (["broken"], "run 1 of the script: expected: exit status 0   actual: SIGSEGV"),
        (["present", "fixed"], "run 2 of the script: expected: exit status 0   actual: SIGSEGV"),
    ],
)
def test_only_a_script_that_shows_it_twice_confirms_a_finding(
    presences: list[Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("kernelfuzz.campaign.confirmation")
    coming = iter(presences)
    limits: list[float] = []

    def run_script(*_: Any, timeout: float, **__: Any) -> ScriptOutcome:
        limits.append(timeout)
        return ScriptOutcome(next(coming), "expected: exit status 0   actual: SIGSEGV", 0.0)

    monkeypatch.setattr(module, "run_script", run_script)
    monkeypatch.setattr(module, "reproducer", lambda finding: "")
    verdict = SimpleNamespace(reason="the process was killed by SIGSEGV")
    finding: Any = SimpleNamespace(verdict=verdict)
    assert module.confirm(finding, lambda: None) == why
    assert list(coming) == []
    # Warp has to start as well.
    assert min(limits) >= 2 * TIMEOUT_SECONDS


def test_it_is_shown_while_a_kernel_is_waited_for_too() -> None:
    seen: list[int] = []
    fuzz(plan(1), judges=fakes.PASSING, on_progress=lambda now: seen.append(now.examples))
    assert seen.count(0) > 1
