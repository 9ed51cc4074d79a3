"""What Warp and the compilers make of many default kernels: all of them pass.

An exception would have to be a proven bug of Warp, with its page in notes/findings.
"""

from __future__ import annotations

import itertools

import pytest

from kernelfuzz.devices import BuildTarget
from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Artifact, Lowering, build, lower_devices
from kernelfuzz.typecheck.verify import verify

DEVICES = ("cpu", "cuda")

# What the code of each device is built to.
TARGETS: tuple[tuple[str, BuildTarget], ...] = (("cpu", "cpu"), ("cuda", "ptx"), ("cuda", "cubin"))


def test_every_category_lowers_on_both_devices() -> None:
    for category in CATEGORIES:
        for kernel in generate_many(4, seed=7, category=category):
            verify(kernel)
            for device, lowering in lower_devices(render(kernel), DEVICES).items():
                assert isinstance(lowering, Lowering), (category, device, lowering)


def test_kernels_build_with_clang_and_nvrtc() -> None:
    for kernel in generate_many(6, seed=8):
        lowerings = lower_devices(render(kernel), DEVICES)
        for device, target in TARGETS[:2]:
            lowering = lowerings[device]
            assert isinstance(lowering, Lowering), lowering
            assert isinstance(build(lowering, target, arch=90), Artifact), (device, str(kernel))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 2000, 500))
def test_two_thousand_kernels_lower_with_both_passes(start: int) -> None:
    failures = {
        (index, device): lowering
        for index, kernel in zip(itertools.count(start), generate_many(500, seed=0, start=start), strict=False)
        for device, lowering in lower_devices(render(kernel), DEVICES).items()
        if not isinstance(lowering, Lowering)
    }
    assert not failures


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 300, 100))
def test_three_hundred_kernels_build(start: int) -> None:
    for index, kernel in zip(itertools.count(start), generate_many(100, seed=1, start=start), strict=False):
        lowerings = lower_devices(render(kernel), DEVICES)
        for device, target in TARGETS:
            lowering = lowerings[device]
            assert isinstance(lowering, Lowering), (index, lowering)
            built = build(lowering, target, arch=90)
            assert isinstance(built, Artifact), (index, target, built)
