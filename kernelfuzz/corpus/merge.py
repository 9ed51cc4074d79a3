"""Which rows of a corpus are kept, and the cluster and the split of each: stages of tasks, with files between them.

    keys of shards -> by id: the distinct kernels -> by bands of sketches: near pairs -> by kernel: components
    -> by id: clusters and splits -> by shard: what becomes of each row

No task holds more than a partition, whose number follows from that of the rows, and the process that asks holds
numbers of rows only.  What comes out does not depend on how many partitions there are, or on who does the tasks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kernelfuzz.corpus import components
from kernelfuzz.corpus.components import changes
from kernelfuzz.corpus.engines import Workers, in_a_process
from kernelfuzz.corpus.near_duplicates import SKETCH_NUMBERS, band_keys, near_in_bands, split_of
from kernelfuzz.corpus.row import SPLITS
from kernelfuzz.corpus.shard import Source
from kernelfuzz.corpus.spill import Columns, Spill
from kernelfuzz.devices import DEVICES
from kernelfuzz.workers import WorkerError

T = TypeVar("T")

# Rows that a task of the stages by id or by shard has, and band keys that one of the stage by bands has, about: some
# hundred megabytes each.
_ROWS = 200_000
_KEYS = 1 << 20

# A place is the number of a source, shifted, and that of a row in it; the number of a kernel is that of its partition,
# shifted, and its own there, so that numbers are in the order of ids.
_SHIFT = np.uint64(32)

_ID = (("high", "<u8"), ("low", "<u8"))
_KEY = (*_ID, ("place", "<u8"), ("device", "u1"), ("sketch", "<u4", (SKETCH_NUMBERS,)))
_BAND = (("key", "<u8"), ("kernel", "<u8"))
_KEPT = (("place", "<u8"), ("kernel", "<u8"), ("device", "u1"))
FATE = (("place", "<u8"), *_ID, ("split", "u1"))


class MergeFailed(RuntimeError):
    """A process that merged did not come back; the message says how it ended."""


@dataclass(frozen=True, slots=True)
class Group:
    """Sources in a row, whose rows one task deals with; ``first`` is the number of the first of them."""

    first: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the rows: in ``fates`` a partition for each group, with the rows that are kept, by place.

    ``kept`` counts them by source and split, ``rows`` by split and device.
    """

    groups: tuple[Group, ...]
    fates: Spill
    kept: np.ndarray
    kernels: int
    clusters: int
    duplicates: int
    rows: dict[str, Counter[str]]


def groups_of(sources: Sequence[tuple[Source, int]], rows: int = _ROWS) -> tuple[Group, ...]:
    """Groups of about so many rows; each source comes with how many it has."""
    found: list[Group] = []
    waiting: list[Source] = []
    held = 0
    for number, (source, count) in enumerate(sources, 1):
        waiting.append(source)
        held += count
        if held >= rows or number == len(sources):
            found.append(Group(number - len(waiting), tuple(waiting)))
            waiting, held = [], 0
    return tuple(found)


def merge(workers: Workers, sources: Sequence[tuple[Source, int]], folder: Path, *, scale: float = 1.0) -> Merged:
    """Decide about the rows of the sources, each of which comes with how many it has.

    ``folder`` is for the files between the stages.  ``scale`` makes partitions larger or smaller.
    Raises MergeFailed, Damaged and OSError.
    """
    total = sum(count for _, count in sources)
    groups = groups_of(sources, max(1, int(_ROWS * scale)))
    partitions = max(1, math.ceil(total / (_ROWS * scale)))
    bands = max(1, math.ceil(total * band_keys(np.zeros((1, SKETCH_NUMBERS), "<u4")).size / (_KEYS * scale)))
    ids = Columns(folder / "ids", "<u8", 2)
    sketches = Columns(folder / "sketches", "<u4", SKETCH_NUMBERS)

    keys = Spill(folder / "keys", len(groups), partitions, _KEY)
    every(workers, _scatter_keys, ((number, group, keys) for number, group in enumerate(groups)))
    by_band = Spill(folder / "bands", partitions, bands, _BAND)
    kept = Spill(folder / "kept", partitions, 1, _KEPT)
    distinct = every(workers, _distinct, ((number, keys, ids, sketches, by_band, kept) for number in range(partitions)))
    keys.remove()
    stars = Spill(folder / "edges-0", bands, partitions, components.EDGE)
    every(workers, _near_edges, ((number, by_band, sketches, stars) for number in range(bands)))
    by_band.remove()
    stars = _connected(workers, stars, partitions)
    fates = Spill(folder / "fates", partitions, len(groups), FATE)
    starts = tuple(group.first for group in groups)
    placed = every(workers, _decided, ((number, kept, stars, ids, fates, starts) for number in range(partitions)))
    stars.remove()
    rows = {split: sum((each[split] for _, each in placed), Counter[str]()) for split in SPLITS}
    counts = every(workers, _counted, ((number, group, fates) for number, group in enumerate(groups)))
    return Merged(
        groups=groups,
        fates=fates,
        kept=np.concatenate(counts),
        kernels=sum(kernels for kernels, _ in distinct),
        clusters=sum(clusters for clusters, _ in placed),
        duplicates=sum(duplicates for _, duplicates in distinct),
        rows=rows,
    )


