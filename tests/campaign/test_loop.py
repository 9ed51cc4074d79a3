"""The campaign: the same findings for any number of workers, and nothing lost or left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from processes import LIMIT, Clock, interruptible, is_running, until  # pyright: ignore[reportMissingImports]

from kernelfuzz.campaign import CampaignPlan, CampaignSummary, fuzz
from kernelfuzz.campaign.plan import Timeouts, WorkerFunctions
from kernelfuzz.findings.known import Known
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.options import check_options

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]

CHECKS = Checks(("value",), ("cpu", "cuda-host"))
SMALL = check_options(size=1)


def plan(examples: int | None, **changes: Any) -> CampaignPlan:
    base = CampaignPlan(SMALL, CHECKS, examples=1, patience=Timeouts(base=LIMIT, each=0.0))
    return replace(base, examples=examples, **changes)


def what_came_of(summary: CampaignSummary) -> dict[str, object]:
    """Everything but times and paths."""
    found = summary.to_dict()
    del found["seconds"], found["examples_per_second"]
    findings = [
        {**each.to_dict(), "path": None, "source": each.finding.source, "index": each.finding.index}
        for each in summary.findings
    ]
    return {**found, "findings": findings}


def test_all_is_well() -> None:
    seen: list[int] = []
    summary = fuzz(plan(100), jobs=2, judges=fakes.PASSING, on_progress=lambda now: seen.append(now.examples))
    assert (summary.examples, summary.judged, summary.failed, summary.findings) == (100, 90, 0, [])
    assert summary.skipped == {"undefined: too many steps": 10}
    assert summary.counts["ran"] == 100
    assert summary.counts["compared"] == 90
    # It is called while nothing new is there as well.
    assert sorted(set(seen) - {0}) == list(range(1, 101))
    assert not summary.interrupted


def test_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    """Adaptive decisions included: a feature that a finding needs is avoided from two stretches on."""
    done = [
        fuzz(plan(96, chunk=8, stretch=2, output=str(tmp_path / str(jobs))), jobs=jobs, judges=fakes.BUGGY)
        for jobs in (1, 3)
    ]
    assert what_came_of(done[0]) == what_came_of(done[1])
    assert {found.finding.kind for found in done[0].findings} == {"rejected", "wrong value"}
    files = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("1", "3")]
    assert files[0] == files[1]
    assert len(files[0]) == len(done[0].findings)


def test_a_failure_is_made_small_and_written(tmp_path: Path) -> None:
    summary = fuzz(plan(40, output=str(tmp_path)), judges=fakes.BUGGY)
    rejected = next(found for found in summary.findings if found.finding.kind == "rejected")
    assert rejected.finding.signature == "rejected: no while here"
    assert rejected.finding.nodes < 15
    assert "while" in rejected.finding.needed
    assert rejected.path is not None
    assert json.loads(Path(rejected.path).read_text())["signature"] == rejected.finding.signature
    # Others with its message are counted.
    assert summary.failed == len(summary.unexamined) + sum(found.count for found in summary.findings)


def test_what_a_finding_needs_is_avoided() -> None:
    long = plan(200, chunk=8, stretch=2)
    summary = fuzz(long, jobs=2, judges=fakes.BUGGY)
    assert "while" in summary.excluded
    assert "ternary" in summary.excluded
    without_learning = fuzz(replace(long, stretch=10_000), jobs=2, judges=fakes.BUGGY)
    assert summary.failed < without_learning.failed / 1.5


def test_a_known_finding_is_none(tmp_path: Path) -> None:
    known = Known((("rejected: no while here", "a-page"), ("wrong value*", "another")))
    summary = fuzz(plan(60, known=known, output=str(tmp_path / "out")), jobs=2, judges=fakes.BUGGY)
    assert summary.findings == []
    assert summary.recognised["a-page"] >= 1
    assert summary.recognised["another"] >= 1
    assert not (tmp_path / "out").exists()


def test_what_is_not_made_small_is_no_known_bug_by_a_pattern() -> None:
    """A large kernel has something of every pattern; its exact signature tells it all the same."""
    known = Known((("wrong value*", "a-page"),))
    large = plan(12, known=known, reduction=0.0)
    summary = fuzz(large, judges=fakes.BLAMELESS)
    # Some are small as they are drawn.
    assert len(summary.unexamined) == summary.failed - summary.recognised["a-page"] >= 1
    unknown = fuzz(replace(large, known=Known()), judges=fakes.BLAMELESS)
    exact = tuple((found.finding.signature, "exact") for found in unknown.findings)
    summary = fuzz(replace(large, known=Known(exact)), judges=fakes.BLAMELESS)
    assert summary.recognised["exact"] == summary.failed
    summary = fuzz(replace(large, reduction=60.0), judges=fakes.BLAMELESS)
    assert summary.recognised["a-page"] == summary.failed
    assert summary.unexamined == []


def test_a_failure_that_does_not_happen_alone_is_none() -> None:
    summary = fuzz(plan(20), judges=fakes.COMPANY)
    assert summary.findings == []
    assert summary.skipped["wrong value, but not when judged alone"] == 1


def test_what_ends_a_worker_costs_one_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Time passes only while a worker hangs; with one worker, so that no other one is late then.
    monkeypatch.setenv("KERNELFUZZ_TEST", str(tmp_path))
    clock = Clock(lambda: any(map(is_running, fakes.marked(tmp_path, "hanging"))))
    monkeypatch.setattr("kernelfuzz.work_clock.time", clock)
    summary = fuzz(
        plan(24, output=str(tmp_path / "out"), patience=Timeouts(base=6.0, each=0.0)),
        judges=fakes.ENDING,
        memory=400 << 20,
    )
    assert summary.examples == 24
    found = {each.finding.index: (each.finding.kind, each.finding.message) for each in summary.findings}
    assert {index: kind for index, (kind, _) in found.items()} == {
        1: "hang", 5: "crash", 10: "crash", 14: "memory",
    }  # fmt: skip
    assert "SIGSEGV" in found[5][1]
    assert "SIGABRT" in found[10][1]
    assert "did not finish within 6 seconds" in found[1][1]
    assert "ran out of memory" in found[14][1]
    assert summary.skipped["a fault in kernelfuzz: ValueError: this oracle has a fault"] == 1
    assert summary.judged == 23


def test_the_one_kernel_that_crashes_is_found_and_made_small() -> None:
    """Kernel 77 of the batch that has 32 from 56 on, and the check that does it."""
    one = plan(88, chunk=32, reduction=2.0)
    summary = fuzz(one, jobs=2, judges=fakes.CRASHING)
    (found,) = summary.findings
    assert (found.finding.index, found.finding.kind) == (77, "crash")
    assert found.finding.verdict.setting.target == "cuda-host"
    assert found.finding.signature.startswith("crash on CUDA SIGSEGV: ")
    assert summary.examples == summary.judged == 88


@pytest.mark.parametrize(("blame", "faults"), [(fakes.no_answer, 1), (fakes.no_worker, 0)])
def test_a_kernel_that_nothing_can_be_blamed_for_is_reduced(blame: Any, faults: int) -> None:
    """Whether kernelfuzz has no answer, or an operation ends the worker."""
    summary = fuzz(plan(12, reduction=1.0), judges=replace(fakes.BLAMELESS, blame=blame))
    assert {found.finding.kind for found in summary.findings} == {"wrong value"}
    assert sum(found.count for found in summary.findings) == summary.failed >= 1
    assert (len(summary.faults) >= 1) is bool(faults)


def test_a_fault_of_ours_while_looking_into_a_failure_costs_that_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def explained(*_: object) -> str:
        raise KeyError("p0")

    monkeypatch.setattr("kernelfuzz.campaign.triage.explained_by", explained)
    summary = fuzz(plan(12, reduction=1.0), judges=fakes.BLAMELESS)
    assert (summary.examples, summary.findings) == (12, [])
    assert len(summary.faults) == len(summary.unexamined) >= 1
    assert "looking into a failure of index" in summary.faults[0]
    assert "KeyError: 'p0'" in summary.faults[0]


@pytest.mark.parametrize(
    ("again", "kind", "layout"),
    [
        (fakes.strided_again, "wrong value", "strided"),
        (fakes.anywhere_again, "wrong value", "contiguous"),
        (fakes.elsewhere_again, "writes outside", "contiguous"),
    ],
)
def test_a_finding_has_the_layout_that_it_needs(again: Any, kind: str, layout: str) -> None:
    summary = fuzz(plan(4, reduction=1.0), judges=replace(fakes.LAID_OUT, again=again))
    (found,) = summary.findings
    assert (found.finding.kind, found.finding.verdict.setting.layout) == (kind, layout)


def test_a_batch_that_dies_without_a_culprit_is_counted() -> None:
    summary = fuzz(plan(16), judges=fakes.CROWDED)
    assert (summary.examples, summary.failed, summary.findings) == (16, 0, [])
    (lost,) = summary.unattributed
    assert (lost.start, lost.count, str(lost)) == (8, 8, "8 to 15: was killed by SIGSEGV")
    assert summary.to_dict()["unattributed"] == [{"start": 8, "count": 8, "reason": "was killed by SIGSEGV"}]


@pytest.mark.parametrize(("chunk", "count"), [(64, 4), (1, 1)])
def test_what_ended_a_process_before_is_not_held_against_what_it_does_then(chunk: int, count: int) -> None:
    """Not even against a kernel that is judged alone."""
    summary = fuzz(plan(12, chunk=chunk), judges=fakes.SPOILING)
    assert (summary.examples, summary.judged, summary.failed) == (12, 12, 0)
    assert (summary.findings, summary.unconfirmed) == ([], [])
    (lost,) = summary.unattributed
    assert (lost.start, lost.count) == (4 if chunk > 1 else 3, count)


def test_the_kernel_of_a_lost_batch_that_writes_outside_is_named() -> None:
    summary = fuzz(plan(12, reduction=1.0), judges=fakes.WRITING)
    (found,) = summary.findings
    assert (found.finding.index, found.finding.kind) == (2, "writes outside")
    assert summary.unattributed == []


def test_the_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = 0

    def progress(summary: CampaignSummary) -> None:
        nonlocal judged
        judged = summary.examples

    monkeypatch.setattr("kernelfuzz.campaign.loop.time", Clock(lambda: judged >= 5))
    timed = plan(200, chunk=8, seconds=60.0)
    summary = fuzz(timed, jobs=2, judges=fakes.PASSING, on_progress=progress)
    assert summary.examples == 5
    assert summary.seconds >= 60


def test_what_is_being_judged_when_the_time_is_over_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERNELFUZZ_TEST", str(tmp_path))
    summary = fuzz(plan(2, chunk=1, seconds=1.0), judges=fakes.HANGING)
    assert (summary.examples, summary.failed, summary.interrupted) == (1, 0, False)
    # What hangs is tried again where it was waited for.
    assert len(fakes.marked(tmp_path, "hanging")) <= 1


def test_a_short_time_still_judges_something() -> None:
    assert fuzz(plan(None, seconds=0.001), judges=fakes.PASSING).examples >= 1


def test_a_plan_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="number of examples or of seconds"):
        plan(None)


# ----------------------------------------------------------------------------------------- what is left

PROGRAM = """
import sys
sys.path[:0] = {directories!r}
import fakes, json
from kernelfuzz.campaign import CampaignPlan, fuzz
from kernelfuzz.campaign.plan import Timeouts
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.options import check_options
if __name__ == "__main__":
    checks = Checks(("value",), ("cpu",))
    patience = Timeouts(base=fakes.FOREVER, each=0.0)
    options = check_options(size=1)
    plan = CampaignPlan(options, checks, examples={examples}, output={output!r}, patience=patience, chunk=1)
    def progress(summary):
        print("at", summary.examples, flush=True)
    summary = fuzz(plan, jobs=2, judges=fakes.{judges}, on_progress=progress)
    # On a line of its own: an interrupt may come in the middle of one.
    print()
    print(json.dumps(summary.to_dict()), flush=True)
