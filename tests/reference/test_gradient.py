"""The derivative of whole launches: by hand, against central differences, and against Warp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernelfuzz.analysis.widen import widen
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Break,
    Call,
    Cast,
    Compare,
    Construct,
    Expr,
    ExprStmt,
    For,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Param,
    Stmt,
)
from kernelfuzz.ir.types import FLOAT32, FLOAT64, INT32, UINT32, Array, Struct, Type, Vector
from kernelfuzz.reference.closed_forms import scalar, table
from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.reference.gradient import central_difference, gradient
from kernelfuzz.reference.limitations import ARRAY_OVERWRITE, documented_limitation
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.launch import Program, loaded
from kernelfuzz.typecheck.verify import verify

F, ARRAY, VECTOR = FLOAT64, Array(FLOAT64), Vector(3, FLOAT64)
I = Name("i", INT32)  # noqa: E741
X, Y, V = Name("x", ARRAY), Name("y", ARRAY), Name("v", Array(VECTOR))
XI, YI, VI = Index(X, (I,), F), Index(Y, (I,), F), Index(V, (I,), VECTOR)
TID = Assign(I, Call("tid", (), INT32))


def binary(op: str, left: Expr, right: Expr, type_: Type = F) -> Binary:
    return Binary(op, left, right, type_)


def number(value: float) -> Literal:
    return Literal(value, F)


def kernel(*body: Stmt) -> Kernel:
    made = Kernel("k", (Param("x", ARRAY), Param("v", Array(VECTOR)), Param("y", ARRAY)), (TID, *body))
    verify(made)
    return made


def launch(count: int = 4) -> Launch:
    random = np.random.default_rng(5)
    return Launch(
        (count,),
        {
            "x": random.uniform(0.5, 2.0, count),
            "v": random.uniform(0.5, 2.0, (count, 3)),
            "y": random.uniform(0.5, 2.0, count),
        },
    )


SEEDS = {"y": np.array([1.0, -2.0, 3.0, 0.5])}
SMOOTH = {
    "product": kernel(Assign(YI, binary("*", XI, Call("dot", (VI, VI), F)))),
    "normalized": kernel(Assign(YI, Call("dot", (Call("normalize", (VI,), VECTOR), VI), F))),
    "functions": kernel(
        Assign(YI, binary("+", Call("sin", (XI,), F), Call("pow", (XI, Call("tanh", (XI,), F)), F)))
    ),
    "unrolled loop": kernel(
        Assign(Name("p", F), Cast(F, number(1.0))),
        For("j", (Literal(3, INT32),), (Assign(Name("p", F), binary("*", Name("p", F), XI)),)),
        Assign(YI, Name("p", F)),
    ),
    "branch": kernel(
        If(
            Compare(XI, (">",), (number(1.0),)),
            (Assign(YI, binary("*", XI, XI)),),
            (Assign(YI, binary("/", number(1.0), XI)),),
        )
    ),
    "atomic sum": kernel(
        ExprStmt(Call("atomic_add", (Y, I, binary("*", XI, XI)), F)),
    ),
    "accumulation": kernel(AugAssign(YI, "+", binary("*", XI, number(3.0)))),
    "where and clamp": kernel(
        Assign(
            YI,
            Call(
                "where",
                (
                    Compare(XI, ("<",), (number(1.25),)),
                    Call("clamp", (XI, number(0.75), number(1.0)), F),
                    Call("smoothstep", (number(0.0), number(3.0), XI), F),
                ),
                F,
            ),
        )
    ),
}
OVERWRITING = {
    "overwritten": kernel(Assign(XI, binary("*", XI, XI)), Assign(YI, binary("*", XI, XI))),
    "in place": kernel(AugAssign(YI, "*", XI), AugAssign(YI, "*", XI)),
}


@pytest.mark.parametrize("name", [*SMOOTH, *OVERWRITING])
def test_gradient_is_the_central_difference(name: str) -> None:
    made, given = {**SMOOTH, **OVERWRITING}[name], launch()
    found = gradient(made, given, SEEDS)
    assert set(found) == {"x", "v", "y"}
    for parameter, values in found.items():
        assert isinstance(values, np.ndarray)
        for index, derivative in enumerate(values.reshape(-1)):
            estimate = central_difference(made, given, SEEDS, (parameter,), index)
            assert estimate.error < 1e-3
            assert derivative == pytest.approx(estimate.value, abs=2 * estimate.error + 1e-9)


def adjoint(made: Kernel, given: Launch, seeds: dict[str, Any]) -> dict[str, Any]:
    with loaded(render(made), "cpu", backward=True) as program:
        assert isinstance(program, Program), program
        return program.adjoint("k", given, seeds)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_is_that_of_warp(name: str) -> None:
    made, given = SMOOTH[name], launch()
    assert documented_limitation(made, given) is None
    found, of_warp = gradient(made, given, SEEDS), adjoint(made, given, SEEDS)
    assert any(np.asarray(values).any() for values in found.values())
    for parameter, values in of_warp.items():
        np.testing.assert_allclose(values, found[parameter], rtol=1e-12, atol=1e-13)  # pyright: ignore


def test_by_hand() -> None:
    given = launch()
    found = gradient(SMOOTH["unrolled loop"], given, SEEDS)
    x = given.inputs["x"]
    assert isinstance(x, np.ndarray)
    np.testing.assert_allclose(np.asarray(found["x"]), SEEDS["y"] * 3 * x**2, rtol=1e-15)
    assert not np.asarray(found["y"]).any()
    overwritten = gradient(OVERWRITING["overwritten"], given, SEEDS)
    np.testing.assert_allclose(np.asarray(overwritten["x"]), SEEDS["y"] * 4 * x**3, rtol=1e-14)


def test_a_wrong_rule_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Form(lambda x: x * x, "wrong")
    monkeypatch.setitem(table.SCALARS, "sin", wrong)
    made, given = SMOOTH["functions"], launch()
    assert scalar.FORMS["sin"] is not wrong
    derivative = np.asarray(gradient(made, given, SEEDS)["x"])[0]
    estimate = central_difference(made, given, SEEDS, ("x",), 0)
    assert abs(derivative - estimate.value) > 100 * estimate.error


def test_no_derivative_at_a_kink_names_the_node() -> None:
    kink = Call("abs", (binary("-", XI, XI),), F)
    gradient(kernel(Assign(YI, kink)), launch(), SEEDS)  # nothing moves: x - x has no tangent
    for nothing in (binary("-", XI, XI), binary("*", XI, number(0.0))):
        # An infinite derivative times no tangent at all: the chain rule gives no number.
        with pytest.raises(NotSmooth):
            gradient(kernel(Assign(YI, Call("sqrt", (nothing,), F))), launch(), SEEDS)
    at_zero = launch()
    at_zero.inputs["x"][:] = 0.0  # pyright: ignore
    with pytest.raises(NotSmooth) as caught:
        gradient(kernel(Assign(YI, Call("sqrt", (XI,), F))), at_zero, SEEDS)
    assert caught.value.node == Call("sqrt", (XI,), F)


def test_floats_that_are_narrower_are_refused() -> None:
    narrow = Array(FLOAT32)
    element = Index(Name("x", narrow), (Literal(0, INT32),), FLOAT32)
    made = Kernel("k", (Param("x", narrow),), (Assign(element, binary("*", element, element, FLOAT32)),))
    given = Launch((1,), {"x": np.ones(1, dtype=np.float32)})
    with pytest.raises(NotDifferentiable):
        gradient(made, given, {"x": np.ones(1)})
    wide = widen(made)
    assert wide is not None
    wide_launch = Launch((1,), {"x": np.ones(1)})
    assert np.asarray(gradient(wide, wide_launch, {"x": np.ones(1)})["x"])[0] == 2.0


@pytest.mark.parametrize("name", OVERWRITING)
def test_overwritten_arrays_are_a_documented_limitation(name: str) -> None:
    assert documented_limitation(OVERWRITING[name], launch()) in (ARRAY_OVERWRITE, "in-place multiplication")


def local(name: str, type_: Type = F) -> Name:
    return Name(name, type_)


COUNT = Call("len", (X,), INT32)
LIMITED = {
    "dynamic loop": kernel(
        Assign(local("p"), Cast(F, number(1.0))),
        For("j", (COUNT,), (Assign(local("p"), binary("*", local("p"), XI)),)),
        Assign(YI, local("p")),
    ),
    "in-place multiplication": kernel(AugAssign(YI, "*", XI)),
    "component assigned twice": kernel(
        Assign(local("w", VECTOR), VI),
        Assign(Index(local("w", VECTOR), (Literal(0, INT32),), F), XI),
        Assign(YI, Call("dot", (local("w", VECTOR), VI), F)),
    ),
    "value returned by an atomic": kernel(
        Assign(local("old"), Call("atomic_add", (Y, Literal(0, INT32), XI), F)),
    ),
}


@pytest.mark.parametrize("name", LIMITED)
def test_documented_limitations(name: str) -> None:
    assert documented_limitation(LIMITED[name]) == name


def test_a_sum_over_a_dynamic_loop_is_no_limitation() -> None:
    each = Index(X, (Name("j", INT32),), F)
    made = kernel(
        Assign(local("s"), Cast(F, number(0.0))),
        For("j", (COUNT,), (AugAssign(local("s"), "+", binary("*", each, each)),)),
        Assign(YI, local("s")),
    )
    assert documented_limitation(made, launch()) is None
    found, of_warp = gradient(made, launch(), SEEDS), adjoint(made, launch(), SEEDS)
    np.testing.assert_allclose(of_warp["x"], np.asarray(found["x"]), rtol=1e-12)


def test_a_loop_that_carries_nothing_is_no_limitation() -> None:
    each, slot = Index(X, (Name("j", INT32),), F), Index(Y, (Name("j", INT32),), F)
    left = If(Compare(Name("j", INT32), (">",), (Literal(1, INT32),)), (Break(),))
    made = kernel(For("j", (COUNT,), (left, Assign(slot, binary("*", each, each)))))
    assert documented_limitation(made) is None  # that Warp gets it wrong is a finding: leaving-a-dynamic-loop


def test_a_component_of_a_field_may_be_assigned_once() -> None:
    holder = Struct("Holder", (("a", VECTOR), ("b", VECTOR)))
    held = local("h", holder)
    first, second = (Attribute(Attribute(held, name, VECTOR), "x", F) for name in "ab")
    body = (
        TID,
        Assign(held, Construct(holder, ())),
        Assign(first, XI),
        Assign(second, XI),
        Assign(YI, first),
    )
    params = (Param("x", ARRAY), Param("y", ARRAY))
    once = Kernel("k", params, body, structs=(holder,))
    verify(once)
    assert documented_limitation(once) is None
    whole = Assign(Attribute(held, "a", VECTOR), Construct(VECTOR, (XI, XI, XI)))
    for again in (Assign(first, YI), whole):
        twice = Kernel("k", params, (*body, again), structs=(holder,))
        verify(twice)
        assert documented_limitation(twice) == "component assigned twice"


def test_widening_refuses_what_exists_for_float32_only() -> None:
    element = Index(Name("x", Array(FLOAT32)), (Literal(0, INT32),), FLOAT32)
    seed = Call("rand_init", (Literal(1, INT32),), UINT32)
    made = Kernel(
        "k",
        (Param("x", Array(FLOAT32)),),
        (
            Assign(Name("s", UINT32), seed),
            Assign(element, Call("randf", (Name("s", UINT32),), FLOAT32)),
        ),
    )
    verify(made)
    assert widen(made) is None


def test_an_atomic_minimum_overwrites() -> None:
    made = kernel(ExprStmt(Call("atomic_min", (Y, I, XI), F)))
    assert documented_limitation(made, launch()) == ARRAY_OVERWRITE
