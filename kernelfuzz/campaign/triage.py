"""From a failing kernel to findings: is it known, which operation is to blame, how small can it be, is it new.

Failures are taken in the order of the indices, and what is done about one depends only on those before it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from kernelfuzz.campaign.confirmation import Confirmations
from kernelfuzz.campaign.failure import Failure
from kernelfuzz.campaign.judge_pool import JudgePool
from kernelfuzz.campaign.plan import CampaignPlan
from kernelfuzz.campaign.reduction import Reduction, has_more_than
from kernelfuzz.campaign.schedule import Learnt, to_avoid
from kernelfuzz.campaign.summary import CampaignSummary, Found
from kernelfuzz.findings.blame import Blamed
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import UNCONFIRMED
from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.operations import without
from kernelfuzz.findings.signature import is_far_from_minimal
from kernelfuzz.oracles.request import CaseOutcome, Evidence, Request, draw_case
from kernelfuzz.oracles.verdict import FAILURES, Verdict
from kernelfuzz.toolchain import UnsupportedWarp
from kernelfuzz.toolchain.layouts import CONTIGUOUS

T = TypeVar("T")

# How many kernels whose failures look alike, and for which no operation is to blame, are reduced one after the other
# without a new finding; each of what ends its process costs a process for every candidate.
IN_VAIN = 16
IN_VAIN_LOST = 3

# How often what is left of a kernel, without the operations that are wrong, is looked into in its turn.
_LAYERS = 4

# What a finding has in place of the generated code where there was no time to ask Warp for it.
_NOT_GENERATED = "// The campaign was interrupted before this code was generated.\n"


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
        self.in_vain: Counter[str] = Counter()
        self.found: dict[str, Found] = {}
        # The signatures that the failure which is looked into counts for: once each.
        self.told: set[str] = set()
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
        with self.judges.pool.reserve(max(1, self.judges.pool.jobs // 2)):
            for at, verdict in enumerate(outcome.verdicts):
                if verdict.status != "failed":
                    continue
                given = outcome.evidence[at] if outcome.evidence else None
                evidence = Evidence(drawn, message=verdict.reason) if given is None else given
                failure = Failure(request, outcome.index, stretch, verdict, evidence)
                if failure.look in seen:
                    continue
                seen.add(failure.look)
                looked = partial(self._look_into_plainest, failure, seen)
                if self._tried(outcome.index, "looking into a failure", looked) is None:
                    self.summary.unexamined.append(failure.unexamined())

    def _look_into_plainest(self, failure: Failure, seen: set[str]) -> Literal[True]:
        """Look into a failure in the plainest form that it has, unless one that was ``seen`` looks like that."""
        plain = self._plainest(failure)
        if plain.look == failure.look or plain.look not in seen:
            seen.add(plain.look)
            self._look_into(plain)
        return True

    def _look_into(self, failure: Failure) -> None:
        self.told.clear()
        known = self._explained(failure)
        if known is None and failure.by_words:
            # Reduction would not change the words.
            known = self.plan.known.match(failure.signature)
        if known is not None:
            self.summary.recognised[known] += 1
        elif failure.by_words and self._counted(failure.signature):
            pass
        elif not self._happens_again(failure):
            self._not_again(failure)
        else:
            try:
                self._examine(failure)
            except KeyboardInterrupt:
                # What fails is kept as it was drawn: there is no time to make it small.  The script of a wrong
                # gradient needs derivatives that nobody has computed.
                self.interrupted = True
                if failure.verdict.kind == "wrong gradient":
                    self.summary.unexamined.append(failure.unexamined())
                else:
                    self._keep(failure, failure, 0.0)
                raise
        self._doing("")

    def _doing(self, what: str) -> None:
        self.summary.doing = what
        self.changed()

    def _fault(self, index: int | None, doing: str, error: Exception) -> None:
        self.summary.add_fault(f"{doing} of index {index}", error)

    def _tried(self, index: int | None, doing: str, ask: Callable[[], T]) -> T | None:
        """The answer, or None where kernelfuzz fails to give one."""
        try:
            return ask()
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self._fault(index, doing, error)
            return None

    # ------------------------------------------------------------------- is it there, is it known

    def _plainest(self, failure: Failure) -> Failure:
        """The failure as a wrong value, with contiguous arrays and on the CPU, as far as it is there then too.

        A transformed kernel is one like any other.  What is a wrong value in one layout may be a write outside in
        another, which says more.
        """
        if "value" in self.plan.checks.oracles and _is_transformed(failure.verdict):
            plain = replace(failure.verdict.setting, row="")
            failure = self._told_as(
                failure, replace(failure.verdict, oracle="value", kind="wrong value", setting=plain)
            )
        if failure.verdict.setting.layout != CONTIGUOUS:
            plain = replace(failure.verdict.setting, layout=CONTIGUOUS)
            failure = self._told_as(failure, replace(failure.verdict, setting=plain))
        if failure.verdict.setting.target == "cuda-host" and failure.verdict.mismatch is not None:
            plain = replace(failure.verdict.setting, target="cpu", block_dim=None, blocks=None)
            if "cpu" in self.plan.checks.targets:
                failure = self._told_as(failure, replace(failure.verdict, setting=plain))
        return failure

    def _told_as(self, failure: Failure, plain: Verdict) -> Failure:
        """The failure with another verdict, if its case has that; else as it is."""
        wanted = replace(failure, verdict=plain)
        (verdict,) = self.judges.again([failure.case], plain, fresh=failure.lost)
        outside = (verdict.oracle, verdict.kind) == (plain.oracle, "writes outside")
        return replace(failure, verdict=verdict) if outside or wanted.is_that_of(failure.case, verdict) else failure

    def _explained(self, failure: Failure) -> str | None:
        """The known bug without which the kernel passes; several, where it takes more than one."""
        again = partial(self.judges.again, fresh=failure.lost)
        return explained_by(failure.case, failure.verdict, self.plan.bugs, again)

    def _happens_again(self, failure: Failure) -> bool:
        """Whether the case fails by itself too: others in its module may have been at fault."""
        (verdict,) = self.judges.again([failure.case], failure.verdict, fresh=failure.lost)
        return failure.is_that_of(failure.case, verdict)

    def _not_again(self, failure: Failure) -> None:
        """A kernel that ends its worker, and only as it was judged first, is a finding as it is."""
        if failure.lost:
            self._keep(failure, self._shown(failure), 0.0)
        else:
            self.summary.skipped[f"{failure.verdict.kind}, but not when judged alone"] += 1

    # -------------------------------------------------------------------- what is to blame, how small

    def _examine(self, failure: Failure) -> None:
        """Make findings of the operations that are wrong alone, and of what still fails without them."""
        left = failure
        for _ in range(_LAYERS):
            blamed = self._blame(left)
            self._keep_operations(failure, blamed)
            rest = self._without(left, blamed or self._examine_whole(failure, left))
            if rest == "not judged" and blamed:
                self._examine_whole(failure, left)
            if not isinstance(rest, Failure):
                return
            left = rest
        self.summary.unexamined.append(left.unexamined())

    def _blame(self, failure: Failure) -> Sequence[Blamed]:
        """The operations of a kernel with wrong values or gradients that are wrong alone."""
        if failure.verdict.mismatch is None:
            return ()
        self._doing(f"looking for what is to blame for {failure.look}")
        found = self._tried(failure.index, "blaming", lambda: self.judges.blame(failure.case, failure.verdict))
        return found or ()

    def _keep_operations(self, failure: Failure, blamed: Sequence[Blamed]) -> None:
        """Make a finding of each operation that is wrong alone, where it is none yet."""
        for each in blamed:
            alone = failure.of(each.case, each.verdict, each.cause)
            if not self._counted(alone.signature):
                started = time.monotonic()
                small = self._reduction(failure).smallest(alone)
                self._keep(failure, self._shown(small), time.monotonic() - started)

    def _examine_whole(self, failure: Failure, left: Failure) -> Sequence[Blamed]:
        """Reduce a kernel that no operation is to blame for; what is to blame where it became such a one."""
        if self.in_vain[left.look] >= (IN_VAIN_LOST if left.lost else IN_VAIN):
            self.summary.unexamined.append(left.unexamined())
            return ()
        started = time.monotonic()
        reduction = self._reduction(failure)
        small = reduction.smallest(left)
        if small.signature in self.found and has_more_than(small.case.kernel, left.case.kernel):
            # It became what the kernel had nothing of.
            small = reduction.smallest(left, with_its_own=True)
        blamed = self._blame(small)
        if blamed:
            self.in_vain[left.look] += 1
            self._keep_operations(failure, blamed)
            return blamed
        if self._explained(small) is not None:
            # It became a known bug on the way, which it was not before.
            small = left
        if self._looks_known_by_chance(small):
            self.summary.unexamined.append(left.unexamined())
            return ()
        new = self._keep(failure, self._shown(small), time.monotonic() - started)
        self.in_vain[left.look] = 0 if new else self.in_vain[left.look] + 1
        return ()

    def _looks_known_by_chance(self, small: Failure) -> bool:
        """Whether only a pattern of shapes tells a known bug, of a kernel that is far from minimal.

        Where a reduction runs out of time, a kernel has nearly everything in it that a pattern asks for.
        """
        if small.cause or FAILURES[small.verdict.kind].told_by != "shape":  # pyright: ignore[reportArgumentType]
            return False
        known = self.plan.known
        named = known.match(small.signature) is not None and known.exact(small.signature) is None
        return named and is_far_from_minimal(small.case.kernel)

    def _without(self, left: Failure, blamed: Sequence[Blamed]) -> Failure | Literal["passes", "not judged"]:
        """What still fails where the operations to blame are left out."""
        kernels = without(left.case.kernel, {each.name for each in blamed})
        cases = [replace(left.case, kernel=kernel) for kernel in kernels]
        verdicts = self.judges.again(cases, left.verdict)
        for case, verdict in zip(cases, verdicts, strict=True):
            same = (verdict.oracle, verdict.kind) == (left.verdict.oracle, left.verdict.kind)
            if verdict.status == "failed" and same:
                rest = left.of(case, verdict)
                return rest if self._explained(rest) is None else "passes"
        judged = any(verdict.status in ("passed", "known") for verdict in verdicts)
        return "passes" if judged or not cases else "not judged"

    def _reduction(self, failure: Failure) -> Reduction:
        return Reduction(
            self.judges,
            self.plan.reduction,
            self._doing,
            lambda doing, error: self._fault(failure.index, doing, error),
        )

    def _shown(self, failure: Failure) -> Failure:
        """The failure with all that shows it."""
        case, verdict = failure.case, failure.verdict
        found = self._tried(failure.index, "explaining the failure", lambda: self.judges.explain(case, verdict))
        return replace(failure, evidence=found) if found else failure

    # ------------------------------------------------------------------------------------ is it new

    def _counted(self, name: str) -> bool:
        """Whether a failure of this signature needs no reduction: it is known, or counts with those before it."""
        if name in self.told:
            return True
        if (known := self.plan.known.match(name)) is not None:
            self.summary.recognised[known] += 1
        elif name in self.found:
            self.found[name].count += 1
        elif not self.confirmations.again(name):
            return False
        self.told.add(name)
        return True

    def _keep(self, failure: Failure, small: Failure, seconds: float) -> bool:
        """Count what a failure was reduced to with those of its signature, or write it; whether it is new."""
        if self._counted(small.signature):
            return False
        finding = small.finding(failure.case, seconds)
        if not self.confirmations.shown(finding, interrupted=self.interrupted):
            return False
        self.told.add(finding.signature)
        self.found[finding.signature] = self._write(finding)
        self.summary.findings.append(self.found[finding.signature])
        if small.case is not failure.case:
            self._learn(failure.stretch, finding)
        return True

    def _run_script(self, finding: Finding) -> str:
        self._doing(f"running the script of {finding.signature}")
        return self.judges.functions.confirm(finding, self.judges.pool.tend)

    def _write(self, finding: Finding, inside: str = "") -> Found:
        """Write the finding ``inside`` the folder of the plan, where that has one; it counts all the same."""
        if self.interrupted:
            finding = replace(finding, generated=_NOT_GENERATED)
        path: Path | None = None
        if self.plan.output is not None:
            folder, write = str(Path(self.plan.output, inside)), self.judges.functions.write
            path = self._tried(finding.index, "writing the finding", lambda: write(finding, folder))
        return Found(finding, None if path is None else str(path))

    def _learn(self, stretch: int, finding: Finding) -> None:
        """Avoid the rarest feature of a reduced kernel: it would not fail without any that it has."""
        feature = to_avoid(self.plan.options, finding.needed)
        if feature is not None and feature not in self.summary.excluded:
            self.learnt.append(Learnt(stretch, feature))
            self.summary.excluded.append(feature)


def _is_transformed(verdict: Verdict) -> bool:
    """Whether a transformed kernel is wrong, under the options of any other."""
    name = verdict.setting.row
    return verdict.kind == "different" and bool(name) and not name.startswith("options: ")
