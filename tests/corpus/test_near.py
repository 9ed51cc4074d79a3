"""Near duplicates and splits."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest
from corpora import clusters  # pyright: ignore[reportMissingImports]

import kernelfuzz
from kernelfuzz.analysis.fingerprint import canonical_tokens
from kernelfuzz.corpus.corpus_plan import Plan
from kernelfuzz.corpus.near_duplicates import sketch, split_of
from kernelfuzz.strategies.options import check_options

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
    other = [f"other {token}" if number % 8 == 0 else token for number, token in enumerate(TOKENS)]
    found = clusters([("b", sketch(TOKENS)), ("a", sketch(other))])
    assert found == {"a": "a", "b": "b"}


def runs(tokens: list[str]) -> set[tuple[str, ...]]:
    return {tuple(tokens[start : start + 5]) for start in range(len(tokens) - 4)}


def crossing(found: dict[str, list[str]]) -> tuple[int, list[float]]:
    """How many of all pairs share 0.8 or more by their exact sets, and how much those in two splits share."""
    cluster_of = clusters((name, sketch(tokens)) for name, tokens in found.items())
    numbers: dict[tuple[str, ...], int] = {}
    sets = {name: {numbers.setdefault(run, len(numbers)) for run in runs(tokens)} for name, tokens in found.items()}
    near, crossed = 0, list[float]()
    for (one, mine), (other, theirs) in itertools.combinations(sets.items(), 2):
        if min(len(mine), len(theirs)) < 0.8 * max(len(mine), len(theirs)):
            continue
        shared = len(mine & theirs)
        if shared >= 0.8 * (len(mine) + len(theirs) - shared):
            near += 1
            if split_of(cluster_of[one]) != split_of(cluster_of[other]):
                crossed.append(shared / (len(mine) + len(theirs) - shared))
    return near, crossed


def kernels_and_copies(count: int, size: str) -> dict[str, list[str]]:
    """Real kernels, and a copy of each in which up to a twentieth of the tokens are others."""
    options, randomly = check_options(size=size), random.Random(1)
    found: dict[str, list[str]] = {}
    for index in range(count):
        kernel, _ = Plan(options, count=count, seed=0).draw(index)
        tokens = list(canonical_tokens(kernel))
        copy = list(tokens)
        for _ in range(randomly.randint(1, 1 + len(tokens) // 20)):
            copy[randomly.randrange(len(tokens))] = "other"
        found |= {f"{index}": tokens, f"{index} again": copy}
    return found


def test_no_near_duplicate_is_in_another_split() -> None:
    near, crossed = crossing(kernels_and_copies(200, "medium"))
    assert near > 40
    assert crossed == []


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "medium"])
def test_no_near_duplicate_of_thousands_is_in_another_split(size: str) -> None:
    near, crossed = crossing(kernels_and_copies(2000, size))
    assert near > 400
    assert crossed == []


def test_a_cluster_goes_from_neighbour_to_neighbour() -> None:
    kernels = [(f"k{count}", sketch(changed(count))) for count in range(10)]
    assert set(clusters(kernels).values()) == {"k0"}
    assert clusters(reversed(kernels)) == clusters(kernels)


@pytest.mark.parametrize("tokens", [[], ["a"], ["a", "b"], ["a"] * 5])
def test_short_texts_have_a_sketch(tokens: list[str]) -> None:
    assert len(sketch(tokens)) == 256


def test_renamed_kernels_have_the_same_sketch() -> None:
    kernel = kernelfuzz.generate(seed=0, index=0)
    from kernelfuzz.analysis.fingerprint import alpha_normalize

    assert sketch(canonical_tokens(alpha_normalize(kernel))) == sketch(canonical_tokens(kernel))


def test_nine_tenths_are_for_training() -> None:
    shares = Counter(split_of(f"{number:032x}") for number in range(4000))
    assert 3500 < shares["train"] < 3700
    assert 140 < shares["validation"] < 260
    assert 140 < shares["test"] < 260
