"""Kernels of every category on a CUDA device: forward and adjoint, against the reference and the CPU.

python -m pytest -m gpu tests/gpu
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles import gradient, value
from kernelfuzz.oracles.batch import evaluate
from kernelfuzz.oracles.compare import first_mismatch, first_outside, tolerances
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.verdict import BuildSetting, Mismatch
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded

pytestmark = pytest.mark.gpu

DEVICE = "cuda"
HOSTS = ("cpu", "cuda-host")
KERNELS = 16

# What none of the categories stands for; each needs something of a device of its own.
FEATURES = ("tile", "random", "float16", "decomposition")

SUBJECTS = [*CATEGORIES, *FEATURES]


@cache
def cases(subject: str) -> tuple[Case, ...]:
    """Kernels of a category, or with a feature, on which Warp's CPU backend and the reference agree.

    A bug of Warp that shows on the CPU already is not what is looked for here.
    """
    options = {"category": subject} if subject in CATEGORIES else {"include": (subject,)}
    drawn: list[Kernel] = [*generate_many(KERNELS, seed=80, **options)]  # pyright: ignore[reportArgumentType]
    made = [Case(each, draw_launch(SeededChoices(subject, at), each)) for at, each in enumerate(drawn)]
    outcomes = judge_cases(made, Checks(("value", "gradient"), HOSTS))
    return tuple(case for case, outcome in zip(made, outcomes, strict=True) if not outcome.failed)


def settings(target: str) -> BuildSetting:
    return BuildSetting(target, tuple(sorted(JUDGED.items())))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_device_computes_what_the_reference_says(subject: str) -> None:
    judged = cases(subject)
    assert len(judged) > KERNELS // 2
    outcomes = judge_cases(judged, Checks(("value", "gradient"), (DEVICE,)))
    counted: Counter[tuple[str, str, str]] = Counter()
    for case, outcome in zip(judged, outcomes, strict=True):
        assert not outcome.failed, f"{outcome.failed}\n{case.kernel}"
        counted.update((each.oracle, each.status, each.reason) for each in outcome.verdicts)
    print(f"\n{subject}: {dict(counted)}")
    # Of kernels with decompositions, for example, whose results nobody bounds, most are not judged.
    assert counted["value", "passed", ""] > (0 if subject in FEATURES else len(judged) // 2)


@pytest.mark.parametrize("left", HOSTS)
@pytest.mark.parametrize("subject", [name for name in SUBJECTS if name != "tile"])
def test_the_device_agrees_with_the_host(subject: str, left: str) -> None:
    judged = [case for case in cases(subject) if not isinstance(value.expected([case])[0], Undefined)]

    def run(program: Program, name: str, at: int) -> dict[str, Input]:
        return program.run(name, judged[at].launch)

    here, there = (evaluate(judged, settings(target), run) for target in (left, DEVICE))
    for case, one, other in zip(judged, here, there, strict=True):
        assert not isinstance(one, Failure), one
        assert not isinstance(other, Failure), other
        assert difference(case, one, other) is None, str(case.kernel)


def difference(case: Case, one: Mapping[str, Input], other: Mapping[str, Input]) -> Mismatch | None:
    """The first place where two sets of outputs differ by more than a device may."""
    if first_mismatch(one, other) is None:
        return None
    allowed = tolerances(case, one)
    return None if allowed is None else first_outside(one, other, allowed)


@pytest.mark.parametrize("left", HOSTS)
@pytest.mark.parametrize("subject", ["arithmetic", "math", "matrix", "atomic", "struct", "function"])
def test_gradients_agree_with_the_host(subject: str, left: str) -> None:
    points = [
        point
        for at, case in enumerate(cases(subject))
        if isinstance(point := gradient.prepare(case.kernel, SeededChoices("gradient", subject, at)), gradient.Point)
        and not point.case.launch.tiled
    ]
    assert points

    def run(program: Program, name: str, at: int) -> dict[str, Input]:
        return program.adjoint(name, points[at].case.launch, points[at].seeds)

    judged = [point.case for point in points]
    here, there = (evaluate(judged, settings(target), run, backward=True) for target in (left, DEVICE))
    for point, one, other in zip(points, here, there, strict=True):
        assert not isinstance(one, Failure), one
        assert not isinstance(other, Failure), other
        expected = {name: one[name] for name in point.expected}
        assert gradient.first_difference(expected, other, point.seeds) is None, str(point.case.kernel)


SUM = """
import warp as wp

@wp.kernel
def kernel(a: wp.array(dtype=float), out: wp.array(dtype=float), total: wp.array(dtype=int)):
    i = wp.tid()
    out[i] = a[i] * 2.0 + 1.0
    wp.atomic_add(total, 0, 1)
"""


@pytest.mark.parametrize(("blocks", "block_dim"), [(None, None), (1, 32), (3, 64), (2, 1024)])
def test_threads_take_several_turns(blocks: int | None, block_dim: int | None) -> None:
    count = 100_003
    a = np.arange(count, dtype=np.float32)
    inputs: dict[str, Input] = {"a": a, "out": np.zeros_like(a), "total": np.zeros(1, dtype=np.int32)}
    with loaded(SUM, DEVICE, options=JUDGED, block_dim=block_dim) as program:
        assert isinstance(program, Program), program
        found = program.run("kernel", Launch((count,), inputs), blocks=blocks)
    np.testing.assert_array_equal(found["out"], a * np.float32(2.0) + np.float32(1.0))  # pyright: ignore
    assert found["total"][0] == count  # pyright: ignore


def test_a_wrong_result_of_the_device_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: an output changed on its way back from the device is a wrong value."""
    original = Program.run

    def run(self: Program, name: str, *args: object, **kwargs: object) -> dict[str, Input]:
        outputs = original(self, name, *args, **kwargs)  # pyright: ignore[reportArgumentType]
        return {key: _flipped(array) for key, array in outputs.items()}

    monkeypatch.setattr(Program, "run", run)
    judged = cases("arithmetic")
    outcomes = judge_cases(judged, Checks(("value",), (DEVICE,)))
    assert any(outcome.failed for outcome in outcomes)


def _flipped(array: Input) -> Input:
    if array is None:
        return None
    if not isinstance(array, np.ndarray):
        return {name: _flipped(inner) for name, inner in array.items()}
    return ~array if array.dtype.kind == "b" else array + array.dtype.type(1)
