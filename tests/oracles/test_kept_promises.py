"""A call that breaks what Warp promises of a builtin: noticed, known or made small, and shown by its script."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernelfuzz.campaign import CampaignSummary
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.types import FLOAT32, Array, Matrix, Scalar, Struct, Tile, Tuple, Type, shape
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.oracles.judge import explain, judge_again, judge_cases
from kernelfuzz.oracles.kept_promises import call_kernel
from kernelfuzz.oracles.request import CaseOutcome, Checks
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.reduce import reduce
from kernelfuzz.reference import promised_calls
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.promised_calls import broken, known, parts_of
from kernelfuzz.reference.promises import PROMISES
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck.builtins import BUILTINS, Signature, instances, resolve

SOURCE = """
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.mat22), y: wp.array(dtype=wp.float32), out0: wp.array(dtype=wp.float32)):
    i = wp.tid()
    u, s, v = wp.svd2(x[i])
    for k in range(3):
        out0[i] = s[0] + y[k]
"""
ROTATION, SINGULAR, ALIKE = (
    np.array(each, np.float32)
    for each in (
        [[0, -1], [1, 0]],
        [[-1.620835542678833, 2.7687878608703613], [-0.48621371388435364, 0.8305732607841492]],
        [[0, 0.75], [2048, 2048]],
    )
)
PLAIN = np.array([[3, 1], [0, 2]], np.float32)
BUGS = {"svd2-of-a-rotation": ROTATION, "svd2-of-a-singular-matrix": SINGULAR, "svd2-of-columns-alike": ALIKE}


def case(*matrices: np.ndarray[Any, Any]) -> Case:
    inputs = {"x": np.array(matrices), "y": np.arange(3, dtype=np.float32), "out0": np.zeros(len(matrices), np.float32)}
    return Case(parse(SOURCE), Launch((len(matrices),), inputs))


def judged(of: Case) -> CaseOutcome:
    (outcome,) = judge_cases([of], Checks(("value",), ("cpu",)), launch_given=True)
    return outcome


def svd2() -> Signature:
    found = resolve("svd2", (Matrix(2, 2, FLOAT32),))
    assert found is not None
    return found


def factors(matrix: np.ndarray[Any, Any]) -> list[Any]:
    import warp

    function: Any = warp.svd2
    parts = function(warp.mat22(*matrix.reshape(-1).tolist()))
    return [np.array(part).reshape(size) for part, size in zip(parts, ((2, 2), 2, (2, 2)), strict=True)]


@pytest.mark.parametrize("bug", BUGS)
def test_a_known_bug_is_named(bug: str) -> None:
    (passed, told) = judged(case(PLAIN, BUGS[bug])).verdicts
    assert passed.status == "passed"
    assert (told.status, told.kind, told.bugs) == ("known", "broken promise", (bug,))


@pytest.mark.parametrize("bug", BUGS)
def test_another_defect_at_the_same_matrix_is_not_known(bug: str) -> None:
    matrix = BUGS[bug]
    u, s, v = factors(matrix)
    assert known(svd2(), [matrix], [u, s, v]) == bug
    for wrong in ([u, 2 * s, v], [u[::-1] * [1, 2], s, v], [u, s, 2 * v]):
        assert broken(svd2(), [matrix], wrong) is not None
        assert known(svd2(), [matrix], wrong) is None


def test_a_kernel_that_keeps_its_promises_passes() -> None:
    assert [verdict.status for verdict in judged(case(PLAIN)).verdicts] == ["passed"]


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """svd2 without its known bugs."""
    row = replace(PROMISES["svd2"], broken={})
    monkeypatch.setattr(promised_calls, "PROMISES", {**PROMISES, "svd2": row})


@pytest.mark.usefixtures("unknown")
def test_an_unknown_breach_is_a_finding_with_its_script(tmp_path: Path) -> None:
    outcome = judged(case(PLAIN, ROTATION))
    (failed,) = outcome.failed
    assert (failed.kind, failed.reason.partition(":")[0]) == ("broken promise", "svd2")
    evidence = outcome.evidence[-1]
    assert evidence is not None

    def interesting(cases: Sequence[Case]) -> list[bool]:
        return [verdict.kind == failed.kind for verdict in judge_again(cases, failed)]

    small = reduce(evidence.case, interesting, seconds=5)
    (again,) = judge_again([small], failed)
    shown = explain(small, again)
    assert count_nodes(shown.case.kernel) <= count_nodes(evidence.case.kernel)
    assert judge_again([shown.case], failed)[0].reason == again.reason
    name = signature(again, shown.case.kernel)
    assert name == "broken promise: svd2: near(u @ np.diag(s) @ v.T, a, tolerance)"
    script = tmp_path / "reproducer.py"
    script.write_text(reproducer(Finding(name, again, shown.case, evidence.case)), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "expected: True   actual: False" in done.stdout


def test_calls_of_which_nothing_is_promised_are_told() -> None:
    huge = np.float32(1e30) * PLAIN
    outcome = judged(case(PLAIN, huge, huge))
    assert outcome.unasked == ("svd2", "svd2")
    assert {verdict.status for verdict in outcome.verdicts} == {"passed"}
    summary = CampaignSummary()
    for each in (outcome, judged(case(PLAIN))):
        summary.add(each)
    assert summary.to_dict()["unasked_promises"] == {"svd2": 2}


def test_what_is_undefined_is_skipped() -> None:
    source = SOURCE.replace("y[k]", "y[k + 3]")
    verdict = Verdict("value", "failed", "broken promise")
    (again,) = judge_again([Case(parse(source), case(ROTATION).launch)], verdict)
    assert (again.status, again.reason) == ("skipped", "undefined: index out of range")


def test_a_call_alone_has_the_names_of_its_promise() -> None:
    kernel = call_kernel(svd2())
    assert [param.name for param in kernel.params] == PROMISES["svd2"].arguments + PROMISES["svd2"].results


@pytest.mark.parametrize("builtin", sorted(PROMISES))
def test_nothing_is_promised_of_nan(builtin: str) -> None:
    """Whatever argument is NaN: a promise does not hold by itself there, so it must not be asked."""
    for row in BUILTINS:
        if row.name != builtin:
            continue
        signature = instances(row)[0]
        for at, type_ in enumerate(signature.params):
            if not component_type(type_).is_float or signature.domains[at] in UNDEFINED:
                continue  # of these the reference calls NaN undefined
            given = [filled(each, np.nan if place == at else 1) for place, each in enumerate(signature.params)]
            made = [filled(each, np.nan) for each in parts_of(signature)]
            text = broken(signature, given, made)
            assert text is None or builtin in MOVES, (at, text)


UNDEFINED = ("below", "above", "rate", "rotation", "scaled")
# What this moves, NaN or not, stays what it is.
MOVES = frozenset({"transform_compose"})


def filled(type_: Type, value: float) -> Any:
    assert not isinstance(type_, (Struct, Array, Tile, Tuple))
    return np.full(() if isinstance(type_, Scalar) else shape(type_), value)
