"""What counts as a regression, as an improvement, and as neither."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kernelfuzz.releases.differences import differences
from kernelfuzz.releases.tasks import Observation, Result

FINE = Observation("k", "source", "case", "point", code={"cpu": "x", "cuda": "x"})


def ran(status: str, *values: float, target: str = "cpu") -> Observation:
    out = {"out": np.array(values, dtype=np.float32)}
    return replace(FINE, outputs={target: Result(status, "why", out)})


def derived(status: str, *values: float) -> Observation:
    return replace(FINE, gradients={"cpu": Result(status, "why", {"a": np.array(values)})})


def weights(old: Observation, new: Observation) -> list[tuple[str, str]]:
    return [(each.subject, each.weight) for each in differences(old, new)]


def refused(message: str) -> Observation:
    return replace(FINE, failures={"cpu": message})


@pytest.mark.parametrize(
    ("before", "after", "weight"),
    [
        ("passed", "failed", "regression"),
        ("failed", "passed", "improvement"),
        ("passed", "passed", "change"),
        ("failed", "failed", "change"),
        ("skipped", "passed", "change"),
        ("passed", "skipped", "change"),
    ],
)
def test_the_reference_decides(before: str, after: str, weight: str) -> None:
    assert weights(ran(before, 1.0, 2.0), ran(after, 1.0, 3.0)) == [("values", weight)]
    assert weights(derived(before, 1.0, 2.0), derived(after, 1.0, 3.0)) == [("gradients", weight)]
    # What the references say does not count where the values are the same.
    assert weights(ran(before, 1.0, math.nan), ran(after, 1.0, math.nan)) == []
    assert weights(derived(before, 1.0, 2.0), derived(after, 1.0, 2.0)) == []


def test_values_are_compared_to_the_bit() -> None:
    (found,) = differences(ran("passed", 5.0, 0.0), ran("failed", 5.0, -0.0))
    assert found.detail == "out[1]: 0.0, now -0.0"
    assert found.where == ("cpu",)


def test_rounding_of_gradients_is_no_regression() -> None:
    (found,) = differences(derived("passed", 1.0, 3.0), derived("failed", 1.0, 3.0 + 1e-12))
    assert (found.weight, found.what) == ("change", "only rounding differs")


def test_targets_that_differ_alike_are_one() -> None:
    old, new = ran("passed", 1.0), ran("failed", 2.0)
    old = replace(old, outputs={**old.outputs, "cuda-host": old.outputs["cpu"]})
    new = replace(new, outputs={**new.outputs, "cuda-host": new.outputs["cpu"]})
    (found,) = differences(old, new)
    assert found.where == ("cpu", "cuda-host")


def test_other_cases_are_not_compared() -> None:
    assert weights(ran("passed", 1.0), replace(ran("failed", 2.0), case="other")) == []
    assert weights(derived("passed", 1.0), replace(derived("failed", 2.0), point="other")) == []


def test_acceptance() -> None:
    built = replace(FINE, gradients={"cpu": Result("rejected", "compile: no such member")})
    died = replace(FINE, ended="was killed by SIGSEGV")
    for bad, said in ((refused("codegen: no"), "codegen: no"), (built, "compile: no such member")):
        (found,) = differences(FINE, bad)
        assert (found.subject, found.weight, found.what) == ("acceptance", "regression", said)
        assert weights(bad, FINE) == [("acceptance", "improvement")]
        assert weights(bad, bad) == []
    (found,) = differences(FINE, died)
    assert (found.weight, found.where, found.what) == (
        "regression",
        ("process",),
        "the process was killed by SIGSEGV",
    )
    assert weights(died, refused("codegen: no")) == [("acceptance", "change")]
    assert weights(refused("codegen: no"), refused("codegen: never")) == [("acceptance", "change")]
