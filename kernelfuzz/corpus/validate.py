"""Proving a corpus: its directory, what its rows are together, and each row on its own.

Two passes over the rows: one for the checks below, one for those of ``kernelfuzz.corpus.checks``, which are
made in processes of their own.  Besides what is wrong, only ids are kept in memory.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from kernelfuzz import workers
from kernelfuzz.corpus.checks import CHECKS, STAGES, Outcome, Stage, check_rows
from kernelfuzz.corpus.consistency import TOGETHER, WHOLE, Manifest, Survey
from kernelfuzz.corpus.read import Unreadable, manifest, placed
from kernelfuzz.corpus.recompute import NotPossible, warp_version
from kernelfuzz.corpus.row import Row
from kernelfuzz.corpus.store import MANIFEST

# Rows that a process gets at once: enough to build them together, few enough that a crash costs little.
_CHUNK = 16

# Seconds that a row may take in each stage, and what the first one of a process takes besides.
_PATIENCE: dict[Stage, float] = {"row": 20.0, "build": 120.0, "run": 60.0}
_STARTING = 120.0


# ------------------------------------------------------------------------------------------ the report


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that is wrong; ``id`` and ``device`` are None where it is not about a row that was read."""

    id: str | None
    device: str | None
    place: str
    check: str
    message: str


@dataclass(slots=True)
class Tally:
    """How many rows, files or numbers a check was made of; ``not_possible`` is by reason."""

    passed: int = 0
    failed: int = 0
    not_possible: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Report:
    """What came of a validation: ``checked`` of ``rows`` rows went through the checks of single rows."""

    tallies: dict[str, Tally]
    versions: dict[str, Any] = field(default_factory=dict[str, Any])
    warp: str = ""
    rows: int = 0
    checked: int = 0
    violations: list[Violation] = field(default_factory=list[Violation])

    def add(self, check: str, outcome: Outcome, place: str, row: Row | None = None) -> None:
        """Count the outcome of a check."""
        tally = self.tallies[check]
        if outcome.not_possible:
            tally.not_possible[outcome.not_possible] += 1
            return
        tally.failed += bool(outcome.problems)
        tally.passed += not outcome.problems
        about = (row.id, row.device) if row is not None else (None, None)
        self.violations += [Violation(*about, place, check, problem) for problem in outcome.problems]

    def to_dict(self) -> dict[str, Any]:
        """What ``kernelfuzz validate --json`` prints."""
        return {
            "clean": not self.violations,
            "versions": self.versions,
            "installed_warp": self.warp,
            "rows": self.rows,
            "checked": self.checked,
            "checks": [
                {
                    "name": name,
                    "proves": PROVES[name],
                    "passed": tally.passed,
                    "failed": tally.failed,
                    "not_possible": tally.not_possible.total(),
                    "reasons": dict(sorted(tally.not_possible.items())),
                }
                for name, tally in self.tallies.items()
            ],
            "violations": [msgspec.to_builtins(each) for each in self.violations],
        }


PROVES: dict[str, str] = {
    "manifest": "the manifest is whole",
    "readable": "every row can be read",
    "schema": "every row has the schema",
    **{each.name: each.proves for each in (*WHOLE, *TOGETHER)},
    **{each.name: each.proves for each in CHECKS},
}


# ------------------------------------------------------------------------------------------ validation


