"""Cases that are judged together, and what is known about each so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.oracles import batch
from kernelfuzz.oracles.lowered import Codes
from kernelfuzz.oracles.modules import Modules
from kernelfuzz.oracles.request import CaseOutcome, Counts, Evidence
from kernelfuzz.oracles.table import ORACLES, Sample
from kernelfuzz.oracles.verdict import NOT_BUILT, BuildSetting, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.toolchain.layouts import CONTIGUOUS, LAYOUTS
from kernelfuzz.toolchain.programs import JUDGED

Outputs: TypeAlias = Mapping[str, Input]

# Blocks and their size: Warp's own, and grids small enough that threads take several turns.  On a device a
# block has whole warps, as operations on tiles need them.
GRIDS: dict[str, tuple[tuple[int | None, int | None], ...]] = {
    "cuda-host": ((None, None), (1, 32), (2, 4), (3, 1)),
    "cuda": ((None, None), (1, 32), (2, 64), (3, 128)),
}

# Their texts differ by their frames only (``static_checks.same_text``): one stands for the other.
HOSTS = ("cpu", "cuda-host")

# How often each layout of arrays is drawn: half of the cases are launched as most kernels are.
_LAYOUT_WEIGHTS = [(layout, len(LAYOUTS) - 1 if layout == CONTIGUOUS else 1) for layout in LAYOUTS]


@dataclass(frozen=True, slots=True)
class Launching:
    """How a case is launched, whatever module it is in: the layout of its arrays, and its grid as CUDA text.

    A device takes blocks of the size that the module is built for: there the number of blocks is the case's own.
    """

    layout: str = CONTIGUOUS
    blocks: int | None = None
    block_dim: int | None = None

    def of(self, setting: BuildSetting) -> BuildSetting:
        """Return the setting of a module as that of the case."""
        if setting.target == "cpu":
            return replace(setting, layout=self.layout)
        block_dim = self.block_dim if setting.target == "cuda-host" else setting.block_dim
        return replace(setting, layout=self.layout, blocks=self.blocks, block_dim=block_dim)


def draw_launching(*key: object, contiguous: bool = False) -> Launching:
    """How a case is launched, from keys of its own, so that nothing else that is drawn changes."""
    layout = CONTIGUOUS if contiguous else SeededChoices(GRAMMAR_VERSION, *key, "layout").weighted(_LAYOUT_WEIGHTS)
    return Launching(layout, *SeededChoices(GRAMMAR_VERSION, *key, "grid").pick(GRIDS["cuda-host"]))


@dataclass(slots=True)
class CaseRecord:
    """What is known about one case so far, and how it is launched.

    ``wanted`` are the outputs that the reference computes for it, or why it is undefined; None where the
    reference was not asked yet; ``codes`` is what Warp generates for it, None where that was not asked.
    ``verdicts`` and ``evidence`` have one entry for each question.  The gradient that is judged is that of the
    kernel ``as_written``, or of another form, and ``tells`` something where a backward pass that does nothing
    would fail; ``narrow``: over floats of the kernel's own that are not float64.
    ``fast``: another clang than Warp's has compiled it.  ``unasked`` are the builtins of calls for whose arguments
    nothing is promised of what they give.
    """

    index: int
    category: str
    case: Case
    choices: SeededChoices
    launching: Launching = Launching()
    wanted: Outputs | Undefined | None = None
    codes: Codes | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    evidence: list[Evidence | None] = field(default_factory=list)
    as_written: bool = True
    tells: bool = True
    narrow: bool = False
    lowered: bool = True
    built: set[str] = field(default_factory=set)
    ran: bool = False
    fast: bool = False
    unasked: list[str] = field(default_factory=list[str])

    def note(self, verdict: Verdict, judged: Case | None = None) -> None:
        """Keep a verdict, what it says about how far the case got, and the case that it is really about."""
        self.verdicts.append(verdict)
        other = judged is not None and verdict.status in ("failed", "known")
        self.evidence.append(Evidence(judged, message=verdict.reason) if judged and other else None)
        if verdict.kind in NOT_BUILT:
            self.lowered &= verdict.kind != "rejected"
        elif verdict.status != "skipped" and ORACLES[verdict.oracle].builds:
            self.built.add(verdict.setting.target)
            self.ran |= bool(ORACLES[verdict.oracle].counts)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it so far: what is asked next is asked of sound cases only."""
        return not any(verdict.status == "failed" for verdict in self.verdicts)

    def outcome(self) -> CaseOutcome:
        compared = {ORACLES[verdict.oracle].counts for verdict in self.verdicts if verdict.status != "skipped"}
        differentiated = "gradients_compared" in compared
        built_cpu = bool(self.built & set(HOSTS))
        counts = Counts(
            lowered=int(self.lowered),
            built_cpu=int(built_cpu),
            built_cuda=int("ptx" in self.built),
            # Of those that clang counts for: an undefined kernel is built as well, and counts for neither.
            built_by_ziglang=int(built_cpu and self.fast),
            ran=int(self.ran),
            compared=int("compared" in compared),
            gradients_compared=int(differentiated and self.tells),
            gradients_as_written=int(differentiated and self.as_written),
            gradients_in_another_form=int(differentiated and not self.as_written),
            gradients_over_narrow_floats=int(differentiated and self.narrow),
        )
        return CaseOutcome(
            self.index, self.category, tuple(self.verdicts), counts, tuple(self.evidence), tuple(self.unasked)
        )


