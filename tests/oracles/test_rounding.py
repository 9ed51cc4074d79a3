"""What rounding leaves of derivatives that cancel is no wrong gradient; what is as small and wrong is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.syntax.parse import parse

# The two rows of a product with equal columns: its determinant is zero, whatever a is.
CANCELS = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=wp.mat22d), out: wp.array(dtype=wp.float64)):
    out[0] = wp.determinant(a[0] * wp.mat22d(wp.float64(10000000000.0)))
"""


def verdict_off_by(error: float) -> Verdict:
    """How a derivative is judged that is so far from the zero that it must be."""
    case = Case(parse(CANCELS), Launch((1,), {"a": np.array([[[0.0, 0.0], [1.0, 100.0]]]), "out": np.zeros(1)}))
    point = gradient.prepare_at(case)
    assert isinstance(point, gradient.Point)
    expected = point.expected["a"]
    assert isinstance(expected, np.ndarray)
    assert not expected.any()
    actual = np.full((1, 2, 2), error)

    def evaluate(cases: object, setting: object, run: object, **_: Any) -> list[Mapping[str, Input]]:
        return [{"a": actual}]

    (verdict,) = gradient.judge([point], BuildSetting("cpu"), evaluate=evaluate)  # pyright: ignore[reportArgumentType]
    return verdict


def test_what_is_left_where_derivatives_of_1e22_cancel_is_not_judged() -> None:
    verdict = verdict_off_by(-1048576.0)
    assert (verdict.status, verdict.reason) == ("skipped", "not judged: derivatives that cancel")


def test_what_is_larger_than_that_is_wrong() -> None:
    assert verdict_off_by(1e20).status == "failed"
