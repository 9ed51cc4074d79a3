"""The tolerance on a CUDA device: lets pass what the device's library may do, and nothing else.

No device is needed: its outputs are planted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import (
    Assign,
    AugAssign,
    Binary,
    Call,
    Cast,
    Compare,
    Expr,
    ExprStmt,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Param,
)
from kernelfuzz.ir.types import BOOL, FLOAT32, FLOAT64, INT32, UINT32, Array, Matrix, Scalar, Tile, Tuple
from kernelfuzz.oracles import rejudge, tolerance, value
from kernelfuzz.oracles.batch import Action
from kernelfuzz.oracles.value import Outputs
from kernelfuzz.oracles.verdict import Setting, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.reference.launch import execute
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.inputs import draw_launch
from kernelfuzz.strategies.kernel import generate

CUDA = Setting("cuda")
VALUES = (0.5, 1.25, 2.0, 3.0)
FLOATS = [FLOAT32, FLOAT64]


def case_of(
    expression: Callable[[Expr], Expr], dtype: Scalar = FLOAT32, result: Scalar | None = None
) -> Case:
    """``out[i] = expression(a[i])`` over four numbers."""
    result = result or dtype
    thread = Name("i", INT32)
    element = Index(Name("a", Array(dtype)), (thread,), dtype)
    place = Index(Name("out", Array(result)), (thread,), result)
    kernel = Kernel(
        name="kernel",
        params=(Param("a", Array(dtype), shape=("x",)), Param("out", Array(result), shape=("x",))),
        body=(Assign(thread, Call("tid", (), INT32)), Assign(place, expression(element))),
    )
    inputs = {"a": np.array(VALUES, dtype=dtype.name), "out": np.zeros(len(VALUES), dtype=result.name)}
    return Case(kernel, Launch((len(VALUES),), inputs))


def sine(x: Expr) -> Expr:
    assert isinstance(x.type, Scalar)
    return Call("sin", (x,), x.type)


def number(value: float, dtype: Scalar = FLOAT32) -> Literal:
    return Literal(value, dtype)


def judged(
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
    change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    setting: Setting = CUDA,
) -> Verdict:
    """The verdict of the value oracle on a device that gives the reference's ``out``, changed."""
    (wanted,) = value.expected([case])
    assert not isinstance(wanted, Undefined)
    out = wanted["out"]
    assert isinstance(out, np.ndarray)

    def evaluate(
        cases: list[Case], setting: Setting, action: Action[Any], *, backward: bool = False
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
def test_a_sine_may_be_off_by_its_bound(monkeypatch: pytest.MonkeyPatch, dtype: Scalar, units: int) -> None:
    case = case_of(sine, dtype)
    assert judged(monkeypatch, case, off_by(units)).status == "passed"
    for target in ("cpu", "cuda-host"):
        assert judged(monkeypatch, case, off_by(units), Setting(target)).kind == "wrong value"


@pytest.mark.parametrize("units", [1000, -1000])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_sine_may_not_be_off_by_more(monkeypatch: pytest.MonkeyPatch, dtype: Scalar, units: int) -> None:
    verdict = judged(monkeypatch, case_of(sine, dtype), off_by(units, at=2))
    assert (verdict.status, verdict.kind) == ("failed", "wrong value")
    assert verdict.mismatch is not None
    assert (verdict.mismatch.output, verdict.mismatch.index) == ("out", (2,))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: Binary("*", x, number(0.1), FLOAT32),
        lambda x: Binary("/", x, number(3.0), FLOAT32),
        lambda x: Call("sqrt", (x,), FLOAT32),
        # The errors of the sine are far below the last digit of the sum.
        lambda x: Binary("+", sine(x), number(16777216.0), FLOAT32),
    ],
    ids=["product", "quotient", "root", "absorbed"],
)
def test_what_is_exact_is_held_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[Expr], Expr]
) -> None:
    assert judged(monkeypatch, case_of(operation), off_by(0)).status == "passed"
    assert judged(monkeypatch, case_of(operation), off_by(1)).kind == "wrong value"


def test_the_power_operator_is_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(lambda x: Binary("**", x, number(2.5), FLOAT32))
    assert judged(monkeypatch, case, off_by(4)).status == "passed"
    assert judged(monkeypatch, case, off_by(1000)).kind == "wrong value"


