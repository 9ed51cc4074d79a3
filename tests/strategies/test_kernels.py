"""What every strategy promises about what it draws: well typed, within its options, the same every time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import nesting, walk
from kernelfuzz.strategies import expressions, functions, kernels, scalars, statements, types
from kernelfuzz.strategies.features import FEATURES, features
from kernelfuzz.strategies.kernel import generate, generate_many
from kernelfuzz.strategies.options import InvalidOption, Profile, Size, check_options
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.syntax.render import render
from kernelfuzz.typecheck.verify import verify

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
DRAWN = settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
FEW = settings(DRAWN, max_examples=10)


def check(kernel: n.Kernel) -> None:
    """A kernel is well typed, and its text is a Python module that declares it."""
    verify(kernel)
    text = render(kernel)
    tree = ast.parse(text)
    compile(tree, "kernel.py", "exec")
    assert kernel.name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def holding(function: n.Function) -> n.Kernel:
    """The smallest kernel around a function."""
    return n.Kernel("kernel", (), (), functions=(function,))


def returning(value: n.Expr) -> n.Kernel:
    return holding(n.Function("f", (), value.type, (n.Return((value,)),)))


# -------------------------------------------------------------------- kernels


OPTIONS: list[dict[str, Any]] = [{}, {"profile": "realistic"}, {"size": "large"}]


@settings(DRAWN, max_examples=30)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@given(data=st.data())
def test_a_drawn_kernel_is_well_typed_and_its_text_is_python(options: dict[str, Any], data: st.DataObject) -> None:
    kernel = data.draw(kernels(**options))
    check(kernel)
    assert str(kernel) == render(kernel)


@settings(DRAWN, max_examples=40)
@given(kernels(categories=CATEGORIES))
def test_a_kernel_drawn_for_categories_is_of_one_of_them(kernel: n.Kernel) -> None:
    check(kernel)
    found = features(kernel)
    assert any(category.holds(found) for category in CATEGORIES.values())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_seeded_kernel_is_well_typed_and_its_text_is_python(options: dict[str, Any]) -> None:
    for kernel in generate_many(60, seed=30, **options):
        check(kernel)


# ---------------------------------------------------------- include and exclude

# How many are drawn for each feature.
COUNT = 25


@pytest.mark.parametrize("feature", FEATURES)
def test_every_kernel_has_an_included_feature(feature: str) -> None:
    for index in range(COUNT):
        kernel = generate(seed=31, index=index, include=[feature])
        assert feature in features(kernel), f"seed 31, index {index}"
        verify(kernel)


def refusal(**options: Any) -> str | None:
    """The message with which the options are refused, None where they are not."""
    try:
        check_options(**options)
    except InvalidOption as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("feature", FEATURES)
def test_no_kernel_has_an_excluded_feature(feature: str) -> None:
    """Or it is refused: what nothing can be drawn without, or what no category is left without."""
    categories = [name for name, category in CATEGORIES.items() if feature not in category.features]
    categories = [name for name in categories if not refusal(categories=[name], exclude=[feature])]
    if not categories:
        assert feature in (refusal(exclude=[feature]) or "")
        return
    for index in range(COUNT):
        kernel = generate(seed=32, index=index, exclude=[feature], categories=categories)
        assert feature not in features(kernel), f"seed 32, index {index}, categories {categories}"
        verify(kernel)


@pytest.mark.parametrize("profile", ["default", "realistic"])
def test_several_features_can_be_included_and_excluded_at_once(profile: Profile) -> None:
    include, exclude = {"atomic", "while", "struct"}, {"transform", "static", "view"}
    for index in range(COUNT):
        kernel = generate(seed=33, index=index, include=include, exclude=exclude, profile=profile)
        found = features(kernel)
        assert include <= found, f"seed 33, index {index}"
        assert not exclude & found, f"seed 33, index {index}"


@FEW
@given(kernels(include=["elif", "matrix"], exclude=["while", "function"]))
def test_a_drawn_kernel_has_included_and_no_excluded_features(kernel: n.Kernel) -> None:
    found = features(kernel)
    assert {"elif", "matrix"} <= found
    assert not {"while", "function"} & found


# --------------------------------------------------------------- other options


def scalars_of(type_: t.Type) -> Iterator[t.Scalar]:
    match type_:
        case t.Scalar():
            yield type_
        case t.Struct(fields=fields):
            for _, field in fields:
                yield from scalars_of(field)
        case t.Tuple(elements=elements):
            for element in elements:
                yield from scalars_of(element)
        case t.Array(dtype=dtype) | t.Tile(dtype=dtype):
            yield from scalars_of(dtype)
        case _:
            yield type_.dtype


def scalars_in(kernel: n.Kernel) -> set[t.Scalar]:
    """The scalar type of everything in a kernel that has a type."""
    typed = [node.type for node in walk(kernel) if hasattr(node, "type")]  # pyright: ignore
    return {scalar for type_ in (*typed, *kernel.structs) for scalar in scalars_of(type_)}


# Indices, conditions and random states have these, whatever the option.
GIVEN = {t.INT32, t.UINT32, t.BOOL}


@pytest.mark.parametrize("category", [None, *CATEGORIES])
@pytest.mark.parametrize("dtype", [t.FLOAT16, t.FLOAT32, t.FLOAT64], ids=str)
def test_only_the_dtypes_of_the_option_appear(dtype: t.Scalar, category: str | None) -> None:
    if category == "integer":
        pytest.skip("mixes widths of integers, of which the option has none")
    for index in range(12):
        kernel = generate(seed=34, index=index, category=category, dtypes=[dtype])
        assert scalars_in(kernel) <= {dtype, *GIVEN}, f"seed 34, index {index}"
        verify(kernel)


@pytest.mark.parametrize("dtype", [t.INT8, t.INT32, t.INT64, t.UINT8, t.UINT64], ids=str)
def test_no_float_appears_where_the_dtypes_are_integers(dtype: t.Scalar) -> None:
    categories = ["arithmetic", "vector", "control_flow", "atomic", "struct", "scalar_param"]
    for index in range(COUNT):
        kernel = generate(seed=35, index=index, categories=categories, dtypes=[dtype])
        assert scalars_in(kernel) <= {dtype, *GIVEN}, f"seed 35, index {index}"
        verify(kernel)


@pytest.mark.parametrize("feature", ["constant", "cast", "static", "ternary", "atomic", "struct"])
def test_a_planted_feature_keeps_to_the_dtypes(feature: str) -> None:
    for index in range(COUNT):
        kernel = generate(seed=36, index=index, include=[feature], category="scalar_param", dtypes=["float64"])
        assert scalars_in(kernel) <= {t.FLOAT64, *GIVEN}, f"seed 36, index {index}"


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_control_flow_nests_no_deeper_than_the_option(depth: int) -> None:
    for index in range(100):
        kernel = generate(seed=37, index=index, depth=depth, categories=["arithmetic", "vector"], size="large")
        for block in (kernel.body, *(function.body for function in kernel.functions)):
            assert nesting(block) <= depth, f"seed 37, index {index}"


def test_planted_control_flow_nests_no_deeper_than_the_option() -> None:
    for index in range(COUNT):
        kernel = generate(seed=38, index=index, depth=2, category="nested_loop")
        assert nesting(kernel) == 2, f"seed 38, index {index}"


def test_larger_sizes_give_larger_kernels() -> None:
    def lines(size: Size) -> int:
        return sum(render(kernel).count("\n") for kernel in generate_many(40, seed=39, size=size))

    assert lines("small") < lines("medium") < lines("large")


# ----------------------------------------------------- the parts of a kernel


@DRAWN
@given(functions())
def test_a_drawn_function_stands_alone(function: n.Function) -> None:
    check(holding(function))


@FEW
@pytest.mark.parametrize("returns", [t.INT64, t.Vector(3, t.FLOAT32), t.Matrix(2, 2, t.FLOAT64)], ids=repr)
@given(data=st.data())
def test_a_function_returns_the_type_of_the_option(returns: t.Type, data: st.DataObject) -> None:
    function = data.draw(functions(returns=returns))
    assert function.returns == returns
    check(holding(function))


@DRAWN
@given(statements())
def test_drawn_statements_stand_in_a_function_without_parameters(block: n.Block) -> None:
    check(holding(n.Function("f", (), None, block)))


EXPRESSION_TYPES: tuple[t.Value, ...] = (
    t.BOOL, t.INT32, t.FLOAT32, t.FLOAT16, t.FLOAT64, t.INT8, t.INT64, t.UINT16, t.UINT64,
    t.Vector(2, t.INT32), t.Vector(3, t.FLOAT32), t.Vector(4, t.UINT8), t.Vector(6, t.FLOAT32),
    t.Matrix(2, 3, t.FLOAT64), t.Matrix(3, 3, t.FLOAT32), t.Quaternion(t.FLOAT32), t.Transform(t.FLOAT64),
    t.Struct("S", (("a", t.INT32), ("b", t.Vector(3, t.FLOAT32)))),
)  # fmt: skip


@FEW
@pytest.mark.parametrize("type_", EXPRESSION_TYPES, ids=repr)
@given(data=st.data())
def test_a_drawn_expression_has_its_type(type_: t.Value, data: st.DataObject) -> None:
    value = data.draw(expressions(type_))
    assert value.type == type_
    kernel = returning(value)
    if isinstance(type_, t.Struct):
        kernel = n.Kernel("kernel", (), (), functions=kernel.functions, structs=(type_,))
    check(kernel)


def structs_in(type_: t.Type) -> Iterator[t.Struct]:
    """A struct and those within it, inner ones first: as a module must declare them."""
    if isinstance(type_, t.Struct):
        for _, field in type_.fields:
            yield from structs_in(field)
        yield type_


@DRAWN
@given(types())
def test_a_drawn_type_can_be_the_type_of_a_parameter_and_of_an_array(type_: t.Type) -> None:
    assert not isinstance(type_, (t.Array, t.Tile, t.Tuple))
    structs = tuple(dict.fromkeys(structs_in(type_)))
    params = (n.Param("p", type_), n.Param("a", t.Array(type_)))
    check(n.Kernel("kernel", params, (), structs=structs))


@FEW
@pytest.mark.parametrize("name", t.SCALAR_BY_NAME)
@given(data=st.data())
def test_a_drawn_scalar_is_a_literal_of_its_dtype(name: str, data: st.DataObject) -> None:
    by_name, by_type = data.draw(scalars(name)), data.draw(scalars(t.SCALAR_BY_NAME[name]))
    for value in (by_name, by_type):
        assert isinstance(value, n.Literal)
        assert value.type == t.SCALAR_BY_NAME[name]
        check(returning(value))
