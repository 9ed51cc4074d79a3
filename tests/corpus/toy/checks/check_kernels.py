"""Tests that pass, fail, discard and filter kernels, in all the ways in which a test gets one.

Each logs the kernels of the examples that passed, so that what was recorded can be held to it.
"""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from toy_log import say

from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.ir.nodes import Assign, Kernel, Literal, Name, Param
from kernelfuzz.ir.types import INT32
from kernelfuzz.strategies import kernels

SMALL = kernels(size="small")


@dataclass
class Pair:
    left: Kernel
    right: Kernel


def passed(test: str, *given: Kernel) -> None:
    """The last line of a test."""
    say(test, *map(fingerprint, given))


def has_loop(kernel: Kernel) -> bool:
    return "for " in str(kernel)


@given(kernel=SMALL)
def test_function(kernel: Kernel) -> None:
    passed("function", kernel)


@given(kernel=kernels(size="small", include=["for"]) | SMALL)
def test_fails_on_loops(kernel: Kernel) -> None:
    assert not has_loop(kernel)
    passed("fails_on_loops", kernel)


@given(kernel=SMALL)
def test_discards_ifs(kernel: Kernel) -> None:
    assume("if " not in str(kernel))
    passed("discards_ifs", kernel)


@given(kernel=SMALL.filter(lambda kernel: "float64" not in str(kernel)))
def test_filters_doubles(kernel: Kernel) -> None:
    passed("filters_doubles", kernel)


@given(kernel=SMALL)
def test_skips(kernel: Kernel) -> None:
    pytest.skip("nothing passes here")


@pytest.mark.parametrize("category", ["vector", "atomic"])
@given(data=st.data())
def test_parametrised(category: str, data: st.DataObject) -> None:
    passed(f"parametrised_{category}", data.draw(kernels(categories=[category], size="small")))


@given(
    listed=st.lists(SMALL, max_size=2),
    pair=st.builds(Pair, SMALL, SMALL),
    named=st.fixed_dictionaries({"one": st.tuples(SMALL) | st.frozensets(SMALL, min_size=1, max_size=1)}),
)
def test_containers(listed: list[Kernel], pair: Pair, named: dict[str, Iterable[Kernel]]) -> None:
    passed("containers", *listed, pair.left, pair.right, *named["one"])
    # What was drawn counts, whatever a test does with it.
    listed.clear()


class TestMethods:
    @given(kernel=SMALL)
    def test_method(self, ready: str, kernel: Kernel) -> None:
        assert ready == "ready"
        passed("method", kernel)


class TestCoroutines:
    def execute_example(self, example: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(example())

    @given(kernel=SMALL)
    async def test_coroutine(self, kernel: Kernel) -> None:
        await asyncio.sleep(0)
        assume("if " not in str(kernel))
        passed("coroutine", kernel)


class Case(unittest.TestCase):
    @given(kernel=SMALL)
    def test_of_unittest(self, kernel: Kernel) -> None:
        passed("of_unittest", kernel)


# With a deadline, what passes is recorded behind the test.
@settings(derandomize=True, max_examples=3, deadline=3_600_000)
@given(kernel=SMALL)
def test_says_itself_how_many(kernel: Kernel) -> None:
    passed("says_itself_how_many", kernel)


@pytest.fixture(scope="module")
def ready() -> str:
    return "ready"


# A kernel that Warp does not take: a name that nothing declares.
UNDECLARED = Kernel("kernel", (Param("p", INT32),), (Assign(Name("v", INT32), Name("nowhere", INT32)),))


@example(kernel=UNDECLARED)
@settings(max_examples=1)
@given(kernel=SMALL)
def test_given_what_warp_rejects(kernel: Kernel) -> None:
    if kernel is not UNDECLARED:
        passed("given_what_warp_rejects", kernel)


def test_without_hypothesis() -> None:
    assert Literal(1, INT32).value == 1
