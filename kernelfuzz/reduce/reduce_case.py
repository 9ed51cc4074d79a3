"""Reduction of typed cases: smaller kernels and launches, until no single edit makes an interesting one.

The interesting test takes many cases at once, so the search asks about up to ``GROUP`` candidates in a round:
first many edits alone, largest cuts first, then unions of those that were interesting.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TypeAlias

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir.launch import Case, Input, given_or_not
from kernelfuzz.ir.names import canonical_names, rename
from kernelfuzz.ir.types import Array, Struct, Type
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.reduce import cut_declarations, cut_expressions, cut_launches, cut_statements, cut_types
from kernelfuzz.reduce.edit import Edit, Tree, apply
from kernelfuzz.reduce.measure import measure
from kernelfuzz.reduce.search import Asking, OutOfTime, Reducible, Search, neighbours
from kernelfuzz.typecheck.verify import VerifyError, verify

# Which of the cases still fail in the same way: one answer for each.
Interesting: TypeAlias = Callable[[Sequence[Case]], Sequence[bool]]

# The most candidates in one round.
GROUP = 64

# A pass looks at a tree and lists edits.  Of edits with the same gain the earlier pass goes first.
PASSES: tuple[Callable[[Tree], Iterator[Edit]], ...] = (
    cut_declarations.drop_functions,
    cut_statements.drop_statements,
    cut_statements.drop_variables,
    cut_declarations.drop_params,
    cut_statements.hoist_bodies,
    cut_declarations.inline_functions,
    cut_declarations.drop_results,
    cut_declarations.inline_constants,
    cut_declarations.drop_closure,
    cut_declarations.drop_structs,
    cut_expressions.replace_by_default,
    cut_expressions.replace_by_part,
    cut_expressions.replace_by_name,
    cut_expressions.plainer_expressions,
    cut_expressions.simplify_targets,
    cut_expressions.store_the_whole,
    cut_expressions.replace_by_input,
    cut_expressions.inline_params,
    cut_statements.substitute_locals,
    cut_statements.keep_in_array,
    cut_statements.ask_for_the_turn,
    cut_declarations.split_structs,
    cut_declarations.store_parts,
    cut_statements.join_branches,
    cut_statements.plainer_statements,
    cut_statements.drop_thread_index,
    cut_types.structs_to_fields,
    cut_types.drop_fields,
    cut_launches.drop_axes,
    cut_launches.shrink_grid,
    cut_launches.drop_array_axes,
    cut_launches.shorten_arrays,
    cut_launches.drop_tiled,
    cut_types.narrow_scalars,
    cut_types.shrink_composites,
    cut_expressions.simplify_literals,
    cut_launches.simplify_inputs,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a reduction is: rounds and candidates asked so far, the best case and its number of nodes."""

    rounds: int
    asked: int
    case: Case
    nodes: int


def reduce(
    case: Case,
    interesting: Interesting,
    *,
    seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Case:
    """Return the smallest case found that is interesting; ``case`` itself must be.

    After ``seconds`` no further round is started and the best case so far is returned; without a deadline
    the result depends only on the case and on the answers.  ``on_progress`` is called after each round.
    What ``interesting`` raises goes through; raises ValueError where it gives a wrong number of answers.
    """
    rounds = _Rounds(interesting)
    search = Search(case, CASES, Asking(rounds.begin, GROUP, GROUP), seconds)
    if on_progress is not None:

        def report() -> None:
            best = search.best.value
            if rounds.ends_with(search.asked):
                on_progress(Progress(rounds.count, search.asked, best, count_nodes(best.kernel)))

        search.on_answer = report
    with contextlib.suppress(OutOfTime):
        search.exhaust()
        # Names do not count in the measure.
        search.offer(with_short_names(search.best.value))
    return search.best.value


def candidates(case: Case) -> Iterator[Case]:
    """Every simpler and well-typed case that one edit makes, each once."""
    return neighbours(case, CASES)


class _Rounds:
    """Questions that are asked together, as soon as one of the answers is needed."""

    def __init__(self, interesting: Interesting) -> None:
        self._interesting = interesting
        self._waiting: list[tuple[Case, list[bool]]] = []
        self._asked = self._reported = 0
        self.count = 0

    def begin(self, case: Case) -> Callable[[], bool]:
        answer: list[bool] = []
        self._waiting.append((case, answer))

        def result() -> bool:
            if not answer:
                self._ask()
            return answer[0]

        return result

    def ends_with(self, asked: int) -> bool:
        """Whether a round ends with this number of answers; true once for each round."""
        ends = self._reported < self._asked == asked
        if ends:
            self._reported = asked
        return ends

    def _ask(self) -> None:
        asked, self._waiting = self._waiting, []
        answers = list(self._interesting([case for case, _ in asked]))
        if len(answers) != len(asked):
            raise ValueError(f"interesting gave {len(answers)} answers for {len(asked)} cases")
        for (_, answer), good in zip(asked, answers, strict=True):
            answer.append(bool(good))
        self.count += 1
        self._asked += len(asked)


# ------------------------------------------------------------- what the search knows of cases


def _edits(case: Case) -> Iterator[tuple[object, Edit]]:
    """Every edit of all passes, largest cuts first; of equal cuts that of the earlier pass."""
    tree = Tree(case)
    found = [edit for each in PASSES for edit in each(tree)]
    return ((edit.label, edit) for edit in sorted(found, key=lambda edit: -edit.gain))


def _key(case: Case) -> str:
    """A text that is equal for cases with the same text and launch."""
    launch = case.launch
    digest = blake2b(repr((launch.dim, launch.tiled, list(launch.inputs))).encode(), digest_size=16)
    for _, array in given_or_not(launch.inputs):
        digest.update(b"none" if array is None else f"{array.shape}{array.dtype}".encode())
        digest.update(b"" if array is None else array.tobytes())
    return f"{identity(case.kernel)} {digest.hexdigest()}"


def _is_valid(case: Case) -> bool:
    try:
        verify(case.kernel)
    except VerifyError:
        return False
    return True


CASES: Reducible[Case, Edit] = Reducible((_edits,), apply, measure, _key, _is_valid)


# ------------------------------------------------------------------------------ names


def with_short_names(case: Case) -> Case:
    """Return the case with parameters a0, a1, ... and variables v0, v1, ..., in the inputs too."""
    new = rename(case.kernel, canonical_names())
    pairs = list(zip(case.kernel.params, new.params, strict=True))
    # Renaming leaves out what is no part of the text.
    params = tuple([replace(old, name=param.name, type=param.type) for old, param in pairs])
    given = case.launch.inputs
    inputs = {param.name: _renamed(given[old.name], param.type) for old, param in pairs if old.name in given}
    return Case(replace(new, params=params), replace(case.launch, inputs=inputs))


def _renamed(value: Input, type_: Type) -> Input:
    element = type_.dtype if isinstance(type_, Array) else type_
    if not isinstance(value, dict) or not isinstance(element, Struct):
        return value
    fields = zip(value.values(), element.fields, strict=True)
    return {name: _renamed(field, inner) for field, (name, inner) in fields}
