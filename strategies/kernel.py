"""A whole kernel: its grid, the statements that it must have, and everything around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import INT32, Array, Tile, Tuple
from kernelfuzz.strategies import buffers, expression, statement, user_functions
from kernelfuzz.strategies.choices import Choices, SeededChoices
from kernelfuzz.strategies.context import GRID_NAMES, Context, Grammar, Module
from kernelfuzz.strategies.features import FEATURES
from kernelfuzz.strategies.options import KernelOptions, Options, check_options, check_place
from kernelfuzz.strategies.swarm import INPUT_NDIMS, realistic, swarm
from kernelfuzz.strategies.value_types import allowed_dtypes
from kernelfuzz.syntax.canonical import canonical

if TYPE_CHECKING:
    import typing_extensions

# Part of every seed: the same (grammar version, seed, index) gives the same kernel for ever.
GRAMMAR_VERSION = 6

GRAMMAR = Grammar(expression.draw, statement.draw_statement)


def draw_kernel(choices: Choices, options: Options, category: str | None = None) -> n.Kernel:
    """A kernel of the category, or of none in particular."""
    ctx, planted = _context(choices, options, category)
    body = _body(ctx, planted, *options.size)
    made = _assemble(ctx, body, closure=ctx.allows("closure") and bool(ctx.module.constants))
    return canonical(made)


def draw_in_module(choices: Choices, options: Options, module: Module) -> n.Kernel:
    """A kernel of no category among the declarations that other kernels of its module have made, with all of them.

    More often than not it calls a function that one of these has drawn.
    """
    ctx, planted = _context(choices, options, None)
    ctx.module, module.statements = module, 0
    others = tuple(module.functions)
    body = _body(ctx, planted, *options.size)
    if others and choices.chance(0.7) and (value := user_functions.call_known(ctx, others)) is not None:
        body = (*body, *buffers.store_value(ctx, value.expr))
    return canonical(_assemble(ctx, body, closure=ctx.allows("closure") and bool(module.constants)))


def new_context(choices: Choices, options: Options) -> Context:
    """A context in which parts of a kernel can be drawn."""
    return _context(choices, options, None)[0]


def _context(choices: Choices, options: Options, category: str | None) -> tuple[Context, tuple[str, ...]]:
    if options.profile == "realistic":
        planted, allowed = realistic(choices, options)
    else:
        planted, allowed = swarm(choices, options, category)
    ctx = Context(
        choices=choices,
        grammar=GRAMMAR,
        features=allowed,
        focus=frozenset(planted),
        dtypes=allowed_dtypes(options.dtypes, allowed),
        module=Module(),
        deepest=options.depth,
        ndim=_grid(choices, allowed, planted),
    )
    if options.profile == "realistic":
        ctx.ndims = INPUT_NDIMS
    return ctx, planted


def _grid(choices: Choices, allowed: frozenset[str], planted: tuple[str, ...]) -> int:
    """The number of dimensions of the launch grid."""
    if "tid_nd" in planted:
        return choices.weighted([(2, 12)] + [(3, 1)] * ("array_3d" in allowed))
    if "tid_nd" not in allowed:
        return 1
    most = [(3, 2)] + [(4, 1)] * ("tile" not in planted)  # a row of tiles for each point: one axis more
    return choices.weighted([(1, 12), (2, 5)] + most * ("array_3d" in allowed))


def _body(ctx: Context, planted: tuple[str, ...], low: int, high: int) -> n.Block:
    """Statements drawn freely, with the planted ones in a drawn order at a drawn place between them."""
    count = ctx.choices.integer(low, high)
    ctx.most = 6 + 2 * count
    place = ctx.choices.integer(0, count)
    queue = list(planted)
    body: list[n.Stmt] = []
    for at in range(count + 1):
        if at == place:
            while queue:
                body += ctx.choices.span(lambda: FEATURES[_next(ctx, queue)].plant(ctx))
        if at < count:
            body += statement.draw_statement(ctx)
    for variable in list(ctx.variables):
        read = variable.name in ctx.read_names or any(param.name == variable.name for param in ctx.params)
        if not read and not isinstance(variable.type, (Array, Tile, Tuple)):
            body += buffers.store_value(ctx, ctx.use(variable).expr)
    return tuple(body)


def _next(ctx: Context, queue: list[str]) -> str:
    return queue.pop(ctx.choices.integer(0, len(queue) - 1))


def _assemble(ctx: Context, body: n.Block, *, closure: bool) -> n.Kernel:
    if ctx.uses_thread:
        names = GRID_NAMES[: ctx.ndim]
        if ctx.ndim == 1:
            first: n.Stmt = n.Assign(n.Name(names[0], INT32), n.Call("tid", (), INT32))
        else:
            first = n.Unpack(names, (n.Call("tid", (), Tuple((INT32,) * ctx.ndim)),))
        body = (first, *body)
    return n.Kernel(
        name="kernel",
        params=tuple(ctx.params),
        body=body,
        functions=tuple(ctx.module.functions),
        structs=tuple(ctx.module.structs),
        constants=tuple(ctx.module.constants),
        closure=closure,
    )


def generate(
    *, seed: int, index: int, category: str | None = None, **options: typing_extensions.Unpack[KernelOptions]
) -> n.Kernel:
    """The kernel with a given seed and index: the same one on any machine, whatever else is installed.

    ``category`` restricts it to one category; without it the kernels of a seed go through the categories in
    turn.  The options are those of ``kernels``.  Raises InvalidOption.
    """
    check_place(seed, index)
    if category is not None:
        options["categories"] = (category,)
    return generate_with(check_options(**options), seed, index)


def generate_many(
    count: int,
    *,
    seed: int,
    start: int = 0,
    category: str | None = None,
    **options: typing_extensions.Unpack[KernelOptions],
) -> Iterator[n.Kernel]:
    """The kernels ``start`` to ``start + count - 1`` of a seed, as ``generate`` gives them."""
    check_place(seed, start)
    if category is not None:
        options["categories"] = (category,)
    checked = check_options(**options)
    return (generate_with(checked, seed, index) for index in range(start, start + count))


def generate_with(options: Options, seed: int, index: int) -> n.Kernel:
    """``generate`` with options that are checked already."""
    category = category_of(options, index)
    return draw_kernel(SeededChoices(GRAMMAR_VERSION, seed, index), options, category)


def category_of(options: Options, index: int) -> str:
    """The category that the kernel with this index is drawn for: each in turn."""
    return options.categories[index % len(options.categories)]
