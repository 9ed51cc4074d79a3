"""What rounding leaves of derivatives that cancel is no wrong gradient; what is as small and wrong is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import Undefined, run
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


# Its derivative is known to 1 part in 300 at best: the argument is rounded by up to 0.004.
SHAKY = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    out[0] = wp.cos(a[0] * 100000.0)
"""
BRANCH = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    if a[0] * 3.0 < 1.0000001:
        out[0] = a[0]
    else:
        out[0] = a[0] * 2.0
"""
STEADY = SHAKY.replace("100000.0", "3.0")


def point_of(source: str, value: float) -> gradient.Point:
    inputs = {"a": np.array([value], np.float32), "out": np.zeros(1, np.float32)}
    point = gradient.prepare_at(Case(parse(source), Launch((1,), inputs)))
    assert isinstance(point, gradient.Point)
    return point


def test_a_kernel_over_float32_is_judged_over_float32() -> None:
    point = point_of(STEADY, 0.7)
    assert point.case.kernel == parse(STEADY)
    assert 0.0 < point.rounding["a"][0] < 1e-4


@pytest.mark.parametrize(("source", "value"), [(SHAKY, 0.7), (BRANCH, 1.0 / 3.0)])
def test_where_rounding_decides_it_is_judged_over_float64(source: str, value: float) -> None:
    point = point_of(source, value)
    assert point.case.kernel != parse(source)
    assert not point.rounding


UNUSED = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    if bool(wp.atan2(a[0], wp.float64(1.0) / -wp.float64(0.0))):
        out[0] = a[1]
"""


def test_a_derivative_that_is_not_finite_and_that_nothing_needs_is_not_judged() -> None:
    case = Case(parse(UNUSED), Launch((1,), {"a": np.array([0.5, 2.0]), "out": np.zeros(1)}))
    point = gradient.prepare_at(case)
    assert isinstance(point, gradient.Point)
    assert point.expected["a"].tolist() == [0.0, 1.0]  # pyright: ignore
    (verdict,) = gradient.judge([point], BuildSetting("cpu"))
    assert verdict.reason == "not judged: a derivative on the way is not finite"


ANY_ORDER = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    wp.atomic_add(out, 0, a[0] % a[wp.tid()])
"""


def test_a_sum_in_any_order_may_be_rounded_otherwise() -> None:
    """Whether the kernel computes the same over float64 is asked where a gradient is wrong: that of a remainder."""
    inputs = {"a": np.array([7.1, 0.3, 0.7, 0.9], np.float32), "out": np.zeros(1, np.float32)}
    case = Case(parse(ANY_ORDER), Launch((4,), inputs))
    with pytest.raises(Undefined):
        run(case.kernel, case.launch)
    point = gradient.prepare_at(case)
    assert isinstance(point, gradient.Point)
    assert point.rounding
    (verdict,) = gradient.judge([point], BuildSetting("cpu"))
    assert verdict.bugs == ("remainder-ignores-the-divisor",)
