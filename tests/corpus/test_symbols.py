"""Names of generated code without Warp's hashes."""

from __future__ import annotations

import re
from typing import Any

import pytest

import kernelfuzz
from kernelfuzz.corpus.symbols import plain_symbols
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.toolchain import Artifact, Lowering, build, lower

HASH = re.compile(r"[A-Za-z_]_[0-9a-f]{8}(?![0-9A-Za-z])")

TWO = """\
import warp as wp


@wp.struct
class Pair:
    a: float
    kernel: int


@wp.func
def first(p: Pair):
    return p.a


@wp.kernel
def kernel(p: Pair, out: wp.array(dtype=float)):
    out[0] = first(p)


@wp.kernel
def other(p: wp.array(dtype=Pair), out: wp.array(dtype=float)):
    out[0] = first(p[1])
"""


def plain(source: Any, device: Any) -> Lowering:
    lowering = lower(source, device)
    assert isinstance(lowering, Lowering)
    assert HASH.search(lowering.module)
    return plain_symbols(lowering)


def texts(lowering: Lowering) -> list[str]:
    found = [lowering.module]
    for code in lowering.kernels:
        found += [code.mangled_name, code.forward, code.backward or "", *code.functions, *code.structs]
    return found


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_no_hash_is_left(category: str, device: str) -> None:
    for index in range(3):
        found = texts(plain(kernelfuzz.generate(seed=2, index=index, category=category), device))
        assert not any(HASH.search(text) for text in found)
        assert all(text in found[0] for text in found[2:4])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_names_are_those_of_the_source(device: str) -> None:
    lowering = plain(TWO, device)
    assert sorted(code.mangled_name for code in lowering.kernels) == ["kernel_1", "other"]
    assert f"other_{device}_kernel_forward(" in lowering.module
    assert "struct Pair" in lowering.module
    assert "wp::float32 a;" in lowering.module


def test_another_body_has_the_same_names() -> None:
    # Warp orders several kernels by their hashes.
    source = TWO[: TWO.rindex("@wp.kernel")]
    one, two = (plain(source.replace("out[0]", index), "cpu").module for index in ("out[3]", "out[7]"))
    assert one.replace("= 3;", "") == two.replace("= 7;", "")


@pytest.mark.parametrize(
    "source", [TWO, kernelfuzz.generate(seed=2, index=5, category="struct")], ids=["two", "drawn"]
)
def test_the_module_still_builds(source: Any) -> None:
    assert isinstance(build(plain(source, "cpu"), "cpu"), Artifact)


@pytest.mark.slow
def test_the_module_still_builds_for_cuda() -> None:
    assert isinstance(build(plain(TWO, "cuda"), "ptx"), Artifact)
