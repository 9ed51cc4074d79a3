"""Workarounds: the rewritten kernel computes the same, and Warp agrees with it where it does not as drawn."""

from __future__ import annotations

from collections.abc import Callable

import finding_kernels as kernels
import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.rewrites.workarounds import WORKAROUNDS, worked_around
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import JUDGED, loaded
from kernelfuzz.typecheck.verify import verify

LONGS = np.array([10, 7], np.int64)
ROWS = np.array([[[9, 2], [3, 4]]], np.float32)
PARTS = np.array([[7, 8, 0, 0, 0, 0, 0.5]], np.float32)

# What each kernel of a known bug must leave in out0; rejected ones count as wrong.
EXPECTED: dict[str, list[tuple[Callable[[], Case], Input]]] = {
    "tuple-assignment-aliases": [
        (kernels.swapped, kernels.ints(5, 4)),
        (kernels.changed, kernels.ints(4, 5)),
        (kernels.elements, kernels.ints(8, 7)),
        (kernels.element_rebound, kernels.ints(11, 7)),
    ],
    "constant-ternary-aliases": [(kernels.constant_ternary, kernels.ints(304, 4))],
    "ternary-loads-too-late": [
        (kernels.ternary_of_an_element, kernels.ints(8, 2)),
        (kernels.ternary_of_a_struct, kernels.ints(8, 2)),
    ],
    "negative-component-of-an-element": [
        (kernels.negative_component, np.array([[0, 0], [0, 9], [0, 0]], np.int32)),
    ],
    "conversion-retypes-a-constant": [
        (kernels.retyped_constant, LONGS),
        (kernels.rejected_conversion, kernels.ints(0, 1)),
    ],
    "empty-loop-loses-the-counter": [(kernels.empty_loop, kernels.ints(5, 0))],
    "store-into-a-part-of-a-part": [(kernels.row_component, ROWS), (kernels.transform_component, PARTS)],
    "subscript-of-a-slice": [(kernels.sliced_element, np.array([20.0], np.float32))],
    "chained-comparison-of-references": [(kernels.chained, np.array([True]))],
    "negated-zero": [(kernels.negated, np.array([-0.0], np.float32))],
    "element-is-read-late": [
        (kernels.read_late, kernels.ints(102, 3)),
        (kernels.read_late_augmented, kernels.ints(4, 0)),
        (kernels.read_late_state, kernels.ints(5, 5)),
        (kernels.read_late_transform, np.ones((2, 7), np.float32)),
    ],
    "lower-bound-ignores-strides": [(kernels.searched, kernels.ints(2, 1))],
    "parameter-keeps-its-change": [(kernels.parameter_changed, kernels.ints(6, 6))],
    "condition-is-read-again": [(kernels.condition_changed, kernels.ints(7))],
    "chained-comparison-is-eager": [
        (kernels.eager_chain, kernels.ints(2, 0)),
        (kernels.eager_chain_of_values, kernels.ints(2, 0)),
    ],
}
CASES = [(slug, make, out) for slug, rows in EXPECTED.items() for make, out in rows]


# Bugs that change what a kernel computes, not its gradient.  What is built differently each time computes the same:
# tests/oracles/test_rebuild.py.
OF_VALUES = {row.bug for row in WORKAROUNDS.values() if not row.of_gradients} - {"local-named-as-a-value"}


def test_every_workaround_has_a_kernel() -> None:
    assert set(EXPECTED) == OF_VALUES


def right(case: Case, expected: Input) -> bool:
    """Whether Warp takes the kernel and computes what it must: of arrays that are not contiguous, and several threads
    in turns."""
    turns = case.launch.dim != (1,)
    with loaded(str(case.kernel), "cuda-host" if turns else "cpu", options=JUDGED) as program:
        if isinstance(program, Failure):
            assert program.kind == "codegen", program
            return False
        grid = {"blocks": 1, "block_dim": 1} if turns else {}
        outputs = program.run("kernel", case.launch, layout="strided", **grid)
        return first_mismatch({"out0": expected}, outputs) is None


@pytest.mark.parametrize(("slug", "make", "expected"), CASES, ids=[make.__name__ for _, make, _ in CASES])
def test_warp_agrees_with_the_rewritten_kernel(slug: str, make: Callable[[], Case], expected: Input) -> None:
    case = make()
    verify(case.kernel)
    rewritten = worked_around(case.kernel, [slug])
    assert rewritten != case.kernel
    verify(rewritten)
    for kernel in (case.kernel, rewritten):
        outputs = reference.run(kernel, case.launch)
        assert first_mismatch({"out0": expected}, outputs) is None
    assert right(Case(rewritten, case.launch), expected)
    assert right(Case(worked_around(case.kernel), case.launch), expected)


@pytest.mark.parametrize(("slug", "make", "expected"), CASES, ids=[make.__name__ for _, make, _ in CASES])
def test_this_warp_has_the_bug(slug: str, make: Callable[[], Case], expected: Input) -> None:
    from importlib.metadata import version

    if version("warp-lang") != "1.19.0":
        pytest.skip("the table of known bugs is about 1.19.0")
    if "1.19.0" not in WORKAROUNDS[slug].releases:
        pytest.skip("the bug was fixed before 1.19.0")
    if slug == "empty-loop-loses-the-counter":
        pytest.skip("an uninitialised variable may hold the right value")
    assert not right(make(), expected)


def test_what_no_bug_concerns_stays_as_it_is() -> None:
    kernel = kernels.product().kernel
    assert worked_around(kernel) == kernel
    with pytest.raises(KeyError):
        worked_around(kernel, ["no-such-bug"])


def test_each_workaround_leaves_the_others_alone() -> None:
    for slug, make, _ in CASES:
        kernel = make().kernel
        changing = [each for each in OF_VALUES if worked_around(kernel, [each]) != kernel]
        assert changing == [slug]


def test_a_rewritten_kernel_is_left_alone_the_second_time() -> None:
    for _, make, _ in CASES:
        rewritten = worked_around(make().kernel)
        assert worked_around(rewritten) == rewritten


def test_drawn_kernels_compute_the_same_when_rewritten() -> None:
    changed = 0
    exact = [row.bug for row in WORKAROUNDS.values() if "rounding" not in row.may_change]
    for index in range(120):
        kernel = generate(seed=5, index=index)
        rewritten = worked_around(kernel, exact)
        if rewritten == kernel:
            continue
        verify(rewritten)
        launch = draw_launch(SeededChoices("launch", index), kernel)
        try:
            expected = reference.run(kernel, launch)
        except reference.Undefined:
            continue
        changed += 1
        assert first_mismatch(expected, reference.run(rewritten, launch)) is None
    assert changed >= 10
