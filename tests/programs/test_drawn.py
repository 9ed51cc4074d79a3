"""Programs are drawn from both sources, defined, and made of everything that a program can have."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis.stateful import run_state_machine_as_test

from kernelfuzz import ProgramMachine
from kernelfuzz.ir import program as p
from kernelfuzz.ir.program import Program
from kernelfuzz.programs.tidy import whole
from kernelfuzz.reference import Undefined
from kernelfuzz.reference.program_steps import trace
from kernelfuzz.strategies import InvalidOption, programs
from kernelfuzz.strategies.draw_program import generate_program
from kernelfuzz.strategies.options import check_options
from kernelfuzz.strategies.program_kernels import ends_backward
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck.verify import verify

OPTIONS = check_options(size="small")
DRAWN = [generate_program(OPTIONS, 0, index) for index in range(60)]


def test_the_same_seed_gives_the_same_program():
    assert repr(generate_program(OPTIONS, 0, 7)) == repr(DRAWN[7])
    assert repr(generate_program(OPTIONS, 1, 7)) != repr(DRAWN[7])


def test_every_kernel_of_a_program_is_well_typed_and_its_text_is_python():
    for program in DRAWN:
        ast.parse(str(program))
        for declared in program.declarations.values():
            verify(whole(program, declared.kernel))


def test_programs_are_defined():
    undefined = Counter[str]()
    for program in DRAWN:
        try:
            list(trace(program))
        except Undefined as reason:
            undefined[reason.reason] += 1
    assert undefined.total() <= len(DRAWN) // 20, undefined


def test_they_have_everything_that_a_program_can_have():
    events = [event for program in DRAWN for event in program.events]
    assert {type(event) for event in events} == set(get_args(p.Event))
    declared = [event for event in events if isinstance(event, p.Declare)]
    assert {each.module for each in declared} == {p.OWN_MODULE, p.UNIQUE, "second"}
    assert {each.backward for each in declared} == {None, True, False}
    factories = Counter((at, each.kernel.name) for at, program in enumerate(DRAWN) for each in _made(program))
    assert max(factories.values()) > 1
    shared = [_shared(program) for program in DRAWN]
    assert sum(shared) >= len(DRAWN) // 10
    launches = [launch for program in DRAWN for launch in program.launches]
    assert any(0 in launch.dim for launch in launches)
    assert any(len({*launch.arrays.values()}) < len(launch.arrays) for launch in launches)
    arrays = [array for program in DRAWN for array in program.arrays]
    assert {array.layout for array in arrays} == {"contiguous", "offset", "strided", "transposed"}
    assert {array.gradient for array in arrays} == {True, False}
    assert {array.retained for array in arrays} == {True, False}
    assert any(value is None for launch in launches for value in launch.values.values())


def _made(program: Program) -> list[p.Declare]:
    return [each for each in program.declarations.values() if each.kernel.closure]


def _shared(program: Program) -> bool:
    """Whether two kernels call one function."""
    kernels = {each.kernel.name: each.kernel for each in program.declarations.values()}
    calls = Counter(function.name for kernel in kernels.values() for function in kernel.functions)
    return any(count > 1 for count in calls.values())


@settings(max_examples=10, database=None)
@given(programs(size="small"))
def test_hypothesis_draws_them(program: Program):
    assert list(program.launches)
    ast.parse(str(program))


def test_a_backward_pass_that_may_not_end_is_known():
    """One of a loop that is left by ``return``: a program with it has no tape that runs backward."""
    text = "import warp as wp\n\n\n@wp.kernel\ndef kernel(n: int):\n    i = int(0)\n    while i < n:\n        i += 1\n"
    assert ends_backward(parse(text))
    assert not ends_backward(parse(f"{text}        if i == 2:\n            return\n"))


def test_options_are_checked():
    with pytest.raises(InvalidOption, match="unknown feature"):
        programs(include=["no such feature"])


def test_a_machine_makes_programs_for_any_judge():
    judged: list[Program] = []

    class Collecting(ProgramMachine):
        def judge(self, program: Program) -> None:
            judged.append(program)

    run_state_machine_as_test(Collecting, settings=settings(max_examples=10, stateful_step_count=8, database=None))
    assert {type(event) for program in judged for event in program.events} >= {p.Declare, p.LaunchKernel, p.Backward}


def test_a_machine_fails_where_its_judge_does():
    class Failing(ProgramMachine):
        options = replace(OPTIONS, depth=1)

        def judge(self, program: Program) -> None:
            assert len(list(program.launches)) < 2

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Failing, settings=settings(max_examples=20, database=None))
