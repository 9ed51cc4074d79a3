"""What ends a process under module options is told with these, and its script has them and shows it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kernelfuzz.campaign import CampaignPlan, WorkerFunctions, fuzz
from kernelfuzz.campaign.confirmation import confirm
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.oracles.judge import explain, judge_again
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.options import check_options

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]
import planted_crashes  # pyright: ignore[reportMissingImports]

JUDGES = WorkerFunctions(planted_crashes.batch, judge_again, explain, fakes.no_control, confirm, fakes.write)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("planted", "row", "oracle", "target", "signal", "written"),
    [
        ("the generator, at a loop", "no unrolling", "metamorphic", "cpu", "SIGSEGV", '"max_unroll": 0'),
        pytest.param(
            *("the generator, in debug mode", "debug", "metamorphic", "cpu", "SIGSEGV", '"mode": "debug"'), marks=SLOW
        ),
        pytest.param(
            *("the generator, for large blocks", "large blocks", "metamorphic", "cuda-host"),
            *("SIGSEGV", "block_dim=1024"),
            marks=SLOW,
        ),
        ("the adjoint, of a loop", "unrolling once", "gradient", "cpu", "SIGILL", '"max_unroll": 1'),
    ],
)
def test_a_crash_under_options_is_told_with_them(
    planted: str,
    row: str,
    oracle: str,
    target: str,
    signal: str,
    written: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted_crashes.plant(planted, tmp_path, monkeypatch)
    monkeypatch.setenv(planted_crashes.ROW, row)
    checks = Checks(("value", oracle), (target,))
    plan = CampaignPlan(check_options(size=1), checks, examples=1, reduction=0.0)
    summary = fuzz(plan, judges=JUDGES)
    assert (summary.unconfirmed, summary.unattributed, summary.faults) == ([], [], [])
    (found,) = summary.findings
    verdict = found.finding.verdict
    assert (verdict.oracle, verdict.kind) == (oracle, "crash")
    assert verdict.setting.row == f"options: {row}"
    on = "" if target == "cpu" else " on CUDA"
    assert found.finding.signature.startswith(f"crash{on} {signal} (options: {row}): ")
    script = reproducer(found.finding)
    assert written in script
    # Without the options the same script shows nothing.
    other = replace(verdict, setting=replace(verdict.setting, options=(), block_dim=None))
    assert "exit status 0" in confirm(replace(found.finding, verdict=other), lambda: None)
