"""From a failing kernel to a finding: is it known, how small can it be, is it new, what does it need.

Failures are taken in the order of the indices, and what is done about one depends only on those before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version
from typing import Literal

from kernelfuzz.campaign.judge_pool import LOST, Bench
from kernelfuzz.campaign.plan import CampaignPlan
from kernelfuzz.campaign.schedule import Learnt, to_avoid
from kernelfuzz.campaign.summary import CampaignSummary, Found, Unexamined
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.signature import changed, signal_name, signature
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.request import CaseOutcome, Evidence, Request, draw_case
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.reduce.reduce_case import Progress, reduce
from kernelfuzz.strategies.features import ALWAYS, INDISPENSABLE, features
from kernelfuzz.toolchain import UnsupportedWarp

# What Warp or a compiler says tells these apart before they are reduced.
_TOLD_BY_MESSAGE = frozenset({"rejected", "does not compile"})

# So many failures that look alike are reduced, and so many more for each distinct finding that came of them:
# wrong values all look alike, but after some reductions to one bug the others are most likely it.
REDUCTIONS = 3

# A failure that nothing but its message tells apart from an earlier one is reduced once.
_REDUCTIONS_BY_MESSAGE = 1

# What its script must show, run alone, before a finding counts.  Memory is left out: a worker may have less
# of it than the script.
_CONFIRMED = frozenset({"crash", "hang"})

# How the signature of a crash starts whose script does not show it, or was not run.
NOT_ALONE = "not reproduced alone"
NOT_TRIED_ALONE = "not tried alone"

# What a finding says in place of the generated code where there was no time to ask Warp for it.
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


def looks(verdict: Verdict, kernel: Kernel) -> str:
    """What a failure looks like before it is reduced; on which target it was seen does not count."""
    if verdict.kind in _TOLD_BY_MESSAGE:
        return signature(replace(verdict, setting=replace(verdict.setting, target="cpu")), kernel)
    if verdict.kind in LOST:
        return f"{verdict.kind} {signal_name(verdict.reason)}"
    if verdict.kind == "different":
        return f"{verdict.kind} {changed(verdict)}"
    return f"{verdict.oracle}: {verdict.kind}"


def alike(wanted: Verdict, said: str, verdict: Verdict, kernel: Kernel) -> bool:
    """Whether a verdict on another kernel is the failure ``wanted``, which ``looks`` like ``said``."""
    return (
        verdict.status == "failed"
        and (verdict.oracle, verdict.kind) == (wanted.oracle, wanted.kind)
        and verdict.setting.target == wanted.setting.target
        and looks(verdict, kernel) == said
    )


class Triage:
    """What a campaign knows about failures, and what it does about a new one."""

    def __init__(self, plan: CampaignPlan, bench: Bench, summary: CampaignSummary, changed: Callable[[], None]) -> None:
        self.plan = plan
        self.bench = bench
        self.summary = summary
        self.changed = changed
        self.learnt: list[Learnt] = []
        self.groups: dict[str, _Group] = {}
        self.found: dict[str, Found] = {}
        self.unconfirmed: dict[str, Found] = {}

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
            said = looks(verdict, evidence.case.kernel)
            if said not in seen:
                seen.add(said)
                self._look_into(_Failure(request, outcome.index, stretch, verdict, evidence, said))

    def _look_into(self, failure: _Failure) -> None:
        with self.bench.pool.reserve(max(1, self.bench.pool.jobs // 2)):
            by_message = failure.verdict.kind in _TOLD_BY_MESSAGE
            known = self._explained(failure)
            if known is None and by_message:
                # Reduction would not change what Warp says.
                evidence = failure.evidence
                said = signature(failure.verdict, evidence.case.kernel, message=evidence.message)
                known = self.plan.known.match(said)
            group = self.groups.setdefault(failure.said, _Group())
            if known is not None:
                self.summary.known[known] += 1
            elif not group.room(by_message):
                self.summary.unexamined.append(_unexamined(failure))
            elif not self._happens_again(failure):
                self._not_again(failure)
            else:
                group.reductions += 1
                group.distinct += self._reduce(failure)
        self.summary.doing = ""
        self.changed()

    # ------------------------------------------------------------------------------------ is it known

    def _explained(self, failure: _Failure) -> str | None:
        """The known bug without which the kernel passes; several, where it takes more than one."""
        if failure.verdict.kind in LOST:
            return None
        return explained_by(failure.case, failure.verdict, self.plan.workarounds, self.bench.again)

    def _happens_again(self, failure: _Failure) -> bool:
        """Whether the case fails by itself too: others in its module may have been at fault."""
        (verdict,) = self.bench.again([failure.case], failure.verdict)
        return alike(failure.verdict, failure.said, verdict, failure.case.kernel)

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
            self.summary.doing = f"reducing {failure.said}: {now.nodes} nodes after {now.asked} candidates"
            self.changed()

        self.summary.doing = f"reducing {failure.said}"
        self.changed()
        try:
            small = reduce(failure.case, interesting, seconds=self.plan.reduction, on_progress=progress)
        except KeyboardInterrupt:
            # What fails is kept as it was drawn: there is no time to make it small.
            self._keep(failure, failure.evidence, failure.verdict, 0.0, in_haste=True)
            raise
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self._fault(failure, "the reduction", error)
            small = best
        (verdict,) = self.bench.again([small], failure.verdict)
        if not alike(failure.verdict, failure.said, verdict, small.kernel):
            small, verdict = failure.case, failure.verdict
        evidence = self._explain(failure, small, verdict)
        return self._keep(failure, evidence, verdict, time.monotonic() - started)

    def _explain(self, failure: _Failure, case: Case, verdict: Verdict) -> Evidence:
        try:
            return self.bench.explain(case, verdict)
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self._fault(failure, "explaining the failure", error)
            return Evidence(case, message=verdict.reason)

    def _alike(self, failure: _Failure, cases: Sequence[Case]) -> list[bool]:
        """Which of the cases fail as the failure does."""
        verdicts = self.bench.again(cases, failure.verdict)
        return [
            alike(failure.verdict, failure.said, verdict, case.kernel)
            for case, verdict in zip(cases, verdicts, strict=True)
        ]

    def _first_lost(self, failure: _Failure, cases: Sequence[Case], deadline: float) -> list[bool]:
        """The same where each that does costs a worker: the first will do, and none after the deadline."""
        answers = [False] * len(cases)
        width = max(1, self.bench.pool.jobs // 2)
        for low in range(0, len(cases), width):
            if any(answers) or time.monotonic() >= deadline:
                break
            answers[low : low + width] = self._alike(failure, cases[low : low + width])
        return answers

    def _keep(
        self,
        failure: _Failure,
        evidence: Evidence,
        verdict: Verdict,
        seconds: float,
        in_haste: bool = False,
    ) -> bool:
        """Count the finding with those of its signature, or write it; whether it is new.

        ``in_haste``: at once and in this process, so without asking Warp for anything.
        """
        said = signature(verdict, evidence.case.kernel, message=evidence.message)
        if (known := self.plan.known.match(said)) is not None:
            self.summary.known[known] += 1
            return False
        if said in self.found:
            self.found[said].count += 1
            return False
        finding = _finding(failure, evidence, verdict, said, seconds)
        if finding.kind in _CONFIRMED and not self._confirmed(failure, finding, in_haste):
            return False
        self.found[said] = self._write(failure, finding, in_haste)
        self.summary.findings.append(self.found[said])
        if evidence.case is not failure.case:
            self._learn(failure.stretch, finding)
        return True

    def _confirmed(self, failure: _Failure, finding: Finding, in_haste: bool) -> bool:
        """Whether the script of a crash or a hang shows it; where it does not, the finding is kept apart."""
        if in_haste:
            return self._keep_unconfirmed(failure, finding, NOT_TRIED_ALONE, in_haste)
        if (before := self.unconfirmed.get(f"{NOT_ALONE}: {finding.signature}")) is not None:
            before.count += 1
            return False
        self.summary.doing = f"running the script of {finding.signature}"
        self.changed()
        try:
            confirmed = self.bench.judging.confirm(finding, self.bench.pool.tend)
        except KeyboardInterrupt:
            self._keep_unconfirmed(failure, finding, NOT_TRIED_ALONE, in_haste=True)
            raise
        return confirmed or self._keep_unconfirmed(failure, finding, NOT_ALONE, in_haste)

    def _keep_unconfirmed(self, failure: _Failure, finding: Finding, caveat: str, in_haste: bool) -> Literal[False]:
        """Write what does not count as a finding, for whoever wants to look into it."""
        finding = replace(finding, signature=f"{caveat}: {finding.signature}")
        if finding.signature in self.unconfirmed:
            self.unconfirmed[finding.signature].count += 1
            return False
        self.unconfirmed[finding.signature] = self._write(failure, finding, in_haste)
        self.summary.unconfirmed.append(self.unconfirmed[finding.signature])
        return False

    def _write(self, failure: _Failure, finding: Finding, in_haste: bool) -> Found:
        if self.plan.output is None:
            return Found(finding, None)
        return Found(finding, self._written(failure, finding, self.plan.output, in_haste))

    def _written(self, failure: _Failure, finding: Finding, directory: str, in_haste: bool) -> str | None:
        """Where the finding was written.  A finding that cannot be shown is still one."""
        try:
            if in_haste:
                finding = replace(finding, generated=_NOT_GENERATED)
                return str(self.bench.judging.write(finding, directory))
            return self.bench.write(finding, directory)
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self._fault(failure, "writing the finding", error)
            return None

    def _fault(self, failure: _Failure, doing: str, error: Exception) -> None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        self.summary.faults.append(f"{doing} of index {failure.index} raised {text}")

    def _learn(self, stretch: int, finding: Finding) -> None:
        """Avoid the rarest feature of a reduced kernel: it would not fail without any that it has."""
        feature = to_avoid(self.plan.options, finding.needed)
        if feature is not None and feature not in self.summary.excluded:
            self.learnt.append(Learnt(stretch, feature))
            self.summary.excluded.append(feature)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failed verdict with all that is known about it.

    ``evidence`` has the case that was judged; ``said`` is what the failure ``looks`` like.
    """

    request: Request
    index: int
    stretch: int
    verdict: Verdict
    evidence: Evidence
    said: str

    @property
    def case(self) -> Case:
        return self.evidence.case


def _unexamined(failure: _Failure) -> Unexamined:
    verdict = failure.verdict
    return Unexamined(
        failure.index,
        tuple(sorted(failure.request.options.exclude)),
        verdict.oracle,
        verdict.kind,
        verdict.setting.target,
        failure.said,
    )


def _finding(failure: _Failure, evidence: Evidence, verdict: Verdict, said: str, seconds: float) -> Finding:
    options = failure.request.options
    present = features(evidence.case.kernel)
    # What an oracle changed (everything to float64, for one) does not go away with a feature of the grammar.
    drawn = features(draw_case(options, failure.request.seed, failure.index).kernel)
    return Finding(
        signature=said,
        verdict=verdict,
        case=evidence.case,
        original=failure.case,
        expected=evidence.expected,
        seeds=evidence.seeds,
        second=evidence.second,
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
        seconds=round(seconds, 2),
    )
