"""Kernels in English."""

from __future__ import annotations

import re

import pytest

import kernelfuzz
from kernelfuzz.analysis.effects import written_arrays
from kernelfuzz.corpus.description import (
    OPERATOR_WORDS,
    SCALAR_WORDS,
    TILE_WORDS,
    UNARY_WORDS,
    describe,
)
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import SCALARS
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies.inventory import Inventory
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck.builtins import NAMES, verb, word
from kernelfuzz.typecheck.operators import BINARY, TILE_CALLS, UNARY

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

UNCALLED = """\
import warp as wp


@wp.func
def inner(a: wp.array(dtype=float), i: int) -> float:
    while a[i] < 1.0:
        wp.atomic_max(a, i, 2.0)
    return a[i]


@wp.func
def outer(v: float) -> float:
    return wp.sqrt(v)


@wp.kernel
def kernel(x: wp.array(dtype=float), out: wp.array(dtype=float), q: wp.array(dtype=wp.quatd)):
    i = wp.tid()
    out[i] += outer(x[i])
"""

BY_CALL = """\
import warp as wp


@wp.func
def first(a: wp.array(dtype=float), i: int, v: float):
    a[i] = v


@wp.func
def second(a: wp.array(dtype=float), b: wp.array(dtype=float), i: int):
    first(a, i, b[i])


@wp.kernel
def kernel(x: wp.array(dtype=float), y: wp.array(dtype=float), z: wp.array(dtype=float)):
    i = wp.tid()
    first(x, i, 1.0)
    first(y, i, y[i])
    second(z, y, i)
"""

EXACTLY = {
    BY_CALL: (
        "For each thread i of a one-dimensional grid, the kernel updates y (an array of floats), and "
        "writes x and z (arrays of floats). It calls first (from an array of floats, an integer and a "
        "float to nothing) and second (from an array of floats, an array of floats and an integer to "
        "nothing)."
    ),
    SCALE: (
        "For each thread i of a one-dimensional grid, the kernel reads x (an array of three-component "
        "float vectors) and s (a float), and writes out (an array of three-component float vectors). It "
        "computes unit vectors and products."
    ),
    GRID: (
        "For each point (i, j) of a two-dimensional grid, the kernel reads x (a two-dimensional array of "
        "floats) and n (an integer), and writes total (an array of floats). It computes clamped values "
        "and calls limit (from a float to a float). It has a loop of three turns and a loop whose number "
        "of turns is only known at run time, branches in one place, and breaks out of a loop, with "
        "control flow nested three deep. It atomically adds to total."
    ),
    UNCALLED: (
        "For each thread i of a one-dimensional grid, the kernel reads x (an array of floats) and "
        "updates out (an array of floats). It computes square roots and sums and calls outer (from a "
        "float to a float)."
    ),
    UNCALLED.replace("outer(x[i])", "inner(x, i)"): (
        "For each thread i of a one-dimensional grid, the kernel updates x and out (arrays of floats). "
        "It computes sums and calls inner (from an array of floats and an integer to a float). It has a "
        "while loop. It atomically takes maxima in an array in inner."
    ),
}


@pytest.mark.parametrize(
    ("source", "said"), EXACTLY.items(), ids=["by_call", "scale", "grid", "uncalled", "in_function"]
)
def test_the_whole_description(source: str, said: str) -> None:
    assert describe(parse(source)) == said


def test_everything_has_words() -> None:
    assert [name for name in NAMES if word(name) is None] == []
    assert [name for name in NAMES if word(name) == ""] == ["pos"]
    assert TILE_WORDS.keys() == TILE_CALLS.keys()
    assert OPERATOR_WORDS.keys() == {rule.op for rule in BINARY}
    assert UNARY_WORDS.keys() == {rule.op for rule in UNARY}
    assert SCALAR_WORDS.keys() == {scalar.name for scalar in SCALARS}
    assert {name for name in NAMES if verb(name)} == {name for name in NAMES if name.startswith("atomic_")}


@pytest.fixture(scope="module")
def kernels() -> list[n.Kernel]:
    return [kernelfuzz.generate(seed=3, index=index) for index in range(300)]


def running(kernel: n.Kernel) -> list[n.Node]:
    """The nodes of the kernel and of the functions that it calls, itself or through others."""
    functions = {function.name: function for function in kernel.functions}
    nodes, waiting, seen = list(walk(*kernel.body)), list(walk(*kernel.body)), set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, n.CallFunction) and node.name not in seen:
            seen.add(node.name)
            inside = list(walk(*functions[node.name].body))
            nodes += inside
            waiting += inside
    return nodes


def test_it_is_the_same_of_nodes_that_are_there_already(kernels: list[n.Kernel]) -> None:
    for kernel in kernels:
        assert describe(kernel, Inventory(kernel).nodes) == describe(kernel)


def test_it_says_what_is_there(kernels: list[n.Kernel]) -> None:
    for kernel in kernels:
        said, nodes = describe(kernel), running(kernel)
        kinds = {type(node) for node in nodes}
        assert bool(re.search(r"\bloops?\b", said)) == (not kinds.isdisjoint((n.For, n.While)))
        assert ("while loop" in said) == (n.While in kinds)
        assert ("branches in" in said) == (n.If in kinds)
        assert ("breaks out of" in said) == (n.Break in kinds)
        assert ("skips the rest" in said) == (n.Continue in kinds)
        atomic = any(isinstance(node, n.Call) and node.name.startswith("atomic_") for node in nodes)
        assert ("atomic" in said) == atomic
        calls = {node.name for node in nodes if isinstance(node, n.CallFunction)}
        assert calls == {each.name for each in kernel.functions if re.search(rf"\b{each.name}\b", said)}
        stored = re.split("(?:updates|writes) ", said.partition(". ")[0], maxsplit=1)[-1]
        assert all(re.search(rf"\b{name}\b", stored) for name in written_arrays(kernel))


def test_it_is_plain_text(kernels: list[n.Kernel]) -> None:
    said = [describe(kernel) for kernel in kernels]
    assert said == [describe(kernel) for kernel in kernels]
    for text in said:
        assert re.fullmatch(r"For each [ -~]+\.", text)
        assert "  " not in text
        assert " ," not in text
        assert text.count(". ") < 4
        assert 60 < len(text) <= 650
    assert len(set(said)) > 0.95 * len(set(map(str, kernels)))
