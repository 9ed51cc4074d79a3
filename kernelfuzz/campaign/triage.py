"""From a failing kernel to a finding: is it known, how small can it be, is it new, what does it need.

Failures are taken in the order of the indices, and what is done about one depends only on those before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version
from pathlib import Path

from kernelfuzz.campaign.confirmation import Confirmations
from kernelfuzz.campaign.judge_pool import JudgePool
from kernelfuzz.campaign.plan import CampaignPlan
from kernelfuzz.campaign.schedule import Learnt, to_avoid
from kernelfuzz.campaign.summary import CampaignSummary, Found, Unexamined
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import UNCONFIRMED
from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.request import CaseOutcome, Evidence, Request, draw_case
from kernelfuzz.oracles.verdict import BY_WORDS, LOST, Verdict
from kernelfuzz.reduce.reduce_case import Progress, reduce
from kernelfuzz.strategies.features import ALWAYS, INDISPENSABLE, features
from kernelfuzz.toolchain import UnsupportedWarp
from kernelfuzz.toolchain.layouts import CONTIGUOUS

# How many failures that look alike are reduced, and how many more for each distinct finding among them:
# wrong values all look alike, but after some reductions to one bug the others are most likely it.
REDUCTIONS = 3

# A failure that nothing but its message tells apart from an earlier one is reduced once.
_REDUCTIONS_BY_MESSAGE = 1

# What a finding has in place of the generated code where there was no time to ask Warp for it.
_NOT_GENERATED = "// The campaign was interrupted before this code was generated.\n"


@dataclass(slots=True)
class _Group:
    """Failures that look alike before reduction."""

    reductions: int = 0
    distinct: int = 0

    def room(self, by_message: bool) -> bool:
        """Whether one more of them is reduced."""
        if by_message:
            return self.reductions < _REDUCTIONS_BY_MESSAGE
        return self.reductions < REDUCTIONS * (1 + self.distinct)


class Triage:
    """What a campaign knows about failures, and what it does about a new one.

    Once ``interrupted``, it asks Warp nothing and runs no script.
    """

    def __init__(
        self, plan: CampaignPlan, judges: JudgePool, summary: CampaignSummary, changed: Callable[[], None]
    ) -> None:
        self.plan = plan
        self.judges = judges
        self.summary = summary
        self.changed = changed
        self.learnt: list[Learnt] = []
        self.groups: dict[str, _Group] = {}
        self.found: dict[str, Found] = {}
        self.confirmations: Confirmations = Confirmations(
            self._run_script, lambda finding: self._write(finding, UNCONFIRMED), summary
        )
        self.interrupted: bool = False

    def take(self, request: Request, outcome: CaseOutcome, stretch: int) -> None:
        """Look into the failures of one kernel; those that look alike count once."""
        if not outcome.failed:
            return
        drawn = draw_case(request.options, request.seed, outcome.index)
        seen: set[str] = set()
        for at, verdict in enumerate(outcome.verdicts):
            if verdict.status != "failed":
                continue
            given = outcome.evidence[at] if outcome.evidence else None
            evidence = Evidence(drawn, message=verdict.reason) if given is None else given
            look = looks(verdict, evidence.case.kernel)
            if look not in seen:
                seen.add(look)
                self._look_into(_Failure(request, outcome.index, stretch, verdict, evidence, look))

    def _look_into(self, failure: _Failure) -> None:
        with self.judges.pool.reserve(max(1, self.judges.pool.jobs // 2)):
            failure = self._contiguous(failure)
            by_message = failure.verdict.kind in BY_WORDS
            known = self._explained(failure)
            if known is None and by_message:
                # Reduction would not change what Warp says.
                known = self.plan.known.match(_signature(failure.verdict, failure.evidence))
            group = self.groups.setdefault(failure.look, _Group())
            if known is not None:
                self.summary.recognised[known] += 1
            elif not group.room(by_message):
                self.summary.unexamined.append(_unexamined(failure))
            elif not self._happens_again(failure):
                self._not_again(failure)
            else:
                group.reductions += 1
                group.distinct += self._reduce(failure)
        self.summary.doing = ""
        self.changed()

    def _contiguous(self, failure: _Failure) -> _Failure:
        """The failure where arrays lie contiguous, if it is there too: else with the layout that it needs.

        What is a wrong value in one layout may be a write outside in another, which says more.
        """
        setting = failure.verdict.setting
        if setting.layout == CONTIGUOUS:
            return failure
        plain = replace(failure.verdict, setting=replace(setting, layout=CONTIGUOUS))
        (verdict,) = self.judges.again([failure.case], plain, fresh=plain.kind in LOST)
        kernel = failure.case.kernel
        outside = (verdict.oracle, verdict.kind) == (failure.verdict.oracle, "writes outside")
        if outside or alike(failure.verdict, failure.look, verdict, kernel):
            return replace(failure, verdict=verdict, look=looks(verdict, kernel))
        return failure

    # ------------------------------------------------------------------------------------ is it known

    def _explained(self, failure: _Failure) -> str | None:
        """The known bug without which the kernel passes; several, where it takes more than one."""
        if failure.verdict.kind in LOST:
            return None
        return explained_by(failure.case, failure.verdict, self.plan.bugs, self.judges.again)

    def _happens_again(self, failure: _Failure) -> bool:
        """Whether the case fails by itself too: others in its module may have been at fault."""
        (verdict,) = self.judges.again([failure.case], failure.verdict, fresh=failure.verdict.kind in LOST)
        return alike(failure.verdict, failure.look, verdict, failure.case.kernel)

    def _not_again(self, failure: _Failure) -> None:
        """A kernel that ends its worker, and only as it was judged first, is a finding as it is."""
        if failure.verdict.kind in LOST:
            self._keep(failure, failure.evidence, failure.verdict, 0.0)
        else:
            self.summary.skipped[f"{failure.verdict.kind}, but not when judged alone"] += 1

    # --------------------------------------------------------------------------------------- reduction

    def _reduce(self, failure: _Failure) -> bool:
        """Make the case small and keep it; whether that is a finding not seen before."""
        started = time.monotonic()

        def interesting(cases: Sequence[Case]) -> Sequence[bool]:
            if failure.verdict.kind in LOST:
                return self._first_lost(failure, cases, started + self.plan.reduction)
            return self._alike(failure, cases)

        best = failure.case

        def progress(now: Progress) -> None:
            nonlocal best
            best = now.case
            self.summary.doing = f"reducing {failure.look}: {now.nodes} nodes after {now.asked} candidates"
            self.changed()

        self.summary.doing = f"reducing {failure.look}"
        self.changed()
        try:
            small = reduce(failure.case, interesting, seconds=self.plan.reduction, on_progress=progress)
        except KeyboardInterrupt:
            # What fails is kept as it was drawn: there is no time to make it small.
            self.interrupted = True
            self._keep(failure, failure.evidence, failure.verdict, 0.0)
            raise
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self._fault(failure.index, "the reduction", error)
            small = best
        (verdict,) = self.judges.again([small], failure.verdict, fresh=failure.verdict.kind in LOST)
        if not alike(failure.verdict, failure.look, verdict, small.kernel):
            small, verdict = failure.case, failure.verdict
        evidence = self._explain(failure, small, verdict)
        return self._keep(failure, evidence, verdict, time.monotonic() - started)

    def _explain(self, failure: _Failure, case: Case, verdict: Verdict) -> Evidence:
        try:
            return self.judges.explain(case, verdict)
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self._fault(failure.index, "explaining the failure", error)
            return Evidence(case, message=verdict.reason)

    def _alike(self, failure: _Failure, cases: Sequence[Case]) -> list[bool]:
        """Which of the cases fail as the failure does."""
        verdicts = self.judges.again(cases, failure.verdict)
        return [
            alike(failure.verdict, failure.look, verdict, case.kernel)
            for case, verdict in zip(cases, verdicts, strict=True)
        ]

    def _first_lost(self, failure: _Failure, cases: Sequence[Case], deadline: float) -> list[bool]:
        """The same where each that does costs a worker: the first will do, and none after the deadline."""
        answers = [False] * len(cases)
        width = max(1, self.judges.pool.jobs // 2)
        for low in range(0, len(cases), width):
            if any(answers) or time.monotonic() >= deadline:
                break
            answers[low : low + width] = self._alike(failure, cases[low : low + width])
        return answers

    def _keep(self, failure: _Failure, evidence: Evidence, verdict: Verdict, seconds: float) -> bool:
        """Count the finding with those of its signature, or write it; whether it is new."""
        name = _signature(verdict, evidence)
        if (known := self.plan.known.match(name)) is not None:
            self.summary.recognised[known] += 1
            return False
        if name in self.found:
            self.found[name].count += 1
            return False
        finding = _finding(failure, evidence, verdict, name, seconds)
        if not self.confirmations.shown(finding, interrupted=self.interrupted):
            return False
        self.found[name] = self._write(finding)
        self.summary.findings.append(self.found[name])
        if evidence.case is not failure.case:
            self._learn(failure.stretch, finding)
        return True

    def _run_script(self, finding: Finding) -> str:
        self.summary.doing = f"running the script of {finding.signature}"
        self.changed()
        return self.judges.functions.confirm(finding, self.judges.pool.tend)

    def _write(self, finding: Finding, inside: str = "") -> Found:
        """Write the finding ``inside`` the folder of the plan, where that has one; it counts all the same."""
        if self.interrupted:
            finding = replace(finding, generated=_NOT_GENERATED)
        path: str | None = None
        if self.plan.output is not None:
            try:
                path = str(self.judges.functions.write(finding, str(Path(self.plan.output, inside))))
            except (UnsupportedWarp, OSError):
                raise
            except Exception as error:
                self._fault(finding.index, "writing the finding", error)
        return Found(finding, path)

    def _fault(self, index: int | None, doing: str, error: Exception) -> None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        self.summary.faults.append(f"{doing} of index {index} raised {text}")

    def _learn(self, stretch: int, finding: Finding) -> None:
        """Avoid the rarest feature of a reduced kernel: it would not fail without any that it has."""
        feature = to_avoid(self.plan.options, finding.needed)
        if feature is not None and feature not in self.summary.excluded:
            self.learnt.append(Learnt(stretch, feature))
            self.summary.excluded.append(feature)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failed verdict with all that is known about it.

    ``evidence`` has the case that was judged; ``look`` is what it ``looks`` like before reduction.
    """

    request: Request
    index: int
    stretch: int
    verdict: Verdict
    evidence: Evidence
    look: str

    @property
    def case(self) -> Case:
        return self.evidence.case


