"""What reduction promises whatever the test of interest says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from minimal import is_minimal  # pyright: ignore[reportMissingImports]

from kernelfuzz.ir.launch import Case, leaves
from kernelfuzz.ir.nodes import While
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce import candidates, reduce
from kernelfuzz.reduce.measure import measure
from kernelfuzz.reduce.reduce_case import GROUP, Progress
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.strategies.options import Size
from kernelfuzz.syntax.render import render
from kernelfuzz.typecheck.verify import verify


def case_of(index: int, size: Size = "large") -> Case:
    kernel = generate(seed=3, index=index, size=size)
    return Case(kernel, draw_launch(SeededChoices(3, index), kernel))


def text_of(case: Case) -> str:
    launch = case.launch
    arrays = [(array.shape, array.dtype.str, array.tolist()) for _, array in leaves(launch.inputs)]
    return f"{render(case.kernel)} {launch.dim} {launch.tiled} {list(launch.inputs)} {arrays}"


def with_while(cases: Sequence[Case]) -> list[bool]:
    return [any(isinstance(node, While) for node in walk(*case.kernel.body)) for case in cases]


@pytest.fixture(scope="module")
def case() -> Case:
    return next(each for each in map(case_of, range(100)) if with_while([each]) == [True])


def test_nothing_is_asked_twice_and_all_of_it_is_well_typed(case: Case) -> None:
    asked: list[str] = []

    def interesting(cases: Sequence[Case]) -> list[bool]:
        assert 0 < len(cases) <= GROUP
        for each in cases:
            verify(each.kernel)
        asked.extend(map(text_of, cases))
        return with_while(cases)

    reduce(case, interesting)
    assert len(asked) == len(set(asked)) > 0
    assert text_of(case) not in asked


def test_the_result_depends_on_case_and_answers_only(case: Case) -> None:
    asked: list[list[list[str]]] = []

    def run() -> str:
        rounds: list[list[str]] = []
        asked.append(rounds)

        def interesting(cases: Sequence[Case]) -> list[bool]:
            rounds.append(list(map(text_of, cases)))
            return with_while(cases)

        return text_of(reduce(case, interesting))

    assert run() == run()
    assert asked[0] == asked[1]


def test_nothing_interesting_gives_the_case_back() -> None:
    case = case_of(0, "small")
    assert reduce(case, lambda cases: [False] * len(cases)) is case


def test_everything_interesting_gives_the_empty_kernel(case: Case) -> None:
    reduced = reduce(case, lambda cases: [True] * len(cases))
    assert reduced.kernel.body == ()
    assert (reduced.kernel.params, reduced.kernel.functions, reduced.kernel.structs) == ((), (), ())
    assert (reduced.launch.dim, dict(reduced.launch.inputs)) == ((1,), {})


def test_candidates_are_smaller_and_well_typed() -> None:
    for index in range(2):
        case = case_of(index, "small")
        found = list(candidates(case))
        assert len(found) > 10
        for each in found:
            verify(each.kernel)
            assert measure(each) < measure(case)
            assert list(each.launch.inputs) == [param.name for param in each.kernel.params]


def test_the_best_only_gets_smaller(case: Case) -> None:
    seen: list[Progress] = []
    reduce(case, with_while, on_progress=seen.append)
    # The last step only renames.
    sizes = [measure(progress.case) for progress in seen]
    assert sizes == sorted(sizes, reverse=True)
    assert [progress.rounds for progress in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].asked >= seen[-1].rounds


def test_a_deadline_returns_the_best_so_far(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("kernelfuzz.reduce.search.time.monotonic", lambda: now[0])
    rounds = [0]

    def interesting(cases: Sequence[Case]) -> list[bool]:
        rounds[0] += 1
        now[0] += 10.0
        return with_while(cases)

    reduced = reduce(case, interesting, seconds=15.0)
    assert rounds[0] == 2
    assert with_while([reduced]) == [True]
    assert measure(reduced) < measure(case)
    rounds[0] = 0
    assert reduce(case, interesting, seconds=0.0) is case
    assert rounds[0] == 0


def test_what_the_test_of_interest_raises_goes_through(case: Case) -> None:
    def interesting(cases: Sequence[Case]) -> list[bool]:
        raise RuntimeError("the workers are gone")

    with pytest.raises(RuntimeError, match="the workers are gone"):
        reduce(case, interesting)


def test_a_wrong_number_of_answers_is_an_error(case: Case) -> None:
    with pytest.raises(ValueError, match="answers for"):
        reduce(case, lambda cases: [True])


def test_a_minimum_has_no_interesting_neighbour(case: Case) -> None:
    reduced = reduce(case, with_while)
    assert is_minimal(reduced, with_while)
    assert not is_minimal(reduced, lambda cases: [True] * len(cases))


def test_inputs_that_matter_are_kept() -> None:
    """Values count too: here one array must hold a number above 2 somewhere."""

    def interesting(cases: Sequence[Case]) -> list[bool]:
        return [
            any(array.dtype.kind in "if" and bool(np.any(array > 2)) for _, array in leaves(each.launch.inputs))
            for each in cases
        ]

    case = next(each for each in map(case_of, range(100)) if interesting([each]) == [True])
    reduced = reduce(case, interesting)
    ((_, array),) = leaves(reduced.launch.inputs)
    assert [value for value in array.reshape(-1).tolist() if value] == [3]
    assert is_minimal(reduced, interesting)
