"""The tolerance on a CUDA device: lets pass what the device's library may do, and nothing else.

No device is needed: its outputs are planted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import compare, judge, value
from kernelfuzz.oracles.batch import Action
from kernelfuzz.oracles.value import Outputs
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.reference.execution import execute
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch

CUDA = BuildSetting("cuda")
VALUES = (0.5, 1.25, 2.0, 3.0)
FLOATS = [t.FLOAT32, t.FLOAT64]


def case_of(
    expression: Callable[[n.Expr], n.Expr], dtype: t.Scalar = t.FLOAT32, result: t.Scalar | None = None
) -> Case:
    """``out[i] = expression(a[i])`` over four numbers."""
    result = result or dtype
    thread = n.Name("i", t.INT32)
    element = n.Index(n.Name("a", t.Array(dtype)), (thread,), dtype)
    place = n.Index(n.Name("out", t.Array(result)), (thread,), result)
    kernel = n.Kernel(
        name="kernel",
        params=(n.Param("a", t.Array(dtype), shape=("x",)), n.Param("out", t.Array(result), shape=("x",))),
        body=(n.Assign(thread, n.Call("tid", (), t.INT32)), n.Assign(place, expression(element))),
    )
    inputs = {"a": np.array(VALUES, dtype=dtype.name), "out": np.zeros(len(VALUES), dtype=result.name)}
    return Case(kernel, Launch((len(VALUES),), inputs))


def sine(x: n.Expr) -> n.Expr:
    assert isinstance(x.type, t.Scalar)
    return n.Call("sin", (x,), x.type)


def number(value: float, dtype: t.Scalar = t.FLOAT32) -> n.Literal:
    return n.Literal(value, dtype)


def judged(
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
    change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    setting: BuildSetting = CUDA,
) -> Verdict:
    """The verdict of the value oracle on a device that gives the reference's ``out``, changed."""
    (wanted,) = value.expected([case])
    assert not isinstance(wanted, Undefined)
    out = wanted["out"]
    assert isinstance(out, np.ndarray)

    def evaluate(
        cases: list[Case], setting: BuildSetting, action: Action[Any], *, backward: bool = False
    ) -> list[Outputs]:
        return [{**wanted, "out": change(out.copy())}]

    (verdict,) = value.judge([case], [wanted], setting, evaluate=evaluate)  # pyright: ignore[reportArgumentType]
    return verdict


def off_by(units: int, at: int = 1) -> Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    def change(out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        out[at] += units * np.spacing(out[at])
        return out

    return change


@pytest.mark.parametrize("units", [1, 2, -2])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_sine_may_be_off_by_its_bound(monkeypatch: pytest.MonkeyPatch, dtype: t.Scalar, units: int) -> None:
    case = case_of(sine, dtype)
    assert judged(monkeypatch, case, off_by(units)).status == "passed"
    for target in ("cpu", "cuda-host"):
        assert judged(monkeypatch, case, off_by(units), BuildSetting(target)).kind == "wrong value"


@pytest.mark.parametrize("units", [1000, -1000])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_sine_may_not_be_off_by_more(monkeypatch: pytest.MonkeyPatch, dtype: t.Scalar, units: int) -> None:
    verdict = judged(monkeypatch, case_of(sine, dtype), off_by(units, at=2))
    assert (verdict.status, verdict.kind) == ("failed", "wrong value")
    assert verdict.mismatch is not None
    assert (verdict.mismatch.output, verdict.mismatch.index) == ("out", (2,))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: n.Binary("*", x, number(0.1), t.FLOAT32),
        lambda x: n.Binary("/", x, number(3.0), t.FLOAT32),
        lambda x: n.Call("sqrt", (x,), t.FLOAT32),
        # The errors of the sine are far below the last digit of the sum.
        lambda x: n.Binary("+", sine(x), number(16777216.0), t.FLOAT32),
    ],
    ids=["product", "quotient", "root", "absorbed"],
)
def test_what_is_exact_is_held_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[n.Expr], n.Expr]
) -> None:
    assert judged(monkeypatch, case_of(operation), off_by(0)).status == "passed"
    assert judged(monkeypatch, case_of(operation), off_by(1)).kind == "wrong value"


