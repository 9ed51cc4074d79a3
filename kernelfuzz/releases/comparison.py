"""Two releases compared over the same kernels, and the report of ``kernelfuzz compare``."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from kernelfuzz.releases.code_changes import KINDS, NUMBERING, CodeChange, code_change, diff
from kernelfuzz.releases.differences import WEIGHTS, Difference, differences
from kernelfuzz.releases.environments import Environment, ReleaseError
from kernelfuzz.releases.release_process import Process, WorkerFault, patience_for
from kernelfuzz.releases.side_by_side import Answer, observe_kernels
from kernelfuzz.releases.tasks import Observation, Task, observation
from kernelfuzz.task_queue import TaskQueue, WorkerError
from kernelfuzz.workers import Pool

# Kernels that are asked about together: their builds are one module.
_CHUNK = 16

# How often every kernel is lowered for the comparison of speed, by turns.
_ROUNDS = 3

# What the smallest ratio of all rounds must be for a release to count as slower: the rounds of one release
# differ by some hundredths on an idle machine, by a tenth on a busy one.
_CLEARLY = 1.15

Progress: TypeAlias = Callable[[str, int, int], None]


@dataclass(slots=True)
class CodeKind:
    """A kind of change of the generated code: how many texts have it, by device, and the clearest one."""

    texts: Counter[str] = field(default_factory=Counter)
    label: str = ""
    device: str = ""
    old: str = ""
    new: str = ""
    rank: tuple[int, int] = (1 << 30, 0)

    def add(self, label: str, device: str, change: CodeChange, old: str, new: str) -> None:
        """Count a text; the one with the fewest other changes, and then the shortest, is the example."""
        self.texts[device] += 1
        rank = (len(change.kinds), len(old) + len(new))
        if rank < self.rank:
            self.rank, self.label, self.device, self.old, self.new = rank, label, device, old, new


@dataclass(slots=True)
class CodeSummary:
    """The generated code of all kernels.  ``callees`` counts the texts in which a function is called more
    often (``more``) or less often (``fewer``)."""

    same: int = 0
    changed: int = 0
    kinds: dict[str, CodeKind] = field(default_factory=dict[str, CodeKind])
    more: Counter[str] = field(default_factory=Counter)
    fewer: Counter[str] = field(default_factory=Counter)

    def add(self, label: str, device: str, old: str, new: str) -> None:
        """Count the texts of one kernel for one device."""
        change = code_change(old, new)
        if change is None:
            self.same += 1
            return
        self.changed += 1
        for kind in change.kinds:
            self.kinds.setdefault(kind, CodeKind()).add(label, device, change, old, new)
        for name, count in change.callees.items():
            (self.more if count > 0 else self.fewer)[name] += 1


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds in Warp to lower the kernels that both take, for both devices, in each round."""

    kernels: int
    old: tuple[float, ...]
    new: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times as long as the old release the new one takes, in each round."""
        return tuple(new / old for old, new in zip(self.old, self.new, strict=True))

    @property
    def ratio(self) -> float:
        """The ratio of the best rounds: other processes can only make one slower."""
        return min(self.new) / min(self.old)

    @property
    def verdict(self) -> str:
        """``slower`` or ``faster`` where every round is clearly so, or else ``no clear difference``."""
        if min(*self.ratios, self.ratio) > _CLEARLY:
            return "slower"
        if max(*self.ratios, self.ratio) < 1 / _CLEARLY:
            return "faster"
        return "no clear difference"


@dataclass(slots=True)
class Report:
    """The result of a comparison.

    ``counts``: ``kernels``, ``lowered`` by both releases for both devices, and those whose ``values`` and
    ``gradients`` both computed.  ``skipped``: why kernels were not compared, by reason.
    """

    old: Environment
    new: Environment
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list[Difference])
    code: CodeSummary = field(default_factory=CodeSummary)
    skipped: Counter[str] = field(default_factory=Counter)
    speed: Speed | None = None

    def of_weight(self, weight: str) -> list[Difference]:
        """The differences of a weight."""
        return [each for each in self.differences if each.weight == weight]

    def add(self, old: Observation, new: Observation) -> None:
        """Count a kernel in."""
        self.counts["kernels"] += 1
        self.counts["lowered"] += _lowered(old) and _lowered(new)
        self.counts["values"] += old.case == new.case and _both(old.outputs, new.outputs)
        self.counts["gradients"] += old.point == new.point and _both(old.gradients, new.gradients)
        reason = old.skipped or new.skipped
        if reason:
            self.skipped[reason if "fault" in reason else reason.partition(":")[0]] += 1
        for result in (old.outputs.get("cpu"), new.outputs.get("cpu")):
            if result is not None and result.status == "skipped":
                self.skipped[f"values, {result.reason}"] += 1
                break
        if _lowered(old) and _lowered(new) and old.point != new.point:
            self.skipped["gradients, which are judged otherwise in the two releases"] += 1
        self.differences += differences(old, new)
        for device in old.code.keys() & new.code.keys():
            self.code.add(old.label, device, old.code[device], new.code[device])

    def to_dict(self) -> dict[str, Any]:
        """The report as ``kernelfuzz compare --json`` prints it."""
        speed = self.speed
        return {
            "old": {"release": self.old.warp, "python": self.old.label},
            "new": {"release": self.new.warp, "python": self.new.label},
            "counts": dict(self.counts),
            "skipped": dict(sorted(self.skipped.items())),
            **{f"{weight}s": [asdict(each) for each in self.of_weight(weight)] for weight in WEIGHTS},
            "code": {
                "same": self.code.same,
                "changed": self.code.changed,
                "kinds": {
                    kind: {
                        "texts": dict(sorted(about.texts.items())),
                        "example": {"label": about.label, "device": about.device},
                        "diff": list(diff(about.old, about.new, kind)),
                    }
                    for kind, about in self.code.kinds.items()
                },
                "called_more": dict(self.code.more.most_common()),
                "called_less": dict(self.code.fewer.most_common()),
            },
            "speed": speed
            and {
                "kernels": speed.kernels,
                "old_seconds": [round(each, 4) for each in speed.old],
                "new_seconds": [round(each, 4) for each in speed.new],
                "ratio": round(speed.ratio, 3),
                "verdict": speed.verdict,
            },
        }


def _lowered(seen: Observation) -> bool:
    return bool(seen.code) and not seen.failures


def _both(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return any(old[at].values is not None and new[at].values is not None for at in old.keys() & new.keys())


def compare(
    old: Environment,
    new: Environment,
    tasks: Sequence[Task],
    *,
    queue: TaskQueue | None = None,
    progress: Progress | None = None,
) -> Report:
    """Have two releases lower, build, run and differentiate the kernels; see ``compare_all``."""
    return compare_all(old, [new], tasks, queue=queue, progress=progress)[0]


def compare_all(
    old: Environment,
    news: Sequence[Environment],
    tasks: Sequence[Task],
    *,
    queue: TaskQueue | None = None,
    progress: Progress | None = None,
) -> list[Report]:
    """Hold releases against an old one: a report for each, of the same kernels.

    The workers of ``queue`` (default: one process) observe the kernels, each with a process for every release; the
    speed is measured here.  ``progress`` is called with what is done, how many of how many.  A kernel that ends a
    process costs itself only.  Raises ReleaseError where a release cannot be driven, or where two environments do
    not draw the same kernels.
    """
    reports = [Report(old, new) for new in news]
    both: list[list[str]] = [[] for _ in news]
    labels = [environment.label for environment in (old, *news)]
    chunks = list(_chunks(tasks, _CHUNK))
    asked = ((labels, [task.to_json() for task in chunk]) for chunk in chunks)
    with contextlib.nullcontext(queue) if queue else Pool(1) as workers:
        done = 0
        for chunk, answers in zip(chunks, workers.in_order(observe_kernels, asked), strict=True):
            if isinstance(answers, WorkerError):
                answers = [[answers] * len(chunk)] * len(labels)
            for task, first, *others in zip(chunk, *answers, strict=True):
                seen = _observation(task, first)
                for report, sources, answer in zip(reports, both, others, strict=True):
                    other = _observation(task, answer)
                    _check_same(seen, other, report)
                    report.add(seen, other)
                    if _lowered(seen) and _lowered(other):
                        sources.append(seen.source)
            done += len(chunk)
            if progress is not None:
                progress("kernels", done, len(tasks))
    for report, sources in zip(reports, both, strict=True):
        if sources:
            with Process(old) as before, Process(report.new) as after:
                report.speed = _timed(before, after, sources, progress)
    return reports


def _chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _observation(task: Task, answer: Answer) -> Observation:
    if isinstance(answer, WorkerFault):
        return Observation(task.label, skipped=f"for a fault in kernelfuzz, please report it: {answer}")
    if isinstance(answer, WorkerError):
        return Observation(task.label, source=task.source or "", ended=str(answer))
    return observation(answer)


def _check_same(old: Observation, new: Observation, report: Report) -> None:
    if not (old.case and new.case) or (old.source == new.source and old.case == new.case):
        return
    raise ReleaseError(
        f"the environments of {report.old.label} and {report.new.label} do not draw the same ({old.label}): "
        "they have other versions of numpy or libcst; remove both, and they are made again"
    )


def _timed(old: Process, new: Process, sources: Sequence[str], progress: Progress | None) -> Speed | None:
    """Both lower everything several times, one at a time and by turns; once before for the first imports."""
    seconds: dict[int, list[float]] = {0: [], 1: []}
    processes = (old, new)
    try:
        for turn in range(_ROUNDS + 1):
            for which in (0, 1) if turn % 2 else (1, 0):
                spent = processes[which].ask("seconds", patience=patience_for(len(sources)), sources=list(sources))
                if turn:
                    seconds[which].append(sum(spent))
            if progress is not None:
                progress("rounds of lowering", turn, _ROUNDS)
    except WorkerError:
        # What lowers alone may still end a process that has lowered all others.
        return None
    return Speed(len(sources), tuple(seconds[0]), tuple(seconds[1]))


# ------------------------------------------------------------------------------------ the report in lines

# How many kernels of one sort are named; --json has all.
_NAMED = 5
_CALLEES = 8

_HEADINGS = {
    "regression": "Regressions",
    "improvement": "Improvements",
    "change": "Changes that are neither",
}


def report_lines(report: Report) -> Iterator[str]:
    """Yield the report for people, line by line."""
    counts = report.counts
    yield (
        f"Warp {report.old.warp} and {report.new.warp}: {counts['kernels']} kernels; {counts['lowered']} "
        f"lowered by both, values of {counts['values']} and gradients of {counts['gradients']} compared."
    )
    for reason, count in report.skipped.most_common():
        yield f"  not compared: {count} {reason}"
    for weight in WEIGHTS:
        yield from _of_weight(_HEADINGS[weight], report.of_weight(weight))
    yield from _code(report)
    yield from _speed(report)


def _of_weight(heading: str, found: Sequence[Difference]) -> Iterator[str]:
    yield ""
    yield f"{heading}: {len(found) or 'none'}"
    sorts: dict[tuple[str, str], list[Difference]] = {}
    for each in found:
        sorts.setdefault((each.subject, each.what), []).append(each)
    for (subject, what), alike in sorted(sorts.items(), key=lambda sort: -len(sort[1])):
        accepted = {"Regressions": "accepted by the old only: ", "Improvements": "accepted by the new only: "}
        prefix = accepted.get(heading, "") if subject == "acceptance" else f"{subject}: "
        yield f"  {len(alike)} x {prefix}{what}"
        for each in alike[:_NAMED]:
            detail = f": {each.detail}" if each.detail else ""
            yield f"      {each.label} ({', '.join(each.where)}){detail}"
        if len(alike) > _NAMED:
            yield f"      and {len(alike) - _NAMED} more"


def _code(report: Report) -> Iterator[str]:
    code = report.code
    yield ""
    yield f"Generated code: {code.same} texts are the same to the byte, {code.changed} are not."
    for kind in (NUMBERING, *KINDS, "other lines"):
        if kind not in code.kinds:
            continue
        about = code.kinds[kind]
        devices = ", ".join(f"{count} for {device}" for device, count in sorted(about.texts.items()))
        yield f"  {kind}: {devices}; such as {about.label}, {about.device}"
        yield from (f"      {line}" for line in diff(about.old, about.new, kind))
    for title, counter in (("more", code.more), ("less", code.fewer)):
        if counter:
            yield f"  called {title} often, in so many texts: {_listed(counter)}"


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common(_CALLEES))


def _speed(report: Report) -> Iterator[str]:
    speed = report.speed
    if speed is None:
        return
    yield ""
    rounds = ", ".join(f"{ratio:.2f}" for ratio in speed.ratios)
    yield (
        f"Lowering {speed.kernels} kernels takes {min(speed.old):.2f} s and {min(speed.new):.2f} s in Warp, "
        f"{speed.ratio:.2f} times as long (in rounds: {rounds}): {speed.verdict}."
    )
