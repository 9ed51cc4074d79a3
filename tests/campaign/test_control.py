"""Before a campaign control kernels are judged: of a Warp that fails them, nothing is reported."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernelfuzz import campaign
from kernelfuzz.campaign import CampaignPlan, fuzz
from kernelfuzz.cli import main
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.strategies.options import check_options
from kernelfuzz.toolchain import UnsupportedWarp

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]


def plan(output: Path, oracles: tuple[str, ...] = ("value",)) -> CampaignPlan:
    checks = Checks(oracles, ("cpu", "cuda-host"))
    return CampaignPlan(check_options(size=1), checks, examples=8, output=str(output))


def test_everything_that_will_be_asked_is_asked_of_the_control_kernels(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedWarp, match=r"value, compile: nothing works on cpu, cuda-host\."):
        fuzz(plan(tmp_path, ("value", "compile")), judges=replace(fakes.BUGGY, control=fakes.refused))
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_on_an_empty_kernel_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedWarp, match="the process that tried the control kernels was killed by SIGSEGV"):
        fuzz(plan(tmp_path), jobs=2, judges=replace(fakes.BUGGY, control=fakes.crashed))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_reported_before_the_slow_oracles_are_tried(tmp_path: Path) -> None:
    judges = replace(fakes.BUGGY, control=fakes.refused_where_slow)
    with pytest.raises(UnsupportedWarp, match="determinism: nothing works"):
        fuzz(plan(tmp_path, ("value", "determinism")), judges=judges)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = campaign.fuzz
    judges = replace(fakes.BUGGY, control=fakes.refused)
    monkeypatch.setattr(campaign, "fuzz", lambda *args, **named: real(*args, **named, judges=judges))
    output = tmp_path / "out"
    assert main(["fuzz", "--examples", "4", "--jobs", "1", "--output", str(output), "--json"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    cheap = [name for name, row in ORACLES.items() if row.cheap]
    assert captured.err.startswith(f"kernelfuzz: {', '.join(cheap)}: nothing works on ")
    assert captured.err.count("\n") == 1
    assert not output.exists()


def test_a_full_disk_is_no_fault_of_warp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = campaign.fuzz
    judges = replace(fakes.BUGGY, control=fakes.crashed)
    monkeypatch.setattr(campaign, "fuzz", lambda *args, **named: real(*args, **named, judges=judges))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=300 << 10))
    assert main(["fuzz", "--examples", "4", "--jobs", "1", "--output", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("kernelfuzz: there is no room for the files of the compilers: 300 kB are left at ")
    assert said.count("\n") == 1
