"""The rebuild oracle: what depends on an earlier build is noticed, and the known bug is told from other defects."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import finding_kernels
import numpy as np
import pytest
from code_generator import Patch, codegen, forward

from kernelfuzz.findings.known import explained_by
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.names import own_names
from kernelfuzz.oracles import rebuild
from kernelfuzz.oracles.judge import judge_again, judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.rewrites.value_names import candidates, named_as_a_value, named_otherwise
from kernelfuzz.rewrites.workarounds import WORKAROUNDS
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.syntax.parse import parse

# A function, a loop that is unrolled, and a local with an attribute.
SOURCE = """
import warp as wp


@wp.func
def twice(x: float) -> float:
    return x * 2.0


@wp.kernel
def kernel(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    v = wp.vec3(1.0, 2.0, 3.0)
    y = x[0]
    for k in range(3):
        y = twice(y) + float(k)
    out[0] = y + v.x
"""

BUG = "local-named-as-a-value"


def case(source: str = SOURCE) -> Case:
    zeros = np.zeros(1, np.float32)
    return Case(parse(source), Launch((1,), {"x": zeros, "out": zeros}))


def named_e() -> Case:
    return Case(named_as_a_value(case().kernel, "v", "e"), case().launch)


def statement_of_a_second_build(patch: Patch) -> None:
    """An adjoint that was built before has an operator that a new one has not."""
    builds: dict[Any, int] = {}
    original = codegen().Adjoint.build

    def build(adjoint: Any, *args: Any, **more: Any) -> None:
        builds[adjoint] = builds.get(adjoint, 0) + 1
        second = builds[adjoint] > 1
        with pytest.MonkeyPatch.context() as inside:
            if second:
                forward(inside, lambda statement, replay: (statement.replace("wp::mul(", "wp::add("), replay))
            original(adjoint, *args, **more)

    patch.setattr(codegen().Adjoint, "build", build)


def unrolling_that_stays(patch: Patch) -> None:
    """An adjoint is built with the least ``max_unroll`` that it was ever built with."""
    least: dict[Any, int] = {}
    original = codegen().Adjoint.build

    def build(adjoint: Any, builder: Any, *args: Any, **more: Any) -> None:
        if builder is not None:
            asked = builder.options["max_unroll"]
            builder.options["max_unroll"] = least[adjoint] = min(asked, least.get(adjoint, asked))
        original(adjoint, builder, *args, **more)

    patch.setattr(codegen().Adjoint, "build", build)


def hash_of(change: Callable[[Any], bytes]) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        hasher = importlib.import_module("warp._src.context").ModuleHasher
        original = hasher.hash_kernel

        def hash_kernel(self: Any, kernel: Any, *args: Any) -> bytes:
            found = original(self, kernel, *args)
            changed = change(kernel) + found[1:]
            self.unique_kernels[changed] = self.unique_kernels.pop(found)
            return changed

        patch.setattr(hasher, "hash_kernel", hash_kernel)

    return plant


hash_of_a_built_kernel = hash_of(lambda kernel: bytes(["y" in kernel.adj.symbols]))
hash_of_neighbours = hash_of(lambda kernel: bytes([len(kernel.module._live_kernels)]))

PLANTED = {
    statement_of_a_second_build: "the code for cuda depends on a build for the CPU",
    unrolling_that_stays: "the code for cpu depends on a build under another option",
    hash_of_a_built_kernel: "the name for cuda depends on a build for the CPU",
    hash_of_neighbours: "the name for cpu depends on another kernel of its module",
}


def test_sound_kernels_pass() -> None:
    assert rebuild.judge(case().kernel).status == "passed"
    for index in range(4):
        assert rebuild.judge(generate(seed=12, index=index, size="small")).status == "passed"


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_defect_is_noticed(monkeypatch: Patch, plant: Callable[[Patch], None]) -> None:
    plant(monkeypatch)
    verdict = rebuild.judge(case().kernel)
    assert (verdict.status, verdict.kind) == ("failed", "built differently")
    assert verdict.reason == PLANTED[plant]
    # Nor is it taken for the known bug where the kernel meets that too.
    again = rebuild.judge(named_e().kernel, verdict.setting.row)
    assert explained_by(named_e(), again, WORKAROUNDS, judge_again) is None


def test_the_known_bug_is_noticed_and_known() -> None:
    (outcome,) = judge_cases([named_e()], Checks(("rebuild",), ("cpu",)))
    (verdict,) = outcome.failed
    assert verdict.reason == "the name for cuda depends on a build for the CPU"
    assert explained_by(named_e(), verdict, WORKAROUNDS, judge_again) == BUG
    assert named_otherwise(case().kernel) == case().kernel


def test_a_local_gets_the_name_of_a_value() -> None:
    kernel = case().kernel
    assert candidates(kernel) == ["v"]
    renamed = named_as_a_value(kernel, "v", "pi")
    assert "pi = wp.vec3(" in str(renamed)
    assert named_as_a_value(renamed, "pi", "pi") == renamed
    assert "pi" not in own_names(named_otherwise(renamed))


def test_a_source_that_is_not_lowered_is_skipped() -> None:
    assert rebuild.judge(finding_kernels.chained().kernel).reason == "not lowered: codegen"
