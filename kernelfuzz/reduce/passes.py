"""Everything that reduction tries: a pass looks at a case and lists edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from kernelfuzz.reduce import declarations, expressions, inputs, launches, scalars, statements, types
from kernelfuzz.reduce.edit import Edit, Tree

Pass: TypeAlias = Callable[[Tree], Iterator[Edit]]

# Of edits with the same gain the earlier pass goes first.
PASSES: tuple[Pass, ...] = (
    declarations.drop_functions,
    statements.drop_statements,
    statements.drop_variables,
    declarations.drop_params,
    statements.hoist_bodies,
    declarations.inline_functions,
    declarations.drop_results,
    declarations.inline_constants,
    declarations.drop_closure,
    declarations.drop_structs,
    expressions.replace_by_default,
    expressions.replace_by_part,
    expressions.replace_by_name,
    expressions.plainer_expressions,
    expressions.simplify_targets,
    expressions.store_the_whole,
    expressions.replace_by_input,
    expressions.inline_params,
    statements.substitute_locals,
    statements.keep_in_array,
    statements.ask_for_the_turn,
    scalars.split_structs,
    scalars.store_parts,
    statements.join_branches,
    statements.plainer_statements,
    statements.drop_thread_index,
    types.structs_to_fields,
    types.drop_fields,
    launches.drop_axes,
    launches.shrink_grid,
    launches.drop_array_axes,
    launches.shorten_arrays,
    launches.drop_tiled,
    types.narrow_scalars,
    types.shrink_composites,
    expressions.simplify_literals,
    inputs.simplify_inputs,
)
