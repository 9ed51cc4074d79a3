"""The results of a campaign so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, fields

from kernelfuzz.findings.finding import Finding
from kernelfuzz.oracles.request import CaseOutcome, Counts
from kernelfuzz.oracles.verdict import LOST


@dataclass(slots=True)
class Found:
    """A new finding, where it was written, and how many kernels showed it; ``why`` it is not confirmed."""

    finding: Finding
    path: str | None
    count: int = 1
    why: str = ""

    def to_dict(self) -> dict[str, object]:
        """The finding as ``kernelfuzz fuzz --json`` prints it."""
        finding = self.finding
        return {
            "signature": finding.signature,
            "kind": finding.kind,
            "oracle": finding.oracle,
            "features": list(finding.features),
            "path": self.path,
            "nodes": finding.nodes,
            "lines": finding.lines,
            "upstream": finding.upstream,
            "count": self.count,
            **({"why": self.why} if self.why else {}),
        }


@dataclass(slots=True)
class FoundProgram:
    """A program that fails, where it was written, and how many did so; ``why`` its script does not show it."""

    signature: str
    kind: str
    path: str | None
    count: int = 1
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unexamined:
    """A failure that was not examined to the end: many that look like it brought no new finding.

    Its kernel is drawn from the seed of the campaign at ``index``, with these features excluded; ``looks`` is
    what all of them look like.
    """

    index: int
    exclude: tuple[str, ...]
    oracle: str
    kind: str
    target: str
    looks: str


@dataclass(frozen=True, slots=True)
class Unattributed:
    """A chunk of kernels, from index ``start`` on, whose process ended or took too long, for none of them alone."""

    start: int
    count: int
    reason: str

    def __str__(self) -> str:
        return f"{self.start} to {self.start + self.count - 1}: {self.reason}"


@dataclass(slots=True)
class CampaignSummary:
    """Numbers of kernels, and the findings.

    ``judged`` had at least one verdict other than skipped.  ``skipped`` counts kernels by the reason of a
    skipped verdict, so a kernel may be in several.  ``predicted`` counts kernels by the known bugs with which
    the reference gives what Warp gave, ``recognised`` failures by the known bug that a rule makes of them;
    ``unexamined`` are those that were not examined to the end, so that any of them may be a new bug.
    ``unconfirmed`` are those that their own scripts do not show, run alone; they do not count as findings.
    ``unattributed`` are chunks that were lost, and no kernel of theirs is at fault alone: one that was judged
    before by the same process may be.  ``unasked`` counts calls, by builtin, whose arguments are such that nothing is
    promised of what they give: that was taken as it came.
    ``excluded`` are the features that the campaign learnt to avoid,
    ``faults`` what went wrong in kernelfuzz itself.
    ``programs`` counts programs by the status of their verdicts, ``programs_known`` what the known ones fail by;
    ``program_findings`` are those that are new.  ``doing`` says what goes on just now.
    """

    examples: int = 0
    judged: int = 0
    failed: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    skipped: Counter[str] = field(default_factory=Counter[str])
    unasked: Counter[str] = field(default_factory=Counter[str])
    explained: int = 0
    predicted: Counter[str] = field(default_factory=Counter[str])
    recognised: Counter[str] = field(default_factory=Counter[str])
    unexamined: list[Unexamined] = field(default_factory=list[Unexamined])
    findings: list[Found] = field(default_factory=list[Found])
    unconfirmed: list[Found] = field(default_factory=list[Found])
    unattributed: list[Unattributed] = field(default_factory=list[Unattributed])
    excluded: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    programs: Counter[str] = field(default_factory=Counter[str])
    programs_known: Counter[str] = field(default_factory=Counter[str])
    program_findings: list[FoundProgram] = field(default_factory=list[FoundProgram])
    seconds: float = 0.0
    interrupted: bool = False
    doing: str = ""

    @property
    def lost(self) -> int:
        """Kernels that ended their process, which no script of theirs does: nothing is known about them."""
        return sum(found.count for found in self.unconfirmed if found.finding.kind in LOST)

    def add_fault(self, doing: str, error: Exception) -> None:
        """Tell in one line what kernelfuzz raised while it was ``doing`` something."""
        self.faults.append(f"{doing} raised {' '.join(f'{type(error).__name__}: {error}'.split())}")

    def add(self, outcome: CaseOutcome) -> None:
        """Count one kernel in."""
        self.examples += 1
        self.judged += any(verdict.status != "skipped" for verdict in outcome.verdicts)
        self.failed += bool(outcome.failed or outcome.bugs)
        self.explained += bool(outcome.bugs)
        self.predicted.update(outcome.bugs)
        self.unasked.update(outcome.unasked)
        for each in fields(Counts):
            self.counts[each.name] += getattr(outcome.counts, each.name)
        self.skipped.update({v.reason for v in outcome.verdicts if v.status == "skipped"})

    @property
    def known(self) -> int:
        """How many failures known bugs explain."""
        return self.explained + sum(self.recognised.values())

    @property
    def rate(self) -> float:
        """Examples per second."""
        return self.examples / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, object]:
        """The campaign as ``kernelfuzz fuzz --json`` prints it."""
        return {
            "examples": self.examples,
            **{each.name: self.counts[each.name] for each in fields(Counts)},
            "judged": self.judged,
            "failed": self.failed,
            "skipped": dict(sorted(self.skipped.items())),
            "unasked_promises": dict(sorted(self.unasked.items())),
            "findings": [found.to_dict() for found in self.findings],
            "predicted": dict(sorted(self.predicted.items())),
            "recognised": dict(sorted(self.recognised.items())),
            "unconfirmed": [found.to_dict() for found in self.unconfirmed],
            "unattributed": [asdict(each) for each in self.unattributed],
            "unexamined": [asdict(each) for each in self.unexamined],
            "programs": dict(sorted(self.programs.items())),
            "programs_known": dict(sorted(self.programs_known.items())),
            "program_findings": [asdict(each) for each in self.program_findings],
            "excluded": self.excluded,
            "faults": self.faults,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "examples_per_second": round(self.rate, 2),
        }
