"""Each oracle can fail: a defect planted in Warp's code generator, or in the reference, is caught."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
from code_generator import codegen, without_adjoints_of

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.types import FLOAT16, FLOAT32, FLOAT64, INT32, Array, Scalar
from kernelfuzz.oracles import batch, compile, gradient, metamorphic, value
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import arithmetic, exact
from kernelfuzz.strategies.choices import SeededChoices

CPU = BuildSetting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))
HOST = BuildSetting("cuda-host", CPU.options, block_dim=32, blocks=2)


def operator_kernel(op: str, dtype: Scalar) -> n.Kernel:
    """``out[i] = a[i] op 3`` over a grid of one axis."""
    thread, array = n.Name("i", INT32), Array(dtype, 1)
    element = n.Index(n.Name("a", array), (thread,), dtype)
    three = n.Literal(3.0 if dtype.is_float else 3, dtype)
    target = n.Index(n.Name("out", array), (thread,), dtype)
    return n.Kernel(
        name="kernel",
        params=(n.Param("a", array, shape=("x",)), n.Param("out", array, shape=("x",))),
        body=(
            n.Assign(thread, n.Call("tid", (), INT32)),
            n.Assign(target, n.Binary(op, element, three, dtype)),
        ),
    )


def case_of(kernel: n.Kernel) -> Case:
    array = kernel.params[0].type
    assert isinstance(array, Array)
    dtype = array.dtype
    assert isinstance(dtype, Scalar)
    inputs = {name: np.array([-7, 1, 20], dtype=dtype.name) for name in ("a", "out")}
    return Case(kernel, Launch((3,), inputs))


def judge_value(case: Case, setting: BuildSetting) -> Verdict:
    (verdict,) = value.judge([case], value.expected([case]), setting)
    return verdict


@pytest.mark.parametrize("setting", [CPU, HOST], ids=lambda setting: setting.target)
@pytest.mark.parametrize("dtype", [INT32, FLOAT32, FLOAT64], ids=str)
def test_the_value_oracle_catches_a_wrong_operator(
    monkeypatch: pytest.MonkeyPatch, dtype: Scalar, setting: BuildSetting
) -> None:
    case = case_of(operator_kernel("+", dtype))
    assert judge_value(case, setting).status == "passed"
    monkeypatch.setitem(codegen().builtin_operators, ast.Add, "sub")
    verdict = judge_value(case, setting)
    assert (verdict.status, verdict.kind) == ("failed", "wrong value")
    assert verdict.mismatch is not None
    assert verdict.mismatch.expected - verdict.mismatch.actual == pytest.approx(6)


def plant_truncated_division(monkeypatch: pytest.MonkeyPatch) -> None:
    """``//`` on integers as C++ has it."""
    original = arithmetic.operation

    def operation(table: tuple[arithmetic.Rule, ...], op: str, scalar: Scalar) -> arithmetic.Operation:
        return original(table, "/" if op == "//" else op, scalar)

    monkeypatch.setattr(arithmetic, "operation", operation)
    # As it was compiled for each pair of types before; undone with the rest, so compiled afresh then.
    monkeypatch.setattr(exact, "_binary", exact._binary.__wrapped__)  # pyright: ignore[reportPrivateUsage]


def test_the_value_oracle_catches_a_wrong_rule_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(operator_kernel("//", INT32))
    assert judge_value(case, CPU).status == "passed"
    plant_truncated_division(monkeypatch)
    assert judge_value(case, CPU).kind == "wrong value"


@pytest.mark.parametrize("setting", [CPU, HOST], ids=lambda setting: setting.target)
def test_the_gradient_oracle_catches_a_lost_adjoint(monkeypatch: pytest.MonkeyPatch, setting: BuildSetting) -> None:
    point = gradient.prepare_at(case_of(operator_kernel("*", FLOAT64)))
    assert isinstance(point, gradient.Point)
    assert [verdict.status for verdict in gradient.judge([point], setting)] == ["passed"]
    without_adjoints_of(monkeypatch, "mul")
    (verdict,) = gradient.judge([point], setting)
    assert (verdict.status, verdict.kind) == ("failed", "wrong gradient")
    assert verdict.mismatch is not None
    assert verdict.mismatch.output == "a"