def test_the_power_operator_is_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(lambda x: n.Binary("**", x, number(2.5), t.FLOAT32))
    assert judged(monkeypatch, case, off_by(4)).status == "passed"
    assert judged(monkeypatch, case, off_by(1000)).kind == "wrong value"


def test_an_error_grows_with_what_is_computed_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """``sin(x) - 0.9375`` has lost digits: near to it the sine's unit is many of the difference."""
    case = case_of(lambda x: n.Binary("-", sine(x), number(0.9375), t.FLOAT32))
    assert judged(monkeypatch, case, off_by(8)).status == "passed"
    assert judged(monkeypatch, case, off_by(10000)).kind == "wrong value"


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        # What is left of the sine's error is as large as the sine.
        (lambda x: sine(n.Binary("*", sine(x), number(1e30), t.FLOAT32)), t.FLOAT32),
        # A comparison of what is equal but for the errors; once as a bool, once as a choice.
        (lambda x: n.Compare(_nearly(x), (">",), (x,), t.BOOL), t.BOOL),
        (
            lambda x: n.IfExp(n.Compare(_nearly(x), (">",), (x,), t.BOOL), number(1.0), number(7.0), t.FLOAT32),
            t.FLOAT32,
        ),
        (lambda x: n.Cast(t.INT32, n.Binary("*", sine(x), number(1e9), t.FLOAT32)), t.INT32),
        # x / 0 or a number.
        (lambda x: n.Binary("/", x, n.Binary("-", _nearly(x), x, t.FLOAT32), t.FLOAT32), t.FLOAT32),
    ],
    ids=["sine of a large sine", "bool", "choice", "integer", "pole"],
)
def test_what_depends_on_the_errors_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[n.Expr], n.Expr], result: t.Scalar
) -> None:
    def anything(out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return ~out if result == t.BOOL else np.full_like(out, 42)

    with np.errstate(all="ignore"):
        verdict = judged(monkeypatch, case_of(operation, t.FLOAT32, result), anything)
    assert (verdict.status, verdict.reason) == ("skipped", value.ILL_CONDITIONED)


def _nearly(x: n.Expr) -> n.Expr:
    """``exp(log(x))``: x, but for the errors."""
    return n.Call("exp", (n.Call("log", (x,), t.FLOAT32),), t.FLOAT32)


def test_one_function_has_one_error_for_one_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(lambda x: n.Binary("-", sine(x), sine(x), t.FLOAT32))
    assert judged(monkeypatch, case, lambda out: out + np.float32(1e-7)).kind == "wrong value"


def test_one_element_that_is_not_judged_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 3.0 the sum is near 0, as nothing is left of it; at the others it is well."""
    near = float(np.float32(np.sin(np.float32(3.0))))
    case = case_of(lambda x: n.Binary("-", sine(x), number(near), t.FLOAT32))
    assert judged(monkeypatch, case, lambda out: np.append(out[:3], np.float32(0.5))).status == "passed"
    assert judged(monkeypatch, case, lambda out: np.append(out[:3] * 2, out[3:])).kind == "wrong value"


def test_what_nobody_states_a_bound_for_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    normal = case_of(lambda x: n.Call("randn", (n.Call("rand_init", (n.Literal(5, t.INT32),), t.UINT32),), t.FLOAT32))
    assert judged(monkeypatch, normal, lambda out: -out).reason == value.ILL_CONDITIONED
    rate = number(4.0)
    state = n.Call("rand_init", (n.Literal(5, t.INT32),), t.UINT32)
    counts = case_of(lambda x: n.Call("poisson", (state, rate), t.UINT32), t.FLOAT32, t.UINT32)
    assert judged(monkeypatch, counts, lambda out: out + np.uint32(3)).reason == value.ILL_CONDITIONED
    uniform = case_of(lambda x: n.Call("randf", (state,), t.FLOAT32))
    assert judged(monkeypatch, uniform, off_by(1)).kind == "wrong value"


def test_decompositions_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = t.Matrix(2, 2, t.FLOAT32)
    out, given = n.Name("out", t.Array(matrix)), n.Name("a", t.Array(matrix))
    approximate = n.Call("inverse_approx", (n.Index(given, (n.Literal(0, t.INT32),), matrix),), matrix)
    body = (n.Assign(n.Index(out, (n.Literal(0, t.INT32),), matrix), approximate),)
    kernel = n.Kernel("kernel", (n.Param("a", t.Array(matrix)), n.Param("out", t.Array(matrix))), body)
    numbers = np.array([[[2.0, 1.0], [0.5, 3.0]]], dtype=np.float32)
    case = Case(kernel, Launch((1,), {"a": numbers, "out": np.zeros_like(numbers)}))
    assert judged(monkeypatch, case, lambda out: out * np.float32(1.01)).reason == value.ILL_CONDITIONED


def tiled_case(name: str, numbers: tuple[float, ...], *, in_place: bool = False) -> Case:
    """One block loads ``a``, reduces it and stores the result; ``in_place`` adds 1 to ``count[0]``."""
    array, tile = t.Array(t.FLOAT32), t.Tile(t.FLOAT32, (len(numbers),))
    loaded = n.Call("tile_load", (n.Name("a", array),), tile, (("shape", len(numbers)),))
    reduced = n.Call(name, (loaded,), t.Tile(t.FLOAT32, (1,)))
    count = n.Index(n.Name("count", t.Array(t.INT32)), (n.Literal(0, t.INT32),), t.INT32)
    kernel = n.Kernel(
        "kernel",
        (n.Param("a", array), n.Param("out", array), n.Param("count", t.Array(t.INT32))),
        (
            n.ExprStmt(n.Call("tile_store", (n.Name("out", array), reduced), t.Tuple(()))),
            *((n.AugAssign(count, "+", n.Literal(1, t.INT32)),) if in_place else ()),
        ),
    )
    inputs = {
        "a": np.array(numbers, np.float32),
        "out": np.zeros(1, np.float32),
        "count": np.zeros(1, np.int32),
    }
    return Case(kernel, Launch((1,), inputs, tiled=True))


def test_a_block_may_add_a_tile_up_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rounded = tiled_case("tile_sum", (0.1, 1.3, 2.7, 0.003))
    assert judged(monkeypatch, rounded, off_by(1, at=0)).status == "passed"
    assert judged(monkeypatch, rounded, off_by(1000, at=0)).kind == "wrong value"
    assert judged(monkeypatch, tiled_case("tile_sum", (1.0, 2.0, 0.5)), off_by(1, at=0)).kind == "wrong value"
    zeros = tiled_case("tile_min", (0.0, -0.0))
    assert judged(monkeypatch, zeros, lambda out: -out).status == "passed"
    assert judged(monkeypatch, tiled_case("tile_max", (1.0, 2.0)), off_by(1, at=0)).kind == "wrong value"


def test_threads_of_a_block_that_race_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    racing = tiled_case("tile_max", (1.0, 2.0), in_place=True)
    assert judged(monkeypatch, racing, off_by(1, at=0)).reason == value.BLOCK_RACES


def test_a_reproducer_checks_the_output_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of a kernel with library math are not the reference's to the bit, and need not be."""
    case = case_of(sine)
    verdict = judged(monkeypatch, case, off_by(1000))
    evidence = judge.explain(case, verdict)
    assert evidence.expected is None
    assert 1e-7 < evidence.tolerance < 1e-5
    exact = case_of(lambda x: n.Binary("*", x, number(0.1), t.FLOAT32))
    evidence = judge.explain(exact, judged(monkeypatch, exact, off_by(1)))
    assert evidence.expected is not None
    assert evidence.tolerance == 0.0


def test_drawn_kernels_are_judged_and_let_their_own_perturbations_pass() -> None:
    """What a device with errors of the bounds gives passes, and most outputs are judged."""
    elements = judged_elements = 0
    for index in range(40):
        kernel = generate(seed=70, index=index, category="math")
        case = Case(kernel, draw_launch(SeededChoices("tolerance", index), kernel))
        (wanted,) = value.expected([case])
        allowed = None if isinstance(wanted, Undefined) else compare.tolerances(case, wanted)
        if isinstance(wanted, Undefined) or allowed is None:
            continue
        assert compare.first_outside(wanted, wanted, allowed) is None
        for domain in compare.RUNS:
            device = execute(kernel, case.launch, domain)
            assert compare.first_outside(wanted, device, allowed) is None, f"index {index}"
        elements += sum(each.judged.size for each in allowed.values())
        judged_elements += sum(int(each.judged.sum()) for each in allowed.values())
    assert judged_elements > 0.7 * elements > 1000
