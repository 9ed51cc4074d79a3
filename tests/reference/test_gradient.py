"""The derivative of whole launches: by hand, against central differences, and against Warp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernelfuzz.analysis.widen import widen
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Launch
from kernelfuzz.reference import smooth
from kernelfuzz.reference.closed_forms import Form, form
from kernelfuzz.reference.derivative import central_difference, gradient
from kernelfuzz.reference.limitations import ARRAY_OVERWRITE, documented_limitation
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.programs import Program, loaded
from kernelfuzz.typecheck.verify import verify

F, ARRAY, VECTOR = t.FLOAT64, t.Array(t.FLOAT64), t.Vector(3, t.FLOAT64)
I = n.Name("i", t.INT32)  # noqa: E741
X, Y, V = n.Name("x", ARRAY), n.Name("y", ARRAY), n.Name("v", t.Array(VECTOR))
XI, YI, VI = n.Index(X, (I,), F), n.Index(Y, (I,), F), n.Index(V, (I,), VECTOR)
TID = n.Assign(I, n.Call("tid", (), t.INT32))


def binary(op: str, left: n.Expr, right: n.Expr, type_: t.Type = F) -> n.Binary:
    return n.Binary(op, left, right, type_)


def number(value: float) -> n.Literal:
    return n.Literal(value, F)


def kernel(*body: n.Stmt) -> n.Kernel:
    made = n.Kernel("k", (n.Param("x", ARRAY), n.Param("v", t.Array(VECTOR)), n.Param("y", ARRAY)), (TID, *body))
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
    "product": kernel(n.Assign(YI, binary("*", XI, n.Call("dot", (VI, VI), F)))),
    "normalized": kernel(n.Assign(YI, n.Call("dot", (n.Call("normalize", (VI,), VECTOR), VI), F))),
    "functions": kernel(
        n.Assign(YI, binary("+", n.Call("sin", (XI,), F), n.Call("pow", (XI, n.Call("tanh", (XI,), F)), F)))
    ),
    "unrolled loop": kernel(
        n.Assign(n.Name("p", F), n.Cast(F, number(1.0))),
        n.For("j", (n.Literal(3, t.INT32),), (n.Assign(n.Name("p", F), binary("*", n.Name("p", F), XI)),)),
        n.Assign(YI, n.Name("p", F)),
    ),
    "branch": kernel(
        n.If(
            n.Compare(XI, (">",), (number(1.0),)),
            (n.Assign(YI, binary("*", XI, XI)),),
            (n.Assign(YI, binary("/", number(1.0), XI)),),
        )
    ),
    "atomic sum": kernel(
        n.ExprStmt(n.Call("atomic_add", (Y, I, binary("*", XI, XI)), F)),
    ),
    "accumulation": kernel(n.AugAssign(YI, "+", binary("*", XI, number(3.0)))),
    "where and clamp": kernel(
        n.Assign(
            YI,
            n.Call(
                "where",
                (
                    n.Compare(XI, ("<",), (number(1.25),)),
                    n.Call("clamp", (XI, number(0.75), number(1.0)), F),
                    n.Call("smoothstep", (number(0.0), number(3.0), XI), F),
                ),
                F,
            ),
        )
    ),
}
OVERWRITING = {
    "overwritten": kernel(n.Assign(XI, binary("*", XI, XI)), n.Assign(YI, binary("*", XI, XI))),
    "in place": kernel(n.AugAssign(YI, "*", XI), n.AugAssign(YI, "*", XI)),
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


def adjoint(made: n.Kernel, given: Launch, seeds: dict[str, Any]) -> dict[str, Any]:
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
    wrong = Form(lambda x: x * x)
    monkeypatch.setattr(smooth, "form", lambda signature: wrong if signature.name == "sin" else form(signature))
    made, given = SMOOTH["functions"], launch()
    derivative = np.asarray(gradient(made, given, SEEDS)["x"])[0]
    estimate = central_difference(made, given, SEEDS, ("x",), 0)
    assert abs(derivative - estimate.value) > 100 * estimate.error


def test_no_derivative_at_a_kink_names_the_node() -> None:
    kink = n.Call("abs", (binary("-", XI, XI),), F)
    gradient(kernel(n.Assign(YI, kink)), launch(), SEEDS)  # nothing moves: x - x has no tangent
    for nothing in (binary("-", XI, XI), binary("*", XI, number(0.0))):
        # An infinite derivative times no tangent at all: the chain rule gives no number.
        with pytest.raises(NotSmooth):
            gradient(kernel(n.Assign(YI, n.Call("sqrt", (nothing,), F))), launch(), SEEDS)
    at_zero = launch()
    at_zero.inputs["x"][:] = 0.0  # pyright: ignore
    with pytest.raises(NotSmooth) as caught:
        gradient(kernel(n.Assign(YI, n.Call("sqrt", (XI,), F))), at_zero, SEEDS)
    assert caught.value.node == n.Call("sqrt", (XI,), F)


def test_floats_that_are_narrower_are_refused() -> None:
    narrow = t.Array(t.FLOAT32)
    element = n.Index(n.Name("x", narrow), (n.Literal(0, t.INT32),), t.FLOAT32)
    made = n.Kernel("k", (n.Param("x", narrow),), (n.Assign(element, binary("*", element, element, t.FLOAT32)),))
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


def local(name: str, type_: t.Type = F) -> n.Name:
    return n.Name(name, type_)


COUNT = n.Call("len", (X,), t.INT32)
LIMITED = {
    "dynamic loop": kernel(
        n.Assign(local("p"), n.Cast(F, number(1.0))),
        n.For("j", (COUNT,), (n.Assign(local("p"), binary("*", local("p"), XI)),)),
        n.Assign(YI, local("p")),
    ),
    "in-place multiplication": kernel(n.AugAssign(YI, "*", XI)),
    "component assigned twice": kernel(
        n.Assign(local("w", VECTOR), VI),
        n.Assign(n.Index(local("w", VECTOR), (n.Literal(0, t.INT32),), F), XI),
        n.Assign(YI, n.Call("dot", (local("w", VECTOR), VI), F)),
    ),
    "value returned by an atomic": kernel(
        n.Assign(local("old"), n.Call("atomic_add", (Y, n.Literal(0, t.INT32), XI), F)),
    ),
}


@pytest.mark.parametrize("name", LIMITED)
def test_documented_limitations(name: str) -> None:
    assert documented_limitation(LIMITED[name]) == name


def test_a_sum_over_a_dynamic_loop_is_no_limitation() -> None:
    each = n.Index(X, (n.Name("j", t.INT32),), F)
    made = kernel(
        n.Assign(local("s"), n.Cast(F, number(0.0))),
        n.For("j", (COUNT,), (n.AugAssign(local("s"), "+", binary("*", each, each)),)),
        n.Assign(YI, local("s")),
    )
    assert documented_limitation(made, launch()) is None
    found, of_warp = gradient(made, launch(), SEEDS), adjoint(made, launch(), SEEDS)
    np.testing.assert_allclose(of_warp["x"], np.asarray(found["x"]), rtol=1e-12)


def test_a_loop_that_carries_nothing_is_no_limitation() -> None:
    each, slot = n.Index(X, (n.Name("j", t.INT32),), F), n.Index(Y, (n.Name("j", t.INT32),), F)
    left = n.If(n.Compare(n.Name("j", t.INT32), (">",), (n.Literal(1, t.INT32),)), (n.Break(),))
    made = kernel(n.For("j", (COUNT,), (left, n.Assign(slot, binary("*", each, each)))))
    assert documented_limitation(made) is None  # that Warp gets it wrong is a finding: leaving-a-dynamic-loop


def test_a_component_of_a_field_may_be_assigned_once() -> None:
    holder = t.Struct("Holder", (("a", VECTOR), ("b", VECTOR)))
    held = local("h", holder)
    first, second = (n.Attribute(n.Attribute(held, name, VECTOR), "x", F) for name in "ab")
    body = (
        TID,
        n.Assign(held, n.Construct(holder, ())),
        n.Assign(first, XI),
        n.Assign(second, XI),
        n.Assign(YI, first),
    )
    params = (n.Param("x", ARRAY), n.Param("y", ARRAY))
    once = n.Kernel("k", params, body, structs=(holder,))
    verify(once)
    assert documented_limitation(once) is None
    whole = n.Assign(n.Attribute(held, "a", VECTOR), n.Construct(VECTOR, (XI, XI, XI)))
    for again in (n.Assign(first, YI), whole):
        twice = n.Kernel("k", params, (*body, again), structs=(holder,))
        verify(twice)
        assert documented_limitation(twice) == "component assigned twice"


def test_widening_refuses_what_exists_for_float32_only() -> None:
    element = n.Index(n.Name("x", t.Array(t.FLOAT32)), (n.Literal(0, t.INT32),), t.FLOAT32)
    seed = n.Call("rand_init", (n.Literal(1, t.INT32),), t.UINT32)
    made = n.Kernel(
        "k",
        (n.Param("x", t.Array(t.FLOAT32)),),
        (
            n.Assign(n.Name("s", t.UINT32), seed),
            n.Assign(element, n.Call("randf", (n.Name("s", t.UINT32),), t.FLOAT32)),
        ),
    )
    verify(made)
    assert widen(made) is None


def test_an_atomic_minimum_overwrites() -> None:
    made = kernel(n.ExprStmt(n.Call("atomic_min", (Y, I, XI), F)))
    assert documented_limitation(made, launch()) == ARRAY_OVERWRITE
