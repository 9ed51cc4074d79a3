"""Judging in workers, where the death of one is traced to a single case.

What ended a worker may have overwritten memory long before, for a case of another task.  So what is at fault is
looked for in fresh processes, and a case that ends none of these by itself is not called at fault.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from kernelfuzz.campaign.plan import CampaignPlan, Timeouts, WorkerFunctions
from kernelfuzz.campaign.summary import Unattributed
from kernelfuzz.findings.blame import Blamed
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.batch import begin_until_alone
from kernelfuzz.oracles.chunk import draw_launching
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence, Request, category, draw_case
from kernelfuzz.oracles.table import GRADIENT
from kernelfuzz.oracles.under_way import Asked
from kernelfuzz.oracles.verdict import LOST, BuildSetting, LostKind, Verdict
from kernelfuzz.task_queue import PoolTask, TaskQueue, WorkerDied, WorkerError, WorkerMemory, WorkerTimeout
from kernelfuzz.toolchain import UnsupportedWarp, room

T = TypeVar("T")

LOST_AS: dict[type[WorkerError], LostKind] = {
    WorkerDied: "crash",
    WorkerTimeout: "hang",
    WorkerMemory: "memory",
}

# A slow machine may take minutes to start Warp and make its precompiled headers.
CONTROL_SECONDS = 600.0

# About as many cases are judged to find out what is to blame.
_BLAMED = 128

# How the reason starts where kernelfuzz itself raised.
_FAULT = "a fault in kernelfuzz: "


class JudgePool:
    """The workers of a campaign, and the questions to them.

    ``unattributed`` are chunks that ended their process, or took too long, though none of their cases does alone.
    """

    def __init__(self, pool: TaskQueue, functions: WorkerFunctions, plan: CampaignPlan) -> None:
        self.pool: TaskQueue = pool
        self.functions = functions
        self.patience: Timeouts = plan.patience
        self.bugs: tuple[str, ...] = plan.bugs
        self.unattributed: list[Unattributed] = []

    # --------------------------------------------------------------------------------- control kernels

    def begin_control(self, checks: Checks) -> PoolTask[None]:
        """Submit the control kernels, for everything that will be asked; ``control`` waits for the result."""
        return self.pool.submit(self.functions.control, checks, timeout=CONTROL_SECONDS)

    def control(self, task: PoolTask[None]) -> None:
        """Raises UnsupportedWarp where this Warp cannot be judged here."""
        try:
            self.pool.result(task)
        except WorkerError as error:
            room.blame()
            raise UnsupportedWarp(
                f"kernelfuzz cannot judge Warp on this machine: the process that tried the control kernels {error}. "
                "Leave an oracle or a target out, or take another release of Warp."
            ) from None

    # --------------------------------------------------------------------------------------- questions

    def begin(self, request: Request, until: Callable[[], float] = lambda: math.inf) -> Callable[[], list[CaseOutcome]]:
        """Begin to judge a request; the function returned waits for an outcome for each of its kernels.

        That raises TimeoutError at ``until()`` (on the clock of ``time.monotonic``).
        """

        def part(indices: Sequence[int]) -> Request:
            if len(indices) == request.count:
                return request
            return replace(request, start=indices[0], count=len(indices), chunk=request.key)

        def begin(indices: Sequence[int]) -> Callable[[], list[CaseOutcome] | Exception]:
            again = len(indices) < request.count
            return self._begin_batch(part(indices), until, urgent=again, fresh=again)

        def alone(index: int, error: Exception) -> CaseOutcome:
            if request.count == 1 and isinstance(error, WorkerError):
                answer = self._begin_batch(request, until, urgent=True, fresh=True)()
                if isinstance(answer, list):
                    after(error, answer)
                    return answer[0]
                error = answer
            return self._lost_kernel(part([index]), error, until)

        def after(error: Exception, outcomes: Sequence[CaseOutcome]) -> None:
            if len(outcomes) == request.count and not any(map(_at_fault, outcomes)):
                self.unattributed.append(Unattributed(request.start, request.count, str(error)))

        indices = range(request.start, request.start + request.count)
        wait = begin_until_alone(indices, begin, alone, after=after)
        return lambda: [outcome.heeding(self.bugs) for outcome in wait()]

    def again(self, cases: Sequence[Case], verdict: Verdict, *, fresh: bool = False) -> list[Verdict]:
        """Return a verdict for each case by the oracle and setting of ``verdict``, before all else that waits.

        ``fresh``: in processes that judged nothing before.
        """
        if not cases:
            return []

        def begin(some: Sequence[Case]) -> Callable[[], list[Verdict] | Exception]:
            timeout = self.patience.seconds(len(some), _narrow(verdict))
            return self._begin(self.functions.again, tuple(some), verdict, timeout=timeout, fresh=fresh)

        # What kills its worker would take the others of its chunk along.
        parts = len(cases) if verdict.kind in LOST else min(len(cases), max(1, self.pool.jobs // 2))
        bounds = [len(cases) * part // parts for part in range(parts + 1)]
        begun = [
            begin_until_alone(cases[low:high], begin, lambda case, error: _lost(verdict.oracle, verdict.setting, error))
            for low, high in itertools.pairwise(bounds)
        ]
        return [each.heeding(self.bugs) for wait in begun for each in wait()]

    def explain(self, case: Case, verdict: Verdict) -> Evidence:
        """Return what shows that a failed verdict is right.  Where that kills the worker, the case itself.

        Of what ends the process that is the case, and of an adjoint the gradients that it starts from.
        """
        plain = Evidence(case, message=verdict.reason)
        if verdict.kind in LOST and verdict.oracle != GRADIENT.name:
            return plain
        timeout = self.patience.seconds(1, _narrow(verdict))
        task = self.pool.submit(self.functions.explain, case, verdict, timeout=timeout, urgent=True)
        try:
            found = self.pool.result(task)
        except WorkerError:
            return plain
        return replace(plain, seeds=found.seeds) if verdict.kind in LOST else found

    def blame(self, case: Case, verdict: Verdict) -> Sequence[Blamed]:
        """Return the operations of a case that are wrong alone; none where one of them ends the worker."""
        timeout = self.patience.seconds(_BLAMED, _narrow(verdict))
        task = self.pool.submit(self.functions.blame, case, verdict, self.bugs, timeout=timeout, urgent=True)
        try:
            return self.pool.result(task)
        except WorkerError:
            return ()

    def _begin(
        self,
        function: Callable[..., T],
        *args: Any,
        timeout: float,
        urgent: bool = True,
        fresh: bool = False,
        until: Callable[[], float] = lambda: math.inf,
    ) -> Callable[[], T | Exception]:
        """Begin a task; the function returned waits for its result, or for the problem of a worker with it."""
        task = self.pool.submit(function, *args, timeout=timeout, urgent=urgent, fresh=fresh)

        def wait() -> T | Exception:
            try:
                return self.pool.result(task, until())
            except (TimeoutError, UnsupportedWarp):
                raise
            except Exception as error:
                return error

        return wait

    def _begin_batch(
        self, request: Request, until: Callable[[], float], *, urgent: bool, fresh: bool
    ) -> Callable[[], list[CaseOutcome] | Exception]:
        timeout = self.patience.seconds(request.count, request.checks)
        return self._begin(self.functions.batch, request, timeout=timeout, urgent=urgent, fresh=fresh, until=until)

    def _lost_kernel(self, request: Request, error: Exception, until: Callable[[], float]) -> CaseOutcome:
        """Return the outcome of one kernel that kills a fresh worker, by the question that does so alone.

        That is the one under which the worker died, with the options and the case that it had, or else the first
        check that kills one when it is asked alone.
        """
        each = [Checks((oracle,), (target,)) for target in request.checks.targets for oracle in request.checks.oracles]

        def outcome(asked: Asked, error: Exception) -> CaseOutcome:
            verdict = _lost(asked.like.oracle, asked.like.setting, error)
            evidence = Evidence(asked.case, message=verdict.reason)
            return CaseOutcome(request.start, category(request, request.start), (verdict,), evidence=(evidence,))

        if not isinstance(error, WorkerError):
            return outcome(_first_of(request, each[0]), error)
        asked: Asked | None = error.told
        if asked is not None:
            timeout = self.patience.seconds(1, _narrow(asked.like))
            again = self.functions.again, (asked.case,), asked.like
            answer = self._begin(*again, timeout=timeout, fresh=True, until=until)()
            if isinstance(answer, WorkerError):
                return outcome(asked, answer)
        for checks in each if len(each) > 1 else ():
            answer = self._begin_batch(replace(request, checks=checks), until, urgent=True, fresh=True)()
            if isinstance(answer, WorkerError):
                return outcome(answer.told or _first_of(request, checks), answer)
        return outcome(asked or _first_of(request, each[0]), error)


def _first_of(request: Request, checks: Checks) -> Asked:
    """The one question of ``checks``, about the kernel of a request as it is launched without other options."""
    case = draw_case(request.options, request.seed, request.start)
    setting = draw_launching(request.seed, request.start).of(BuildSetting(checks.targets[0]))
    return Asked(case, Verdict(checks.oracles[0], "skipped", setting=setting))


def _at_fault(outcome: CaseOutcome) -> bool:
    """Whether a kernel, judged in a fresh process, does what may have ended the process of its chunk."""
    return any(
        verdict.kind in LOST or verdict.kind == "writes outside" or verdict.reason.startswith(_FAULT)
        for verdict in outcome.verdicts
    )


def _narrow(verdict: Verdict) -> Checks:
    return Checks((verdict.oracle,), (verdict.setting.target,))


def _lost(oracle: str, setting: BuildSetting, error: Exception) -> Verdict:
    kind = LOST_AS.get(type(error)) if isinstance(error, WorkerError) else None
    if kind is None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Verdict(oracle, "skipped", "", f"{_FAULT}{text[:200]}", setting)
    return Verdict(oracle, "failed", kind, f"the process {error}", setting)