def test_an_error_grows_with_what_is_computed_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """``sin(x) - 0.9375`` has lost digits: near to it the sine's unit is many of the difference."""
    case = case_of(lambda x: Binary("-", sine(x), number(0.9375), FLOAT32))
    assert judged(monkeypatch, case, off_by(8)).status == "passed"
    assert judged(monkeypatch, case, off_by(10000)).kind == "wrong value"


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        # What is left of the sine's error is as large as the sine.
        (lambda x: sine(Binary("*", sine(x), number(1e30), FLOAT32)), FLOAT32),
        # A comparison of what is equal but for the errors; once as a bool, once as a choice.
        (lambda x: Compare(_nearly(x), (">",), (x,), BOOL), BOOL),
        (
            lambda x: IfExp(Compare(_nearly(x), (">",), (x,), BOOL), number(1.0), number(7.0), FLOAT32),
            FLOAT32,
        ),
        (lambda x: Cast(INT32, Binary("*", sine(x), number(1e9), FLOAT32)), INT32),
        # x / 0 or a number.
        (lambda x: Binary("/", x, Binary("-", _nearly(x), x, FLOAT32), FLOAT32), FLOAT32),
    ],
    ids=["sine of a large sine", "bool", "choice", "integer", "pole"],
)
def test_what_depends_on_the_errors_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[Expr], Expr], result: Scalar
) -> None:
    def anything(out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return ~out if result == BOOL else np.full_like(out, 42)

    with np.errstate(all="ignore"):
        verdict = judged(monkeypatch, case_of(operation, FLOAT32, result), anything)
    assert (verdict.status, verdict.reason) == ("skipped", value.ILL_CONDITIONED)


def _nearly(x: Expr) -> Expr:
    """``exp(log(x))``: x, but for the errors."""
    return Call("exp", (Call("log", (x,), FLOAT32),), FLOAT32)


def test_one_function_has_one_error_for_one_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(lambda x: Binary("-", sine(x), sine(x), FLOAT32))
    assert judged(monkeypatch, case, lambda out: out + np.float32(1e-7)).kind == "wrong value"


def test_one_element_that_is_not_judged_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 3.0 the sum is near 0, as nothing is left of it; at the others it is well."""
    near = float(np.float32(np.sin(np.float32(3.0))))
    case = case_of(lambda x: Binary("-", sine(x), number(near), FLOAT32))
    assert judged(monkeypatch, case, lambda out: np.append(out[:3], np.float32(0.5))).status == "passed"
    assert judged(monkeypatch, case, lambda out: np.append(out[:3] * 2, out[3:])).kind == "wrong value"


def test_what_nobody_states_a_bound_for_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    normal = case_of(lambda x: Call("randn", (Call("rand_init", (Literal(5, INT32),), UINT32),), FLOAT32))
    assert judged(monkeypatch, normal, lambda out: -out).reason == value.ILL_CONDITIONED
    rate = number(4.0)
    state = Call("rand_init", (Literal(5, INT32),), UINT32)
    counts = case_of(lambda x: Call("poisson", (state, rate), UINT32), FLOAT32, UINT32)
    assert judged(monkeypatch, counts, lambda out: out + np.uint32(3)).reason == value.ILL_CONDITIONED
    uniform = case_of(lambda x: Call("randf", (state,), FLOAT32))
    assert judged(monkeypatch, uniform, off_by(1)).kind == "wrong value"


def test_decompositions_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = Matrix(2, 2, FLOAT32)
    out, given = Name("out", Array(matrix)), Name("a", Array(matrix))
    approximate = Call("inverse_approx", (Index(given, (Literal(0, INT32),), matrix),), matrix)
    body = (Assign(Index(out, (Literal(0, INT32),), matrix), approximate),)
    kernel = Kernel("kernel", (Param("a", Array(matrix)), Param("out", Array(matrix))), body)
    numbers = np.array([[[2.0, 1.0], [0.5, 3.0]]], dtype=np.float32)
    case = Case(kernel, Launch((1,), {"a": numbers, "out": np.zeros_like(numbers)}))
    assert judged(monkeypatch, case, lambda out: out * np.float32(1.01)).reason == value.ILL_CONDITIONED


def tiled_case(name: str, numbers: tuple[float, ...], *, in_place: bool = False) -> Case:
    """One block loads ``a``, reduces it and stores the result; ``in_place`` adds 1 to ``count[0]``."""
    array, tile = Array(FLOAT32), Tile(FLOAT32, (len(numbers),))
    loaded = Call("tile_load", (Name("a", array),), tile, (("shape", len(numbers)),))
    reduced = Call(name, (loaded,), Tile(FLOAT32, (1,)))
    count = Index(Name("count", Array(INT32)), (Literal(0, INT32),), INT32)
    kernel = Kernel(
        "kernel",
        (Param("a", array), Param("out", array), Param("count", Array(INT32))),
        (
            ExprStmt(Call("tile_store", (Name("out", array), reduced), Tuple(()))),
            *((AugAssign(count, "+", Literal(1, INT32)),) if in_place else ()),
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
    evidence = rejudge.explain(case, verdict)
    assert evidence.expected is None
    assert 1e-7 < evidence.tolerance < 1e-5
    exact = case_of(lambda x: Binary("*", x, number(0.1), FLOAT32))
    evidence = rejudge.explain(exact, judged(monkeypatch, exact, off_by(1)))
    assert evidence.expected is not None
    assert evidence.tolerance == 0.0


def test_drawn_kernels_are_judged_and_let_their_own_perturbations_pass() -> None:
    """What a device with errors of the bounds gives passes, and most outputs are judged."""
    elements = judged_elements = 0
    for index in range(40):
        kernel = generate(seed=70, index=index, category="math")
        case = Case(kernel, draw_launch(SeededChoices("tolerance", index), kernel))
        (wanted,) = value.expected([case])
        allowed = None if isinstance(wanted, Undefined) else tolerance.tolerances(case, wanted)
        if isinstance(wanted, Undefined) or allowed is None:
            continue
        assert tolerance.first_outside(wanted, wanted, allowed) is None
        for domain in tolerance.RUNS:
            device = execute(kernel, case.launch, domain)
            assert tolerance.first_outside(wanted, device, allowed) is None, f"index {index}"
        elements += sum(each.judged.size for each in allowed.values())
        judged_elements += sum(int(each.judged.sum()) for each in allowed.values())
    assert judged_elements > 0.7 * elements > 1000
