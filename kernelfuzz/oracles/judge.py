"""Everything that is asked about a batch of cases, in the order in which it is cheapest.

Runs inside a worker.  What is sampled is drawn from the seed and the index of each kernel, so that an answer
is a function of the request.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles import batch, compile, determinism, gradient, metamorphic, value
from kernelfuzz.oracles.option_sets import option_sets
from kernelfuzz.oracles.request import CaseOutcome, Checks, Counts, Evidence, Request, category, draw_case
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.toolchain import Failure, compat
from kernelfuzz.toolchain.programs import JUDGED

T = TypeVar("T")

# How often what is expensive is asked.  Of so many kernels one is built by NVRTC (which takes longer for its
# adjoint than all else takes for the kernel) and one transformed; of so many batches one is built with other
# options (once more the cost of the value oracle), one is lowered by several processes, and one has what
# NVRTC built built by clang as well, which takes two seconds to start.
ONE_IN = {"ptx": 16, "metamorphic": 3, "options": 3, "determinism": 16, "clang": 16}

# Blocks and their size: Warp's own, and grids small enough that threads take several turns.  On a device a
# block has whole warps, as operations on tiles need them.
GRIDS: dict[str, tuple[tuple[int | None, int | None], ...]] = {
    "cuda-host": ((None, None), (1, 32), (2, 4), (3, 1)),
    "cuda": ((None, None), (1, 32), (2, 64), (3, 128)),
}


@dataclass(slots=True)
class CaseRecord:
    """What is known about one case so far.

    ``everything`` is asked of it, however expensive, but for clang for CUDA; its launch was ``launch_given``
    by somebody who wants to know what happens there.
    """

    index: int
    category: str
    case: Case
    choices: SeededChoices
    everything: bool = False
    launch_given: bool = False
    wanted: value.Outputs | Undefined | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    evidence: list[Evidence | None] = field(default_factory=list)
    lowered: bool = True
    built: set[str] = field(default_factory=set)
    ran: bool = False

    def note(self, verdict: Verdict, judged: Case | None = None) -> None:
        """Keep a verdict, what it says about how far the case got, and the case that it is really about."""
        self.verdicts.append(verdict)
        other = judged is not None and verdict.status == "failed"
        self.evidence.append(Evidence(judged, message=verdict.reason) if judged and other else None)
        if verdict.oracle == "compile" and verdict.status == "failed":
            self.lowered &= verdict.kind != "rejected"
        elif verdict.status != "skipped":
            self.built.add(verdict.setting.target)
            self.ran |= verdict.oracle in ("value", "gradient")

    def sampled(self, name: str) -> bool:
        """Whether this case is one of those that an expensive question is asked about."""
        return self.everything or self.choices.integer(1, ONE_IN[name]) == 1

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it so far: what is asked next is asked of sound cases only."""
        return not any(verdict.status == "failed" for verdict in self.verdicts)

    def outcome(self) -> CaseOutcome:
        compared = {v.oracle for v in self.verdicts if v.status in ("passed", "failed") and v.kind != "rejected"}
        counts = Counts(
            lowered=int(self.lowered),
            built_cpu=int(bool(self.built & {"cpu", "cuda-host"})),
            built_cuda=int("ptx" in self.built),
            ran=int(self.ran),
            compared=int("value" in compared),
            gradients_compared=int("gradient" in compared),
        )
        return CaseOutcome(self.index, self.category, tuple(self.verdicts), counts, tuple(self.evidence))


def judge_batch(request: Request) -> list[CaseOutcome]:
    """Draw the kernels of a request and judge them together; one outcome for each, in order."""
    records = [_record(request, index) for index in range(request.start, request.start + request.count)]
    chunk = SeededChoices(GRAMMAR_VERSION, request.seed, request.key, "chunk")
    outcomes = _judge(records, request.checks, chunk)
    _spare_the_collector()
    return outcomes


@cache
def _spare_the_collector() -> None:
    """Have Python's collector look past what is there for good: Warp alone is 100,000 objects.

    It would go through all of them dozens of times in each batch.
    """
    gc.collect()
    gc.freeze()


def judge_cases(cases: Sequence[Case], checks: Checks, *, launch_given: bool = False) -> list[CaseOutcome]:
    """Judge given cases together, each by everything that is asked for; one outcome for each, in order.

    Clang for CUDA is left to campaigns.  The gradient oracle chooses a launch of its own, unless the launch
    of the cases was ``launch_given``.
    """
    records = [
        CaseRecord(
            at,
            "",
            case,
            SeededChoices(GRAMMAR_VERSION, fingerprint(case.kernel)),
            everything=True,
            launch_given=launch_given,
        )
        for at, case in enumerate(cases)
    ]
    return _judge(records, checks, SeededChoices(GRAMMAR_VERSION, "cases"))


def _judge(records: Sequence[CaseRecord], checks: Checks, chunk: SeededChoices) -> list[CaseOutcome]:
    compat.initialize()
    for name, ask in ORACLES.items():
        if name in checks.oracles:
            ask(records, checks.targets, chunk)
    return [record.outcome() for record in records]


def _record(request: Request, index: int) -> CaseRecord:
    case = draw_case(request.options, request.seed, index)
    choices = SeededChoices(GRAMMAR_VERSION, request.seed, index, "oracles")
    return CaseRecord(index, category(request, index), case, choices)


def setting_for(target: str, chunk: SeededChoices) -> BuildSetting:
    """How a batch is built and launched on a target."""
    options = tuple(sorted(JUDGED.items()))
    if target == "cpu":
        return BuildSetting(target, options)
    blocks, block_dim = chunk.pick(GRIDS[target])
    return BuildSetting(target, options, block_dim, blocks)


