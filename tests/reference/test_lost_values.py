"""What Warp documents that an adjoint has lost, and what it has: by kernels as text."""

from __future__ import annotations

import documented_gradients as kernels
import numpy as np
import pytest

from kernelfuzz.ir.launch import Case
from kernelfuzz.reference.derivative import Documented, central_difference, documented_gradient
from kernelfuzz.reference.lost_values import CONDITION, DIVISOR, PLACE
from kernelfuzz.reference.undefined import Lost
from kernelfuzz.typecheck.builtins import at_least

pytestmark = pytest.mark.skipif(not at_least(1, 14), reason="what was written has no gradient of its own there")


def documented(case: Case) -> Documented:
    return documented_gradient(case.kernel, case.launch, {"out": np.array([1.0, 2.0, 3.0, 4.0])})


def seeds(found: Documented) -> list[int]:
    """The places of the outputs whose gradient is not asked for."""
    return np.flatnonzero(np.asarray(found.seeds["out"]) == 0).tolist()


def assert_derivative(case: Case, found: Documented) -> None:
    for name, values in found.expected.items():
        for at, derivative in enumerate(np.asarray(values)):
            estimate = central_difference(case.kernel, case.launch, found.seeds, (name,), at)
            assert derivative == pytest.approx(estimate.value, abs=2 * estimate.error + 1e-8)


@pytest.mark.parametrize("name", kernels.KNOWN)
def test_nothing_is_lost(name: str) -> None:
    case = kernels.case_of(kernels.KNOWN[name], kernels.FUNCTIONS if "total" in kernels.KNOWN[name] else "")
    found = documented(case)
    assert not found.lossy
    assert seeds(found) == []
    assert_derivative(case, found)
    assert np.asarray(found.expected["x"]).any()


@pytest.mark.parametrize("name", kernels.MASKED)
def test_what_is_lost_is_not_asked_for(name: str) -> None:
    body, masked = kernels.MASKED[name]
    case = kernels.case_of(body)
    found = documented(case)
    assert seeds(found) == masked
    assert found.lossy == bool(masked)
    assert_derivative(case, found)


@pytest.mark.parametrize("name", kernels.ASTRAY)
def test_an_adjoint_that_goes_astray_is_not_judged(name: str) -> None:
    with pytest.raises(Lost):
        documented(kernels.case_of(kernels.ASTRAY[name]))


def test_a_loop_that_is_not_unrolled_loses_more() -> None:
    case = kernels.case_of(
        "    s = x[0]\n    for i in range(3):\n        s = s * x[i]\n    out[0] = s\n    out[1] = x[1]"
    )
    outputs = {"out": np.array([1.0, 2.0, 3.0, 4.0])}
    assert not documented_gradient(case.kernel, case.launch, outputs).lossy
    assert seeds(documented_gradient(case.kernel, case.launch, outputs, unroll=1)) == [0]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["for i in range(3):", "    z = x[i]", "out[0] = z * x[i]"], PLACE),
        (["for i in range(3):", "    j = i % 2", "out[0] = x[j]"], PLACE),
        (["for i in range(3):", "    row = wp.vec2d(x[i], x[0])", "    j = i % 2", "out[0] = row[j]"], PLACE),
        (["for i in range(2):", "    for j in range(2):", "        z = x[j]", "    out[i] = z * x[j]"], PLACE),
        (["for i in range(1, 3):", "    z = x[i]", "out[0] = z * wp.float64(5 // i)"], DIVISOR),
        (["for i in range(1, 3):", "    z = x[i]", "for j in range(i):", "    out[j] = x[j]"], CONDITION),
    ],
)
def test_what_only_a_loop_has_bound_may_be_any_number_in_the_adjoint(lines: list[str], reason: str) -> None:
    case = kernels.case_of("\n".join(f"    {line}" for line in lines))
    outputs = {"out": np.array([1.0, 2.0, 3.0, 4.0])}
    # Where the loops are unrolled the counters are constants.
    assert not documented_gradient(case.kernel, case.launch, outputs).lossy
    with pytest.raises(Lost) as stopped:
        documented_gradient(case.kernel, case.launch, outputs, unroll=0)
    assert stopped.value.reason == reason


@pytest.mark.parametrize(
    ("lines", "lost"),
    [
        (["for i in range(3):", "    z = x[i]", "out[0] = x[i % 3]", "out[1] = x[1]"], [0]),
        (["j = int(0)", "for i in range(3):", "    j = i", "out[0] = x[j]", "out[1] = x[1]"], [0]),
        (["for i in range(3):", "    j = i", "j = 1", "out[0] = x[j]"], []),
        (["for i in range(3):", "    v = wp.vec2d(x[i], x[0])", "out[0] = v[1]", "out[1] = v[0] * v[1]"], [1]),
        (["for i in range(3):", "    out[i] = x[i]", "for i in range(2):", "    out[3] = x[i]"], []),
    ],
)
def test_what_is_in_its_array_whatever_it_is_may_be_asked(lines: list[str], lost: list[int]) -> None:
    case = kernels.case_of("\n".join(f"    {line}" for line in lines))
    outputs = {"out": np.array([1.0, 2.0, 3.0, 4.0])}
    assert seeds(documented_gradient(case.kernel, case.launch, outputs, unroll=0)) == lost
