"""Judging in workers: what kills a worker is tracked down to one case."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kernelfuzz.campaign.plan import CampaignPlan, Timeouts, WorkerFunctions
from kernelfuzz.findings.finding import Finding
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence, Request, category
from kernelfuzz.oracles.verdict import BuildSetting, FailedKind, Verdict
from kernelfuzz.toolchain import UnsupportedWarp
from kernelfuzz.workers import Pool, PoolTask, WorkerDied, WorkerError, WorkerMemory, WorkerTimeout

LOST_AS: dict[type[WorkerError], FailedKind] = {
    WorkerDied: "crash",
    WorkerTimeout: "hang",
    WorkerMemory: "memory",
}
LOST = frozenset(LOST_AS.values())


# A machine with much else to do may take minutes to start Warp and make its precompiled headers.
CONTROL_SECONDS = 600.0


def controls(checks: Checks) -> tuple[str, ...]:
    """Where an empty kernel is tried before a campaign: wherever kernels are then built or run."""
    return (*checks.targets, *(("ptx",) if "compile" in checks.oracles else ()))


class Bench:
    """The workers of a campaign, and what they are asked.

    ``unexplained`` counts what happened to a batch and to none of its cases alone.
    """

    def __init__(self, pool: Pool, judging: WorkerFunctions, plan: CampaignPlan) -> None:
        self.pool = pool
        self.judging = judging
        self.patience: Timeouts = plan.patience
        self.unexplained: Counter[str] = Counter()

    # --------------------------------------------------------------------------------- control kernels

    def begin_control(self, checks: Checks) -> PoolTask[None]:
        """Submit the control kernel, for everything that will be asked; ``control`` waits for its result."""
        return self.pool.submit(self.judging.control, controls(checks), timeout=CONTROL_SECONDS)

    def control(self, task: PoolTask[None]) -> None:
        """Raises UnsupportedWarp where this Warp cannot be judged here."""
        try:
            self.pool.result(task)
        except WorkerError as error:
            raise UnsupportedWarp(
                f"Warp cannot be judged here: the process that tried an empty kernel {error}. "
                "Choose another --device, or another Warp release."
            ) from None

    # ------------------------------------------------------------------------------ drawn in the worker

    def begin(self, request: Request, *, urgent: bool = False) -> PoolTask[list[CaseOutcome]]:
        """Have a request judged; ``outcomes`` has what comes of it."""
        timeout = self.patience.seconds(request.count, request.checks)
        return self.pool.submit(self.judging.batch, request, timeout=timeout, urgent=urgent)

    def outcomes(
        self, request: Request, task: PoolTask[list[CaseOutcome]], until: float = math.inf
    ) -> list[CaseOutcome]:
        """An outcome for each kernel of the request.  Raises TimeoutError at ``until`` (time.monotonic)."""
        try:
            return self.pool.result(task, until)
        except (TimeoutError, UnsupportedWarp):
            raise
        except Exception as error:
            if request.count == 1:
                return [self._lost_kernel(request, error, until)]
            outcomes = self._halves(request, until)
            self._note(error, outcomes)
            return outcomes

    def _halves(self, request: Request, until: float) -> list[CaseOutcome]:
        middle = request.count // 2
        halves = (
            replace(request, count=middle, chunk=request.key),
            replace(request, start=request.start + middle, count=request.count - middle, chunk=request.key),
        )
        begun = [(half, self.begin(half, urgent=True)) for half in halves]
        return [outcome for half, task in begun for outcome in self.outcomes(half, task, until)]

    def _lost_kernel(self, request: Request, error: Exception, until: float) -> CaseOutcome:
        """The outcome of one kernel that kills its worker, by the first check that does so alone."""

        each = [Checks((oracle,), (target,)) for target in request.checks.targets for oracle in request.checks.oracles]
        verdict = _lost(each[0], error)
        if isinstance(error, WorkerError) and len(each) > 1:
            for checks in each:
                try:
                    self.pool.result(self.begin(replace(request, checks=checks), urgent=True), until)
                except (TimeoutError, UnsupportedWarp):
                    raise
                except WorkerError as again:
                    verdict = _lost(checks, again)
                    break
        return CaseOutcome(request.start, category(request, request.start), (verdict,))

    # --------------------------------------------------------------------------------- cases handed in

    def again(self, cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
        """A verdict for each case by the oracle and setting of ``verdict``, before all else that waits."""
        if not cases:
            return []
        # What kills its worker would take the others of its batch along.
        parts = len(cases) if verdict.kind in LOST else min(len(cases), max(1, self.pool.jobs // 2))
        bounds = [len(cases) * part // parts for part in range(parts + 1)]
        groups = [cases[low:high] for low, high in itertools.pairwise(bounds)]
        begun = [(group, self._begin_again(group, verdict)) for group in groups]
        return [each for group, task in begun for each in self._verdicts(group, verdict, task)]

    def explain(self, case: Case, verdict: Verdict) -> Evidence:
        """What shows that a failed verdict is right.  Where that kills the worker, the case itself."""
        plain = Evidence(case, message=verdict.reason)
        if verdict.kind in LOST:
            return plain
        timeout = self.patience.seconds(1, _narrow(verdict))
        task = self.pool.submit(self.judging.explain, case, verdict, timeout=timeout, urgent=True)
        try:
            return self.pool.result(task)
        except WorkerError:
            return plain

    def write(self, finding: Finding, directory: str) -> str:
        """Write a finding; in a worker, because Warp is asked for the code that it generates."""
        task = self.pool.submit(self.judging.write, finding, directory, timeout=self.patience.base, urgent=True)
        return str(self.pool.result(task))

    def _begin_again(self, cases: Sequence[Case], verdict: Verdict) -> PoolTask[list[Verdict]]:
        timeout = self.patience.seconds(len(cases), _narrow(verdict))
        return self.pool.submit(self.judging.again, tuple(cases), verdict, timeout=timeout, urgent=True)

    def _verdicts(self, cases: Sequence[Case], verdict: Verdict, task: PoolTask[list[Verdict]]) -> list[Verdict]:
        try:
            return self.pool.result(task)
        except UnsupportedWarp:
            raise
        except Exception as error:
            if len(cases) == 1:
                return [_lost(_narrow(verdict), error)]
            middle = len(cases) // 2
            begun = [(half, self._begin_again(half, verdict)) for half in (cases[:middle], cases[middle:])]
            return [each for half, part in begun for each in self._verdicts(half, verdict, part)]

    def _note(self, error: Exception, outcomes: Sequence[CaseOutcome]) -> None:
        """Count a batch that was lost though none of its kernels is at fault."""
        verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts]
        if not any(verdict.kind in LOST or verdict.reason.startswith(_FAULT) for verdict in verdicts):
            self.unexplained[f"a batch but none of its kernels alone: {error}"] += 1


# How the reason starts where kernelfuzz itself raised.
_FAULT = "a fault in kernelfuzz: "


def _narrow(verdict: Verdict) -> Checks:
    return Checks((verdict.oracle,), (verdict.setting.target,))


def _lost(checks: Checks, error: Exception) -> Verdict:
    setting = BuildSetting(target=checks.targets[0])
    kind = LOST_AS.get(type(error)) if isinstance(error, WorkerError) else None
    if kind is None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Verdict(checks.oracles[0], "skipped", "", f"{_FAULT}{text[:200]}", setting)
    return Verdict(checks.oracles[0], "failed", kind, f"the process {error}", setting)