def host_first(targets: Sequence[str], choices: SeededChoices) -> tuple[str, ...]:
    """The targets, with the one of the hosts first that all cases are judged on."""
    first = [choices.pick(hosts)] if (hosts := [each for each in targets if each in HOSTS]) else []
    return (*first, *[each for each in targets if each not in first])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Cases that are judged together on some targets.

    What is drawn once for all of them comes from ``choices``.  ``everything`` is asked of them, however
    expensive, but for clang for CUDA; their launches were ``launch_given`` by the caller, and no oracle
    chooses another.  What ``modules`` builds is kept for the next question.
    """

    records: Sequence[CaseRecord]
    targets: Sequence[str]
    choices: SeededChoices
    everything: bool = False
    launch_given: bool = False
    modules: Modules | None = None
    _settings: dict[str, BuildSetting] = field(default_factory=dict[str, BuildSetting])

    @property
    def sound(self) -> list[CaseRecord]:
        return [record for record in self.records if record.sound]

    def samples(self, record: CaseRecord, sample: Sample) -> bool:
        """Whether a case is one of those that a question is asked about."""
        return self.everything or record.choices.integer(1, sample.one_in) == 1

    def sampled(self, sample: Sample) -> bool:
        """Whether this chunk is one of those that a question is asked about."""
        return self.everything or self.choices.integer(1, sample.one_in) == 1

    @property
    def evaluate(self) -> batch.Evaluate:
        """What builds cases and does something with each."""
        return self.modules or batch.evaluate

    def codes(self, record: CaseRecord) -> Codes | None:
        """Return what Warp generated for a case, where that is known."""
        return record.codes or (self.modules.codes(record.case.kernel) if self.modules else None)

    def setting(self, target: str) -> BuildSetting:
        """Return how the cases are built on a target, and launched where a case has no say, which is drawn once."""
        if target not in self._settings:
            self._settings[target] = self._draw_setting(target)
        return self._settings[target]

    def _draw_setting(self, target: str) -> BuildSetting:
        options = tuple(sorted(JUDGED.items()))
        if target == "cpu":
            return BuildSetting(target, options)
        blocks, block_dim = self.choices.pick(GRIDS[target])
        return BuildSetting(target, options, block_dim, blocks)


def note(records: Iterable[CaseRecord], verdicts: Iterable[Verdict]) -> None:
    """Keep a verdict for each record."""
    for record, verdict in zip(records, verdicts, strict=True):
        record.note(verdict)
