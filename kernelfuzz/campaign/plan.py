"""The plan of a campaign, and the functions that judge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kernelfuzz.campaign.confirmation import confirm_script
from kernelfuzz.findings.blame import Blamed
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import write_finding
from kernelfuzz.findings.known import Known
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.program import Program
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence, Request
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.programs.drawn import judge_drawn, judge_program_again
from kernelfuzz.programs.judge_program import alone
from kernelfuzz.programs.program_verdict import ProgramVerdict
from kernelfuzz.strategies.options import Options

# Writes a finding into a directory and returns the path of what it wrote.
Write: TypeAlias = Callable[[Finding, str], Path]

# Tells why the script of a finding, run alone, does not show it: an empty text where it does.  ``tick`` is
# called several times a second.
Confirm: TypeAlias = Callable[[Finding, Callable[[], None]], str]


NOTHING_KNOWN = Known()


def nothing_to_blame(case: Case, verdict: Verdict, known: Collection[str]) -> tuple[Blamed, ...]:
    """No operation is wrong alone."""
    return ()


@dataclass(frozen=True, slots=True)
class WorkerFunctions:
    """The functions that run in workers, so each must be importable by name, and two that do not.

    ``control`` raises UnsupportedWarp where the control kernels do not pass what is asked about others.
    ``batch`` draws the kernels of a request and judges them.  ``again`` judges cases the way that led to a
    verdict, by its oracle and under its setting, and returns a verdict for each: a skipped one where the
    reference has no answer.  ``explain`` returns what shows that a failed verdict on a case is right, and the
    code that Warp generates for it.  ``blame`` returns the operations of a case with wrong values that are wrong
    alone, but for what is known.  ``program`` draws a program and judges it, ``program_again`` judges one as it was
    judged before, ``program_alone`` tells what is wrong with one of its kernels when that is launched alone.
    ``confirm``, ``confirm_program`` and ``write`` run in the process of the campaign.
    """

    batch: Callable[[Request], list[CaseOutcome]]
    again: Callable[[Sequence[Case], Verdict], list[Verdict]]
    explain: Callable[[Case, Verdict], Evidence]
    control: Callable[[Checks], None]
    confirm: Confirm
    write: Write = write_finding
    blame: Callable[[Case, Verdict, Collection[str]], tuple[Blamed, ...]] = nothing_to_blame
    program: Callable[[Options, int, int], ProgramVerdict] = judge_drawn
    program_again: Callable[[Program, ProgramVerdict, int], ProgramVerdict] = judge_program_again
    program_alone: Callable[[Program], str] = alone
    confirm_program: Callable[[str, Callable[[], None]], str] = confirm_script


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When a worker is killed, in seconds of its work: after ``base`` and ``each`` for every case it was given.

    They do not depend on what else the machine does.  ``base`` covers importing Warp and its first build.
    """

    base: float = 30.0
    each: float = 1.0

    def seconds(self, cases: int, checks: Checks) -> float:
        """Return the time for a number of cases."""
        return self.base + self.each * cases * max(1, len(checks.oracles) * len(checks.targets) // 2)


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What to fuzz and for how long: the findings are a function of this, of Warp and of limits.

    ``examples`` or ``seconds`` ends the campaign (both: whichever comes first).  ``known`` are the findings that
    are not new, by their signatures; ``bugs`` names those of ``kernelfuzz.findings.recognised.BUGS`` that are
    predicted or recognised.  ``output`` is the directory that new findings are written into, None for nowhere.

    Kernels are drawn in stretches of ``stretch`` chunks of ``chunk`` indices; what one stretch teaches is
    heeded from the next but one on.  A reduction takes ``reduction`` seconds at most.  One program is judged for
    ``programs`` kernels; 0: none.
    """

    options: Options
    checks: Checks
    seed: int = 0
    examples: int | None = None
    seconds: float | None = None
    known: Known = NOTHING_KNOWN
    bugs: tuple[str, ...] = ()
    output: str | None = None
    chunk: int = 64
    stretch: int = 8
    reduction: float = 60.0
    patience: Timeouts = Timeouts()
    programs: int = 0

    def __post_init__(self) -> None:
        if self.examples is None and self.seconds is None:
            raise ValueError("a campaign needs a number of examples or of seconds")
