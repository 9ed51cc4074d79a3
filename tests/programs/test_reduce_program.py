"""What is left of a program when everything is left out that a question does not ask for."""

from __future__ import annotations

from program_by_hand import WHOLE

from kernelfuzz.ir import program as p
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.programs.reduce_program import measure, reduce_program


def test_a_launch_and_what_it_needs_are_left():
    small = reduce_program(WHOLE, lambda program: any(each.kernel == "made1" for each in program.launches))
    assert [type(event) for event in small.events] == [p.Declare, p.LaunchKernel]
    (declared,) = small.declarations.values()
    assert (count_nodes(declared.kernel), small.arrays, small.constants, small.functions) == (1, (), (), ())


def test_a_change_between_two_launches_is_left():
    def asked(program: p.Program) -> bool:
        kinds = [type(event) for event in program.events]
        return p.SetFunction in kinds and p.LaunchKernel in kinds[kinds.index(p.SetFunction) :]

    small = reduce_program(WHOLE, asked)
    assert asked(small)
    assert [type(event) for event in small.events] == [p.Declare, p.SetFunction, p.LaunchKernel]
    assert [function.name for function in small.functions] == ["f0"]


def test_it_is_smaller_by_its_measure():
    assert measure(reduce_program(WHOLE, lambda program: True)) < measure(WHOLE)