@contextlib.contextmanager
def _settings(targets: Sequence[str], chunk: SeededChoices) -> Iterator[tuple[list[BuildSetting], batch.Evaluate]]:
    """How the batch is built and launched on each target, and by what: as one module where that goes."""
    settings = [setting_for(target, chunk) for target in targets]
    if list(targets[:2]) != ["cpu", "cuda-host"]:
        yield settings, batch.evaluate
        return
    with batch.Pair(settings[1]) as pair:

        def evaluate(
            cases: Sequence[Case], setting: BuildSetting, action: batch.Action[T], *, backward: bool = False
        ) -> list[T | Failure]:
            build = pair if setting in settings[:2] else batch.evaluate
            return build(cases, setting, action, backward=backward)

        yield settings, evaluate


def _compile(records: Sequence[CaseRecord], targets: Sequence[str], chunk: SeededChoices) -> None:
    sampled = [record.sampled("ptx") for record in records]
    chosen = [record for record, taken in zip(records, sampled, strict=True) if taken]
    _note(chosen, compile.judge([record.case.kernel for record in chosen]))
    others = [record for record, taken in zip(records, sampled, strict=True) if not taken]
    for record, verdict in zip(others, compile.rejected([s.case.kernel for s in others]), strict=True):
        if verdict is not None:
            record.note(verdict)
    # Of kernels that are asked everything there are few, and it takes seconds to start.
    if not any(record.everything for record in records) and chunk.integer(1, ONE_IN["clang"]) == 1:
        sound = [record for record in chosen if record.sound]
        _note(sound, compile.judge([record.case.kernel for record in sound], compile.CLANG))


def _of_some_batches(name: str, records: Sequence[CaseRecord], chunk: SeededChoices) -> bool:
    """Whether this batch is one of those that something expensive is asked about."""
    return any(record.everything for record in records) or chunk.integer(1, ONE_IN[name]) == 1


def _value(records: Sequence[CaseRecord], targets: Sequence[str], chunk: SeededChoices) -> None:
    _evaluate(records)
    with _settings(targets, chunk) as (settings, evaluate):
        for setting in settings:
            sound = [record for record in records if record.sound]
            wanted = [_wanted(record) for record in sound]
            cases = [record.case for record in sound]
            _note(sound, value.judge(cases, wanted, setting, evaluate=evaluate))


def _evaluate(records: Sequence[CaseRecord]) -> None:
    """Have the reference compute what each case must give, unless an oracle has asked before."""
    open_ = [record for record in records if record.wanted is None]
    for record, wanted in zip(open_, value.expected([record.case for record in open_]), strict=True):
        record.wanted = wanted


def _wanted(record: CaseRecord) -> value.Outputs | Undefined:
    assert record.wanted is not None, "the reference comes first"
    return record.wanted


def _gradient(records: Sequence[CaseRecord], targets: Sequence[str], chunk: SeededChoices) -> None:
    ready: list[tuple[CaseRecord, gradient.Point]] = []
    for record in records:
        if not record.sound:
            continue
        if record.launch_given:
            point = gradient.prepare_given(record.case)
        else:
            point = gradient.prepare(record.case.kernel, record.choices)
        if isinstance(point, Verdict):
            record.note(point)
        else:
            ready.append((record, point))
    # An adjoint costs three times the kernel, and its text hardly depends on the target: they take turns.
    asked = targets if any(record.everything for record in records) else (chunk.pick(targets),)
    with _settings(asked, chunk) as (settings, evaluate):
        for setting in settings:
            ready = [(record, point) for record, point in ready if record.sound]
            verdicts = gradient.judge([point for _, point in ready], setting, evaluate=evaluate)
            for (record, point), verdict in zip(ready, verdicts, strict=True):
                record.note(verdict, point.case)


def _metamorphic(records: Sequence[CaseRecord], targets: Sequence[str], chunk: SeededChoices) -> None:
    _evaluate(records)
    chosen = [record for record in records if record.sound and record.sampled("metamorphic")]
    chosen = [record for record in chosen if isinstance(record.wanted, dict)]
    cases = [record.case for record in chosen]
    wanted = [_wanted(record) for record in chosen]
    plain = setting_for(targets[0], chunk)
    judged = metamorphic.judge_transformed(cases, wanted, [record.choices for record in chosen], plain)
    for record, (verdict, case) in zip(chosen, judged, strict=True):
        record.note(verdict, case)
    # All in one module: the options are those of a module.
    if not _of_some_batches("options", records, chunk):
        return
    sound = [record for record in records if record.sound and isinstance(record.wanted, dict)]
    row = chunk.pick(option_sets(targets[0]))
    cases, wanted = [record.case for record in sound], [_wanted(record) for record in sound]
    _note(sound, metamorphic.judge_options(cases, wanted, row, plain))


def _determinism(records: Sequence[CaseRecord], targets: Sequence[str], chunk: SeededChoices) -> None:
    # It starts processes: seldom, and then for many kernels.
    if _of_some_batches("determinism", records, chunk):
        sound = [record for record in records if record.sound]
        _note(sound, determinism.judge([record.case.kernel for record in sound]))


def _note(records: Iterable[CaseRecord], verdicts: Iterable[Verdict]) -> None:
    for record, verdict in zip(records, verdicts, strict=True):
        record.note(verdict)


Ask = Callable[[Sequence[CaseRecord], Sequence[str], SeededChoices], None]

# In this order: what fails early is not asked further.
ORACLES: dict[str, Ask] = {
    "value": _value,
    "compile": _compile,
    "gradient": _gradient,
    "metamorphic": _metamorphic,
    "determinism": _determinism,
}
