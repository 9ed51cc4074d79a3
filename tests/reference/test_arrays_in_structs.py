"""Structs that hold arrays: made in a kernel or given by a launch, the reference and Warp agree on them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Input, Launch, flattened, leaves
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reduce.reduce_case import reduce
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.programs import Program, loaded
from kernelfuzz.toolchain.red_zones import WritesOutside

TEXT = """import warp as wp


@wp.struct
class Body:
    mass: float
    at: wp.array(dtype=float)


@wp.func
def body(mass: float, at: wp.array(dtype=float)):
    b = Body()
    b.mass = mass
    b.at = at
    return b


@wp.func
def push(b: Body, i: int, by: float):
    b.mass = b.mass + 1.0
    b.at[i] = b.mass * by


@wp.kernel
def kernel(n: int, a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    {body}
"""
BODIES = (
    "b = body(2.0, out)\n    push(b, i, 3.0)\n    b.at[i] += b.mass",
    "b = Body(mass=1.0, at=out)\n    c = b\n    c.at = a\n    b.at[i] = c.at[i] + float(c.at.shape[0])",
    "b = Body(at=out, mass=1.0)\n    if n:\n        b = body(4.0, out)\n    b.at[i] = b.mass",
    "b = Body()\n    if b.at:\n        out[i] = 1.0\n    else:\n        out[i] = float(b.at.shape[0]) + 2.0",
    "t = out if n > i else a\n    out[i] = t[i] + 1.0",
    "b = Body(1.0, out)\n    t = b.at if n else a\n    t[i] = 5.0",
)


@pytest.mark.parametrize("text", BODIES)
def test_an_array_is_a_field_like_others(text: str) -> None:
    kernel = parse(TEXT.format(body=text))
    assert parse(render(kernel)) == kernel
    a = np.array([1.0, 2.0, 3.0], np.float32)
    launch = Launch((3,), {"n": np.array(2, np.int32), "a": a, "out": np.full(3, 0.5, np.float32)})
    expected = reference.run(kernel, launch)
    with loaded(render(kernel), "cpu") as program:
        assert isinstance(program, Program), program
        outputs = program.run(kernel.name, launch)
    assert isinstance(outputs, dict)
    assert first_mismatch(expected, outputs) is None
    assert not np.array_equal(np.asarray(expected["out"]), np.full(3, 0.5))


# ------------------------------------------------------------------------------- given by a launch

GIVEN = """import warp as wp


@wp.struct
class Body:
    mass: float
    at: wp.array(dtype=float)
    to: wp.array2d(dtype=wp.vec3)
    n: wp.array(dtype=int)


@wp.func
def product(b: Body, i: int) -> float:
    return b.at[i] * b.mass


@wp.kernel
def kernel(b: Body, a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    {body}
"""
# What stands in a kernel, and which array it changes.
USES = {
    "out[i] = b.at[i] * b.at[i]": "out",
    "b.at[i] = b.at[i] * 2.0 * a[i]": "b.at",
    "b.to[i, 0] = wp.vec3(a[i], b.mass, 2.0)": "b.to",
    "row = b.to[i]\n    row[0] = wp.vec3(a[i])": "b.to",
    "b.to[i, 1].x = a[i]": "b.to",
    "b.at[i] += a[i] * a[i]": "b.at",
    "b.n[i] = b.at.shape[0] + b.n[i]": "b.n",
    "out[i] = product(b, i)": "out",
    "c = b\n    c.mass = 2.0\n    c.at[i] = product(c, i)": "b.at",
    "if b.at:\n        b.at[i] = 1.0": "b.at",
    "out[i] = b.to[i, 0].y * wp.length(b.to[i, 0])": "out",
}


def _given(text: str, **more: Input) -> Case:
    numbers = np.random.default_rng(1)
    body: dict[str, Input] = {
        "mass": np.array(0.5, np.float32),
        "at": numbers.random(3).astype(np.float32) + np.float32(0.5),
        "to": numbers.random((3, 2, 3)).astype(np.float32),
        "n": np.arange(3, dtype=np.int32),
    }
    a, out = np.array([1.25, 2.75, 3.5], np.float32), np.zeros(3, np.float32)
    return Case(parse(GIVEN.format(body=text)), Launch((3,), {"b": {**body, **more}, "a": a, "out": out}))


@pytest.mark.parametrize("text", USES)
def test_an_array_of_a_struct_is_an_output(text: str) -> None:
    case = _given(text)
    before, after = flattened(case.launch.inputs), flattened(reference.run(case.kernel, case.launch))
    assert list(after) == ["b.at", "b.to", "b.n", "a", "out"]
    assert [name for name, array in after.items() if not np.array_equal(array, before[name])] == [USES[text]]


@pytest.mark.parametrize("text", USES)
def test_values_and_gradients_agree_on_both_targets(text: str) -> None:
    checks = Checks(("value", "gradient"), ("cpu", "cuda-host"))
    (outcome,) = judge_cases([_given(text)], checks, launch_given=True)
    assert {each.status for each in outcome.verdicts if each.oracle == "value"} == {"passed"}
    # Of a copy of the struct it is not known whose array is stored into, so that there is no seed.
    expected = {"skipped"} if "c = b" in text else {"passed"}
    assert {each.status for each in outcome.verdicts if each.oracle == "gradient"} == expected


def test_an_array_that_is_not_given_is_a_field_without_elements() -> None:
    case = _given("if b.at:\n        out[i] = 1.0\n    else:\n        out[i] = 2.0", at=None)
    with loaded(render(case.kernel), "cpu") as program:
        assert isinstance(program, Program), program
        outputs = program.run(case.kernel.name, case.launch)
    expected = reference.run(case.kernel, case.launch)
    assert first_mismatch(expected, outputs) is None
    assert np.asarray(expected["out"]).tolist() == [2.0, 2.0, 2.0]


def test_a_store_beside_it_is_noticed() -> None:
    source = render(_given("b.at[i] = 1.0").kernel).replace("b.at[i]", "b.at[i + 1]")
    case = _given("b.at[i] = 1.0")
    with loaded(source, "cpu") as program:
        assert isinstance(program, Program), program
        with pytest.raises(WritesOutside, match=r"b\.at"):
            program.run(case.kernel.name, case.launch)


@pytest.mark.parametrize("target", ["cpu", "cuda-host"])
@pytest.mark.parametrize(("text", "kind"), [("b.at[i] = 1.0", "wrong value"), ("b.at[i] += a[i]", "wrong gradient")])
def test_a_script_makes_the_struct_and_checks_its_arrays(tmp_path: Path, target: str, text: str, kind: str) -> None:
    case, setting = _given(text), BuildSetting(target)  # pyright: ignore[reportArgumentType]
    wrong: dict[str, Input] = {"b": {"at": np.array([7.0, 8.0, 9.0], np.float32)}}
    right: dict[str, Input] = {"b": {"at": np.ones(3, np.float32)}}
    seeds = right if kind == "wrong gradient" else None
    for expected, status in ((wrong, 1), (right, 0)):
        verdict = Verdict("value", "failed", kind, "", setting)  # pyright: ignore[reportArgumentType]
        found = Finding(signature(verdict, case.kernel), verdict, case, case, expected=expected, seeds=seeds)
        script = tmp_path / "script.py"
        script.write_text(reproducer(found), encoding="utf-8")
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr


def test_drawn_kernels_read_and_change_arrays_in_structs() -> None:
    read, changed = 0, 0
    for index, kernel in enumerate(generate_many(40, seed=3, include=("array_field",))):
        launch = draw_launch(SeededChoices("fields", index), kernel)
        try:
            outputs = flattened(reference.run(kernel, launch))
        except Undefined:
            continue
        before = flattened(launch.inputs)
        inside = {name for name in outputs if "." in name and name.partition(".")[0].startswith("p")}
        assert inside
        read += 1
        changed += any(not np.array_equal(outputs[name], before[name], equal_nan=True) for name in inside)
    assert read > 20
    assert changed > 5


def test_fewer_threads_have_shorter_arrays_in_structs() -> None:
    case = _given("b.at[i] = 1.0")

    def stores(cases: Sequence[Case]) -> list[bool]:
        return [_has_one(each) for each in cases]

    reduced = reduce(case, stores)
    ((_, array),) = leaves(reduced.launch.inputs)
    assert array.shape == (1,)


def _has_one(case: Case) -> bool:
    try:
        outputs = flattened(reference.run(case.kernel, case.launch))
    except Undefined:
        return False
    return any("." in name and bool(np.any(array == 1.0)) for name, array in outputs.items())
