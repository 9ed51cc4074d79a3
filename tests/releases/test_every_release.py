"""Control kernels under the oldest release, one between and the newest; and the table of all.

The one between has modules that look up without end what they lack.  The tests ask no network: a release whose
environment was not made before is skipped, which says how to make it (``.ci/run`` does).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from every_release import FUZZED, Answer, asked, fuzzed, table  # pyright: ignore[reportMissingImports]
from processes import LIMIT  # pyright: ignore[reportMissingImports]

from kernelfuzz.campaign import CampaignSummary
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.verdict import BuildSetting, FailedKind, Verdict
from kernelfuzz.releases.environments import Environment, environment, home_of, this_environment
from kernelfuzz.releases.run_script import run_script
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.control import QUESTIONS

# The one that kernelfuzz names as such.
NEWEST = compat.SUPPORTED.rpartition("<=")[2] + ".0"


HALF = """
import warp as wp


@wp.kernel
def half(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = x[i] * x[i] * 0.5
"""


@pytest.fixture(params=["1.10.0", "1.12.1", NEWEST])
def release(request: pytest.FixtureRequest) -> Environment:
    if (here := this_environment()).warp == request.param:
        return here
    if not home_of(request.param).exists():
        pytest.skip(f"made by: python tests/releases/every_release.py --release {request.param}")
    return environment(request.param)


def test_a_control_kernel_is_lowered_built_launched_and_differentiated(release: Environment) -> None:
    assert asked(release) == dict.fromkeys(QUESTIONS, "")


@pytest.mark.parametrize(
    ("kind", "expected", "presence"),
    [
        ("wrong gradient", 5.0, "present"),
        pytest.param("wrong gradient", 4.0, "fixed", marks=pytest.mark.slow),
        pytest.param("wrong value", 3.0, "present", marks=pytest.mark.slow),
        pytest.param("wrong value", 2.0, "fixed", marks=pytest.mark.slow),
    ],
)
def test_a_script_for_cuda_tells_without_a_device(
    kind: FailedKind, expected: float, presence: str, release: Environment, tmp_path: Path
) -> None:
    """x * x / 2 and its derivative at 2, in the text for CUDA."""
    launch = Launch((1,), {"x": np.full(1, 2.0, np.float32), "out": np.zeros(1, np.float32)})
    case = Case(parse(HALF), launch)
    name, seeds = ("out", None) if kind == "wrong value" else ("x", {"out": np.full(1, 2.0, np.float32)})
    verdict = Verdict("value", "failed", kind, setting=BuildSetting("cuda-host", block_dim=32))
    finding = Finding("", verdict, case, case, {name: np.full(1, expected, np.float32)}, seeds)
    script = tmp_path / "reproducer.py"
    script.write_text(reproducer(finding))
    assert run_script(script, release.python, timeout=LIMIT).presence == presence


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
