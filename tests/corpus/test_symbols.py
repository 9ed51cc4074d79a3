"""Names of generated code without Warp's hashes."""

from __future__ import annotations

import re
from typing import Any

import pytest

import kernelfuzz
from kernelfuzz.corpus.build_row import plain_symbols
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.toolchain import Artifact, Lowering, build, lower

HASH = re.compile(r"\w_[0-9a-f]{8}(?:[0-9a-f]{4})?(?![0-9A-Za-z])")

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
    assert sorted(code.mangled_name for code in lowering.kernels) == ["kernel", "other"]
    assert f"other_{device}_kernel_forward(" in lowering.module
    assert "struct Pair" in lowering.module
    assert "wp::float32 a;" in lowering.module


def test_another_body_has_the_same_names() -> None:
    # Warp orders several kernels by their hashes.
    source = TWO[: TWO.rindex("@wp.kernel")]
    one, two = (plain(source.replace("out[0]", index), "cpu").module for index in ("out[3]", "out[7]"))
    assert one.replace("= 3;", "") == two.replace("= 7;", "")


# Names that Warp's hashes keep apart from what C++ and the rest of the text mean by them.
HARD = """\
import warp as wp


@wp.struct
class template:
    a: float
    Pair: int


@wp.struct
class Pair:
    a: float
    t: template


@wp.struct
class add:
    a: float


@wp.struct
class wp_args_kernel:
    a: float


@wp.kernel
def kernel(p: Pair, q: add, s: wp_args_kernel, k_12345678: float, out: wp.array(dtype=float)):
    out[0] = p.a + q.a + s.a + p.t.a + k_12345678
    r = template(1.0, 2)
    out[1] = r.a


def make(c):
    @wp.kernel
    def kernel(out: wp.array(dtype=float)):
        out[0] = c

    return kernel


one, two = make(1.0), make(2.0)
"""

# wp.Function came late.
CALLABLES = """\
import warp as wp


@wp.func
def twice(x: float):
    return x * 2.0


@wp.func
def thrice(x: float):
    return x * 3.0


@wp.func
def use(f: wp.Function, x: float):
    return f(x)


@wp.kernel
def kernel(out: wp.array(dtype=float)):
    out[0] = use(twice, out[1]) + use(thrice, out[2])
"""


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_new_names_mean_nothing_else(device: str) -> None:
    lowering = plain(HARD, device)
    names = [code.mangled_name for code in lowering.kernels]
    assert names == ["kernel", "make__locals__kernel", "make__locals__kernel_1"]
    structs = re.findall(r"^struct (?!wp_args_(?:kernel|make\w+) )(\w+)", lowering.module, re.MULTILINE)
    assert sorted(structs) == ["Pair_1", "add_1", "template_1", "wp_args_kernel_1"]
    # What only looks like a hash stays.
    assert set(HASH.findall(lowering.module)) == {"k_12345678"}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_functions_of_functions(device: str) -> None:
    lowering = lower(CALLABLES, device)  # pyright: ignore[reportArgumentType]
    if not isinstance(lowering, Lowering):
        pytest.skip("this Warp has no functions of functions")
    module = plain_symbols(lowering).module
    assert not HASH.search(module)
    assert {"use_0_callable", "use_0_callable_1"} <= set(re.findall(r"\w+", module))


def test_kernels_that_were_not_asked_for() -> None:
    lowering = lower(TWO, "cpu", kernel="other")
    assert isinstance(lowering, Lowering)
    assert not any(HASH.search(text) for text in texts(plain_symbols(lowering)))


@pytest.mark.parametrize(
    "source",
    [TWO, HARD, kernelfuzz.generate(seed=2, index=5, category="struct")],
    ids=["two", "hard", "drawn"],
)
def test_the_module_still_builds(source: Any) -> None:
    assert isinstance(build(plain(source, "cpu"), "cpu"), Artifact)


@pytest.mark.slow
@pytest.mark.parametrize("source", [TWO, HARD], ids=["two", "hard"])
def test_the_module_still_builds_for_cuda(source: str) -> None:
    assert isinstance(build(plain(source, "cuda"), "ptx"), Artifact)
