"""Everything that is tried on a text: a pass looks at a tree and lists edits, the largest cuts first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from kernelfuzz.reduce.source import definitions, expressions, functions, layout, statements
from kernelfuzz.reduce.source.tree import Edit, Tree

TextPass: TypeAlias = Callable[[Tree], Iterator[Edit]]

# What makes a text much smaller goes first, so that the rest has little to look at.
PASSES: tuple[TextPass, ...] = (
    definitions.keep_one_kernel,
    statements.drop_statements_of_kernels,
    definitions.keep_one_kernel,
    statements.drop_statements,
    statements.hoist_bodies,
    statements.drop_clauses,
    layout.plain_layout,
    functions.flatten_functions,
    functions.inline_functions,
    definitions.drop_params,
    definitions.drop_fields,
    expressions.drop_elements,
    expressions.drop_annotations,
    expressions.replace_by_literal,
    expressions.replace_by_part,
    statements.plainer_statements,
    statements.substitute_locals,
    expressions.simplify_literals,
    layout.drop_parentheses,
)