def every(workers: Workers, function: Callable[..., T], tasks: Iterable[tuple[Any, ...]]) -> list[T]:
    """The results of all tasks, which go by files and may be done again.  Raises MergeFailed, and what they raise."""
    begun: list[tuple[Any, ...]] = []

    def asked() -> Iterator[tuple[Any, ...]]:
        for task in tasks:
            begun.append(task)
            yield task

    found: list[T] = []
    for result in workers.in_order(function, asked()):
        task = begun.pop(0)
        if isinstance(result, WorkerError):
            result = in_a_process(function, *task)
        if isinstance(result, WorkerError):
            raise MergeFailed(f"a process that merged {result}")
        found.append(result)
    return found


# ---------------------------------------------------------------------------------------- the kernels


def _scatter_keys(number: int, group: Group, keys: Spill) -> None:
    """The keys of a group's rows, by id."""
    found = [
        (key, at << int(_SHIFT) | row)
        for at, source in enumerate(group.sources, group.first)
        for row, key in enumerate(source.keys())
    ]
    records = np.empty(len(found), keys.dtype)
    names = np.frombuffer(b"".join([bytes.fromhex(key.id) for key, _ in found]), ">u8").reshape(-1, 2)
    records["high"], records["low"] = names[:, 0], names[:, 1]
    records["place"] = [place for _, place in found]
    records["device"] = [DEVICES.index(key.device) for key, _ in found]
    sketches = b"".join([key.sketch for key, _ in found])
    records["sketch"] = np.frombuffer(sketches, "<u4").reshape(-1, SKETCH_NUMBERS)
    keys.write(number, records, _part_of(records["high"], keys.partitions))


def _part_of(hashes: np.ndarray, partitions: int) -> np.ndarray:
    """In which of the partitions a hash is; larger ones are in later partitions."""
    return (hashes >> _SHIFT) * np.uint64(partitions) >> _SHIFT


def _distinct(
    partition: int, keys: Spill, ids: Columns, sketches: Columns, by_band: Spill, kept: Spill
) -> tuple[int, int]:
    """Number the kernels of a partition and keep the first row of each for each device.

    Gives how many kernels there are, and how many rows are dropped.
    """
    found = keys.read(partition)
    found = found[np.lexsort((found["place"], found["low"], found["high"]))]
    first = changes(found["high"], found["low"])
    kernels = found[first]
    numbers = (np.uint64(partition) << _SHIFT) + np.arange(len(kernels), dtype=np.uint64)
    ids.write(partition, np.stack([kernels["high"], kernels["low"]], axis=1))
    sketches.write(partition, kernels["sketch"])
    band = band_keys(kernels["sketch"])
    entries = np.empty(band.size, by_band.dtype)
    entries["key"], entries["kernel"] = band.ravel(), np.repeat(numbers, band.shape[1])
    by_band.write(partition, entries, _part_of(entries["key"], by_band.partitions))

    rows = np.empty(len(found), kept.dtype)
    rows["place"], rows["device"] = found["place"], found["device"]
    rows["kernel"] = numbers[np.cumsum(first) - 1]
    rows = rows[np.lexsort((rows["place"], rows["device"], rows["kernel"]))]
    single = rows[changes(rows["kernel"], rows["device"])]
    kept.write(partition, single, np.zeros(len(single)))
    return len(kernels), len(rows) - len(single)


