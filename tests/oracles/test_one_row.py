"""An oracle is its row: with one more in the table, everything that asks or lists oracles has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import kernelfuzz
from kernelfuzz.cli import main
from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import control_kernels as control
from kernelfuzz.oracles.chunk import Chunk
from kernelfuzz.oracles.judge import explain, judge_again, judge_cases
from kernelfuzz.oracles.request import Checks, Evidence
from kernelfuzz.oracles.table import ORACLES, Oracle, Sample
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import UnsupportedWarp

SOURCE = """
import warp as wp


@wp.kernel
def {name}(out: wp.array(dtype=int)):
    out[0] = 1
"""


def case(name: str) -> Case:
    return Case(parse(SOURCE.format(name=name)), Launch((1,), {"out": np.zeros(1, np.int32)}))


def judged(some: Case) -> Verdict:
    """Names must be short."""
    if len(some.kernel.name) <= 7:
        return TOY.passed()
    return TOY.failed(TOY.passed().setting, "a long name")


class Toy:
    def ask(self, chunk: Chunk) -> None:
        (every,) = TOY.samples
        for record in chunk.sound:
            if chunk.samples(record, every):
                record.note(judged(record.case))

    def again(self, cases: Sequence[Case], like: Verdict) -> list[Verdict]:
        return [judged(some) for some in cases]

    def explain(self, case: Case, verdict: Verdict) -> Evidence:
        return Evidence(case, expected={"name": np.array(5)}, message=verdict.reason)


TOY = Oracle(
    "toy",
    "is the name of the kernel short",
    (Sample("every kernel", 1),),
    ("wrong value",),
    counts="compared",
    asked_by=Toy(),
)
CHECKS = Checks(("toy",), ("cpu",))
SHORT, LONG = case("short"), case("much_longer")


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ORACLES, "toy", TOY)


def test_it_is_judged() -> None:
    passed, failed = judge_cases([SHORT, LONG], CHECKS)
    assert passed.verdicts == (TOY.passed(),)
    assert (passed.counts.ran, passed.counts.compared) == (1, 1)
    assert [(verdict.oracle, verdict.kind) for verdict in failed.failed] == [("toy", "wrong value")]


def test_it_is_asked_again_and_explained() -> None:
    ((failed,),) = (outcome.verdicts for outcome in judge_cases([LONG], CHECKS))
    assert [verdict.status for verdict in judge_again([SHORT, LONG], failed)] == ["passed", "failed"]
    evidence = explain(LONG, failed)
    assert evidence.expected == {"name": np.array(5)}
    assert "array_store" in evidence.generated


def test_a_campaign_tells_its_failures_apart() -> None:
    failed = judged(LONG)
    said = looks(failed, LONG.kernel)
    assert said == "toy: wrong value"
    assert alike(failed, said, judged(LONG), LONG.kernel)


def test_it_judges_the_control_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    control.require(CHECKS)
    monkeypatch.setattr(control, "SQUARE", control.SQUARE.replace("control", "out_of_control"))
    control._fault.cache_clear()
    with pytest.raises(UnsupportedWarp, match=r"x \* x fails the toy oracle on cpu: wrong value, a long name\."):
        control.require(CHECKS)
    control._fault.cache_clear()


def test_a_test_of_somebody_can_ask_it() -> None:
    assert kernelfuzz.check(SHORT.kernel, oracles=["toy"]).passed == {"toy"}
    with pytest.raises(kernelfuzz.KernelFailed, match="toy oracle"):
        kernelfuzz.check(LONG.kernel, oracles=["toy"], scripts=None)


def test_the_command_line_lists_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", "--help"]) == 0
    before = list(ORACLES)[-2]
    assert f"{before}|toy" in "".join(capsys.readouterr().out.split())


def test_each_row_says_what_it_asks() -> None:
    for name, row in ORACLES.items():
        assert row.name == name
        assert row.asks
        assert row.samples
        assert row.kinds
        assert {"ask", "again", "explain"} <= set(dir(row.questions()))
