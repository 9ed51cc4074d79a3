"""A deviation computes what a Warp with the known bug computes; every row has its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import finding_kernels as kernels
import gradient_kernels
import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.value import suspects
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.reference import gradient as differentiated
from kernelfuzz.reference import run
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.deviations import DEVIATIONS, applicable, explanation
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain.programs import JUDGED

OF_GRADIENTS = [
    (slug, functions, body)
    for slug, texts in (gradient_kernels.TEXTS | gradient_kernels.PREDICTED).items()
    if slug in DEVIATIONS
    for functions, body in texts
]

PAGES = Path(__file__).parents[2] / "notes" / "findings"

# The kernels of known bugs that Warp takes, and the bug that each has.
PREDICTED: list[tuple[str, Callable[[], Case]]] = [
    ("tuple-assignment-aliases", kernels.swapped),
    ("tuple-assignment-aliases", kernels.changed),
    ("tuple-assignment-aliases", kernels.elements),
    ("constant-ternary-aliases", kernels.constant_ternary),
    ("conversion-retypes-a-constant", kernels.retyped_constant),
    ("store-into-a-part-of-a-part", kernels.row_component),
    ("store-into-a-part-of-a-part", kernels.transform_component),
    ("vector-is-stored-into-itself", kernels.stored_into_itself),
    ("negated-zero", kernels.negated),
    ("element-is-read-late", kernels.read_late),
    ("element-is-read-late", kernels.read_late_augmented),
    ("element-is-read-late", kernels.read_late_state),
    ("element-is-read-late", kernels.read_late_transform),
    ("element-is-read-late", kernels.read_late_effect),
    ("element-is-read-late", kernels.read_late_place),
    ("element-is-read-late", kernels.read_late_sum),
    ("condition-is-read-again", kernels.condition_changed),
    ("chained-comparison-is-eager", kernels.eager_chain),
    ("chained-comparison-is-eager", kernels.eager_chain_of_values),
]


@pytest.mark.parametrize(("bug", "make"), PREDICTED, ids=lambda value: getattr(value, "__name__", value))
def test_what_warp_computes_is_predicted(bug: str, make: Callable[[], Case]) -> None:
    if DEVIATIONS[bug] not in applicable():
        pytest.skip("this Warp does not have the bug")
    (outcome,) = judge_cases([make()], Checks(("value",), ("cpu", "cuda-host")))
    assert [(verdict.status, verdict.bugs) for verdict in outcome.verdicts] == [("known", (bug,))] * 2


@pytest.mark.parametrize("op", ["+", "-", "&", "|", "^"])
def test_an_augmented_assignment_that_is_atomic_reads_nothing_late(op: str) -> None:
    late = kernels.read_late_augmented()
    (statement,) = late.kernel.body
    case = replace(late, kernel=replace(late.kernel, body=(replace(statement, op=op),)))
    (outcome,) = judge_cases([case], Checks(("value",), ("cpu", "cuda-host")))
    assert [verdict.status for verdict in outcome.verdicts] == ["passed"] * 2
    outputs = run(case.kernel, case.launch, deviations=[DEVIATIONS["element-is-read-late"]])
    assert first_mismatch(run(case.kernel, case.launch), outputs) is None


def test_a_bug_whose_effect_is_open_is_suspected_where_the_launch_meets_it() -> None:
    case = kernels.empty_loop()
    (outcome,) = judge_cases([case], Checks(("value",), ("cpu",)))
    if outcome.failed:  # what is on the stack may be the right value
        assert outcome.failed[0].suspects == ("empty-loop-loses-the-counter",)
    (other,) = judge_cases([kernels.swapped()], Checks(("value",), ("cpu",)))
    assert other.verdicts[0].suspects == ()


def test_each_return_of_a_vector_from_a_dynamic_loop_adds_to_its_gradient() -> None:
    function = (
        "@wp.func\ndef first(x: wp.array(dtype=wp.float64), n: int):\n    for i in range(n):\n        if i == 1:\n"
        "            return wp.vec2d(x[i], x[0])\n    return wp.vec2d(x[2], x[1])\n\n\n"
    )
    case = gradient_kernels.case_of(function, "    out[0] = first(x, len(total))[0]")
    row, seeds = DEVIATIONS["leaving-a-dynamic-loop"], {"out": np.ones(1)}
    found = np.asarray(differentiated(case.kernel, case.launch, seeds, (row,), strict=False)["x"])
    assert np.flatnonzero(found).tolist() == [1, 2]
    assert found[1:3].tolist() == [1.0, 1.0]
    wanted = {"x": differentiated(case.kernel, case.launch, seeds)["x"]}
    setting = BuildSetting("cpu", tuple(sorted(JUDGED.items())))
    verdicts = gradient.judge([gradient.Point(case, case, seeds, wanted)], setting)
    assert [(verdict.status, verdict.bugs) for verdict in verdicts] == [("known", (row.name,))]


def test_a_negative_component_of_an_element_is_met_where_a_launch_has_one() -> None:
    row = DEVIATIONS["negative-component-of-an-element"]
    source = "import warp as wp\n\n\n@wp.kernel\ndef kernel(a: wp.array(dtype=wp.vec2), n: int):\n    a[0][{}] = 2.0\n"
    zeros = np.zeros((1, 2), np.float32)

    def met(index: str, n: int) -> bool:
        launch = Launch((1,), {"a": zeros, "n": np.array(n, np.int32)})
        return suspects(Case(parse(source.format(index)), launch), [row]) == (row.name,)

    assert [met("n", -1), met("n", 1), met("n + n", -1), met("-1", 0), met("1", 0)] == [True, False, True, True, False]


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_deviation_has_a_page_and_changes_a_rule(name: str) -> None:
    row = DEVIATIONS[name]
    assert (PAGES / f"{name}.md").is_file()
    assert row.nodes or row.numbers


@pytest.mark.parametrize("row", DEVIATIONS.values(), ids=lambda row: row.name)
def test_a_deviation_changes_nothing_where_its_construct_is_missing(row: Deviation) -> None:
    plain = kernels.kernel_of(kernels.store(0, kernels.add(kernels.int_(2), kernels.int_(3))))
    launch = kernels.launch_of(n=1, out0=kernels.ints(0))
    assert run(plain, launch, deviations=(row,))["out0"] == run(plain, launch)["out0"]


def test_of_several_deviations_none_can_be_left_out() -> None:
    rows = list(DEVIATIONS.values())[:4]
    needed = {rows[1], rows[3]}
    assert explanation(rows, lambda asked: needed <= set(asked)) == (rows[1].name, rows[3].name)
    assert explanation(rows, lambda asked: rows[2] in asked) == (rows[2].name,)
    assert explanation(rows, lambda asked: False) == ()


def test_known_bugs_explain_what_a_seed_fails_by() -> None:
    """Drawn kernels that this Warp gets wrong are predicted to the bit, whatever else they have."""
    checks = Checks(("value",), ("cpu",))
    cases = [
        Case(kernel, draw_launch(SeededChoices("known", index), kernel))
        for index in range(96)
        for kernel in [generate(seed=414, index=index, include=["effect", "unpack"])]
    ]
    outcomes = judge_cases(cases, checks)
    assert not [each for outcome in outcomes for each in outcome.failed if each.kind == "wrong value"]
    assert any(outcome.bugs for outcome in outcomes)


@pytest.mark.parametrize(("slug", "functions", "body"), OF_GRADIENTS, ids=lambda value: value[:40])
def test_what_the_adjoint_gives_is_predicted(slug: str, functions: str, body: str) -> None:
    if DEVIATIONS[slug] not in applicable(of_gradients=True):
        pytest.skip("this Warp does not have the bug")
    point = gradient.prepare_at(gradient_kernels.case_of(functions, body))
    assert isinstance(point, gradient.Point)
    (verdict,) = gradient.judge([point], BuildSetting("cpu", tuple(sorted(JUDGED.items()))))
    assert (verdict.status, verdict.bugs) == ("known", (slug,))


def test_what_has_no_gradient_need_not_be_smooth_where_the_launch_never_came() -> None:
    """The adjoint goes on behind the loop; by the scalar the power has no derivative there."""
    kernel = parse(
        "import warp as wp\n\n\n@wp.kernel\ndef kernel(x: wp.array(dtype=wp.float64), n: int, p: wp.float64):\n"
        "    for i in range(n):\n        return\n    x[0] = wp.float64(-2.0) ** p * wp.float64(0.5)\n"
    )
    launch = Launch((1,), {"x": np.ones(1), "n": np.array(1, np.int32), "p": np.array(2.0)})
    point = gradient.prepare_at(Case(kernel, launch))
    assert isinstance(point, gradient.Point)
    (verdict,) = gradient.judge([point], BuildSetting("cpu", tuple(sorted(JUDGED.items()))))
    assert (verdict.status, verdict.bugs) == ("known", ("leaving-a-dynamic-loop",))


def test_only_the_negative_of_a_scalar_loses_its_sign() -> None:
    vector = parse(
        "import warp as wp\n\n\n@wp.kernel\ndef kernel(v: wp.array(dtype=wp.vec2), x: wp.array(dtype=float)):\n"
        "    v[0] = -v[0]\n    x[0] = -x[0]\n"
    )
    launch = Launch((1,), {"v": np.zeros((1, 2), np.float32), "x": np.zeros(1, np.float32)})
    found = run(vector, launch, deviations=(DEVIATIONS["negated-zero"],))
    signs = {name: np.signbit(np.asarray(value)) for name, value in found.items()}
    assert signs["v"].all()
    assert not signs["x"].any()
