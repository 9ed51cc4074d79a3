"""The public strategies: thin fronts that check their options and draw from the grammar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from kernelfuzz.deadline import read_constants
from kernelfuzz.devices import Device
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import Block, Expr, Function, Kernel
from kernelfuzz.ir.program import Program
from kernelfuzz.strategies.choices import DrawnChoices
from kernelfuzz.strategies.draw_program import draw_program
from kernelfuzz.strategies.features import FEATURES, NEWER, with_needs
from kernelfuzz.strategies.kernel import draw_kernel, new_context
from kernelfuzz.strategies.launch_inputs import ANY, ORDINARY, draw_launch
from kernelfuzz.strategies.operands import literal
from kernelfuzz.strategies.options import (
    InvalidOption,
    KernelOptions,
    Options,
    Profile,
    Size,
    check_options,
)
from kernelfuzz.strategies.user_functions import inner_context, new_function
from kernelfuzz.strategies.value_types import value_type
from kernelfuzz.syntax.canonical import canonical
from kernelfuzz.typecheck.lacking import is_complete

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


def prepared(make: Callable[[], st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """The strategy that ``make`` returns; using it first imports what prints and checks its values.

    Printing takes libcst, whose import alone can be longer than the 200 ms that Hypothesis allows each run
    of a test.  Hypothesis evaluates a deferred strategy before it starts to run the test: so the import
    counts neither for that time nor, as it would in a draw, for the health check of slow data.
    """

    @wraps(make)  # so that it prints as ``deferred(kernels)`` until then
    def made() -> st.SearchStrategy[T]:
        from kernelfuzz.syntax import paste  # noqa: F401  # pyright: ignore[reportUnusedImport]
        from kernelfuzz.typecheck import verify  # noqa: F401  # pyright: ignore[reportUnusedImport]

        read_constants()
        return make()

    return st.deferred(made)


def kernels(
    *,
    categories: Iterable[str] | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    dtypes: Iterable[str | t.Scalar] | None = None,
    size: Size | int | tuple[int, int] = "medium",
    depth: int = 5,
    devices: Iterable[Device] = ("cpu", "cuda"),
    profile: Profile = "default",
) -> st.SearchStrategy[Kernel]:
    """Well-typed Warp kernels that are defined for every launch of ``launches(kernel)``.

    ``categories``: names of ``kernelfuzz.strategies.vocabulary.CATEGORIES`` or their aliases, to one of which
    each kernel is made to belong (default: nothing is planted).  ``include`` and ``exclude``: names of
    ``kernelfuzz.strategies.features.FEATURES`` that every kernel has, or none.  ``dtypes``: the scalar types
    to draw from.
    ``size``: ``small``, ``medium``, ``large``, or how many statements to draw beside those that are planted:
    up to 1000, of which Hypothesis has room for some 50.
    ``depth``: how far control flow nests.  ``devices``: where the kernels must be valid.
    ``profile``: ``realistic`` follows the feature frequencies of published Warp code.

    The features ``newer`` and ``newer_place`` are excluded, unless they are included, where the installed Warp
    lacks some builtin or form.

        >>> @given(kernels(include=["while"], dtypes=["float32", "int32"], size="small"))
        ... def test_my_backend(kernel):
        ...     assert "while " in str(kernel)
        >>> test_my_backend()

    Raises InvalidOption.
    """
    options = check_options(
        categories=categories, include=include, exclude=exclude, dtypes=dtypes, size=size, depth=depth,
        devices=devices, profile=profile,
    )  # fmt: skip
    if not is_complete():
        options = replace(options, exclude=options.exclude | (NEWER - options.include))

    @st.composite
    def kernels(draw: st.DrawFn) -> Kernel:
        choices = DrawnChoices(draw)
        return draw_kernel(choices, options, choices.pick(options.categories) if categories else None)

    return prepared(kernels)


def programs(**options: Unpack[KernelOptions]) -> st.SearchStrategy[Program]:
    """Programs: kernels that share functions and constants, launched in turn and differentiated by tapes.

    The options are those of ``kernels`` and go for every kernel of a program; tiles are left out.

        >>> @given(programs(size="small"))
        ... def test_my_runtime(program):
        ...     assert "wp.launch(" in str(program)
        >>> test_my_runtime()

    Raises InvalidOption.
    """
    checked = check_options(**options)
    if "newer" not in checked.include and not is_complete():
        checked = replace(checked, exclude=checked.exclude | {"newer"})

    @st.composite
    def programs(draw: st.DrawFn) -> Program:
        return draw_program(DrawnChoices(draw), checked)

    return prepared(programs)


def _without_declarations(options: KernelOptions) -> Options:
    """The options checked, with what a module would have to declare excluded."""
    named = options.get("exclude", ())
    declared = {name for name in FEATURES if with_needs(frozenset({name})) & {"function", "struct", "constant"}}
    excluded = {*((named,) if isinstance(named, str) else named), *declared}
    stands_alone: KernelOptions = {**options, "exclude": excluded}
    return check_options(**stands_alone)


def functions(*, returns: t.Type | None = None, **options: Unpack[KernelOptions]) -> st.SearchStrategy[Function]:
    """``@wp.func`` functions, by default of any value type; the options are those of ``kernels``.

    A drawn function calls no other one and uses no struct, so that it stands alone.

        >>> @given(functions(returns=FLOAT32))
        ... def test_my_inliner(function):
        ...     assert render_function(function).startswith("@wp.func")
        >>> test_my_inliner()

    Raises InvalidOption.
    """
    checked = _without_declarations(options)

    @st.composite
    def functions(draw: st.DrawFn) -> Function:
        ctx = new_context(DrawnChoices(draw), checked)
        return canonical(new_function(ctx, (returns or value_type(ctx),)))

    return prepared(functions)


def statements(**options: Unpack[KernelOptions]) -> st.SearchStrategy[Block]:
    """Blocks of statements as a function without parameters may hold them; options as for ``kernels``.

        >>> @given(statements(exclude=["while"]))
        ... def test_my_printer(block):
        ...     assert "while " not in render_statements(block)
        >>> test_my_printer()

    Raises InvalidOption.
    """
    checked = _without_declarations(options)

    @st.composite
    def statements(draw: st.DrawFn) -> Block:
        ctx = inner_context(new_context(DrawnChoices(draw), checked))
        return tuple([canonical(statement) for statement in ctx.draw_block()])

    return prepared(statements)


def expressions(type_: t.Type, **options: Unpack[KernelOptions]) -> st.SearchStrategy[Expr]:
    """Expressions of a type over literals alone; the options are those of ``kernels``.

        >>> @given(expressions(Vector(3, FLOAT32)))
        ... def test_my_evaluator(expression):
        ...     assert expression.type == Vector(3, FLOAT32)
        >>> test_my_evaluator()

    Raises InvalidOption for an array, a tile or a tuple, of which there are no expressions.
    """
    if isinstance(type_, (t.Array, t.Tile, t.Tuple)):
        raise InvalidOption(f"there are no expressions of {type(type_).__name__} type; ask for a value type")
    checked = _without_declarations(options)

    @st.composite
    def expressions(draw: st.DrawFn) -> Expr:
        ctx = inner_context(new_context(DrawnChoices(draw), checked))
        return canonical(ctx.draw(type_, ctx.choices.integer(0, 6)).expr)

    return prepared(expressions)


def types(**options: Unpack[KernelOptions]) -> st.SearchStrategy[t.Type]:
    """Value types: scalars, vectors, matrices, quaternions, transforms and structs.

        >>> @given(types(dtypes=["float64"], exclude=["struct"]))
        ... def test_my_layout(type_):
        ...     assert "FLOAT32" not in repr(type_)
        >>> test_my_layout()

    Raises InvalidOption.
    """
    checked = check_options(**options)

    @st.composite
    def types(draw: st.DrawFn) -> t.Type:
        return value_type(new_context(DrawnChoices(draw), checked))

    return prepared(types)


def scalars(dtype: str | t.Scalar) -> st.SearchStrategy[Expr]:
    """Literals of a scalar type, given by name or as a type.

        >>> @given(scalars("int8"))
        ... def test_my_literals(literal):
        ...     assert -128 <= literal.value <= 127
        >>> test_my_literals()

    Raises InvalidOption for an unknown name.
    """
    (scalar,) = check_options(dtypes=[dtype]).dtypes
    assert scalar.name in t.SCALAR_BY_NAME

    @st.composite
    def scalars(draw: st.DrawFn) -> Expr:
        return literal(DrawnChoices(draw), scalar).expr

    return prepared(scalars)


def launches(kernel: Kernel, *, special_floats: bool = True) -> st.SearchStrategy[Launch]:
    """Launches of a kernel: the grid, and inputs (as numpy arrays) for which the kernel is defined.

    One in four has NaN, infinities, denormals and the ends of the range among its floats, unless
    ``special_floats`` is False.

    >>> @given(kernels(size="small"), st.data())
    ... def test_my_launcher(kernel, data):
    ...     launch = data.draw(launches(kernel))
    ...     assert launch.inputs.keys() == {param.name for param in kernel.params}
    >>> test_my_launcher()
    """

    @st.composite
    def launches(draw: st.DrawFn) -> Launch:
        return draw_launch(DrawnChoices(draw), kernel, ANY if special_floats else ORDINARY)

    return prepared(launches)
