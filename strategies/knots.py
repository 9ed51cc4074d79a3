"""Where the grammar is recursive: what is drawn in terms of itself, through one late import each.

Imports between the other files point one way; a production that needs an expression, a block of statements, a
function or a struct inside asks for it here.
"""

from __future__ import annotations

from kernelfuzz.ir.nodes import Block, Stmt
from kernelfuzz.ir.types import Struct, Type
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.ranges import Ranged


def draw(ctx: Context, type_: Type, budget: int) -> Ranged:
    """An expression of the type with about ``budget`` operations."""
    from kernelfuzz.strategies import expression

    return expression.draw(ctx, type_, budget)


def draw_statement(ctx: Context) -> list[Stmt]:
    """A statement of any kind that is possible here."""
    from kernelfuzz.strategies import statement

    return statement.draw_statement(ctx)


def draw_block(ctx: Context) -> Block:
    """A nested block: at least one statement."""
    from kernelfuzz.strategies import statement

    return statement.draw_block(ctx)


def call_function(ctx: Context, type_: Type, budget: int) -> Ranged:
    """A call of a user function that returns the type."""
    from kernelfuzz.strategies import function

    return function.call_function(ctx, type_, budget)


def can_call(ctx: Context, type_: Type) -> bool:
    """Whether a user function that returns the type can be called here."""
    from kernelfuzz.strategies import function

    return function.can_call(ctx, type_)


def call_with_effect(ctx: Context, type_: Type, budget: int) -> Ranged:
    """A call of a user function that returns the type and stores into the thread's own slot."""
    from kernelfuzz.strategies import function

    return function.call_with_effect(ctx, type_, budget)


def can_have_effect(ctx: Context, type_: Type) -> bool:
    """Whether such a function can be called here."""
    from kernelfuzz.strategies import function

    return function.can_have_effect(ctx, type_)


def struct_type(ctx: Context) -> Struct:
    """A struct of the module, or a new one."""
    from kernelfuzz.strategies import structs

    return structs.struct_type(ctx)
