"""The differentiable form of a kernel: each rule frees of its limitation, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernelfuzz.analysis.widen import widen, widen_with_stand_ins
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.differentiable import RULES, differentiable, read_from_copies
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.reference import run
from kernelfuzz.reference.limitations import LIMITATIONS, array_overwrites, documented_limitation
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.typecheck.verify import verify

F, ARRAY, VECTOR = t.FLOAT64, t.Array(t.FLOAT64), t.Vector(3, t.FLOAT64)
I, J, N = n.Name("i", t.INT32), n.Name("j", t.INT32), n.Name("n", t.INT32)  # noqa: E741
X, Y, V, W = n.Name("x", ARRAY), n.Name("y", ARRAY), n.Name("v", VECTOR), n.Name("w", F)
XI, YI = n.Index(X, (I,), F), n.Index(Y, (I,), F)
TID = n.Assign(I, n.Call("tid", (), t.INT32))
COUNT = n.Call("len", (X,), t.INT32)
CPU = BuildSetting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))


def product(left: n.Expr, right: n.Expr) -> n.Binary:
    return n.Binary("*", left, right, F)


def number(value: float) -> n.Literal:
    return n.Literal(value, F)


def integer(value: int) -> n.Literal:
    return n.Literal(value, t.INT32)


def kernel(*body: n.Stmt, functions: tuple[n.Function, ...] = ()) -> n.Kernel:
    params = (n.Param("x", ARRAY, shape=("x",)), n.Param("y", ARRAY, shape=("x",)))
    made = n.Kernel("k", params, (TID, *body), functions=functions)
    verify(made)
    return made


def component(value: n.Expr, index: int) -> n.Index:
    return n.Index(value, (integer(index),), F)


MATRIX = t.Matrix(3, 3, F)
DISTINCT = n.Construct(MATRIX, (XI, *map(number, (1.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 8.0))))
TILE, TOP = t.Tile(F, (2,)), t.Tile(F, (1,))
WHOLE = n.Assign(V, n.Construct(VECTOR, (XI, XI, XI)))
LOCAL = n.Assign(W, n.Cast(F, number(1.0)))
TIMES = n.Assign(W, product(W, XI))
LIMITED = {
    "in-place multiplication": kernel(n.AugAssign(YI, "*", XI)),
    "component assigned twice": kernel(
        WHOLE, n.Assign(component(V, 1), product(XI, XI)), n.Assign(YI, component(V, 1))
    ),
    "dynamic loop": kernel(LOCAL, n.For("j", (COUNT,), (TIMES,)), n.Assign(YI, W)),
    "value returned by an atomic": kernel(
        n.Assign(W, n.Call("atomic_add", (Y, I, XI), F)), n.AugAssign(YI, "+", product(W, XI))
    ),
    "extremum of a tile": kernel(
        n.Assign(n.Name("t", TILE), n.Call("tile_load", (X,), TILE, (("shape", 2),))),
        n.Assign(n.Name("u", TOP), n.Call("tile_max", (n.Name("t", TILE),), TOP)),
        n.ExprStmt(n.Call("tile_store", (Y, n.Name("u", TOP)), t.Tuple(()))),
    ),
    "eigenvalues of any matrix": kernel(
        n.Unpack(("q", "d"), (n.Call("eig3", (DISTINCT,), t.Tuple((MATRIX, VECTOR))),)),
        n.Assign(YI, component(n.Name("d", VECTOR), 0)),
    ),
    "atomic exchange": kernel(n.ExprStmt(n.Call("atomic_exch", (Y, I, product(XI, XI)), F))),
}


@pytest.mark.parametrize("name", [rule.limitation for rule in RULES])
def test_each_rule_frees_of_its_limitation(name: str) -> None:
    assert name in {limitation.name for limitation in LIMITATIONS}
    limited = LIMITED[name]
    assert documented_limitation(limited) == name
    form = differentiable(limited)
    verify(form)
    assert documented_limitation(form) is None


def test_what_is_not_limited_is_left_alone() -> None:
    made = kernel(LOCAL, n.For("j", (integer(3),), (TIMES,)), n.AugAssign(YI, "+", W))
    assert differentiable(made) is made


def test_only_the_function_that_is_limited_is_rewritten() -> None:
    loop = n.For("j", (n.Name("n", t.INT32),), (n.Assign(W, product(W, n.Name("a", F))),))
    params = (n.Param("a", F), n.Param("n", t.INT32))
    power = n.Function("power", params, F, (LOCAL, loop, n.Return((W,))))
    made = kernel(n.Assign(YI, n.CallFunction("power", (XI, COUNT), F)), functions=(power,))
    form = differentiable(made)
    assert form.body == made.body
    assert form.functions != made.functions
    assert documented_limitation(form) is None


def test_a_loop_of_few_turns_keeps_the_condition() -> None:
    bound = n.Name("n", t.INT32)
    made = kernel(
        n.Assign(bound, COUNT),
        LOCAL,
        n.For("j", (integer(1), bound), (TIMES, n.If(n.Compare(W, (">",), (XI,)), (n.Break(),)))),
        n.While(n.Compare(W, ("<",), (XI,)), (TIMES,)),
        n.Assign(YI, W),
    )
    outer, inner = (node for node in differentiable(made).body if isinstance(node, n.For))
    assert all(isinstance(bound, n.Literal) for loop in (outer, inner) for bound in loop.bounds)
    assert isinstance(outer.body[-1], n.If)
    assert isinstance(inner.body[-1], n.If)
    assert inner.body[-1].test == n.Compare(W, ("<",), (XI,))


@pytest.mark.parametrize("bounds", [(N,), (integer(0), N), (integer(0), N, integer(1))], ids=len)
def test_a_loop_of_few_turns_goes_as_far_as_its_bound_was(bounds: tuple[n.Expr, ...]) -> None:
    grow, store = (
        n.AugAssign(N, "+", integer(2)),
        n.Assign(n.Index(Y, (J,), F), product(n.Index(X, (J,), F), W)),
    )
    made = kernel(n.Assign(N, COUNT), LOCAL, n.For("j", bounds, (grow, store, TIMES)))
    form = differentiable(made)
    assert documented_limitation(form) is None
    for each in (made, form):  # neither goes beyond the arrays
        run(each, replace(launch(2), dim=(1,)))


def test_a_new_vector_has_the_other_components_of_the_old() -> None:
    rewritten = differentiable(LIMITED["component assigned twice"]).body[2]
    parts = (component(V, 0), product(XI, XI), component(V, 2))
    assert rewritten == n.Assign(V, n.Construct(VECTOR, parts))


@pytest.mark.parametrize("place", [component(V, 0), n.Attribute(V, "x", F)], ids=["index", "letter"])
def test_components_assigned_once_on_each_way_are_no_limitation(place: n.Index | n.Attribute) -> None:
    default = n.Assign(V, n.Construct(VECTOR, ()))
    branches = n.If(n.Compare(XI, (">",), (number(1.0),)), (n.Assign(place, XI),), (n.Assign(place, YI),))
    assert documented_limitation(kernel(default, branches, n.Assign(YI, place))) is None
    again = kernel(default, branches, n.Assign(place, XI), n.Assign(YI, place))
    assert documented_limitation(again) == "component assigned twice"


def launch(count: int = 3) -> Launch:
    random = np.random.default_rng(5)
    return Launch((count,), {name: random.uniform(0.5, 2.0, count) for name in ("x", "y")})


def test_arrays_are_read_from_copies() -> None:
    made = kernel(n.Assign(W, product(XI, YI)), n.Assign(YI, W), n.AugAssign(YI, "+", XI))
    assert array_overwrites(made, launch()) == {"y"}
    form = read_from_copies(made, {"y"})
    verify(form)
    assert [param.name for param in form.params] == ["x", "y", "y_before"]
    assert form.params[2].shape == ("x",)
    given = launch()
    given = Launch(given.dim, {**given.inputs, "y_before": given.inputs["y"]})
    assert documented_limitation(form, given) is None


def test_what_is_written_twice_and_not_read_is_no_overwrite() -> None:
    made = kernel(n.Assign(YI, XI), n.Assign(YI, product(XI, XI)), n.Assign(W, YI))
    assert not array_overwrites(made, launch())


def test_something_stands_in_for_what_has_no_float64_form() -> None:
    narrow = t.Array(t.FLOAT32)
    element = n.Index(n.Name("x", narrow), (I,), t.FLOAT32)
    state = n.Name("s", t.UINT32)
    body: tuple[n.Stmt, ...] = (
        TID,
        n.Assign(state, n.Call("rand_init", (integer(1),), t.UINT32)),
        n.Assign(n.Name("r", t.FLOAT32), n.Call("randf", (state,), t.FLOAT32)),
        n.Assign(element, n.Binary("*", element, n.Call("noise", (state, element), t.FLOAT32), t.FLOAT32)),
    )
    made = n.Kernel("k", (n.Param("x", narrow, shape=("x",)),), body)
    verify(made)
    assert widen(made) is None
    wide = widen_with_stand_ins(made)
    assert wide is not None
    assert not {"randf", "noise"} & builtins_used(wide)


def types_of(made: n.Kernel) -> list[t.Type]:
    return [param.type for param in made.params]


@pytest.mark.parametrize("name", [*(name for name in LIMITED if "tile" not in name), "overwritten"])
def test_the_form_is_judged(name: str) -> None:
    overwriting = kernel(n.Assign(W, YI), n.Assign(YI, product(W, product(XI, XI))))
    point = gradient.prepare(LIMITED.get(name, overwriting), SeededChoices("form", name))
    assert isinstance(point, gradient.Point), point
    assert types_of(point.case.kernel)[:2] == [ARRAY, ARRAY]
    assert np.asarray(point.expected["x"]).any()
    (verdict,) = gradient.judge([point], CPU)
    assert verdict.status == "passed", verdict
    again = gradient.prepare_at(Case(point.case.kernel, point.case.launch))
    assert isinstance(again, gradient.Point)