# --------------------------------------------------------------------------------------- the clusters


def _near_edges(partition: int, by_band: Spill, sketches: Columns, edges: Spill) -> None:
    """Edges between kernels that are near, of those that share a band whose key is in the partition."""
    found = by_band.read(partition)
    found = found[np.argsort(found["key"], kind="stable")]
    # Those that are alone with their key are near nobody.
    first = changes(found["key"])
    found = found[~(first & np.append(first[1:], True))]
    kernels, of = np.unique(found["kernel"], return_inverse=True)
    pairs = kernels[near_in_bands(found["key"], of, sketches.read(kernels))]
    _write_edges(edges, partition, components.edges_of(pairs[:, 0], pairs[:, 1]))


def _write_edges(edges: Spill, task: int, found: np.ndarray, *, one_way: bool = False) -> None:
    found = found if one_way else components.both_ways(found)
    edges.write(task, found, found["here"] >> _SHIFT)


def _connected(workers: Workers, edges: Spill, partitions: int) -> Spill:
    """The same components, with an edge from each kernel to the smallest one of its component, seen both ways."""
    turn = 0
    while True:
        new = 0
        for large in (True, False):
            turn += 1
            made = Spill(edges.folder.with_name(f"edges-{turn}"), partitions, partitions, components.EDGE)
            new += sum(every(workers, _star, ((number, edges, made, large) for number in range(partitions))))
            edges.remove()
            edges = made
        if not new:
            return edges


def _star(partition: int, edges: Spill, made: Spill, large: bool) -> int:
    """One half of a turn for the kernels of a partition; gives how many edges are new."""
    found, new = (components.large_star if large else components.small_star)(edges.read(partition))
    _write_edges(made, partition, found, one_way=large)
    return new


# ------------------------------------------------------------------------------------------- the rows


def _decided(
    partition: int, kept: Spill, stars: Spill, ids: Columns, fates: Spill, starts: tuple[int, ...]
) -> tuple[int, dict[str, Counter[str]]]:
    """Cluster and split of the rows of a partition's kernels, by group.

    Gives how many clusters are named after one of the kernels, and how many rows there are by split and device.
    """
    rows = kept.read_task(partition)
    kernels, at = np.unique(rows["kernel"], return_inverse=True)
    edges = stars.read(partition)
    edges = edges[edges["there"] < edges["here"]]
    roots = kernels.copy()
    roots[np.searchsorted(kernels, edges["here"])] = edges["there"]
    named, cluster = np.unique(roots, return_inverse=True)
    names = ids.read(named)
    splits = np.array([SPLITS.index(split_of(hex_of(*name))) for name in names.tolist()], np.uint8)
    found = np.empty(len(rows), fates.dtype)
    found["place"] = rows["place"]
    found["high"], found["low"] = names[cluster[at], 0], names[cluster[at], 1]
    found["split"] = splits[cluster[at]]
    sources = (rows["place"] >> _SHIFT).astype(np.int64)
    fates.write(partition, found, np.searchsorted(starts, sources, side="right") - 1)
    counts = {split: Counter[str]() for split in SPLITS}
    pairs, numbers = np.unique(np.stack([found["split"], rows["device"]], axis=1), axis=0, return_counts=True)
    for (split, device), number in zip(pairs.tolist(), numbers.tolist(), strict=True):
        counts[SPLITS[split]][DEVICES[device]] += number
    return int(np.count_nonzero(roots == kernels)), counts


def hex_of(high: int, low: int) -> str:
    """An id as a row has it."""
    return f"{high:016x}{low:016x}"


def _counted(number: int, group: Group, fates: Spill) -> np.ndarray:
    """How many rows of each source of a group are kept, for each split."""
    found = fates.read(number)
    counts = np.zeros((len(group.sources), len(SPLITS)), np.int64)
    np.add.at(counts, ((found["place"] >> _SHIFT).astype(np.int64) - group.first, found["split"]), 1)
    return counts
