"""Workarounds for wrong gradients: the same values by the reference, and an adjoint that is right."""

from __future__ import annotations

import gradient_kernels as kernels
import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.analysis.widen import widen_with_stand_ins
from kernelfuzz.ir.launch import Case, flattened
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.rewrites.workarounds import WORKAROUNDS, worked_around
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import SMOOTH, draw_launch
from kernelfuzz.toolchain import compat
from kernelfuzz.typecheck.builtins import at_least
from kernelfuzz.typecheck.verify import verify

OF_GRADIENTS = [row.bug for row in WORKAROUNDS.values() if row.of_gradients]
ROUNDED = [row.bug for row in WORKAROUNDS.values() if "rounding" in row.may_change]

ROWS = [(slug, *text) for slug, texts in kernels.TEXTS.items() for text in texts]
NAMES = [f"{slug}-{number}" for slug, texts in kernels.TEXTS.items() for number in range(len(texts))]
rows = pytest.mark.parametrize(("slug", "functions", "body"), ROWS, ids=NAMES)


def judged(case: Case) -> str:
    """How the gradient oracle judges the case: it must have an opinion."""
    compat.initialize()
    point = gradient.prepare_at(case)
    assert isinstance(point, gradient.Point), point
    (verdict,) = gradient.judge([point], BuildSetting("cpu"))
    return verdict.status


def agree(first: Case, second: Case, rounded: bool) -> bool:
    """Whether the reference leaves the same in every array for both: to the bit, or up to rounding."""
    wanted, got = (reference.run(case.kernel, case.launch) for case in (first, second))
    if not rounded:
        return first_mismatch(wanted, got) is None
    found = flattened(got)
    return all(
        np.allclose(array, found[path], rtol=1e-9, atol=1e-9, equal_nan=True)
        for path, array in flattened(wanted).items()
    )


def test_every_workaround_has_a_kernel() -> None:
    assert set(kernels.TEXTS) == set(OF_GRADIENTS)
    assert set(ROUNDED) < set(OF_GRADIENTS)


@rows
def test_warp_differentiates_the_rewritten_kernel(slug: str, functions: str, body: str) -> None:
    if slug == "component-of-a-field-has-no-gradient" and not at_least(1, 19):
        pytest.skip("a field that is assigned as a whole has no gradient here either")
    case = kernels.case_of(functions, body)
    verify(case.kernel)
    for slugs in ([slug], OF_GRADIENTS, WORKAROUNDS):
        rewritten = Case(worked_around(case.kernel, slugs), case.launch)
        assert rewritten != case
        assert agree(case, rewritten, rounded=slug in ROUNDED)
        assert judged(rewritten) == "passed"
        assert worked_around(rewritten.kernel, slugs) == rewritten.kernel


@rows
def test_this_warp_has_the_bug(slug: str, functions: str, body: str) -> None:
    assert judged(kernels.case_of(functions, body)) in ("failed", "known")


def test_what_concerns_gradients_only_recognises_nothing_else() -> None:
    for slug in OF_GRADIENTS:
        assert WORKAROUNDS[slug].recognises == ("wrong gradient",)


def test_what_no_bug_concerns_stays_as_it_is() -> None:
    case = kernels.case_of("", kernels.POINT + "    out[0] = wp.dot(v, v) + x[3]")
    assert worked_around(case.kernel, OF_GRADIENTS) == case.kernel


def test_a_parameter_that_nothing_reads_and_a_loop_changes_stays() -> None:
    functions = "@wp.func\ndef count(p0: int, n: int) -> float:\n    s = float(0.0)\n    for j in range(n):\n"
    functions += "        for p0 in range(2):\n            s += 1.0\n    return s"
    case = kernels.case_of(functions, "    out[0] = x[0] * wp.float64(count(3, 20))")
    assert worked_around(case.kernel, OF_GRADIENTS) != case.kernel
    assert agree(case, Case(worked_around(case.kernel, OF_GRADIENTS), case.launch), rounded=True)


def test_a_function_that_returns_early_or_comes_late_stays() -> None:
    returning = "    if value > total[1]:\n        return value\n    result ="
    early = kernels.DEPOSIT.replace("    result =", returning)
    assert early != kernels.DEPOSIT
    for functions, body in [
        (early, "    out[0] = deposit(total, x[0])"),
        (kernels.DEPOSIT, "    out[0] = total[0] * deposit(total, x[0])"),
    ]:
        kernel = kernels.case_of(functions, body).kernel
        assert worked_around(kernel, ["replayed-function-adds-again"]) == kernel


# Features without which few kernels that are drawn have what a rewrite looks for.
INCLUDED = {
    "component-sum-counts-twice": ("augmented", "component_store"),
    "local-of-a-loop-has-no-gradient": ("for",),
}
# Components of fields are not drawn.
NOT_DRAWN = {"component-of-a-field-has-no-gradient"}


@pytest.mark.parametrize("slug", sorted(set(OF_GRADIENTS) - NOT_DRAWN))
def test_drawn_kernels_compute_the_same_when_rewritten(slug: str) -> None:
    same = different = 0
    for index in range(600):
        if index >= 150 and same >= 2:
            break
        widened = widen_with_stand_ins(generate(seed=11, index=index, include=frozenset(INCLUDED.get(slug, ()))))
        if widened is None:
            continue
        rewritten = worked_around(widened, [slug])
        if rewritten == widened:
            continue
        launch = draw_launch(SeededChoices("launch", index), widened, SMOOTH)
        try:
            agreed = agree(Case(widened, launch), Case(rewritten, launch), rounded=slug in ROUNDED)
        except reference.Undefined:
            continue
        same += agreed
        different += not agreed
    assert same >= 2
    # What is done with a remainder may multiply its rounding without end (divide by it, compare it).
    assert different <= (same // 10 if slug in ROUNDED else 0)
