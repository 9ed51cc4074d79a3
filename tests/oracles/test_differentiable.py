"""The differentiable form of a kernel: each rule frees of its limitation, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernelfuzz.analysis.widen import widen, widen_with_stand_ins
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Param,
    Return,
    Stmt,
    While,
)
from kernelfuzz.ir.types import FLOAT32, FLOAT64, INT32, UINT32, Array, Tile, Tuple, Type, Vector
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.differentiable import RULES, differentiable
from kernelfuzz.oracles.overwritten import read_from_copies
from kernelfuzz.oracles.verdict import Setting
from kernelfuzz.reference import run
from kernelfuzz.reference.limitations import LIMITATIONS, array_overwrites, documented_limitation
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.typecheck.verify import verify

F, ARRAY, VECTOR = FLOAT64, Array(FLOAT64), Vector(3, FLOAT64)
I, J, N = Name("i", INT32), Name("j", INT32), Name("n", INT32)  # noqa: E741
X, Y, V, W = Name("x", ARRAY), Name("y", ARRAY), Name("v", VECTOR), Name("w", F)
XI, YI = Index(X, (I,), F), Index(Y, (I,), F)
TID = Assign(I, Call("tid", (), INT32))
COUNT = Call("len", (X,), INT32)
CPU = Setting("cpu", (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0)))


def product(left: Expr, right: Expr) -> Binary:
    return Binary("*", left, right, F)


def number(value: float) -> Literal:
    return Literal(value, F)


def integer(value: int) -> Literal:
    return Literal(value, INT32)


def kernel(*body: Stmt, functions: tuple[Function, ...] = ()) -> Kernel:
    params = (Param("x", ARRAY, shape=("x",)), Param("y", ARRAY, shape=("x",)))
    made = Kernel("k", params, (TID, *body), functions=functions)
    verify(made)
    return made


def component(value: Expr, index: int) -> Index:
    return Index(value, (integer(index),), F)


TILE, TOP = Tile(F, (2,)), Tile(F, (1,))
WHOLE = Assign(V, Construct(VECTOR, (XI, XI, XI)))
LOCAL = Assign(W, Cast(F, number(1.0)))
TIMES = Assign(W, product(W, XI))
LIMITED = {
    "in-place multiplication": kernel(AugAssign(YI, "*", XI)),
    "component assigned twice": kernel(
        WHOLE, Assign(component(V, 1), product(XI, XI)), Assign(YI, component(V, 1))
    ),
    "dynamic loop": kernel(LOCAL, For("j", (COUNT,), (TIMES,)), Assign(YI, W)),
    "value returned by an atomic": kernel(
        Assign(W, Call("atomic_add", (Y, I, XI), F)), AugAssign(YI, "+", product(W, XI))
    ),
    "extremum of a tile": kernel(
        Assign(Name("t", TILE), Call("tile_load", (X,), TILE, (("shape", 2),))),
        Assign(Name("u", TOP), Call("tile_max", (Name("t", TILE),), TOP)),
        ExprStmt(Call("tile_store", (Y, Name("u", TOP)), Tuple(()))),
    ),
    "atomic exchange": kernel(ExprStmt(Call("atomic_exch", (Y, I, product(XI, XI)), F))),
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
    made = kernel(LOCAL, For("j", (integer(3),), (TIMES,)), AugAssign(YI, "+", W))
    assert differentiable(made) is made


def test_only_the_function_that_is_limited_is_rewritten() -> None:
    loop = For("j", (Name("n", INT32),), (Assign(W, product(W, Name("a", F))),))
    params = (Param("a", F), Param("n", INT32))
    power = Function("power", params, F, (LOCAL, loop, Return((W,))))
    made = kernel(Assign(YI, CallFunction("power", (XI, COUNT), F)), functions=(power,))
    form = differentiable(made)
    assert form.body == made.body
    assert form.functions != made.functions
    assert documented_limitation(form) is None


def test_a_loop_of_few_turns_keeps_the_condition() -> None:
    bound = Name("n", INT32)
    made = kernel(
        Assign(bound, COUNT),
        LOCAL,
        For("j", (integer(1), bound), (TIMES, If(Compare(W, (">",), (XI,)), (Break(),)))),
        While(Compare(W, ("<",), (XI,)), (TIMES,)),
        Assign(YI, W),
    )
    outer, inner = (node for node in differentiable(made).body if isinstance(node, For))
    assert all(isinstance(bound, Literal) for loop in (outer, inner) for bound in loop.bounds)
    assert isinstance(outer.body[-1], If)
    assert isinstance(inner.body[-1], If)
    assert inner.body[-1].test == Compare(W, ("<",), (XI,))


@pytest.mark.parametrize("bounds", [(N,), (integer(0), N), (integer(0), N, integer(1))], ids=len)
def test_a_loop_of_few_turns_goes_as_far_as_its_bound_was(bounds: tuple[Expr, ...]) -> None:
    grow, store = AugAssign(N, "+", integer(2)), Assign(Index(Y, (J,), F), product(Index(X, (J,), F), W))
    made = kernel(Assign(N, COUNT), LOCAL, For("j", bounds, (grow, store, TIMES)))
    form = differentiable(made)
    assert documented_limitation(form) is None
    for each in (made, form):  # neither goes beyond the arrays
        run(each, replace(launch(2), dim=(1,)))


def test_a_new_vector_has_the_other_components_of_the_old() -> None:
    rewritten = differentiable(LIMITED["component assigned twice"]).body[2]
    parts = (component(V, 0), product(XI, XI), component(V, 2))
    assert rewritten == Assign(V, Construct(VECTOR, parts))


@pytest.mark.parametrize("place", [component(V, 0), Attribute(V, "x", F)], ids=["index", "letter"])
def test_components_assigned_once_on_each_way_are_no_limitation(place: Index | Attribute) -> None:
    default = Assign(V, Construct(VECTOR, ()))
    branches = If(Compare(XI, (">",), (number(1.0),)), (Assign(place, XI),), (Assign(place, YI),))
    assert documented_limitation(kernel(default, branches, Assign(YI, place))) is None
    again = kernel(default, branches, Assign(place, XI), Assign(YI, place))
    assert documented_limitation(again) == "component assigned twice"


def launch(count: int = 3) -> Launch:
    random = np.random.default_rng(5)
    return Launch((count,), {name: random.uniform(0.5, 2.0, count) for name in ("x", "y")})


def test_arrays_are_read_from_copies() -> None:
    made = kernel(Assign(W, product(XI, YI)), Assign(YI, W), AugAssign(YI, "+", XI))
    assert array_overwrites(made, launch()) == {"y"}
    form = read_from_copies(made, {"y"})
    verify(form)
    assert [param.name for param in form.params] == ["x", "y", "y_before"]
    assert form.params[2].shape == ("x",)
    given = launch()
    given = Launch(given.dim, {**given.inputs, "y_before": given.inputs["y"]})
    assert documented_limitation(form, given) is None


def test_what_is_written_twice_and_not_read_is_no_overwrite() -> None:
    made = kernel(Assign(YI, XI), Assign(YI, product(XI, XI)), Assign(W, YI))
    assert not array_overwrites(made, launch())


def test_something_stands_in_for_what_has_no_float64_form() -> None:
    narrow = Array(FLOAT32)
    element = Index(Name("x", narrow), (I,), FLOAT32)
    state = Name("s", UINT32)
    body: tuple[Stmt, ...] = (
        TID,
        Assign(state, Call("rand_init", (integer(1),), UINT32)),
        Assign(Name("r", FLOAT32), Call("randf", (state,), FLOAT32)),
        Assign(element, Binary("*", element, Call("noise", (state, element), FLOAT32), FLOAT32)),
    )
    made = Kernel("k", (Param("x", narrow, shape=("x",)),), body)
    verify(made)
    assert widen(made) is None
    wide = widen_with_stand_ins(made)
    assert wide is not None
    assert not {"randf", "noise"} & builtins_used(wide)


def types_of(made: Kernel) -> list[Type]:
    return [param.type for param in made.params]


@pytest.mark.parametrize("name", [*(name for name in LIMITED if "tile" not in name), "overwritten"])
def test_the_form_is_judged(name: str) -> None:
    overwriting = kernel(Assign(W, YI), Assign(YI, product(W, product(XI, XI))))
    point = gradient.prepare(LIMITED.get(name, overwriting), SeededChoices("form", name))
    assert isinstance(point, gradient.Point), point
    assert types_of(point.case.kernel)[:2] == [ARRAY, ARRAY]
    assert np.asarray(point.expected["x"]).any()
    (verdict,) = gradient.judge([point], CPU)
    assert verdict.status == "passed", verdict
    again = gradient.prepare_at(Case(point.case.kernel, point.case.launch))
    assert isinstance(again, gradient.Point)
