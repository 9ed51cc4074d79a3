"""Tests that pass, fail, discard and filter kernels, in all the ways in which a test gets one.

Each says what it was given and what became of that in a file named by TOY_LOG: one line of JSON for each kernel
whose example passed, so that what was recorded can be held to it.
"""

from __future__ import annotations

import json
import os
import unittest
from dataclasses import dataclass

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kernelfuzz.ir.nodes import Assign, Kernel, Literal, Name, Param
from kernelfuzz.ir.types import INT32
from kernelfuzz.strategies import kernels

LOG = os.environ.get("TOY_LOG")

SMALL = kernels(size="small")


@dataclass
class Pair:
    left: Kernel
    right: Kernel


def passed(test: str, *given: Kernel) -> None:
    """The last line of a test."""
    if LOG is None:
        return
    line = "".join(json.dumps({"test": test, "source": str(each)}) + "\n" for each in given)
    # Workers share the file.
    file = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


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


@given(kernels_=st.lists(SMALL, max_size=2), pair=st.builds(Pair, SMALL, SMALL), named=st.fixed_dictionaries({"k": SMALL}))
def test_containers(kernels_: list[Kernel], pair: Pair, named: dict[str, Kernel]) -> None:
    passed("containers", *kernels_, pair.left, pair.right, *named.values())
    kernels_.clear()


class TestMethods:
    @given(kernel=SMALL)
    def test_method(self, ready: str, kernel: Kernel) -> None:
        assert ready == "ready"
        passed("method", kernel)


class Case(unittest.TestCase):
    @given(kernel=SMALL)
    def test_of_unittest(self, kernel: Kernel) -> None:
        passed("of_unittest", kernel)


@settings(derandomize=True, max_examples=3, deadline=10_000)
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