def _signature(verdict: Verdict, evidence: Evidence) -> str:
    return signature(verdict, evidence.case.kernel, message=evidence.message)


def _unexamined(failure: _Failure) -> Unexamined:
    verdict = failure.verdict
    return Unexamined(
        failure.index,
        tuple(sorted(failure.request.options.exclude)),
        verdict.oracle,
        verdict.kind,
        verdict.setting.target,
        failure.look,
    )


def _finding(failure: _Failure, evidence: Evidence, verdict: Verdict, name: str, seconds: float) -> Finding:
    options = failure.request.options
    present = features(evidence.case.kernel)
    # What an oracle changed (everything to float64, for one) does not go away with a feature of the grammar.
    drawn = features(draw_case(options, failure.request.seed, failure.index).kernel)
    return Finding(
        signature=name,
        verdict=verdict,
        case=evidence.case,
        original=failure.case,
        expected=evidence.expected,
        seeds=evidence.seeds,
        tolerance=evidence.tolerance,
        features=tuple(sorted(present)),
        needed=tuple(sorted((present & drawn) - ALWAYS - INDISPENSABLE)),
        seed=failure.request.seed,
        index=failure.index,
        options={
            "categories": options.categories,
            "include": tuple(sorted(options.include)),
            "exclude": tuple(sorted(options.exclude)),
            "dtypes": tuple(dtype.name for dtype in options.dtypes),
            "size": options.size,
            "depth": options.depth,
            "profile": options.profile,
        },
        warp_version=installed_version("warp-lang"),
        message=evidence.message,
        generated=evidence.generated,
        seconds=round(seconds, 2),
    )