@pytest.mark.parametrize("setting", [CPU, HOST], ids=lambda setting: setting.target)
@pytest.mark.parametrize("dtype", [FLOAT16, FLOAT32], ids=str)
def test_the_gradient_oracle_catches_an_adjoint_that_only_one_float_lacks(
    monkeypatch: pytest.MonkeyPatch, dtype: Scalar, setting: BuildSetting
) -> None:
    points = [gradient.prepare_at(case_of(operator_kernel("*", each))) for each in (FLOAT64, dtype)]
    over_float64, narrow = [point for point in points if isinstance(point, gradient.Point)]
    without_adjoints_of(monkeypatch, "mul", f"wp::{dtype.name}")
    found = gradient.settled([over_float64, narrow], setting, evaluate=batch.evaluate)
    assert [verdict.kind for _, verdict in found] == ["", "wrong gradient"]
    assert found[1][0].case.kernel == narrow.case.kernel


def test_the_compile_oracle_catches_what_raises_and_what_does_not_compile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernels = [operator_kernel("+", INT32), operator_kernel("-", INT32)]
    assert [verdict.status for verdict in compile.judge(kernels)] == ["passed", "passed"]
    with monkeypatch.context() as planted:
        planted.setitem(codegen().builtin_operators, ast.Add, "no_such_builtin")
        verdicts = compile.judge(kernels)
        assert [(verdict.status, verdict.kind) for verdict in verdicts] == [
            ("failed", "rejected"),
            ("passed", ""),
        ]
    original = codegen().Adjoint.add_forward

    def add_forward(adjoint: Any, statement: str, *args: Any, **kwargs: Any) -> None:
        original(adjoint, statement.replace("wp::sub(", "wp::no_such_function("), *args, **kwargs)

    monkeypatch.setattr(codegen().Adjoint, "add_forward", add_forward)
    verdicts = compile.judge(kernels)
    assert [verdict.kind for verdict in verdicts] == ["", "does not compile"]
    assert "no_such_function" in verdicts[1].reason


def test_what_is_rejected_only_with_its_adjoint_is_caught_without_compiling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernels = [operator_kernel("+", FLOAT32), operator_kernel("-", FLOAT32)]
    assert compile.rejected(kernels) == [None, None]
    original = codegen().codegen_func_reverse

    def reverse(adjoint: Any, *args: Any, **kwargs: Any) -> str:
        text = original(adjoint, *args, **kwargs)
        if "adj_sub(" in text:
            raise RuntimeError("no adjoint of a difference")
        return text

    monkeypatch.setattr(codegen(), "codegen_func_reverse", reverse)
    passed, failed = compile.rejected(kernels)
    assert passed is None
    assert failed is not None
    assert (failed.kind, "no adjoint of a difference" in failed.reason) == ("rejected", True)
    assert judge_value(case_of(kernels[1]), CPU).status == "passed"


def test_the_metamorphic_oracle_catches_what_shows_only_after_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Warp drops the body of every if statement; the kernel has none, some of its transformations do."""
    case = case_of(operator_kernel("+", INT32))
    wanted = value.expected([case])
    choices = [SeededChoices("transformed", number) for number in range(40)]

    def judged() -> list[Verdict]:
        many = [case] * len(choices)
        results = metamorphic.judge_transformed(many, wanted * len(choices), [*choices], CPU)
        return [verdict for verdict, _ in results]

    assert {verdict.status for verdict in judged()} == {"passed"}
    monkeypatch.setitem(codegen().Adjoint.node_visitors, ast.If, lambda adjoint, node: None)
    assert judge_value(case, CPU).status == "passed"
    found = [verdict for verdict in judged() if verdict.status == "failed"]
    assert found
    assert {(verdict.oracle, verdict.kind) for verdict in found} == {("metamorphic", "different")}


def test_a_transformation_that_changes_the_meaning_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(operator_kernel("+", INT32))
    other = case_of(operator_kernel("-", INT32))
    monkeypatch.setattr(metamorphic, "transform", lambda case, choices: ("planted", other))
    with pytest.raises(metamorphic.NotEquivalent, match="planted"):
        metamorphic.judge_transformed([case], value.expected([case]), [SeededChoices("any")], CPU)
