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
from typing import Any, TypeAlias

import msgspec

from kernelfuzz import workers
from kernelfuzz.corpus.card import card, seen_in
from kernelfuzz.corpus.checks import CHECKS, STAGES, Check, Outcome, Stage, check_rows
from kernelfuzz.corpus.directory import CARD, DATA, MANIFEST
from kernelfuzz.corpus.files import Unreadable, manifest, placed
from kernelfuzz.corpus.near_duplicates import split_of
from kernelfuzz.corpus.recompute import NotPossible, warp_version
from kernelfuzz.corpus.row import SPLITS, Row


class Versions(msgspec.Struct, frozen=True):
    """What a corpus was made with."""

    kernelfuzz: str
    grammar: int
    warp: str


class Manifest(msgspec.Struct, frozen=True):
    """What a manifest must say for its corpus to be checked; ``missing`` is copied to the card only."""

    plan: dict[str, Any]
    versions: Versions
    kernels: int
    clusters: int
    duplicates: int
    rows: dict[str, dict[str, int]]
    files: dict[str, str]
    missing: dict[str, int] = {}


# ------------------------------------------------------------------------------------------- the rows


@dataclass(slots=True)
class Survey:
    """What is kept of the rows, one after the other: ``ids`` has the cluster of each id."""

    manifest: Manifest
    ids: dict[str, str] = field(default_factory=dict[str, str])
    clusters: set[str] = field(default_factory=set[str])
    seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {split: Counter() for split in SPLITS})
    all_read: bool = True

    def add(self, row: Row) -> None:
        """Remember a row, after its checks."""
        self.ids.setdefault(row.id, row.near_duplicate_cluster)
        self.clusters.add(row.near_duplicate_cluster)
        self.seen.add((row.id, row.device))
        self.counts[row.split][row.device] += 1


def _unique(row: Row, place: str, survey: Survey) -> Iterator[str]:
    if (row.id, row.device) in survey.seen:
        yield "another row has the same id and device"


def _cluster(row: Row, place: str, survey: Survey) -> Iterator[str]:
    cluster = row.near_duplicate_cluster
    if cluster > row.id:
        yield f"near_duplicate_cluster {cluster} is larger than the id, and must be the smallest of its rows"
    elif survey.ids.get(row.id, cluster) != cluster:
        yield f"other rows of this id are in the cluster {survey.ids[row.id]}, and this one in {cluster}"


def _split(row: Row, place: str, survey: Survey) -> Iterator[str]:
    wanted = split_of(row.near_duplicate_cluster)
    if row.split != wanted:
        yield f"the cluster {row.near_duplicate_cluster} belongs into {wanted}, and the row is in {row.split}"
    elif not place.startswith((f"{DATA}/{wanted}-", f"{DATA}/{wanted}/")):
        yield f"a row of {wanted} is in a file of another split"


def _of_versions(row: Row, place: str, survey: Survey) -> Iterator[str]:
    made, metadata = survey.manifest.versions, row.metadata
    for name, stored, wanted in (
        ("Warp", metadata.warp_version, made.warp),
        ("kernelfuzz", metadata.kernelfuzz_version, made.kernelfuzz),
        ("grammar", metadata.grammar_version, made.grammar),
    ):
        if stored != wanted:
            yield f"the row is of {name} {stored}, and the manifest says {wanted}"


# ------------------------------------------------------------------------------------------ the directory

# What is looked at, and what is wrong with it or an empty text.
Looked: TypeAlias = tuple[str, str]


def _files(directory: Path, survey: Survey) -> Iterator[Looked]:
    listed = survey.manifest.files
    for name, checksum in sorted(listed.items()):
        yield name, _file_problem(directory, name, checksum)
    for path in sorted((directory / DATA).rglob("*")):
        name = path.relative_to(directory).as_posix()
        if not path.is_dir() and name not in listed:
            yield name, f"{MANIFEST} does not list {name}"


def _file_problem(directory: Path, name: str, checksum: str) -> str:
    path = directory / name
    if Path(name).parts[:1] != (DATA,) or ".." in Path(name).parts:
        return f"{name} is not in {DATA}/"
    if not path.is_file():
        return f"{name} is missing"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return "" if digest.hexdigest() == checksum else f"{name} does not have the checksum in {MANIFEST}"


def _counts(directory: Path, survey: Survey) -> Iterator[Looked]:
    found = {split: dict(sorted(rows.items())) for split, rows in survey.counts.items() if rows}
    for name, stored, counted in (
        ("rows", survey.manifest.rows, found),
        ("kernels", survey.manifest.kernels, len(survey.ids)),
        ("clusters", survey.manifest.clusters, len(survey.clusters)),
    ):
        yield MANIFEST, "" if stored == counted else f"{name} must be {counted} and is {stored}"
    yield MANIFEST, "" if survey.seen else "there is not one row"


def _clusters(directory: Path, survey: Survey) -> Iterator[Looked]:
    for cluster in sorted(survey.clusters):
        named = survey.ids.get(cluster) == cluster
        yield MANIFEST, "" if named else f"the cluster {cluster} has not got the row that it is named after"


def _card(directory: Path, survey: Survey) -> Iterator[Looked]:
    if not survey.all_read:
        raise NotPossible("some rows cannot be read")
    try:
        stored = (directory / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield CARD, f"it cannot be read: {error}"
        return
    try:
        wanted = card(directory, seen_in(directory), msgspec.to_builtins(survey.manifest), command="")
    except Unreadable:
        raise NotPossible("there are no rows") from None
    for what, start, end in (
        ("the front matter", "---\n", "\n---\n"),
        ("the table", "## Numbers\n", "\n## "),
    ):
        parts = [text.partition(start)[2].partition(end)[0] for text in (stored, wanted)]
        yield CARD, "" if parts[0] == parts[1] else f"{what} does not agree with the rows"


# -------------------------------------------------------------------------------------------- the tables


# Of each row in the first pass, where it can be read and has the schema.
TOGETHER: tuple[Check[Callable[[Row, str, Survey], Iterator[str]]], ...] = (
    Check("unique", "no two rows have the same id and device", _unique),
    Check("cluster", "rows of an id are in one cluster, whose name is no larger than the id", _cluster),
    Check("split", "the split is the one that the cluster belongs into", _split),
    Check("versions", "the row is of the versions that the manifest names", _of_versions),
)

# Of the whole, when all rows were seen.
WHOLE: tuple[Check[Callable[[Path, Survey], Iterator[Looked]]], ...] = (
    Check("files", "the files are those of the manifest, with their checksums", _files),
    Check("counts", "the manifest counts what there is", _counts),
    Check("clusters", "each cluster is named after a row of it", _clusters),
    Check("card", "the numbers on the card are those of the rows", _card),
)


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
    """How often a check passed, failed, or was not possible (by reason)."""

    passed: int = 0
    failed: int = 0
    not_possible: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Report:
    """The result of a validation: ``checked`` of ``rows`` rows went through the checks of single rows."""

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
    """Return ``size`` of the pairs, those with the smallest hashes of the id; all of them if it is None."""
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
    """Check one row alone, stage by stage, after the process that checked its chunk died."""
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
