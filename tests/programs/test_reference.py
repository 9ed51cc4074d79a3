"""What names mean at each launch, as Warp's guide has it, and the gradients of a tape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from program_by_hand import (
    BACKWARD,
    FIRST,
    HALF_SQUARE,
    LEFT_OUT,
    RETAINED,
    SCALED,
    SECOND,
    STATIC,
    TWO,
    WHOLE,
    A,
    program,
)

from kernelfuzz.ir import program as p
from kernelfuzz.programs.expectation import expectation
from kernelfuzz.reference.program_gradients import OVERWRITTEN, differences, loss, tape_gradients
from kernelfuzz.reference.program_steps import TapeRun, trace


def b_after(each: p.Program, launch: int) -> np.ndarray[Any, Any]:
    return np.asarray(expectation(each).values[f"b after launch {launch}"])


def derivative(each: p.Program, label: str) -> np.ndarray[Any, Any]:
    return np.asarray(expectation(each).gradients[label])


def test_a_constant_that_changes_is_not_noticed():
    np.testing.assert_array_equal(b_after(program(FIRST, TWO, FIRST), 1), 3 * A)


@pytest.mark.parametrize("told", [p.MarkModified("made0"), p.SetFunction(HALF_SQUARE), p.SetOption("max_unroll", 4)])
def test_it_is_when_its_module_is_built_again(told: p.Event):
    np.testing.assert_array_equal(b_after(program(FIRST, TWO, told, FIRST), 1), 2 * A)


def test_what_another_module_is_told_does_not_matter():
    apart = program(FIRST, TWO, p.SetOption("max_unroll", 4), FIRST, module=p.UNIQUE)
    np.testing.assert_array_equal(b_after(apart, 1), 3 * A)


def test_a_constant_is_looked_up_by_the_launch_and_a_static_expression_by_the_declaration():
    np.testing.assert_array_equal(b_after(program(TWO, FIRST), 0), 2 * A)
    np.testing.assert_array_equal(b_after(program(TWO, FIRST, first=STATIC), 0), 4 * A)


def test_a_factory_captures_its_own_value():
    made = replace(SCALED, closure=True)
    np.testing.assert_array_equal(b_after(program(TWO, FIRST, first=made), 0), 3 * A)


def test_the_gradient_of_a_tape_is_that_of_its_launches_in_turn():
    seed = np.array([1.0, 2.0, 3.0])
    # c = 3 a + (3 a)**2, and then 2 a + (2 a)**2 / 2
    first = seed * (3 + 18 * A)
    np.testing.assert_allclose(derivative(WHOLE, "gradient of a after backward pass 0"), first)
    np.testing.assert_allclose(derivative(WHOLE, "gradient of a after second backward pass 0"), first)
    np.testing.assert_allclose(derivative(WHOLE, "gradient of a after backward pass 1"), seed * (2 + 4 * A))
    assert not expectation(WHOLE).reasons


def test_central_differences_agree():
    (tape,) = [each for each in trace(program(FIRST, SECOND, BACKWARD)) if isinstance(each, TapeRun)]
    exact = tape_gradients(WHOLE, tape)["a"]
    for at in range(3):
        opinion = differences(WHOLE, tape, "a", (at,))
        assert abs(opinion.value - exact[at]) <= opinion.error + 1e-12
    assert loss(WHOLE, tape, {})[0] == np.sum(np.array([1.0, 2.0, 3.0]) * (3 * A + 9 * A * A))


def test_a_launch_without_an_array_passes_nothing_on_to_it():
    assert "inputs=[None, b]" in str(LEFT_OUT)
    np.testing.assert_array_equal(b_after(LEFT_OUT, 0), b_after(LEFT_OUT, 1))
    np.testing.assert_array_equal(b_after(LEFT_OUT, 1), A)
    seed = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(derivative(LEFT_OUT, "gradient of a after backward pass 0"), seed * (1 + 2 * A))


def test_an_array_that_retains_its_gradient_keeps_what_the_launch_was_given():
    assert "b.retain_grad = True" in str(RETAINED)
    label = "gradient of b after backward pass 0"
    assert not np.any(derivative(program(FIRST, SECOND, BACKWARD), label))
    np.testing.assert_allclose(derivative(RETAINED, label), np.array([1.0, 2.0, 3.0]) * (1 + 6 * A))


def test_a_kernel_without_a_backward_pass_passes_no_gradient_on():
    off = program(p.SetOption("enable_backward", False), FIRST, SECOND, BACKWARD)
    assert not np.any(derivative(off, "gradient of a after backward pass 0"))


def test_an_array_that_changes_after_it_was_read_has_no_documented_gradient():
    again = replace(FIRST, arrays={"a": "c", "b": "a"})
    found = expectation(program(FIRST, SECOND, again, BACKWARD))
    assert found.reasons == (OVERWRITTEN,)
    assert not found.gradients
