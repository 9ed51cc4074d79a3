"""What it means to be of a category: its features are there, in every kernel drawn for it."""

from __future__ import annotations

from collections import Counter

import pytest

from kernelfuzz.strategies.features import FEATURES, features
from kernelfuzz.strategies.kernel import category_of, generate, generate_many
from kernelfuzz.strategies.options import Size, check_options
from kernelfuzz.strategies.vocabulary import ALIASES, CATEGORIES

TEN = tuple(name for name, category in CATEGORIES.items() if category.default)


@pytest.mark.parametrize(("size", "count"), [("small", 4), ("medium", 60), ("large", 4), (1, 4)])
@pytest.mark.parametrize("name", CATEGORIES)
def test_every_kernel_drawn_for_a_category_is_of_it(name: str, size: Size | int, count: int) -> None:
    for index, kernel in enumerate(generate_many(count, seed=20, category=name, size=size)):
        assert CATEGORIES[name].holds(features(kernel)), f"seed 20, index {index}, size {size}"


def test_there_are_sixteen_categories_of_which_ten_make_a_balanced_corpus() -> None:
    assert len(CATEGORIES) == 16
    assert len(TEN) == 10
    assert set(ALIASES.values()) <= set(CATEGORIES)
    assert not set(ALIASES) & set(CATEGORIES)
    assert all(category.features and FEATURES.keys() >= {*category.features} for category in CATEGORIES.values())


def test_without_a_category_the_ten_come_equally_often() -> None:
    options = check_options()
    counted = Counter(category_of(options, index) for index in range(1000))
    assert set(counted) == set(TEN)
    for name, count in counted.items():
        assert 80 <= count <= 120, name


def test_without_a_category_each_kernel_is_of_the_one_whose_turn_it_is() -> None:
    options = check_options()
    for index in range(200):
        name = category_of(options, index)
        assert CATEGORIES[name].holds(features(generate(seed=22, index=index))), f"seed 22, index {index}"


def test_of_several_categories_each_has_its_turn() -> None:
    names = ("struct", "integer", "atomic")
    for index, kernel in enumerate(generate_many(30, seed=23, categories=names)):
        assert CATEGORIES[names[index % 3]].holds(features(kernel)), f"seed 23, index {index}"
