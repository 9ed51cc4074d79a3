"""What the table says, and the commands that come next."""

from __future__ import annotations

import io
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from kernelfuzz import campaign
from kernelfuzz.campaign import CampaignPlan, CampaignSummary
from kernelfuzz.campaign.summary import Unexamined
from kernelfuzz.cli import main
from kernelfuzz.cli.fuzz_display import Terminal, say_next, table
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.options import check_options


def plan(examples: int | None = None, seconds: float | None = None, **options: Any) -> CampaignPlan:
    checks = Checks(("value",), ("cpu",))
    return CampaignPlan(check_options(**options), checks, seed=4, examples=examples, seconds=seconds)


def shown(summary: CampaignSummary, plan: CampaignPlan | None = None) -> str:
    text = io.StringIO()
    Console(file=text, width=300).print(table(summary, plan))
    return text.getvalue()


@pytest.mark.parametrize(
    ("asked", "summary", "said"),
    [
        ({"seconds": 60}, {"seconds": 75.0}, "1:15 elapsed, 0:00 remaining"),
        ({"seconds": 7200}, {"seconds": 3661.0}, "1:01:01 elapsed, 58:59 remaining"),
        ({"examples": 100}, {"seconds": 3.0}, "0:03 elapsed, 100 examples remaining"),
        (
            {"examples": 100},
            {"seconds": 20.0, "examples": 40},
            "0:20 elapsed, about 0:30 remaining for 60 examples",
        ),
    ],
)
def test_how_much_is_left(asked: dict[str, Any], summary: dict[str, Any], said: str) -> None:
    assert said in shown(CampaignSummary(**summary), plan(**asked))


@pytest.mark.parametrize(("many", "rest"), [(8, ""), (9, ", ...")])
def test_some_indices_of_what_looks_alike_are_listed(many: int, rest: str) -> None:
    alike = [Unexamined(at, (), "value", "wrong value", "cpu", "value: wrong value") for at in range(many)]
    said = f"{many} like value: wrong value (index 0, 1, 2, 3, 4, 5, 6, 7{rest})"
    assert said in shown(CampaignSummary(unexamined=alike))


def test_the_next_campaign_is_asked_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    say_next(CampaignSummary(), plan(seconds=60.0, exclude=["while", "ternary"]))
    command = "kernelfuzz fuzz --seed 5 --time 600s --oracle value --device cpu --without ternary --without while"
    assert capsys.readouterr().err.splitlines()[1].strip().startswith(command)


def test_the_script_that_comes_next_is_one_that_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    finding = SimpleNamespace(warp_version="1.19.0")
    found: Any = [SimpleNamespace(path=None, finding=finding), SimpleNamespace(path="out/b", finding=finding)]
    say_next(CampaignSummary(findings=found), plan(examples=1))
    assert "python out/b/reproducer.py" in capsys.readouterr().err


def test_an_interrupted_campaign_has_no_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign, "fuzz", lambda *_, **__: CampaignSummary(interrupted=True))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["fuzz", "--output", str(tmp_path)]) == 130
    assert "next:" not in capsys.readouterr().err


def test_the_category_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    say_next(CampaignSummary(), plan(seconds=60.0, categories=["atomic"]))
    assert "--category atomic" in capsys.readouterr().err


def test_every_known_bug_is_named() -> None:
    bugs = Counter({"another": 1, "a-page": 2})
    assert "no promise of  svd2 3" in shown(CampaignSummary(unasked=Counter({"svd2": 3})))
    text = shown(CampaignSummary(predicted=bugs, recognised=Counter({"a third": 4})))
    assert "a-page 2, another 1" in text
    assert "a third 4" in text


def test_the_table_is_drawn_at_once_and_then_now_and_then() -> None:
    drawn: list[float] = []
    live: Any = SimpleNamespace(update=lambda *_, **__: drawn.append(summary.seconds))
    terminal = Terminal(live)
    for seconds in (0.1, 0.2, 0.34, 0.36, 0.5):
        summary = CampaignSummary(seconds=seconds)
        terminal(summary)
    assert drawn == [0.1, 0.36]
