"""Kernels in English."""

from __future__ import annotations

import pytest

import kernelfuzz
from kernelfuzz.corpus.description import describe
from kernelfuzz.corpus.words import BUILTIN_WORDS
from kernelfuzz.ir.builtins import NAMES
from kernelfuzz.ir.effects import written_arrays
from kernelfuzz.ir.nodes import Break, Call, Continue, For, If, Kernel, While
from kernelfuzz.ir.parse import parse
from kernelfuzz.ir.walk import walk

SCALE = """\
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.vec3), s: float, out: wp.array(dtype=wp.vec3)):
    i = wp.tid()
    out[i] = wp.normalize(x[i]) * s
"""

GRID = """\
import warp as wp


@wp.func
def limit(v: float) -> float:
    return wp.clamp(v, 0.0, 1.0)


@wp.kernel
def kernel(x: wp.array2d(dtype=float), n: int, total: wp.array(dtype=float)):
    i, j = wp.tid()
    for k in range(3):
        for m in range(n):
            if x[i, j] < 0.0:
                break
            wp.atomic_add(total, 0, limit(x[i, j]))
"""

EXACTLY = {
    SCALE: (
        "For each thread i of a one-dimensional grid, the kernel reads x (array of vector of 3 float32) and s "
        "(float32) and writes out (array of vector of 3 float32). It computes products and unit vectors."
    ),
    GRID: (
        "For each point (i, j) of a two-dimensional grid, the kernel reads x (two-dimensional array of float32) "
        "and n (int32) and writes total (array of float32). It computes clamped values. It has a loop of three "
        "turns and a loop whose bounds are computed. It branches in one place and leaves loops early, nested "
        "three deep. It atomically adds to total. It calls limit, which returns float32."
    ),
}


@pytest.mark.parametrize(("source", "said"), EXACTLY.items(), ids=["scale", "grid"])
def test_the_whole_description(source: str, said: str) -> None:
    assert describe(parse(source)) == said


def test_every_builtin_has_words() -> None:
    assert BUILTIN_WORDS.keys() == NAMES


@pytest.fixture(scope="module")
def kernels() -> list[Kernel]:
    return [kernelfuzz.generate(seed=3, index=index) for index in range(200)]


def test_it_says_what_is_there(kernels: list[Kernel]) -> None:
    for kernel in kernels:
        said = describe(kernel)
        nodes = list(walk(*kernel.body, *[s for function in kernel.functions for s in function.body]))
        assert ("It has " in said) == any(isinstance(node, (For, While)) for node in nodes)
        assert ("while loop" in said) == any(isinstance(node, While) for node in nodes)
        assert ("branches in" in said) == any(isinstance(node, If) for node in nodes)
        assert ("leaves loops" in said) == any(isinstance(node, Break) for node in nodes)
        assert ("skips turns" in said) == any(isinstance(node, Continue) for node in nodes)
        atomic = any(isinstance(node, Call) and node.name.startswith("atomic_") for node in nodes)
        assert ("It atomically" in said) == atomic
        assert all(f"{name} (" in said for name in written_arrays(kernel))


def test_it_is_plain_text(kernels: list[Kernel]) -> None:
    said = [describe(kernel) for kernel in kernels]
    for text in said:
        assert text.startswith("For each ")
        assert text.endswith(".")
        assert "\n" not in text
        assert "  " not in text
        assert 40 < len(text) < 1500
    assert len(set(said)) > 0.95 * len(said)
