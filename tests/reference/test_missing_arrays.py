"""An array that a launch leaves out (None): the reference and Warp agree, and what reads from it is undefined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.devices import Target
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import launch_script
from kernelfuzz.ir.codec import decode_launch, decode_texts, encode_launch, encode_texts
from kernelfuzz.ir.contract import contract_of
from kernelfuzz.ir.launch import Case, Input, Launch, flattened, given_or_not
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.gradient import Point, prepare_at
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reduce.reduce_case import reduce
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.paste import pasted
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.programs import Program, loaded

TEXT = """import warp as wp


@wp.func
def first(a: wp.array(dtype=wp.float64)) -> wp.float64:
    if not a:
        return wp.float64(-1.0)
    return a[0]


@wp.kernel
def kernel(a: wp.array(dtype=wp.float64), b: wp.array2d(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    {body}
"""
FORMS = {
    "if": ("if a:\n        out[i] = a[i]", (2.0, 7.0)),
    "else": ("if not a:\n        out[i] = wp.float64(5.0)\n    else:\n        out[i] = a[i]", (2.0, 5.0)),
    "return": ("if not a:\n        return\n    out[i] = a[i]", (2.0, 7.0)),
    "and": ("if a and i > 0:\n        out[i] = a[i]\n    elif a:\n        out[i] = a[1]", (3.0, 7.0)),
    "ternary": ("out[i] = a[i] if a else wp.float64(5.0)", (2.0, 5.0)),
    "function": ("out[i] = first(a)", (2.0, -1.0)),
    "view": ("if b:\n        row = b[0]\n        if row:\n            out[i] = row[1]", (9.0, 7.0)),
    "store": ("if a:\n        a[i] = wp.float64(8.0)\n    out[i] = wp.float64(1.0)", (1.0, 1.0)),
}


def _kernel(form: str) -> Kernel:
    return parse(TEXT.format(body=FORMS[form][0]), optional=("a", "b"))


def _launches() -> tuple[Launch, Launch]:
    """One with all arrays, and one with the last alone."""
    given = {"a": np.array([2.0, 3.0]), "b": np.array([[8.0, 9.0]]), "out": np.full(2, 7.0)}
    return Launch((2,), given), Launch((2,), {**given, "a": None, "b": None})


def _gives(launch: Launch, name: str) -> bool:
    return launch.inputs[name] is not None


@pytest.mark.parametrize("target", ["cpu", "cuda-host"])
@pytest.mark.parametrize("form", FORMS)
def test_warp_and_the_reference_agree(form: str, target: Target) -> None:
    kernel = _kernel(form)
    with loaded(render(kernel), target) as program:
        assert isinstance(program, Program), program
        for launch, wanted in zip(_launches(), FORMS[form][1], strict=True):
            expected = reference.run(kernel, launch)
            outputs = program.run(kernel.name, launch)
            assert isinstance(outputs, Mapping)
            assert list(outputs) == list(expected) == [name for name in ("a", "b", "out") if _gives(launch, name)]
            assert np.asarray(outputs["out"])[0] == np.asarray(expected["out"])[0] == wanted


@pytest.mark.parametrize("form", FORMS)
def test_gradients_agree(form: str) -> None:
    for launch in _launches():
        point = prepare_at(Case(_kernel(form), launch))
        assert isinstance(point, Point), point
        assert [name for name in "ab" if name in point.expected] == [name for name in "ab" if _gives(launch, name)]
        (verdict,) = gradient.judge([point], BuildSetting())
        assert verdict.status == "passed", verdict


@pytest.mark.parametrize("body", ["out[i] = a[i]", "a[i] = out[i]", "row = b[i]", "wp.atomic_add(a, i, out[i])"])
def test_what_reads_or_changes_it_is_undefined(body: str) -> None:
    kernel = parse(TEXT.format(body=body))
    with pytest.raises(Undefined, match="index out of range"):
        reference.run(kernel, _launches()[1])


def test_it_comes_back_from_every_form() -> None:
    launch = _launches()[1]
    for numbers in (True, False):
        again = decode_launch(encode_launch(launch, numbers=numbers))
        assert [path for path, array in given_or_not(again.inputs) if array is None] == [("a",), ("b",)]
    texts = encode_texts({"s": {"a": None}, "x": np.ones(2)})
    assert list(flattened(decode_texts(texts))) == ["x"]
    assert decode_texts(texts)["s"] == {"a": None}
    assert "'a': None" in repr(launch)


def test_it_is_part_of_the_contract_of_a_kernel() -> None:
    kernel = _kernel("if")
    assert contract_of(kernel) == {"optional": ("a", "b")}
    assert "optional=('a', 'b')" in pasted(kernel)
    drawn = [draw_launch(SeededChoices("missing", number), kernel).inputs for number in range(20)]
    for name in "ab":
        assert {each[name] is None for each in drawn} == {True, False}
    assert all(each["out"] is not None for each in drawn)


def test_drawn_kernels_are_defined_without_their_optional_arrays() -> None:
    missing = 0
    for index, kernel in enumerate(generate_many(40, seed=2, include=("optional_array",))):
        launch = draw_launch(SeededChoices("missing", index), kernel)
        names = [param.name for param in kernel.params if param.optional]
        for given in (launch, replace(launch, inputs={**launch.inputs, **dict.fromkeys(names)})):
            expected, reason = _run(kernel, given)
            assert reason not in ("index out of range", "uninitialised read"), render(kernel)
            assert all(_gives(given, name) for name in expected)
            missing += bool(expected) and sum(value is None for value in given.inputs.values())
    assert missing > 40


def _run(kernel: Kernel, launch: Launch) -> tuple[Mapping[str, Input], str]:
    """The outputs, or none and why they are undefined."""
    try:
        return reference.run(kernel, launch), ""
    except Undefined as undefined:
        return {}, undefined.reason


def test_a_script_passes_none() -> None:
    case = Case(_kernel("if"), _launches()[1])
    verdict = Verdict("value", "failed", "wrong value", setting=BuildSetting())
    assert "inputs=[None, None, out]" in launch_script(Finding("a signature", verdict, case, case), case)


def test_reduction_leaves_out_what_does_not_matter_and_keeps_what_does() -> None:
    given, missing = [Case(_kernel("else"), launch) for launch in _launches()]

    def stores_five(cases: Sequence[Case]) -> list[bool]:
        """Whether some element is 5, which only a missing array gives."""
        return [_has_five(each) for each in cases]

    assert stores_five([given, missing]) == [False, True]
    reduced = reduce(missing, stores_five)
    assert stores_five([reduced]) == [True]
    anything = reduce(given, lambda cases: ["a" in each.launch.inputs for each in cases])
    assert anything.launch.inputs["a"] is None


def _has_five(case: Case) -> bool:
    found, _ = _run(case.kernel, case.launch)
    return any(bool(np.any(array == 5.0)) for array in flattened(found).values())
