"""What is to blame: the operations of a kernel that are wrong alone, by one name for one defect."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np
import pytest
from code_generator import codegen, without_adjoints_of  # pyright: ignore[reportMissingImports]

from kernelfuzz.findings.blame import blame
from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.mismatch_class import mismatch_class
from kernelfuzz.findings.operations import operation, without
from kernelfuzz.findings.traced import operands
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import Checks, draw_case
from kernelfuzz.oracles.verdict import Mismatch, Verdict
from kernelfuzz.reference import run
from kernelfuzz.strategies.options import check_options
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck.verify import verify

TEXT = """
import warp as wp


@wp.func
def moved(x: wp.vec3d, by: wp.float64) -> wp.vec3d:
    return x + wp.vec3d(by)


@wp.kernel
def kernel(a: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    v = moved(wp.vec3d(a[i], a[i], wp.float64(1.0)), a[i])
    v.x += a[i] * wp.float64(2.0)
    if a[i] > wp.float64(0.0) and i < 3:
        v[1] = -v[2]
    out[i] = v[0] + wp.sub(v[1], v[2])
"""
VALUES = np.array([0.5, 2.0, -3.0, 4.0], np.float64)


def case() -> Case:
    return Case(parse(TEXT), Launch((4,), {"a": VALUES, "out": np.zeros(4)}))


def causes(made: Case, oracle: str) -> dict[str, str]:
    """The causes of its failure, by the operations that have them."""
    (outcome,) = judge_cases([made], Checks((oracle,), ("cpu",)), launch_given=True)
    (verdict,) = outcome.failed
    return {each.name: each.cause for each in blame(made, verdict, ())}


def test_each_operation_has_the_operands_that_it_had() -> None:
    seen = {each.name: values for each, values in operands(case(), most=8).items()}
    assert [values[0] for values in seen["float * float"]] == list(VALUES)
    assert len(seen["vec + vec"]) == 4
    assert {"bool and bool", "int < int", "vec.x += float", "vec[i] = float", "sub(float, float)"} <= seen.keys()
    assert len(next(iter(operands(case(), most=2).values()))) == 2


def test_every_operation_that_is_drawn_has_a_kernel_of_its_own() -> None:
    """It is well typed, and the reference computes what it computed in the kernel that it is from."""
    for index in range(12):
        drawn = draw_case(check_options(size="medium"), 11, index)
        for each, values in operands(drawn, most=2).items():
            alone = each.alone(values)
            assert alone is not None, each.name
            run(alone.kernel, alone.launch)


def test_an_operator_is_to_blame_by_its_simplest_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is wrong over integers too, so the defect has one name for all types."""
    monkeypatch.setitem(codegen().builtin_operators, ast.Add, "sub")
    found = causes(case(), "value")
    assert found["vec + vec"] == found["float + float"] == "int + int"


def test_a_lost_adjoint_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.replace("v[1] = -v[2]", "pass").replace("v.x += ", "w = ").replace("= v[0]", "= w * v[0]")
    made = replace(case(), kernel=parse(text))
    without_adjoints_of(monkeypatch, "mul")
    assert set(causes(made, "gradient").values()) == {"float * float"}


def test_how_wrong_it_is_at_worst_is_in_the_name() -> None:
    """The negative of a zero is 0.0 in Warp; of other numbers it is right."""
    zeros = parse(TEXT.replace("v[1] = -v[2]", "v[1] = -(v[2] * wp.float64(0.0))").replace("v[0] + wp.sub(", "wp.min("))
    made = Case(zeros, Launch((4,), {"a": VALUES, "out": np.zeros(4)}))
    (outcome,) = judge_cases([made], Checks(("value",), ("cpu",)), launch_given=True)
    (verdict,) = [each for each in outcome.verdicts if each.kind]
    (blamed,) = blame(made, verdict, ())
    assert blamed.cause == "-float (the sign of a zero)"
    assert blame(made, verdict, ("negated-zero",)) == ()


def test_what_is_left_has_none_of_the_operations() -> None:
    names = {"float * float", "vec.x += float"}
    made = list(without(case().kernel, names))
    assert made
    for kernel in made:
        verify(kernel)
        left = {found[0].name for node in walk(*kernel.functions, *kernel.body) if (found := operation(node))}
        assert not left & names
        assert "vec + vec" in left


# --------------------------------------------------------------------------- how a number is wrong


@pytest.mark.parametrize(
    ("expected", "actual", "how"),
    [
        (0.0, -0.0, "the sign of a zero"),
        (1.0, 1.0 + 2.0**-51, "the last bits"),
        (1.0, 1.0 + 2.0**-40, ""),
        (float("nan"), 1.0, "NaN or a number"),
        (float("inf"), 1.0, ""),
        (3, 4, ""),
        (1.0, -1.0, ""),
    ],
)
def test_how_a_number_is_wrong(expected: float, actual: float, how: str) -> None:
    assert mismatch_class(Mismatch("out", (0,), expected, actual), case().kernel) == how


def test_a_number_that_is_wrong_in_another_way_is_another_failure() -> None:
    kernel = case().kernel
    zero, wrong = (
        Verdict("value", "failed", "wrong value", mismatch=Mismatch("out", (0,), *numbers))
        for numbers in ((0.0, -0.0), (1.0, 2.0))
    )
    assert alike(wrong, looks(wrong, kernel), wrong, kernel)
    assert not alike(wrong, looks(wrong, kernel), zero, kernel)
    assert not alike(zero, looks(zero, kernel), wrong, kernel)
