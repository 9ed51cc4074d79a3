"""``kernelfuzz fuzz``: its exit codes, what it prints where, and what it says to bad input."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz import campaign
from kernelfuzz.cli import fuzz_display, main
from kernelfuzz.cli.console import Duration
from kernelfuzz.workers import Pool

sys.path.insert(0, str(Path(__file__).parent / "campaign"))
import fakes  # pyright: ignore[reportMissingImports]

FUZZ = ["fuzz", "--output", "{tmp}/out", "--examples", "4"]

BAD = {
    "category": ([*FUZZ, "--category", "vectr"], "did you mean 'vector'?"),
    "feature": ([*FUZZ, "--without", "whlie"], "did you mean 'while'?"),
    "oracle": ([*FUZZ, "--oracle", "values"], "'value'"),
    "device": ([*FUZZ, "--device", "gpu"], "'cuda-host'"),
    "both": ([*FUZZ, "--time", "1m"], "drop one of the two"),
    "time": (["fuzz", "--time", "soon"], "such as 10m"),
    "no time": (["fuzz", "--time", "0"], "such as 10m"),
    "negative time": (["fuzz", "--time", "-1m"], "such as 10m"),
    "examples 0": (["fuzz", "--examples", "0"], "--examples"),
    "jobs": ([*FUZZ, "--jobs", "0"], "'auto'"),
    "known": ([*FUZZ, "--known", "{tmp}/none.json"], "there is no file or folder"),
    "known is no list": ([*FUZZ, "--known", "{tmp}/text"], "is not JSON"),
    "known is empty": ([*FUZZ, "--known", "{tmp}/empty"], "holds no findings"),
    "the second is wrong": (
        [*FUZZ, "--known", "{tmp}/known.json", "--known", "{tmp}/none.json"],
        "there is no file or folder",
    ),
    "known and none": ([*FUZZ, "--known", "{tmp}/known.json", "--known", "none"], "drop one of the two"),
    "seed": ([*FUZZ, "--seed", str(2**63)], "--seed"),
    "output is a file": (["fuzz", "--output", "{tmp}/text"], "cannot write in"),
    "output in /proc": (["fuzz", "--output", "/proc/kernelfuzz"], "cannot write in"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "known.json").write_text("[]")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) <= 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2m ", 120)])
def test_times(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.fixture
def judged_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces the oracles; a slow machine makes no lines for the log."""
    monkeypatch.setattr(fuzz_display, "LOGGED_EVERY", math.inf)
    real = campaign.fuzz

    def use(judges: campaign.WorkerFunctions) -> None:
        monkeypatch.setattr(campaign, "fuzz", lambda *args, **named: real(*args, **named, judges=judges))

    return use


def test_clean(judged_by: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged_by(fakes.PASSING)
    out = tmp_path / "out"
    assert main(["fuzz", "--examples", "12", "--jobs", "1", "--output", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary["examples"] == summary["ran"] == 12
    assert summary["findings"] == []
    assert summary["skipped"] == {"undefined: too many steps": 1}
    assert summary["examples_per_second"] > 0
    assert "12 in " in captured.err
    assert not out.exists()


def test_findings(judged_by: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged_by(fakes.COMPANY_CRASH)
    out = tmp_path / "out"
    assert main(["fuzz", "--examples", "4", "--jobs", "1", "--output", str(out), "--json"]) == 1
    captured = capsys.readouterr()
    (found,) = json.loads(captured.out)["findings"]
    assert captured.err.splitlines()[0] == f"kernelfuzz: new: {found['signature']} ({found['path']})."
    assert {"signature", "kind", "oracle", "features", "path", "nodes", "lines", "upstream"} <= set(found)
    assert found["kind"] == "crash"
    assert Path(found["path"]).parent == out


def test_without_json_the_table_is_the_data(judged_by: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged_by(fakes.PASSING)
    assert main(["fuzz", "--examples", "4", "--jobs", "1", "--output", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert "examples" in captured.out
    assert captured.err == ""


def test_a_log_says_how_far_it_is(
    judged_by: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(fakes.PASSING)
    monkeypatch.setattr(fuzz_display, "LOGGED_EVERY", 0.0)
    assert main(["fuzz", "--examples", "4", "--jobs", "1", "--output", str(tmp_path)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("kernelfuzz: 1 examples in ")
    assert lines[-1].startswith("kernelfuzz: 4 examples in ")
    assert all(line.endswith(" s, 0 kernels failed; known bugs explain 0 failures; 0 findings.") for line in lines)


def test_nothing_judged_is_no_success(judged_by: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged_by(fakes.SKIPPING)
    assert main(["fuzz", "--examples", "4", "--jobs", "1", "--output", str(tmp_path)]) == 3
    assert "no kernel was judged (undefined: too many steps)" in capsys.readouterr().err


def test_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert main(["fuzz", "--examples", "4", "--device", "cuda", "--output", str(tmp_path)]) == 4
    assert "needs a GPU" in capsys.readouterr().err


def test_an_interrupt_prints_what_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That it stops soon is tested with the campaign."""
    monkeypatch.setattr(campaign, "fuzz", lambda *_, **__: campaign.CampaignSummary(examples=3, interrupted=True))
    assert main(["fuzz", "--output", str(tmp_path), "--json"]) == 130
    captured = capsys.readouterr()
    assert json.loads(captured.out)["examples"] == 3
    assert "interrupted; what was found is kept" in captured.err


def terminated(finding: Any, tick: Any) -> str:
    """The system ends the campaign while it runs a script."""
    os.kill(os.getpid(), signal.SIGTERM)
    raise AssertionError("it goes on")


@pytest.mark.parametrize(("again", "printed"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_what_ends_a_campaign_once_leaves_a_summary_whatever_comes_again(
    again: signal.Signals,
    printed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A second SIGTERM comes while workers are ended; a second Ctrl-C is a person's."""
    ends = Pool.__exit__

    def ended(pool: Pool, *error: object) -> None:
        os.kill(os.getpid(), again)
        ends(pool, *error)

    monkeypatch.setattr(Pool, "__exit__", ended)
    real = campaign.fuzz
    judges = replace(fakes.COMPANY_CRASH, confirm=terminated)
    monkeypatch.setattr(campaign, "fuzz", lambda *args, **named: real(*args, **named, judges=judges))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main([*FUZZ[:1], "--output", str(tmp_path / "out"), "--examples", "4", "--jobs", "1", "--json"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    out, err = capsys.readouterr()
    if printed:
        summary = json.loads(out)
        assert summary["interrupted"]
        assert len(summary["unconfirmed"]) == 1
    else:
        assert out == ""
        assert f"interrupted; what is in {tmp_path}/out is kept." in err
