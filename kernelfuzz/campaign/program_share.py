"""Programs in a campaign: one is drawn beside so many kernels, judged by the same workers, and made small.

It has an index of its own, so that no kernel of the campaign changes because of it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from typing import Literal

from kernelfuzz.campaign.judge_pool import LOST_AS
from kernelfuzz.campaign.plan import CampaignPlan, WorkerFunctions
from kernelfuzz.campaign.schedule import Span
from kernelfuzz.campaign.summary import CampaignSummary, FoundProgram
from kernelfuzz.findings.folder import UNCONFIRMED
from kernelfuzz.ir.program import Program
from kernelfuzz.oracles.verdict import LOST, LostKind
from kernelfuzz.programs.program_finding import ProgramFinding, write_program
from kernelfuzz.programs.program_verdict import ProgramVerdict
from kernelfuzz.programs.reduce_program import reduce_program
from kernelfuzz.strategies.draw_program import generate_program
from kernelfuzz.task_queue import PoolTask, TaskQueue, WorkerError
from kernelfuzz.toolchain import UnsupportedWarp

# What a program may take of a worker's time: it builds several modules, up to three times.
_SECONDS = 120.0


@dataclass(slots=True)
class ProgramShare:
    """The programs of a campaign that are under way; ``changed`` is called where something is new."""

    plan: CampaignPlan
    pool: TaskQueue
    functions: WorkerFunctions
    summary: CampaignSummary
    changed: Callable[[], None]
    _begun: deque[tuple[int, PoolTask[ProgramVerdict]]] = field(default_factory=deque)
    _found: dict[str, FoundProgram] = field(default_factory=dict[str, FoundProgram])

    def begin(self, span: Span) -> None:
        """Submit the programs that belong to the kernels of a span."""
        every = self.plan.programs
        for number in range(span.start, span.start + span.count) if every else ():
            if number % every == every - 1:
                index = number // every
                drawn = self.plan.options, self.plan.seed, index
                task = self.pool.submit(self.functions.program, *drawn, timeout=_SECONDS)
                self._begun.append((index, task))

    def take(self, until: float) -> None:
        """Wait for the programs that are under way, and look into those that fail; none after ``until``."""
        while self._begun and time.monotonic() < until:
            index, task = self._begun.popleft()
            verdict = self._answer(task)
            self.summary.programs[verdict.status] += 1
            if verdict.status == "failed":
                self._look_into(index, verdict)
            elif verdict.status == "known":
                self.summary.programs_known[verdict.reason] += 1
            self.changed()

    def _answer(self, task: PoolTask[ProgramVerdict]) -> ProgramVerdict:
        try:
            return self.pool.result(task)
        except UnsupportedWarp:
            raise
        except WorkerError as error:
            return ProgramVerdict("failed", kind=_ending(error), reason=f"the process {error}")
        except Exception as error:  # what the worker raised: a fault of ours costs one program, and is told
            self.summary.add_fault("a program", error)
            return ProgramVerdict("skipped", reason="a fault in kernelfuzz")

    def _again(self, program: Program, like: ProgramVerdict, index: int) -> ProgramVerdict:
        # Each that ends its process has one of its own.
        asked = self.functions.program_again, program, like, index
        task = self.pool.submit(*asked, timeout=_SECONDS, urgent=True, fresh=like.kind in LOST)
        return self._answer(task)

    def _ends_alone(self, program: Program) -> LostKind | Literal[""]:
        """How a kernel of a program that is launched alone ends the process; empty where none does."""
        task = self.pool.submit(self.functions.program_alone, program, timeout=_SECONDS, urgent=True, fresh=True)
        try:
            self.pool.result(task)
        except UnsupportedWarp:
            raise
        except WorkerError as error:
            return _ending(error)
        except Exception as error:  # as above
            self.summary.add_fault("a program", error)
        return ""

    def _look_into(self, index: int, verdict: ProgramVerdict) -> None:
        """Make a finding of a program that fails again, where its script shows it."""
        original = generate_program(self.plan.options, self.plan.seed, index)
        if not verdict.alike(self._again(original, verdict, index)):
            self.summary.programs_known[f"{verdict.kind}, but not again"] += 1
            return
        # Kernels that take too long say nothing of a program that crashes.
        if verdict.kind in LOST and self._ends_alone(original) == verdict.kind:
            self.summary.programs_known[f"a kernel alone: {verdict.kind}"] += 1
            return
        self.summary.doing = f"reducing a program: {verdict.kind}"
        small = self._reduced(original, verdict, index)
        last = self._again(small, verdict, index)
        if not verdict.alike(last):
            small, last = original, verdict
        finding = ProgramFinding(
            small, last, original, self.plan.seed, index, warp_version=installed_version("warp-lang")
        )
        self._keep(finding)
        self.summary.doing = ""

    def _reduced(self, original: Program, verdict: ProgramVerdict, index: int) -> Program:
        """The smallest program that fails alike; the original where kernelfuzz fails to make it small."""
        try:
            return reduce_program(
                original,
                lambda program: verdict.alike(self._again(program, verdict, index)),
                seconds=self.plan.reduction,
            )
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:  # a fault of ours costs one reduction, and is told
            self.summary.add_fault("the reduction of a program", error)
            return original

    def _keep(self, finding: ProgramFinding) -> None:
        signature = finding.signature
        if (known := self.plan.known.match(signature)) is not None:
            self.summary.recognised[known] += 1
        elif signature in self._found:
            self._found[signature].count += 1
        else:
            why = self.functions.confirm_program(finding.script, self.changed)
            path = None
            if self.plan.output is not None:
                path = str(write_program(finding, f"{self.plan.output}/{UNCONFIRMED}" if why else self.plan.output))
            found = self._found[signature] = FoundProgram(signature, finding.verdict.kind, path, why=why)
            self.summary.program_findings.append(found)


def _ending(error: WorkerError) -> LostKind:
    return LOST_AS.get(type(error), "crash")