def validate(
    directory: str | Path,
    *,
    sample: int | None = None,
    build: bool = False,
    run: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Make every check of a corpus.

    ``build`` has the code of each row built, ``run`` has it launched.  ``sample`` is how many rows go through
    the checks of single rows: the same ones each time, by a hash of their ids.  ``progress`` is called with
    how many of these are done, and how many there are.

    Raises Unreadable where there is no complete corpus, UnsupportedWarp, and WorkerError where not even a
    process that does nothing comes back.
    """
    asked: dict[Stage, bool] = {"row": True, "build": build, "run": run}
    stages: tuple[Stage, ...] = tuple(stage for stage in STAGES if asked[stage])
    unasked = {each.name for each in CHECKS if each.stage not in stages}
    report = Report({name: Tally() for name in PROVES if name not in unasked})
    directory = Path(directory)
    survey = _surveyed(directory, report)
    if survey is None:
        return report
    report.warp = workers.call(warp_version, timeout=_STARTING)
    chosen = _sample(survey.seen, sample)
    report.checked = len(chosen)
    read = ((place, row) for place, row in _readable(directory) if (row.id, row.device) in chosen)
    for done, (place, row, outcomes) in enumerate(_checked(read, survey.manifest.plan, stages, jobs), 1):
        for check, outcome in outcomes.items():
            report.add(check, outcome, place, row)
        if progress is not None:
            progress(done, len(chosen))
    return report


def _surveyed(directory: Path, report: Report) -> Survey | None:
    """The first pass; None where the manifest does not say enough for it."""
    try:
        survey = Survey(msgspec.convert(manifest(directory), Manifest))
    except msgspec.ValidationError as error:
        next(placed(directory), None)  # raises where the corpus is not finished
        report.add("manifest", Outcome((str(error),)), MANIFEST)
        return None
    report.add("manifest", Outcome(), MANIFEST)
    report.versions = msgspec.to_builtins(survey.manifest.versions)
    for place, found in placed(directory):
        _look(place, found, survey, report)
    for check in WHOLE:
        try:
            for place, problem in check.function(directory, survey):
                report.add(check.name, Outcome((problem,) if problem else ()), place)
        except NotPossible as reason:
            report.add(check.name, Outcome(not_possible=str(reason)), MANIFEST)
    return survey


def _look(place: str, found: Mapping[str, Any] | Unreadable, survey: Survey, report: Report) -> None:
    if isinstance(found, Unreadable):
        survey.all_read = False
        report.add("readable", Outcome((str(found),)), place)
        return
    report.rows += 1
    report.add("readable", Outcome(), place)
    try:
        row = msgspec.convert(found, Row)
    except msgspec.ValidationError as error:
        survey.all_read = False
        report.add("schema", Outcome((str(error),)), place)
        return
    report.add("schema", Outcome(), place, row)
    for check in TOGETHER:
        report.add(check.name, Outcome(tuple(check.function(row, place, survey))), place, row)
    survey.add(row)


def _readable(directory: Path) -> Iterator[tuple[str, Row]]:
    """The second pass: what the first one could read."""
    for place, found in placed(directory):
        try:
            if not isinstance(found, Unreadable):
                yield place, msgspec.convert(found, Row)
        except msgspec.ValidationError:
            continue


def _sample(pairs: set[tuple[str, str]], size: int | None) -> set[tuple[str, str]]:
    """So many of the ids and devices, those with the smallest hashes of the id; all without a size."""
    if size is None:
        return pairs
    return set(sorted(pairs, key=lambda pair: (hashlib.sha256(pair[0].encode()).digest(), pair))[:size])


def _checked(
    rows: Iterator[tuple[str, Row]], plan: Mapping[str, Any], stages: tuple[Stage, ...], jobs: int
) -> Generator[tuple[str, Row, dict[str, Outcome]], None, None]:
    """Each row with the outcomes of its checks, in order."""
    waiting: deque[list[tuple[str, Row]]] = deque()

    def tasks() -> Iterator[tuple[list[Row], Mapping[str, Any], tuple[Stage, ...]]]:
        while chunk := list(islice(rows, _CHUNK)):
            waiting.append(chunk)
            yield [row for _, row in chunk], plan, stages

    timeout = _STARTING + _CHUNK * sum(_PATIENCE[stage] for stage in stages)
    for result in workers.in_order(check_rows, tasks(), jobs=jobs, timeout=timeout):
        chunk = waiting.popleft()
        if isinstance(result, workers.WorkerError):
            with workers.Pool(1) as pool:
                result = [_alone(row, plan, stages, pool) for _, row in chunk]
        for (place, row), outcomes in zip(chunk, result, strict=True):
            yield place, row, outcomes


def _alone(row: Row, plan: Mapping[str, Any], stages: tuple[Stage, ...], pool: workers.Pool) -> dict[str, Outcome]:
    """A row whose company did not come back, one stage after the other: what it is at fault for itself."""
    outcomes: dict[str, Outcome] = {}
    for stage in stages:
        task = pool.submit(check_rows, [row], plan, (stage,), timeout=_STARTING + _PATIENCE[stage])
        try:
            (made,) = pool.result(task)
        except workers.WorkerError as error:
            last = [check.name for check in CHECKS if check.stage == stage][-1]
            made = {last: Outcome((f"the process that checked it {error}",))}
        outcomes |= made
    return outcomes
