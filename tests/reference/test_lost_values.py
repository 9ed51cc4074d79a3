"""What Warp documents that an adjoint has lost, and what it has: by kernels as text."""

from __future__ import annotations

import documented_gradients as kernels
import numpy as np
import pytest

from kernelfuzz.ir.launch import Case
from kernelfuzz.reference.derivative import Documented, central_difference, documented_gradient
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
