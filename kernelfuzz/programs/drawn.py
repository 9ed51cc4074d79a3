"""The questions to a worker about programs: one that it draws itself, and again about one that is given."""

from __future__ import annotations

from kernelfuzz.ir.program import Program
from kernelfuzz.programs.judge_program import drawn_runs, judge
from kernelfuzz.programs.program_verdict import ProgramVerdict
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.draw_program import generate_program
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.strategies.options import Options


def judge_drawn(options: Options, seed: int, index: int) -> ProgramVerdict:
    """Draw a program and judge it; how it is run is drawn from its seed and index."""
    choices = SeededChoices(GRAMMAR_VERSION, seed, index, "program", "runs")
    return judge(generate_program(options, seed, index), drawn_runs(choices), edit=index)


def judge_program_again(program: Program, like: ProgramVerdict, edit: int) -> ProgramVerdict:
    """Judge a program by the run that ``like`` is about."""
    return judge(program, ("cold cache", like.run), edit=edit)
