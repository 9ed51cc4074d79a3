"""The data of a corpus from its rows: merged, written split by split, counted for the card.

A file of a split has the next ``PART_ROWS`` of its rows in the order of the sources.  Which rows these are follows
from numbers alone, so each file is a task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from kernelfuzz.corpus.card import Seen, card
from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.directory import DATA, Store
from kernelfuzz.corpus.engines import Workers, who_sees
from kernelfuzz.corpus.files import write_part
from kernelfuzz.corpus.merge import Group, Merged, every, hex_of, merge
from kernelfuzz.corpus.row import SPLITS, Row, Split, decode, with_old_keys
from kernelfuzz.corpus.shard import Damaged, Source
from kernelfuzz.corpus.spill import Spill

PART_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Form:
    """How the rows are written."""

    format: Format
    old_keys: bool = False
    part_rows: int = PART_ROWS


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a split: ``count`` of its rows from ``skip`` on, counted from the first of the groups.

    ``groups`` are pairs of the number of a group and those of its sources that have some of the rows.
    """

    split: Split
    number: int
    skip: int
    count: int
    groups: tuple[tuple[int, Group], ...]


def publish_rows(
    store: Store,
    workers: Workers,
    sources: Sequence[tuple[Source, int]],
    facts: dict[str, Any],
    form: Form,
    *,
    command: str,
) -> dict[str, Any]:
    """Make the data of a corpus of rows in order; each source comes with how many it has.

    Gives the manifest, which begins with ``facts``.  Raises MergeFailed, Damaged, and OSError; then the directory is
    as it was.
    """
    with store.staging() as staged:
        workers = who_sees(workers, staged)
        merged = merge(workers, sources, staged / "between")
        seen, files = Seen(), dict[str, str]()
        for part_seen, checksums in every(
            workers, _write, ((staged, form, merged.fates, part) for part in _parts(merged, form.part_rows))
        ):
            seen.join(part_seen)
            files |= checksums
        manifest = {
            **facts,
            "kernels": merged.kernels,
            "clusters": merged.clusters,
            "duplicates": merged.duplicates,
            "rows": {split: dict(sorted(rows.items())) for split, rows in merged.rows.items() if rows},
            "files": {name: files[name] for name in sorted(files, key=lambda name: name.split("/"))},
        }
        for unfinished in (staged / DATA).rglob(".*"):
            unfinished.unlink(missing_ok=True)
        store.complete(manifest, staged, card(staged, seen, manifest, command=command))
    return manifest


def _parts(merged: Merged, part_rows: int) -> Iterator[Part]:
    """The files, split by split."""
    firsts = [group.first for group in merged.groups]
    for at, split in enumerate(SPLITS):
        reached = np.concatenate([[0], np.cumsum(merged.kept[:, at])])
        for number, start in enumerate(range(0, int(reached[-1]), part_rows)):
            count = min(part_rows, int(reached[-1]) - start)
            # From the source that has the first row to the one that has the last.
            low = int(np.searchsorted(reached, start, side="right")) - 1
            high = int(np.searchsorted(reached, start + count, side="left"))
            groups = range(int(np.searchsorted(firsts, low, side="right")) - 1, int(np.searchsorted(firsts, high)))
            chosen = tuple((group, _between(merged.groups[group], low, high)) for group in groups)
            yield Part(split, number, start - int(reached[low]), count, chosen)


def _between(group: Group, low: int, high: int) -> Group:
    """The sources of a group from number ``low`` to below ``high``."""
    first = max(low, group.first)
    return Group(first, group.sources[first - group.first : max(0, high - group.first)])


def _write(directory: Path, form: Form, fates: Spill, part: Part) -> tuple[Seen, dict[str, str]]:
    """Write a file; gives what its rows show, and the checksum of each file that it is."""
    seen = Seen()

    def rows() -> Iterator[Row]:
        for row in _rows(fates, part):
            row = with_old_keys(row) if form.old_keys else row
            seen.add(msgspec.to_builtins(row))
            yield row

    paths = write_part(directory, form.format, part.split, part.number, rows())
    return seen, {path.relative_to(directory).as_posix(): _checksum(path) for path in paths}


def _rows(fates: Spill, part: Part) -> Iterator[Row]:
    """The rows of a file, each with its cluster and its split."""
    skip, left = part.skip, part.count
    for number, group in part.groups:
        fate = fates.read(number)
        fate = fate[fate["split"] == SPLITS.index(part.split)]
        fate = fate[np.argsort(fate["place"])]
        bounds = np.searchsorted(fate["place"] >> np.uint64(32), np.arange(len(group.sources) + 1) + group.first)
        for source, low, high in zip(group.sources, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            chosen = fate[low:high][skip:][:left]
            skip = max(0, skip - (high - low))
            left -= len(chosen)
            if len(chosen):
                yield from _read(source, part.split, chosen)


def _read(source: Source, split: Split, chosen: np.ndarray) -> Iterator[Row]:
    lines = list(source.lines())
    for place, high, low, _ in chosen.tolist():
        try:
            row = decode(lines[place & 0xFFFFFFFF])
        except (IndexError, msgspec.DecodeError) as error:
            raise Damaged(f"{source} has another row than its keys say: {error}") from None
        yield msgspec.structs.replace(row, near_duplicate_cluster=hex_of(high, low), split=split)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
