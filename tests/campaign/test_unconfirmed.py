"""What a campaign did not look into, and what its script does not show: told, and counted apart."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernelfuzz import campaign
from kernelfuzz.campaign import CampaignPlan, CampaignSummary, fuzz, triage
from kernelfuzz.campaign.confirmation import confirm
from kernelfuzz.cli import main
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import read_finding, write_finding
from kernelfuzz.findings.known import Known, load_known
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.request import Checks, draw_case
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.releases.replay import NothingToReplay, items
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.options import check_options
from kernelfuzz.syntax.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]

CHECKS = Checks(("value",), ("cpu",))

HARMLESS = """
import warp as wp


@wp.kernel
def harmless(out: wp.array(dtype=int)):
    out[0] = 1
"""

# Far outside of its array.
CRASHES = """
import warp as wp


@wp.kernel
def crashes(at: int, out: wp.array(dtype=int)):
    out[at] = 1
"""


# A script that ends in an exception shows no crash.
REFUSED = """
import warp as wp


@wp.kernel
def refused(a: wp.array(dtype=int), out: wp.array(dtype=int)):
    out[0] = 1 if 0 < a[0] < a[1] else 0
"""


def plan(examples: int, **changes: Any) -> CampaignPlan:
    return replace(CampaignPlan(check_options(size=1), CHECKS, examples=1), examples=examples, **changes)


def never(finding: Finding, tick: Callable[[], None]) -> str:
    tick()
    return "it does not"


def no_script(finding: Finding, tick: Callable[[], None]) -> str:
    raise ValueError("a wrong value needs what is expected")


def fuzz_command(monkeypatch: pytest.MonkeyPatch, judges: campaign.WorkerFunctions, *arguments: str) -> int:
    real = campaign.fuzz
    monkeypatch.setattr(campaign, "fuzz", lambda *args, **named: real(*args, **named, judges=judges))
    return main(["fuzz", "--jobs", "1", "--device", "cpu", "--oracle", "value", "--json", *arguments])


# ------------------------------------------------------------------------------ not reproduced alone


@pytest.mark.parametrize("judges", [fakes.COMPANY_CRASH, fakes.CRASHING])
def test_a_crash_that_its_script_does_not_show_is_none(judges: campaign.WorkerFunctions, tmp_path: Path) -> None:
    crashing = plan(4, output=str(tmp_path)) if judges is fakes.COMPANY_CRASH else plan(88)
    checks = Checks(("value",), ("cpu", "cuda-host"))
    summary = fuzz(replace(crashing, checks=checks), judges=replace(judges, confirm=never))
    assert summary.findings == []
    (found,) = summary.unconfirmed
    assert found.finding.signature.startswith("not reproduced alone: crash")
    assert summary.to_dict()["unconfirmed"] == [found.to_dict()]


def test_it_is_written_all_the_same_and_its_title_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judges = replace(fakes.COMPANY_CRASH, confirm=never, write=write_finding)
    assert fuzz_command(monkeypatch, judges, "--examples", "4", "--output", str(tmp_path)) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary["findings"] == []
    (folder,) = (tmp_path / "unconfirmed").iterdir()
    (found,) = summary["unconfirmed"]
    assert (found["path"], found["why"]) == (str(folder), "it does not")
    assert read_finding(folder)["signature"] == found["signature"]
    assert (folder / "report.md").read_text().startswith("# Not reproduced alone: crash SIGSEGV")
    assert "not counted" in captured.err
    # What is not shown is not known, and not replayed.
    assert load_known(tmp_path) == Known()
    with pytest.raises(NothingToReplay):
        items(tmp_path)


@pytest.mark.parametrize(
    ("tried", "why"), [(never, "it does not"), (no_script, "no script: ValueError: a wrong value")]
)
def test_a_failure_of_any_kind_that_its_script_does_not_show_is_no_finding(
    tried: Callable[[Finding, Callable[[], None]], str], why: str
) -> None:
    summary = fuzz(plan(40), judges=replace(fakes.BUGGY, confirm=tried))
    assert summary.findings == []
    assert {found.finding.kind for found in summary.unconfirmed} == {"rejected", "wrong value"}
    assert all(found.why.startswith(why) for found in summary.unconfirmed)
    # What did not end its process was judged all the same.
    assert summary.lost == 0
    listed: Any = summary.to_dict()["unconfirmed"]
    assert [each["why"] for each in listed] == [found.why for found in summary.unconfirmed]


def test_nothing_but_lost_kernels_is_no_clean_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judges = replace(fakes.LOST, confirm=never)
    assert fuzz_command(monkeypatch, judges, "--examples", "3", "--output", str(tmp_path)) == 3
    assert "no kernel was judged (each ended its process)" in capsys.readouterr().err


def test_a_campaign_that_confirms_a_crash_has_a_finding(tmp_path: Path) -> None:
    summary = fuzz(plan(4, output=str(tmp_path)), judges=fakes.COMPANY_CRASH)
    assert [found.finding.kind for found in summary.findings] == ["crash"]
    assert summary.unconfirmed == []


def interrupted(finding: Finding, tick: Callable[[], None]) -> str:
    raise KeyboardInterrupt


def test_an_interrupt_of_the_script_keeps_the_crash(tmp_path: Path) -> None:
    judges = replace(fakes.COMPANY_CRASH, confirm=interrupted)
    summary = fuzz(plan(4, output=str(tmp_path)), judges=judges)
    assert summary.interrupted
    (found,) = summary.unconfirmed
    assert found.finding.signature.startswith("not tried alone: crash")
    assert found.path is not None
    assert Path(found.path).exists()


def test_the_same_crash_is_tried_alone_once() -> None:
    tried: list[str] = []

    def once(finding: Finding, tick: Callable[[], None]) -> str:
        tried.append(finding.signature)
        return "it does not"

    summary = fuzz(plan(40, reduction=1.0), judges=replace(fakes.CRASHING_OFTEN, confirm=once))
    assert len(tried) == len(set(tried))
    assert sum(found.count for found in summary.unconfirmed) + len(summary.unexamined) == summary.failed > 1


@pytest.mark.parametrize(
    ("source", "there"),
    [(HARMLESS, False), (CRASHES, True), (REFUSED, False)],
    ids=["harmless", "crashes", "refused by Warp"],
)
def test_the_script_is_run_alone(source: str, there: bool) -> None:
    kernel = parse(source)
    inputs = {"at": np.array(1 << 30, np.int32), "a": np.zeros(2, np.int32), "out": np.zeros(2, np.int32)}
    case = Case(kernel, Launch((1,), {param.name: inputs[param.name] for param in kernel.params}))
    verdict = Verdict("value", "failed", "crash", "the process was killed by SIGSEGV")
    ticks: list[None] = []
    assert (confirm(Finding("crash SIGSEGV", verdict, case, case), lambda: ticks.append(None)) == "") is there
    assert ticks


# ------------------------------------------------------------------------------------- not examined


def everything_accounted_for(summary: CampaignSummary) -> bool:
    seen = sum(found.count for found in summary.findings) + summary.known
    return summary.failed == seen + len(summary.unexamined)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One reduction in vain is enough."""
    monkeypatch.setattr(triage, "IN_VAIN", 1)


