"""What the rows of a corpus are together, and what the directory says about them.

The checks are rows of two tables, as those of single rows in ``kernelfuzz.corpus.checks``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from kernelfuzz.corpus.card import card
from kernelfuzz.corpus.near_duplicates import split_of
from kernelfuzz.corpus.read import Unreadable
from kernelfuzz.corpus.recompute import NotPossible
from kernelfuzz.corpus.row import SPLITS, Row
from kernelfuzz.corpus.store import CARD, DATA, MANIFEST

T = TypeVar("T")


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
        wanted = card(directory, msgspec.to_builtins(survey.manifest), command="")
    except Unreadable:
        raise NotPossible("there are no rows") from None
    for what, start, end in (
        ("the front matter", "---\n", "\n---\n"),
        ("the table", "## Numbers\n", "\n## "),
    ):
        parts = [text.partition(start)[2].partition(end)[0] for text in (stored, wanted)]
        yield CARD, "" if parts[0] == parts[1] else f"{what} does not agree with the rows"


# -------------------------------------------------------------------------------------------- the tables


@dataclass(frozen=True, slots=True)
class Check(Generic[T]):
    """A row of a table: what the function proves where it yields no problem."""

    name: str
    proves: str
    function: T


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
