"""Near duplicates and splits."""

from __future__ import annotations

from collections import Counter

import pytest

import kernelfuzz
from kernelfuzz.corpus.near import clusters, sketch, split_of
from kernelfuzz.ir.normalize import canonical_tokens

TOKENS = [f"token {number % 37} {number // 5}" for number in range(200)]


def changed(count: int) -> list[str]:
    """The tokens with ``count`` of them, far from each other, exchanged."""
    other = list(TOKENS)
    for number in range(count):
        other[number * 20 + 7] = f"other {number}"
    return other


def test_what_differs_in_a_token_is_near() -> None:
    found = clusters([("b", sketch(TOKENS)), ("a", sketch(changed(1)))])
    assert found == {"a": "a", "b": "a"}


def test_what_differs_in_many_is_not() -> None:
    found = clusters([("b", sketch(TOKENS)), ("a", sketch(changed(10)))])
    assert found == {"a": "a", "b": "b"}


def test_a_cluster_goes_from_neighbour_to_neighbour() -> None:
    kernels = [(f"k{count}", sketch(changed(count))) for count in range(10)]
    assert set(clusters(kernels).values()) == {"k0"}
    assert clusters(reversed(kernels)) == clusters(kernels)


@pytest.mark.parametrize("tokens", [[], ["a"], ["a", "b"], ["a"] * 5])
def test_short_texts_have_a_sketch(tokens: list[str]) -> None:
    assert len(sketch(tokens)) == 256


def test_renamed_kernels_have_the_same_sketch() -> None:
    kernel = kernelfuzz.generate(seed=0, index=0)
    from kernelfuzz.ir.normalize import alpha_normalize

    assert sketch(canonical_tokens(alpha_normalize(kernel))) == sketch(canonical_tokens(kernel))


def test_nine_tenths_are_for_training() -> None:
    shares = Counter(split_of(f"{number:032x}") for number in range(4000))
    assert 3500 < shares["train"] < 3700
    assert 140 < shares["validation"] < 260
    assert 140 < shares["test"] < 260
