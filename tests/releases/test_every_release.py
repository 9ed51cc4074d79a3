"""Control kernels under the oldest release, one between and the newest; and the table of all.

The one between has modules that look up without end what they lack.  The tests ask no network: a release whose
environment was not made before is skipped, which says how to make it (``.ci/run`` does).
"""

from __future__ import annotations

from typing import Any

import pytest
from every_release import FUZZED, Answer, asked, fuzzed, table  # pyright: ignore[reportMissingImports]

from kernelfuzz.campaign import CampaignSummary
from kernelfuzz.releases.environments import Environment, environment, home_of, this_environment
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.control import QUESTIONS

# The one that kernelfuzz names as such.
NEWEST = compat.SUPPORTED.rpartition("<=")[2] + ".0"


@pytest.fixture(params=["1.10.0", "1.12.1", NEWEST])
def release(request: pytest.FixtureRequest) -> Environment:
    if (here := this_environment()).warp == request.param:
        return here
    if not home_of(request.param).exists():
        pytest.skip(f"made by: python tests/releases/every_release.py --release {request.param}")
    return environment(request.param)


def test_a_control_kernel_is_lowered_built_launched_and_differentiated(release: Environment) -> None:
    assert asked(release) == dict.fromkeys(QUESTIONS, "")


@pytest.mark.slow
def test_a_campaign_runs(release: Environment) -> None:
    summary = fuzzed(release, 16)
    assert (summary["examples"], summary["faults"], summary["unconfirmed"]) == (16, [], [])
    assert summary["judged"] >= 12
    assert summary["gradients_compared"] >= 2


# ------------------------------------------------------------------------------------------- the table

WELL = dict.fromkeys(QUESTIONS, "")


def summary(**changes: Any) -> dict[str, Any]:
    return {**CampaignSummary(examples=64, judged=60).to_dict(), "failed": 3, "compared": 58, **changes}


def test_a_release_that_works_is_a_row() -> None:
    found = {"1.19.0": Answer(WELL, summary(predicted={"a-bug": 3}))}
    head, _, row = table(found).splitlines()
    cells = dict(zip(*([each.strip() for each in line.strip("|").split("|")] for line in (head, row)), strict=True))
    assert cells == {
        "Warp": "1.19.0", **dict.fromkeys(QUESTIONS, "yes"), **dict.fromkeys(FUZZED, "0"),
        "judged": "60 of 64", "outputs": "58", "known": "3",
    }  # fmt: skip
    assert found["1.19.0"].works


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer({**WELL, "compile PTX": "no NVRTC"}, summary()), "- 1.19.0, compile PTX: no NVRTC"),
        (Answer(WELL, {"unsupported": "no Warp."}), "- 1.19.0, fuzzing: no Warp."),
        (Answer(WELL, summary(faults=["the reduction raised"])), "- 1.19.0, fault: the reduction raised"),
    ],
)
def test_what_does_not_work_is_told_below(answer: Answer, told: str) -> None:
    assert table({"1.19.0": answer}).splitlines()[-1] == told
    assert not answer.works


def test_what_was_found_is_told_below() -> None:
    new = {"signature": "wrong value: x"}
    answer = Answer(WELL, summary(findings=[new], unconfirmed=[{**new, "why": "undecided"}]))
    *_, row, blank, found, unconfirmed = table({"1.19.0": answer}).splitlines()
    assert row.endswith("| 1 | 0 | 1 | 1 |")
    assert (blank, found) == ("", "- 1.19.0, new: `wrong value: x`")
    assert unconfirmed == "- 1.19.0, `wrong value: x` (undecided)"
    assert answer.works
