"""Judging in workers, where the death of one is traced to a single case."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from kernelfuzz.campaign.plan import CampaignPlan, Timeouts, WorkerFunctions
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.batch import begin_until_alone
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence, Request, category
from kernelfuzz.oracles.verdict import LOST, BuildSetting, FailedKind, Verdict
from kernelfuzz.toolchain import UnsupportedWarp
from kernelfuzz.workers import Pool, PoolTask, WorkerDied, WorkerError, WorkerMemory, WorkerTimeout

T = TypeVar("T")

LOST_AS: dict[type[WorkerError], FailedKind] = {
    WorkerDied: "crash",
    WorkerTimeout: "hang",
    WorkerMemory: "memory",
}

# A slow machine may take minutes to start Warp and make its precompiled headers.
CONTROL_SECONDS = 600.0

# How the reason starts where kernelfuzz itself raised.
_FAULT = "a fault in kernelfuzz: "


class JudgePool:
    """The workers of a campaign, and the questions to them.

    ``unexplained`` counts problems of a chunk that none of its cases has alone.
    """

    def __init__(self, pool: Pool, functions: WorkerFunctions, plan: CampaignPlan) -> None:
        self.pool = pool
        self.functions = functions
        self.patience: Timeouts = plan.patience
        self.bugs: tuple[str, ...] = plan.bugs
        self.unexplained: Counter[str] = Counter()

    # --------------------------------------------------------------------------------- control kernels

    def begin_control(self, checks: Checks) -> PoolTask[None]:
        """Submit the control kernels, for everything that will be asked; ``control`` waits for the result."""
        return self.pool.submit(self.functions.control, checks, timeout=CONTROL_SECONDS)

    def control(self, task: PoolTask[None]) -> None:
        """Raises UnsupportedWarp where this Warp cannot be judged here."""
        try:
            self.pool.result(task)
        except WorkerError as error:
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
            return self._begin_batch(part(indices), until, urgent=len(indices) < request.count)

        def alone(index: int, error: Exception) -> CaseOutcome:
            return self._lost_kernel(part([index]), error, until)

        indices = range(request.start, request.start + request.count)
        wait = begin_until_alone(indices, begin, alone, after=self._note)
        return lambda: [outcome.heeding(self.bugs) for outcome in wait()]

    def again(self, cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
        """Return a verdict for each case by the oracle and setting of ``verdict``, before all else that waits."""
        if not cases:
            return []

        def begin(some: Sequence[Case]) -> Callable[[], list[Verdict] | Exception]:
            timeout = self.patience.seconds(len(some), _narrow(verdict))
            return self._begin(self.functions.again, tuple(some), verdict, timeout=timeout)

        # What kills its worker would take the others of its chunk along.
        parts = len(cases) if verdict.kind in LOST else min(len(cases), max(1, self.pool.jobs // 2))
        bounds = [len(cases) * part // parts for part in range(parts + 1)]
        begun = [
            begin_until_alone(cases[low:high], begin, lambda case, error: _lost(_narrow(verdict), error))
            for low, high in itertools.pairwise(bounds)
        ]
        return [each.heeding(self.bugs) for wait in begun for each in wait()]

    def explain(self, case: Case, verdict: Verdict) -> Evidence:
        """Return what shows that a failed verdict is right.  Where that kills the worker, the case itself."""
        plain = Evidence(case, message=verdict.reason)
        if verdict.kind in LOST:
            return plain
        timeout = self.patience.seconds(1, _narrow(verdict))
        task = self.pool.submit(self.functions.explain, case, verdict, timeout=timeout, urgent=True)
        try:
            return self.pool.result(task)
        except WorkerError:
            return plain

    def _begin(
        self,
        function: Callable[..., T],
        *args: Any,
        timeout: float,
        urgent: bool = True,
        until: Callable[[], float] = lambda: math.inf,
    ) -> Callable[[], T | Exception]:
        """Begin a task; the function returned waits for its result, or for the problem of a worker with it."""
        task = self.pool.submit(function, *args, timeout=timeout, urgent=urgent)

        def wait() -> T | Exception:
            try:
                return self.pool.result(task, until())
            except (TimeoutError, UnsupportedWarp):
                raise
            except Exception as error:
                return error

        return wait

    def _begin_batch(
        self, request: Request, until: Callable[[], float], *, urgent: bool
    ) -> Callable[[], list[CaseOutcome] | Exception]:
        timeout = self.patience.seconds(request.count, request.checks)
        return self._begin(self.functions.batch, request, timeout=timeout, urgent=urgent, until=until)

    def _lost_kernel(self, request: Request, error: Exception, until: Callable[[], float]) -> CaseOutcome:
        """Return the outcome of one kernel that kills its worker, by the first check that does so alone."""
        each = [Checks((oracle,), (target,)) for target in request.checks.targets for oracle in request.checks.oracles]
        verdict = _lost(each[0], error)
        if isinstance(error, WorkerError) and len(each) > 1:
            for checks in each:
                answer = self._begin_batch(replace(request, checks=checks), until, urgent=True)()
                if isinstance(answer, WorkerError):
                    verdict = _lost(checks, answer)
                    break
        return CaseOutcome(request.start, category(request, request.start), (verdict,))

    def _note(self, error: Exception, outcomes: Sequence[CaseOutcome]) -> None:
        """Count a chunk that was lost though none of its kernels is at fault."""
        verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts]
        if not any(verdict.kind in LOST or verdict.reason.startswith(_FAULT) for verdict in verdicts):
            self.unexplained[f"a batch but none of its kernels alone: {error}"] += 1


def _narrow(verdict: Verdict) -> Checks:
    return Checks((verdict.oracle,), (verdict.setting.target,))


def _lost(checks: Checks, error: Exception) -> Verdict:
    setting = BuildSetting(target=checks.targets[0])
    kind = LOST_AS.get(type(error)) if isinstance(error, WorkerError) else None
    if kind is None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Verdict(checks.oracles[0], "skipped", "", f"{_FAULT}{text[:200]}", setting)
    return Verdict(checks.oracles[0], "failed", kind, f"the process {error}", setting)
