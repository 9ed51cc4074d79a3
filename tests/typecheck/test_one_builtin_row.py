"""A builtin is added by one row: it is typed, drawn, rendered, parsed, evaluated, differentiated and described."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import kernelfuzz
from kernelfuzz import reference
from kernelfuzz.corpus.description import describe
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.typecheck.builtin_columns import Builtin, row
from kernelfuzz.typecheck.builtins import NAMES, with_row

FLIP = row("flip", "(S) -> S", "scalar", "flipped values", domains="negatable", range="magnitude", exact=lambda x: -x)

SOURCE = """\
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype={dtype}), out: wp.array(dtype={dtype})):
    i = wp.tid()
    out[i] = wp.flip(x[i])
"""


@pytest.fixture
def flip() -> Iterator[Builtin]:
    with with_row(FLIP) as added:
        yield added


def launch(kernel: n.Kernel, values: list[float], dtype: str) -> Launch:
    x = np.array(values, dtype=dtype)
    return Launch((len(x),), {"x": x, "out": np.zeros_like(x)})


@pytest.mark.usefixtures("flip")
def test_it_is_drawn_and_its_kernels_are_typed_and_parsed_again() -> None:
    drawn = [kernel for kernel in kernelfuzz.generate_many(120, seed=5) if "flip" in builtins_used(kernel)]
    assert len(drawn) > 3
    for kernel in drawn:
        kernelfuzz.verify(kernel)
        source = kernelfuzz.render(kernel)
        assert "wp.flip(" in source
        assert kernelfuzz.render(parse(source)) == source


@pytest.mark.usefixtures("flip")
@pytest.mark.parametrize("dtype", ["int8", "int32", "uint64", "float16", "float32", "float64"])
def test_the_reference_evaluates_it(dtype: str) -> None:
    kernel = parse(SOURCE.format(dtype=f"wp.{dtype}"))
    given = launch(kernel, [0, 1, 5, 100], dtype)
    assert np.array_equal(np.asarray(reference.run(kernel, given)["out"]), -np.asarray(given.inputs["x"]))


@pytest.mark.usefixtures("flip")
def test_it_is_differentiated_by_its_closed_form() -> None:
    kernel = parse(SOURCE.format(dtype="wp.float64"))
    given = launch(kernel, [0.5, -2.0], "float64")
    found = reference.gradient(kernel, given, {"out": np.array([1.0, 3.0])})
    assert np.asarray(found["x"]).tolist() == [-1.0, -3.0]


@pytest.mark.usefixtures("flip")
def test_it_is_described_by_its_word() -> None:
    assert "computes flipped values" in describe(parse(SOURCE.format(dtype="float")))


def test_nothing_of_it_is_left_when_the_row_is_removed() -> None:
    before = [kernelfuzz.render(kernel) for kernel in kernelfuzz.generate_many(30, seed=5)]
    with with_row(FLIP):
        assert "flip" in NAMES
        within = [kernelfuzz.render(kernel) for kernel in kernelfuzz.generate_many(30, seed=5)]
    assert within != before
    assert [kernelfuzz.render(kernel) for kernel in kernelfuzz.generate_many(30, seed=5)] == before
    assert "flip" not in NAMES
    with pytest.raises(ParseError):
        parse(SOURCE.format(dtype="float"))
