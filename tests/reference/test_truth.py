"""What stands for its truth: the reference and the installed Warp agree on it, and Warp refuses what verify does."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.lower import lower
from kernelfuzz.toolchain.programs import Program, loaded

TEXT = """import warp as wp


@wp.kernel
def kernel(x: {type}, a: wp.array(dtype=float), n: wp.array(dtype=int), out: wp.array(dtype=int)):
    i = wp.tid()
    {body}
"""
BODIES = {
    "if": "if {test}:\n        out[0] = 1\n    else:\n        out[0] = 2",
    "branch": "y = int(0)\n    if {test}:\n        y = 1\n    elif i == 0:\n        y = 2\n    out[0] = y",
    "ternary": "out[0] = 1 if {test} else 2",
    "not": "out[0] = 1 if not {test} else 2",
    "and": "out[0] = int({test} and i == 0)",
    "or": "out[0] = int(i > 0 or {test} or i > 1)",
    "while": "while {test}:\n        out[0] += 1\n        if out[0] == 3:\n            break",
}
# The forms that a float cannot stand in: what chooses between values; and an array.
NOT_OF_FLOATS, NOT_OF_ARRAYS = {"branch", "ternary", "not"}, {"while"}
VALUES = {"int": 6, "wp.int8": -128, "wp.uint64": 1 << 63, "bool": True, "float": 0.5, "wp.float64": 1e-300}
DTYPES = {"int": "int32", "float": "float32"}


def _kernel(type_: str, form: str, test: str) -> Kernel:
    return parse(TEXT.format(type=type_, body=BODIES[form].format(test=test)))


def _is_refused(text: str, why: str) -> None:
    refused = lower(text)
    assert isinstance(refused, Failure)
    assert re.search(why, refused.message)


def _agrees(kernel: Kernel, *values: object) -> list[int]:
    """What the kernel gives for each value, by the reference and by Warp."""
    found: list[int] = []
    dtype = np.dtype(kernel.params[0].type.name)  # pyright: ignore[reportAttributeAccessIssue]  # a scalar
    with loaded(render(kernel), "cpu") as program:
        assert isinstance(program, Program), program
        for value in values:
            inputs = {"x": np.array(value, dtype), "a": np.ones(2, np.float32), "n": np.array([0, 5], np.int32)}
            launch = Launch((1,), {**inputs, "out": np.zeros(1, np.int32)})
            expected = reference.run(kernel, launch)["out"]
            outputs = program.run(kernel.name, launch)
            assert isinstance(outputs, dict)
            assert outputs["out"] == expected
            found.append(int(np.asarray(expected)[0]))
    return found


@pytest.mark.parametrize(
    ("type_", "form"),
    [(type_, form) for type_ in VALUES for form in BODIES if "float" not in type_ or form not in NOT_OF_FLOATS],
)
def test_a_number_that_is_not_zero_is_true(type_: str, form: str) -> None:
    true, false = {"not": (2, 1), "and": (1, 0), "or": (1, 0), "while": (3, 0)}.get(form, (1, 2))
    zero = False if type_ == "bool" else 0
    assert _agrees(_kernel(type_, form, "x"), VALUES[type_], zero) == [true, false]


@pytest.mark.parametrize("form", [form for form in BODIES if form not in NOT_OF_ARRAYS])
def test_an_array_is_true(form: str) -> None:
    assert _agrees(_kernel("int", form, "a"), 0) == [2 if form == "not" else 1]


def test_a_bit_and_an_element_are_conditions() -> None:
    assert _agrees(_kernel("int", "if", "x & 4"), 4, 3) == [1, 2]
    assert _agrees(_kernel("int", "branch", "n[1] and not n[0] & 2"), 0) == [1]


@pytest.mark.parametrize("special", [-0.0, float("nan"), 1e-45])
def test_a_float_is_compared_with_zero(special: float) -> None:
    assert _agrees(_kernel("float", "if", "x"), special) == [1 if special != 0 else 2]


@pytest.mark.parametrize("form", sorted(NOT_OF_FLOATS))
def test_what_no_float_can_decide_is_refused_by_warp_too(form: str) -> None:
    text = TEXT.format(type="float", body=BODIES[form].format(test="x"))
    with pytest.raises(ParseError):
        parse(text)
    _is_refused(text, "where|unot")


@pytest.mark.parametrize("test", ["a is None", "a is not None", "a == None"])
def test_none_is_no_value_of_a_kernel(test: str) -> None:
    text = TEXT.format(type="int", body=BODIES["if"].format(test=test))
    with pytest.raises(ParseError, match="None"):
        parse(text)
    _is_refused(text, "None")