@pytest.mark.usefixtures("impatient")
def test_what_was_not_examined_is_listed() -> None:
    summary = fuzz(plan(60), judges=fakes.BUGGY)
    assert summary.unexamined
    assert everything_accounted_for(summary)
    listed: Any = summary.to_dict()["unexamined"]
    assert {each["kind"] for each in listed} <= {"wrong value"}
    examined = {found.finding.index for found in summary.findings}
    assert examined.isdisjoint(each["index"] for each in listed)
    assert all(each["looks"] and each["target"] == "cpu" for each in listed)


@pytest.mark.usefixtures("impatient")
def test_what_was_not_examined_is_no_clean_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything that was examined is known; the rest may be anything."""
    known = tmp_path / "known.json"
    known.write_text(json.dumps([{"finding": "a-page", "signatures": ["rejected*", "wrong value*"]}]))
    arguments = ("--examples", "60", "--output", str(tmp_path / "out"), "--known", str(known))
    assert fuzz_command(monkeypatch, fakes.BUGGY, *arguments) == 1
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary["findings"] == []
    assert summary["unexamined"]
    assert "not examined" in captured.err
    assert "like value: wrong value (index " in captured.err


def test_what_says_the_same_is_the_same() -> None:
    """However often: reduction would not change what Warp says."""
    summary = fuzz(plan(60), judges=fakes.BUGGY)
    assert {found.finding.signature for found in summary.findings if found.count > 1} >= {"rejected: no while here"}
    assert summary.unexamined == []
    assert everything_accounted_for(summary)


def test_what_a_known_bug_says_needs_no_reduction() -> None:
    """However often it says so."""
    known = Known((("rejected: no while here", "a-page"), ("wrong value*", "another")))
    summary = fuzz(plan(60, known=known), judges=fakes.BUGGY)
    assert summary.recognised["a-page"] > 1
    assert {each.kind for each in summary.unexamined} <= {"wrong value"}


@pytest.mark.usefixtures("impatient")
def test_an_unexamined_kernel_can_be_drawn_again() -> None:
    long = plan(200, chunk=8, stretch=2)
    summary = fuzz(long, jobs=2, judges=fakes.BUGGY)
    assert any(each.exclude for each in summary.unexamined)
    for each in summary.unexamined:
        options = check_options(size=1, exclude=each.exclude)
        found = features(draw_case(options, long.seed, each.index).kernel)
        assert each.kind == "wrong value"
        assert "ternary" in found
