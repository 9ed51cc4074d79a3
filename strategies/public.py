"""The public strategies: thin fronts that check their options and draw from the grammar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import Block, Expr, Function, Kernel
from kernelfuzz.ir.types import SCALAR_BY_NAME, Array, Scalar, Tile, Tuple, Type
from kernelfuzz.strategies import dtypes as typing
from kernelfuzz.strategies import expression as grammar
from kernelfuzz.strategies.choices import DrawnChoices
from kernelfuzz.strategies.function import inner_context, new_function
from kernelfuzz.strategies.inputs import draw_launch
from kernelfuzz.strategies.kernel import draw_kernel, new_context
from kernelfuzz.strategies.literals import literal
from kernelfuzz.strategies.options import InvalidOption, check_options
from kernelfuzz.strategies.statement import draw_block


def kernels(
    *,
    categories: Iterable[str] | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    dtypes: Iterable[str | Scalar] | None = None,
    size: str | int | tuple[int, int] = "medium",
    depth: int = 5,
    devices: Iterable[str] = ("cpu", "cuda"),
    profile: str = "default",
) -> st.SearchStrategy[Kernel]:
    """Well-typed Warp kernels that are defined for every launch of ``launches(kernel)``.

    ``categories``: names of ``kernelfuzz.strategies.vocabulary.CATEGORIES`` or their aliases, to one of which
    each kernel is made to belong (default: nothing is planted).  ``include`` and ``exclude``: features
    (``FEATURES`` there) that every kernel has, or none.  ``dtypes``: the scalar types to draw from.
    ``size``: ``small``, ``medium``, ``large``, or how many statements to draw beside those that are planted.
    ``depth``: how far control flow nests.  ``devices``: where the kernels must be valid.
    ``profile``: ``realistic`` follows the feature frequencies of published Warp code.

    Raises InvalidOption.
    """
    options = check_options(
        categories=categories, include=include, exclude=exclude, dtypes=dtypes, size=size, depth=depth,
        devices=devices, profile=profile,
    )  # fmt: skip

    @st.composite
    def kernels(draw: Any) -> Kernel:
        choices = DrawnChoices(draw)
        return draw_kernel(choices, options, choices.pick(options.categories) if categories else None)

    return kernels()


# What needs declarations of a module around it.
_DECLARED = frozenset(
    {
        "function",
        "tuple_return",
        "procedure",
        "struct",
        "nested_struct",
        "struct_array",
        "constant",
        "closure",
    }
)


def _without_declarations(options: dict[str, Any]) -> None:
    """Exclude what a module would have to declare."""
    named = options.get("exclude", ())
    options["exclude"] = {*((named,) if isinstance(named, str) else named), *_DECLARED}


def functions(*, returns: Type | None = None, **options: Any) -> st.SearchStrategy[Function]:
    """``@wp.func`` functions, by default of any value type; the options are those of ``kernels``.

    A drawn function calls no other one and uses no struct, so that it stands alone.  Raises InvalidOption.
    """
    _without_declarations(options)
    checked = check_options(**options)

    @st.composite
    def functions(draw: Any) -> Function:
        ctx = new_context(DrawnChoices(draw), checked)
        return new_function(ctx, (returns or typing.value_type(ctx),))

    return functions()


def statements(**options: Any) -> st.SearchStrategy[Block]:
    """Blocks of statements as a function without parameters may hold them; options as for ``kernels``.

    Raises InvalidOption.
    """
    _without_declarations(options)
    checked = check_options(**options)

    @st.composite
    def statements(draw: Any) -> Block:
        ctx = inner_context(new_context(DrawnChoices(draw), checked))
        return draw_block(ctx)

    return statements()


def expressions(type_: Type, **options: Any) -> st.SearchStrategy[Expr]:
    """Expressions of a type over literals alone; the options are those of ``kernels``.

    Raises InvalidOption for an array, a tile or a tuple, of which there are no expressions.
    """
    if isinstance(type_, (Array, Tile, Tuple)):
        raise InvalidOption(f"there are no expressions of {type(type_).__name__} type; ask for a value type")
    _without_declarations(options)
    checked = check_options(**options)

    @st.composite
    def expressions(draw: Any) -> Expr:
        ctx = inner_context(new_context(DrawnChoices(draw), checked))
        return grammar.draw(ctx, type_, ctx.choices.integer(0, 6)).expr

    return expressions()


def types(**options: Any) -> st.SearchStrategy[Type]:
    """Value types: scalars, vectors, matrices, quaternions, transforms and structs.  Raises InvalidOption."""
    checked = check_options(**options)

    @st.composite
    def types(draw: Any) -> Type:
        return typing.value_type(new_context(DrawnChoices(draw), checked))

    return types()


def scalars(dtype: str | Scalar) -> st.SearchStrategy[Expr]:
    """Literals of a scalar type, given by name or as a type.  Raises InvalidOption for an unknown name."""
    (scalar,) = check_options(dtypes=dtype if isinstance(dtype, str) else dtype.name).dtypes  # pyright: ignore
    assert scalar.name in SCALAR_BY_NAME

    @st.composite
    def scalars(draw: Any) -> Expr:
        return literal(DrawnChoices(draw), scalar).expr

    return scalars()


def launches(kernel: Kernel) -> st.SearchStrategy[Launch]:
    """Launches of a kernel: the grid, and inputs (as numpy arrays) for which the kernel is defined."""

    @st.composite
    def launches(draw: Any) -> Launch:
        return draw_launch(DrawnChoices(draw), kernel)

    return launches()
