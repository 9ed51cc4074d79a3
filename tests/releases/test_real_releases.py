"""Real releases of Warp: what is known of them is found.  Needs the network, and minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kernelfuzz.releases.bisection import bisect
from kernelfuzz.releases.comparison import compare
from kernelfuzz.releases.environments import ReleaseError, environment, released
from kernelfuzz.releases.run_script import ScriptOutcome, run_script
from kernelfuzz.releases.tasks import Task

pytestmark = pytest.mark.slow

FINDINGS = Path(__file__).parents[2] / "notes" / "findings"

# Integers are divided with rounding to zero up to 1.14.0, and down from 1.15.0 on at the latest.
FLOORED = """\
import warp as wp


@wp.kernel
def floored(out0: wp.array(dtype=int)):
    i = wp.tid()
    n = int(-7)
    out0[i] = wp.floordiv(n, 2)
"""


@pytest.fixture(scope="module", autouse=True)
def network() -> None:
    try:
        environment("1.14.0")
        environment("1.18.0")
    except ReleaseError as error:
        pytest.skip(str(error))


def test_what_became_right_is_an_improvement() -> None:
    report = compare(environment("1.14.0"), environment("1.18.0"), [Task("floored", source=FLOORED)])
    (found,) = report.of_weight("improvement")
    assert (found.subject, found.detail) == ("values", "out0[0]: -3, now -4")
    assert report.of_weight("regression") == []
    back = compare(environment("1.18.0"), environment("1.14.0"), [Task("floored", source=FLOORED)])
    assert [each.subject for each in back.of_weight("regression")] == ["values"]


def test_a_fix_that_is_known_is_found() -> None:
    """GH-1534 was fixed in 1.16.0."""

    def attempt(releases: Sequence[str]) -> list[ScriptOutcome]:
        script = FINDINGS / "reused-unrolled-counter.py"
        return [run_script(script, environment(each).python, timeout=300) for each in releases]

    releases = released()
    found = bisect(releases[releases.index("1.14.0") : releases.index("1.18.0") + 1], attempt, wanted="fixed")
    assert (found.release, found.before) == ("1.16.0", "1.15.0")
