"""A state machine of Hypothesis whose steps make a program, which is judged when they end.

    from kernelfuzz import ProgramMachine

    TestPrograms = ProgramMachine.TestCase

A class that derives from it may ask another judge (``judge``), draw other kernels (``options``) or add rules.
"""

from __future__ import annotations

from typing import ClassVar

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from kernelfuzz.deadline import read_constants
from kernelfuzz.ir.program import Program
from kernelfuzz.programs.judge_program import judge
from kernelfuzz.programs.program_script import script
from kernelfuzz.strategies.choices import DrawnChoices
from kernelfuzz.strategies.draw_program import ProgramDraft, new_draft
from kernelfuzz.strategies.options import Options, check_options


class ProgramFailed(AssertionError):
    """Warp did not do with a program what it must; the message is a script that shows it."""


class ProgramMachine(RuleBasedStateMachine):
    """Kernels are declared first; then they are launched, changed and differentiated in any order.

    ``options`` are those of its kernels.
    """

    options: ClassVar[Options] = check_options(size="small")

    def __init__(self) -> None:
        super().__init__()
        read_constants()
        self.draft: ProgramDraft | None = None
        self.launches: int = 0

    def _drafted(self, data: st.DataObject) -> ProgramDraft:
        assert self.draft is not None
        self.draft.choices = DrawnChoices(data.draw)
        return self.draft

    @initialize(data=st.data())
    def declare(self, data: st.DataObject) -> None:
        """Declare the kernels."""
        self.draft = new_draft(DrawnChoices(data.draw), self.options)

    @rule(data=st.data())
    def launch(self, data: st.DataObject) -> None:
        """Launch a kernel, within the tape."""
        self._drafted(data).launch()
        self.launches += 1

    @precondition(lambda self: self.draft is not None and not self.draft.taping)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        """Change what a module is built of; no tape is open then."""
        self._drafted(data).changes()

    @precondition(lambda self: self.draft is not None and self.draft.taping)
    @rule(data=st.data())
    def differentiate(self, data: st.DataObject) -> None:
        """Run the tape backward, and begin another one."""
        self._drafted(data).differentiate()

    def teardown(self) -> None:
        if self.draft is not None and self.launches:
            self.judge(self.draft.program())

    def judge(self, program: Program) -> None:
        """Raise ProgramFailed where Warp does not do what the program means."""
        verdict = judge(program)
        hypothesis.event(f"kernelfuzz: {verdict.status} {verdict.reason}".strip())
        if verdict.status == "failed":
            raise ProgramFailed(f"{verdict.kind}, {verdict.run}\n\n{script(program, verdict, verdict.kind)}")