"""


@contextmanager
def started(directory: Path, judges: str, examples: int) -> Iterator[subprocess.Popen[str]]:
    script = directory / "program.py"
    directories = [str(folder) for folder in Path(__file__).parents[:2]]
    output = str(directory / "out")
    script.write_text(PROGRAM.format(directories=directories, judges=judges, examples=examples, output=output))
    (directory / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(directory / "temporary"), "KERNELFUZZ_TEST": str(directory)}
    command = [sys.executable, str(script)]
    with interruptible(command, stdout=subprocess.PIPE, env=environment) as process:
        yield process


def processes_of(directory: Path) -> list[int]:
    """Every process with the mark of a test in its environment."""
    mark = f"KERNELFUZZ_TEST={directory}".encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


def nothing_is_left(directory: Path) -> None:
    """No temporary file, and no process of a task; one that was killed may take a moment to go."""
    assert list((directory / "temporary").iterdir()) == []
    until(lambda: processes_of(directory) == [])


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Temporary files and processes of tasks, one of which died."""
    with started(tmp_path, "LEAVING", 8) as process:
        out, _ = process.communicate(timeout=LIMIT)
    assert json.loads(out.splitlines()[-1])["findings"][0]["kind"] == "crash"
    nothing_is_left(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize(
    ("judges", "said", "begun"),
    [("PASSING", "at 5\n", ""), ("STUCK", "", "stuck"), ("HANGING", "at 1\n", "hanging")],
)
def test_an_interrupt_stops_it_and_keeps_what_was_found(judges: str, said: str, begun: str, tmp_path: Path) -> None:
    """Also while a task is under way that lasts for ever."""
    with started(tmp_path, judges, 100_000) as process:
        assert process.stdout is not None
        if said:
            assert said in process.stdout
        if begun:
            until(lambda: fakes.marked(tmp_path, begun), process)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=LIMIT)
    summary = json.loads(out.splitlines()[-1])
    assert summary["interrupted"]
    assert summary["examples"] >= 1
    if judges == "STUCK":
        # There was no time to run its script.
        (found,) = summary["unconfirmed"]
        assert Path(found["path"]).exists()
    if judges == "HANGING":
        assert (summary["examples"], summary["failed"]) == (1, 0)
    nothing_is_left(tmp_path)


def test_judging_is_importable_by_name() -> None:
    assert isinstance(fakes.PASSING, WorkerFunctions)
