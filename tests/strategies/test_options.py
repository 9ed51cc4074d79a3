"""Every wrong option is refused when the strategy is made, by one sentence that says what would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kernelfuzz.ir import types as t
from kernelfuzz.strategies import (
    InvalidOption,
    expressions,
    functions,
    kernels,
    scalars,
    statements,
    types,
)
from kernelfuzz.strategies.features import FEATURES, INDISPENSABLE
from kernelfuzz.strategies.kernel import generate, generate_many
from kernelfuzz.strategies.options import MOST_STATEMENTS, check_options
from kernelfuzz.strategies.vocabulary import ALIASES, CATEGORIES, SIZES


def one(**options: Any) -> object:
    return generate(seed=0, index=0, **options)


def many(**options: Any) -> object:
    return generate_many(1, seed=0, **options)


FRONTS = (check_options, kernels, functions, statements, types, one, many)

# The options, and what the message must name: the value, and what would do instead.
WRONG: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"categories": ["aritmetic"]}, ("category", "'aritmetic'", "did you mean 'arithmetic'?")),
    ({"categories": "aritmetic"}, ("'aritmetic'", "did you mean 'arithmetic'?")),
    ({"categories": ["arithmetic", "zzzzzz"]}, ("'zzzzzz'", "choose from", "arithmetic", "nested_loop")),
    ({"include": ["vectr"]}, ("feature", "'vectr'", "did you mean 'vector'?")),
    ({"exclude": ["vectr"]}, ("feature", "'vectr'", "did you mean 'vector'?")),
    ({"include": ["zzzzzz"]}, ("'zzzzzz'", "choose from", "vector")),
    ({"include": ["atomic"], "exclude": ["view", "atomic"]}, ("'atomic'", "included and excluded")),
    ({"categories": ["atomic"], "exclude": ["atomic"]}, ("'atomic'", "excluded")),
    ({"categories": ["multi_condition"], "exclude": ["elif"]}, ("'multi_condition'", "'elif'", "excluded")),
    ({"dtypes": ["flot32"]}, ("dtype", "'flot32'", "did you mean 'float32'?")),
    ({"dtypes": ["zzzzzz"]}, ("'zzzzzz'", "choose from", "float16")),
    ({"dtypes": []}, ("dtypes", "at least one", "float32")),
    ({"size": "huge"}, ("size", "'huge'", *SIZES)),
    ({"size": 0}, ("size", "at least one statement", "not 0")),
    ({"size": -3}, ("size", "not -3")),
    ({"size": (0, 0)}, ("size", "(0, 0)")),
    ({"size": (-1, 4)}, ("size", "(-1, 4)")),
    ({"size": (9, 2)}, ("size", "in order", "(9, 2)")),
    ({"size": 999_999_999}, ("size", "at most 1000 statements", "not 999999999")),
    ({"size": (1, 1001)}, ("size", "at most 1000 statements", "(1, 1001)")),
    ({"depth": -1}, ("depth", "at least 0", "-1")),
    ({"depth": 1.5}, ("depth", "whole number", "1.5")),
    ({"devices": ["gpu"]}, ("device", "'gpu'", "cpu")),
    ({"devices": []}, ("devices", "at least one", "cuda")),
    ({"profile": "realistik"}, ("profile", "'realistik'", "did you mean 'realistic'?")),
    ({"profile": "zzz"}, ("profile", "'zzz'", "default", "realistic")),
]


@pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.__name__)
@pytest.mark.parametrize(("options", "named"), WRONG, ids=lambda value: str(value))
def test_a_wrong_option_is_refused_when_the_strategy_is_made(
    front: Callable[..., object], options: dict[str, Any], named: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidOption) as caught:
        front(**options)
    message = str(caught.value)
    for part in named:
        assert part in message
    assert isinstance(caught.value, ValueError)
    assert "\n" not in message
    assert not message.endswith(".")


@pytest.mark.parametrize(
    "options",
    [
        {"size": (1, 2, 3)},
        {"size": ("a", "b")},
        {"size": 1.5},
        {"size": None},
        {"categories": 3},
        {"include": 3},
        {"dtypes": 3},
        {"devices": None},
    ],
    ids=str,
)
def test_an_option_of_the_wrong_type_is_refused_too(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        check_options(**options)


@pytest.mark.parametrize(("feature", "needed"), [(row.name, each) for row in FEATURES.values() for each in row.needs])
def test_an_included_feature_whose_needs_are_excluded_is_refused(feature: str, needed: str) -> None:
    with pytest.raises(InvalidOption, match=needed):
        check_options(categories=["scalar_param"], include=[feature], exclude=[needed])


@pytest.mark.parametrize(
    ("feature", "dtype"),
    [("float16", "float32"), ("float64", "float32"), ("bitwise", "float32")]
    + [(feature, "int32") for feature in ("small_int", "wide_int", "unsigned", "mixed_widths", "math", "quaternion")],
)
def test_an_included_feature_without_a_dtype_for_it_is_refused(feature: str, dtype: str) -> None:
    """Or the dtype would have to appear although the option leaves it out."""
    with pytest.raises(InvalidOption, match=feature):
        check_options(include=[feature], dtypes=[dtype])


@pytest.mark.parametrize(
    "options",
    [{"depth": row.depth - 1, "include": [row.name]} for row in FEATURES.values() if row.depth]
    + [{"depth": 0, "categories": ["control_flow"]}, {"depth": 1, "categories": ["nested_loop"]}],
    ids=str,
)
def test_control_flow_deeper_than_the_depth_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match="depth"):
        check_options(**options)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_can_be_excluded_where_no_category_is_named(name: str) -> None:
    """The default categories that need it go; a feature that cannot be excluded is refused by its own name."""
    if name in INDISPENSABLE:
        with pytest.raises(InvalidOption, match=f"feature '{name}' cannot be excluded"):
            check_options(exclude=[name])
    else:
        options = check_options(exclude=[name])
        assert not any(name in CATEGORIES[category].features for category in options.categories)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_an_alias_stands_for_its_category(alias: str, name: str) -> None:
    assert check_options(categories=[alias]).categories == (name,)
    assert str(one(category=alias)) == str(one(category=name))


def test_the_ten_categories_of_a_balanced_corpus_are_the_default() -> None:
    names = check_options().categories
    assert len(names) == 10
    assert all(CATEGORIES[name].default for name in names)


def test_a_category_named_twice_counts_once() -> None:
    assert check_options(categories=["control_flow", "loop", "math"]).categories == ("control_flow", "math")


def test_one_name_may_stand_without_a_list() -> None:
    options = check_options(categories="math", include="if", exclude="tile", dtypes="float32", devices="cpu")
    assert options.categories == ("math",)
    assert options.include == {"if"}
    assert options.exclude == {"tile"}
    assert options.dtypes == (t.FLOAT32,)
    assert options.devices == ("cpu",)


def test_dtypes_may_be_names_or_types_in_any_order() -> None:
    assert check_options(dtypes=["int32", t.FLOAT32]).dtypes == check_options(dtypes=("float32", t.INT32)).dtypes
    assert check_options().dtypes == t.SCALARS


def test_a_size_may_be_a_word_a_number_or_a_range() -> None:
    assert check_options(size="large").size == SIZES["large"]
    assert check_options(size=3).size == (3, 3)
    assert check_options(size=(2, 5)).size == (2, 5)
    assert check_options(size=MOST_STATEMENTS).size == (1000, 1000)


@pytest.mark.parametrize("type_", [t.Array(t.FLOAT32), t.Tile(t.FLOAT32, (4,)), t.Tuple((t.INT32, t.INT32))], ids=repr)
def test_there_are_expressions_of_value_types_only(type_: t.Array | t.Tile | t.Tuple) -> None:
    with pytest.raises(InvalidOption, match=type(type_).__name__):
        expressions(type_)


def test_scalars_of_an_unknown_dtype_are_refused() -> None:
    with pytest.raises(InvalidOption, match="did you mean 'float32'"):
        scalars("floatt32")


def test_options_of_the_other_strategies_may_be_single_names_too() -> None:
    functions(exclude="if")
    statements(exclude="if", include="ternary")
