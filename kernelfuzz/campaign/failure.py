"""A failure that a campaign looks into, and the records that are made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version

from kernelfuzz.campaign.summary import Unexamined
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.request import Evidence, Request, draw_case
from kernelfuzz.oracles.verdict import BY_WORDS, LOST, Verdict
from kernelfuzz.strategies.features import ALWAYS, INDISPENSABLE, features


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed verdict with all that is known about it.

    ``evidence`` has the case that was judged.  ``cause`` is the operation that is to blame, as
    ``kernelfuzz.findings.blame`` names it; empty where none is.
    """

    request: Request
    index: int
    stretch: int
    verdict: Verdict
    evidence: Evidence
    cause: str = ""

    @property
    def case(self) -> Case:
        return self.evidence.case

    @property
    def look(self) -> str:
        """What it looks like before its kernel is reduced."""
        return looks(self.verdict, self.case.kernel)

    @property
    def by_words(self) -> bool:
        """Whether words tell it (of Warp, a compiler, a check, a promise), which are the same for a smaller kernel."""
        return self.verdict.kind in BY_WORDS

    @property
    def lost(self) -> bool:
        """Whether it ends its process."""
        return self.verdict.kind in LOST

    @property
    def signature(self) -> str:
        return signature(self.verdict, self.case.kernel, message=self.evidence.message, operation=self.cause)

    def of(self, case: Case, verdict: Verdict, cause: str = "") -> Failure:
        """The failure of another case, which was made of this one's."""
        return replace(self, verdict=verdict, evidence=Evidence(case, message=verdict.reason), cause=cause)

    def is_that_of(self, case: Case, verdict: Verdict) -> bool:
        """Whether a case with this verdict fails in the same way."""
        return alike(self.verdict, self.look, verdict, case.kernel)

    def unexamined(self) -> Unexamined:
        """The record where it is not looked into further."""
        verdict = self.verdict
        return Unexamined(
            self.index,
            tuple(sorted(self.request.options.exclude)),
            verdict.oracle,
            verdict.kind,
            verdict.setting.target,
            self.look,
        )

    def finding(self, original: Case, seconds: float) -> Finding:
        """The record where it is new: reduced from ``original`` in so many seconds."""
        options, evidence = self.request.options, self.evidence
        present = features(evidence.case.kernel)
        # What an oracle changed (everything to float64, for one) does not go away with a feature of the grammar.
        drawn = features(draw_case(options, self.request.seed, self.index).kernel)
        return Finding(
            signature=self.signature,
            verdict=self.verdict,
            case=evidence.case,
            original=original,
            expected=evidence.expected,
            seeds=evidence.seeds,
            tolerance=evidence.tolerance,
            features=tuple(sorted(present)),
            needed=tuple(sorted((present & drawn) - ALWAYS - INDISPENSABLE)),
            seed=self.request.seed,
            index=self.index,
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
