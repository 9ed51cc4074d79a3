"""Programs of a campaign: as many as it asks for, the same for any number of workers, small where they fail."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from processes import FOREVER, LIMIT  # pyright: ignore[reportMissingImports]

from kernelfuzz.campaign import CampaignPlan, WorkerFunctions, fuzz
from kernelfuzz.campaign.plan import Timeouts
from kernelfuzz.findings.folder import read_finding
from kernelfuzz.ir.program import LaunchKernel, Program
from kernelfuzz.oracles.request import Checks
from kernelfuzz.programs.program_verdict import ProgramVerdict
from kernelfuzz.strategies.draw_program import generate_program
from kernelfuzz.strategies.options import Options, check_options

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]

PLAN = CampaignPlan(
    check_options(size=1), Checks(("value",), ("cpu",)), examples=8, patience=Timeouts(base=LIMIT, each=0.0), programs=2
)
REJECTED = ProgramVerdict("failed", kind="rejected", reason="ValueError: no such thing")


def fails(program: Program, like: ProgramVerdict, edit: int) -> ProgramVerdict:
    """What a Warp does that cannot launch."""
    return REJECTED if any(isinstance(event, LaunchKernel) for event in program.events) else ProgramVerdict("passed")


def drawn_fails(options: Options, seed: int, index: int) -> ProgramVerdict:
    return fails(generate_program(options, seed, index), REJECTED, index) if index == 1 else ProgramVerdict("passed")


def drawn_ends(options: Options, seed: int, index: int) -> ProgramVerdict:
    """What a Warp does that cannot draw the second program."""
    if index == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    return ProgramVerdict("passed")


def ends_again(program: Program, like: ProgramVerdict, edit: int) -> ProgramVerdict:
    os.kill(os.getpid(), signal.SIGSEGV)
    return like


def drawn_dozes(options: Options, seed: int, index: int) -> ProgramVerdict:
    return dozes_again(generate_program(options, seed, index), REJECTED, index) if index else ProgramVerdict("passed")


def dozes_again(program: Program, like: ProgramVerdict, edit: int) -> ProgramVerdict:
    time.sleep(FOREVER)
    return like


def dozes_alone(program: Program) -> str:
    time.sleep(FOREVER)
    return ""


def ends_alone(program: Program) -> str:
    os.kill(os.getpid(), signal.SIGSEGV)
    return ""


def shown(script: str, tick: Callable[[], None]) -> str:
    return ""


def hidden(script: str, tick: Callable[[], None]) -> str:
    return "run 1 of the script: fixed"


FAILING: WorkerFunctions = replace(fakes.PASSING, program=drawn_fails, program_again=fails, confirm_program=shown)


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_program_is_judged_for_so_many_kernels(jobs: int):
    summary = fuzz(PLAN, jobs=jobs, judges=FAILING)
    assert (summary.examples, summary.programs) == (8, {"passed": 3, "failed": 1})
    (found,) = summary.program_findings
    assert found.signature == "program: rejected (cold cache): ValueError: no such thing"


def test_none_is_where_none_is_asked_for():
    assert not fuzz(replace(PLAN, programs=0), judges=FAILING).programs


def test_a_finding_is_small_and_has_a_folder(tmp_path: Path):
    (found,) = fuzz(replace(PLAN, output=str(tmp_path)), judges=FAILING).program_findings
    assert found.path is not None
    record = read_finding(found.path)
    assert (record["oracle"], record["seed"], record["index"], record["events"]) == ("program", 0, 1, 2)
    assert "    pass" in record["source"]
    assert {path.name for path in Path(found.path).iterdir()} == {
        *("finding.json", "original.py", "report.md", "reproducer.py")
    }  # fmt: skip


def test_a_fault_of_ours_in_its_reduction_leaves_it_as_it_is(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> Program:
        raise KeyError("p0")

    monkeypatch.setattr("kernelfuzz.campaign.program_share.reduce_program", broken)
    summary = fuzz(PLAN, judges=FAILING)
    assert [found.signature for found in summary.program_findings] == [
        "program: rejected (cold cache): ValueError: no such thing"
    ]
    assert summary.faults == ["the reduction of a program raised KeyError: 'p0'"]
    assert summary.examples == 8


def test_what_its_script_does_not_show_is_kept_apart(tmp_path: Path):
    judges = replace(FAILING, confirm_program=hidden)
    (found,) = fuzz(replace(PLAN, output=str(tmp_path)), judges=judges).program_findings
    assert found.why
    assert found.path is not None
    assert Path(found.path).parent.name == "unconfirmed"


def test_one_that_ends_its_process_and_does_not_so_again_is_no_finding():
    summary = fuzz(PLAN, judges=replace(FAILING, program=drawn_ends))
    assert (summary.program_findings, summary.programs_known) == ([], {"crash, but not again": 1})


def test_a_program_that_ends_its_process_is_not_told_by_kernels_that_take_too_long(monkeypatch: pytest.MonkeyPatch):
    """What takes too long is no crash, of a program or of its kernels."""
    monkeypatch.setattr("kernelfuzz.campaign.program_share._SECONDS", 3.0)
    slow = replace(FAILING, program_again=ends_again, program_alone=dozes_alone)
    summary = fuzz(replace(PLAN, reduction=0.0), judges=replace(slow, program=drawn_ends))
    assert summary.programs_known == {}
    (found,) = summary.program_findings
    assert found.signature == "program: crash (cold cache): the process was killed by SIGSEGV"
    slow = replace(FAILING, program=drawn_dozes, program_again=dozes_again, program_alone=dozes_alone)
    summary = fuzz(replace(PLAN, examples=4), judges=slow)
    assert (summary.program_findings, summary.programs_known) == ([], {"a kernel alone: hang": 1})


def test_one_whose_kernel_ends_the_process_alone_is_no_finding():
    judges = replace(FAILING, program=drawn_ends, program_again=ends_again, program_alone=ends_alone)
    summary = fuzz(PLAN, judges=judges)
    assert (summary.program_findings, summary.programs_known) == ([], {"a kernel alone: crash": 1})
