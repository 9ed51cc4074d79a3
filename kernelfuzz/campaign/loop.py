"""The loop: chunks are judged side by side and dealt with in the order of their indices."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from kernelfuzz.campaign.confirmation import confirm
from kernelfuzz.campaign.judge_pool import JudgePool
from kernelfuzz.campaign.plan import CampaignPlan, WorkerFunctions
from kernelfuzz.campaign.program_share import ProgramShare
from kernelfuzz.campaign.schedule import LAG, Span, request, spans
from kernelfuzz.campaign.summary import CampaignSummary
from kernelfuzz.campaign.triage import Triage
from kernelfuzz.oracles.request import CaseOutcome, Request
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.task_queue import TaskQueue
from kernelfuzz.workers import Pool, memory_share

# Opens the workers of a campaign; they call the function several times a second while a result is waited for.
OpenPool: TypeAlias = Callable[[Callable[[], None]], TaskQueue]

# How many chunks per worker are begun ahead of the one that is dealt with next.
_AHEAD = 2


def judging() -> WorkerFunctions:
    """The oracles of kernelfuzz."""
    from kernelfuzz.findings.blame import blame
    from kernelfuzz.oracles.control_kernels import require
    from kernelfuzz.oracles.judge import explain, judge_again, judge_batch

    return WorkerFunctions(judge_batch, judge_again, explain, require, confirm, blame=blame)


def fuzz(
    plan: CampaignPlan,
    *,
    jobs: int = 1,
    on_progress: Callable[[CampaignSummary], None] | None = None,
    judges: WorkerFunctions | None = None,
    memory: int | None = None,
    pool: OpenPool | None = None,
) -> CampaignSummary:
    """Fuzz as planned and return the summary.

    Control kernels are judged first: where one fails, nothing is reported.  The findings do not
    depend on ``jobs``, except through what time limits cut off.  ``on_progress`` is called with the summary,
    which goes on changing, whenever there is something new, and several times a second.  ``judges`` replaces
    the oracles; ``memory`` is what a worker may hold, in bytes (default: a share of the machine's).  ``pool`` opens
    other workers than ``jobs`` processes of this machine; what they find is the same.

    A KeyboardInterrupt ends the campaign early: the summary so far says ``interrupted``.  Raises
    UnsupportedWarp, and OSError where a finding cannot be written.
    """
    started = time.monotonic()
    summary = CampaignSummary()

    def changed() -> None:
        summary.seconds = time.monotonic() - started
        if on_progress is not None:
            on_progress(summary)

    def processes(on_wait: Callable[[], None]) -> Pool:
        return Pool(jobs, memory=memory or memory_share(jobs), on_wait=on_wait)

    until = math.inf if plan.seconds is None else started + plan.seconds
    with (pool or processes)(changed) as opened:
        workers = JudgePool(opened, judges or judging(), plan)
        summary.unattributed = workers.unattributed
        triage = Triage(plan, workers, summary, changed)
        try:
            _run(plan, workers, triage, summary, changed, until)
        except KeyboardInterrupt:
            summary.interrupted = True
    summary.doing = ""
    summary.seconds = time.monotonic() - started
    return summary


def _run(
    plan: CampaignPlan,
    judges: JudgePool,
    triage: Triage,
    summary: CampaignSummary,
    changed: Callable[[], None],
    until: float,
) -> None:
    summary.doing = "starting Warp, and judging the control kernels"
    changed()
    programs = ProgramShare(plan, judges.pool, judges.functions, summary, changed)
    coming = spans(plan)
    following = next(coming, None)
    begun: deque[tuple[Span, Request, Callable[[], list[CaseOutcome]]]] = deque()
    # What costs little is tried first, so that the first kernel is judged soon.
    cheap = tuple(name for name in plan.checks.oracles if ORACLES[name].cheap)
    controls = [judges.begin_control(replace(plan.checks, oracles=cheap or plan.checks.oracles))]

    def deadline() -> float:
        # However short the time, something is judged.
        return until if summary.examples else math.inf

    while begun or following is not None:
        # A stretch begins when what it heeds is known: when all up to the last but one are dealt with.
        stretch = begun[0][0].stretch if begun else following.stretch if following else 0
        while following is not None and following.stretch < stretch + LAG and len(begun) < judges.pool.jobs * _AHEAD:
            asked = request(plan, following, triage.learnt)
            begun.append((following, asked, judges.begin(asked, deadline)))
            programs.begin(following)
            following = next(coming, None)
            if len(controls) == 1:
                controls.append(judges.begin_control(plan.checks))
        # The first chunks are under way meanwhile.
        judges.control(controls[0])
        summary.doing = ""
        span, asked, wait = begun.popleft()
        try:
            outcomes = wait()
        except TimeoutError:
            return
        for outcome in outcomes:
            if summary.examples and time.monotonic() >= until:
                return
            summary.add(outcome)
            changed()
            judges.control(controls[-1])
            triage.take(asked, outcome, span.stretch)
        programs.take(until)
