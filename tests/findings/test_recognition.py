"""Which of the known bugs explains a failure: the one without which the kernel passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from kernelfuzz.findings import recognition
from kernelfuzz.findings.recognition import SEVERAL, explained_by
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.rewrites.workarounds import OF_GRADIENTS
from kernelfuzz.syntax.parse import parse

SOURCE = """
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype=int)):
    out[0] = 1
"""
CASE = Case(parse(SOURCE), Launch((1,), {"out": np.zeros(1, np.int32)}))
WRONG = Verdict("value", "failed", "wrong value")
STATUS = {
    "passed": Verdict("value", "passed"),
    "failed": WRONG,
    "skipped": Verdict("value", "skipped", "", "undefined"),
}


@pytest.fixture(autouse=True)
def rewritten_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rewrite renames the kernel; "nothing" leaves it as it is."""

    def worked_around(kernel: Kernel, names: Sequence[str]) -> Kernel:
        left = [name for name in names if name != "nothing"]
        return Kernel("_".join([kernel.name, *left]), kernel.params, kernel.body)

    monkeypatch.setattr(recognition, "worked_around", worked_around)


def ask(passing: str, otherwise: str = "failed") -> Callable[[Sequence[Case], Verdict], list[Verdict]]:
    def asked(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
        assert cases
        assert all(case.launch is CASE.launch and case.kernel.name != "kernel" for case in cases)
        return [STATUS["passed" if case.kernel.name == passing else otherwise] for case in cases]

    return asked


def test_it_is_the_one_without_which_the_kernel_passes() -> None:
    assert explained_by(CASE, WRONG, ["a", "b", "c"], ask("kernel_b")) == "b"


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c"]])
def test_or_several_together(names: list[str]) -> None:
    assert explained_by(CASE, WRONG, names, ask("_".join(["kernel", *names]))) == SEVERAL


@pytest.mark.parametrize("otherwise", ["failed", "skipped"])
def test_a_kernel_that_passes_in_no_form_has_another_bug(otherwise: str) -> None:
    assert explained_by(CASE, WRONG, ["a", "b"], ask("none", otherwise)) is None


@pytest.mark.parametrize("names", [[], ["nothing"]])
def test_what_no_rewrite_changes_is_asked_nothing(names: list[str]) -> None:
    assert explained_by(CASE, WRONG, names, ask("kernel")) is None


def test_a_bug_of_gradients_explains_no_wrong_value() -> None:
    name = next(iter(OF_GRADIENTS))
    assert explained_by(CASE, WRONG, [name], ask(f"kernel_{name}")) is None
    gradient = Verdict("gradient", "failed", "wrong gradient")
    assert explained_by(CASE, gradient, [name], ask(f"kernel_{name}")) == name
