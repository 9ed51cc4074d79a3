"""Making a corpus: the shards that are not there yet, and when all are there, the data.

The same plan gives the same bytes, for any engine, in any order of the shards, and however often a run is
killed and started again.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kernelfuzz.corpus.card import card
from kernelfuzz.corpus.corpus_plan import ALL, Format, Part, Plan, as_dict, versions
from kernelfuzz.corpus.directory import Store
from kernelfuzz.corpus.engines import Engine, here
from kernelfuzz.corpus.files import writing
from kernelfuzz.corpus.near_duplicates import clusters, split_of
from kernelfuzz.corpus.row import SPLITS, Row, decode
from kernelfuzz.corpus.shard import Entry, Head, Made, Missing, entries_of, head_in

_MEGABYTE = 1_000_000

# After this many shards without a row for some device, megabytes of such rows are out of reach.
_BARREN = 4


@dataclass(slots=True)
class Summary:
    """What there is of a plan.

    ``pairs`` and ``kernels`` count the rows and the kernels that have one, before duplicates are dropped;
    ``resumed`` is how many kernels were there before.  The times are those of this run: ``work_seconds`` is
    summed over the jobs, without importing Warp, and ``warp_seconds`` is the part of it that Warp needed.
    ``manifest`` is that of the data, None while shards are missing that are not this run's to make.
    """

    pairs: int = 0
    kernels: int = 0
    resumed: int = 0
    seconds: float = 0.0
    work_seconds: float = 0.0
    warp_seconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter[str])
    first_missing: Missing | None = None
    manifest: dict[str, Any] | None = None

    def add(self, head: Head, made: Made | None) -> None:
        """Count a shard in, and what it took where it was made now."""
        self.pairs += head.rows
        self.kernels += head.kernels
        if made is None:
            self.resumed += head.kernels
        else:
            self.work_seconds += made.work_seconds
            self.warp_seconds += made.warp_seconds
        self.failures.update(each.kind for each in head.missing)
        if self.first_missing is None and head.missing:
            self.first_missing = head.missing[0]

    def to_dict(self) -> dict[str, object]:
        """The numbers as ``kernelfuzz corpus --json`` prints them."""
        manifest = self.manifest or {}
        return {
            "complete": self.manifest is not None,
            "pairs": self.pairs,
            "kernels": self.kernels,
            "distinct": manifest.get("kernels"),
            "duplicates": manifest.get("duplicates"),
            "clusters": manifest.get("clusters"),
            "rows": manifest.get("rows"),
            "resumed": self.resumed,
            "seconds": round(self.seconds, 3),
            "pairs_per_second": round(self.pairs / self.seconds, 2) if self.seconds else 0.0,
            "work_seconds": round(self.work_seconds, 3),
            "warp_seconds": round(self.warp_seconds, 3),
            "overhead": round(self.work_seconds / self.warp_seconds, 3) if self.warp_seconds else None,
            "failures": dict(sorted(self.failures.items())),
            "first_failure": msgspec.structs.asdict(self.first_missing) if self.first_missing else None,
        }


def produce(
    plan: Plan,
    store: Store,
    *,
    engine: Engine = here,
    part: Part = ALL,
    command: str = "",
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Make what is missing of a corpus; ``store`` was opened with the plan, and is not complete.

    ``progress`` is called with the number of kernels that are there, after each shard.  ``command`` is what
    the card says to make the same corpus with.  Raises UnsupportedWarp, NothingMade, and OSError where
    something cannot be written: what is there then is kept.
    """
    started = time.perf_counter()
    summary = Summary()
    try:
        last = _make_shards(plan, store, engine, part, summary, progress)
    except FileNotFoundError:
        # Where there are no locks, another run may have finished the corpus and taken the shards away.
        if not store.is_complete():
            raise
        last = 0
    merging = time.perf_counter()
    with store.locked():
        if store.is_complete():
            summary.manifest = store.manifest()
        elif all(store.path(shard).exists() for shard in range(last)):
            summary.manifest = publish(store, plan, last, command=command)
        if summary.manifest is not None:
            store.sweep()
    summary.work_seconds += time.perf_counter() - merging
    summary.seconds = time.perf_counter() - started
    return summary


def _make_shards(
    plan: Plan,
    store: Store,
    engine: Engine,
    part: Part,
    summary: Summary,
    progress: Callable[[int], None] | None,
) -> int:
    """Make this run's shards; gives how many shards the corpus has in all."""
    heads = store.heads()
    size: Counter[str] = Counter()
    done = 0
    # The engine looks ahead of this loop, so both go by what was there at the start.
    wanted = (plan.span(number) for number in _numbers(plan, part) if number not in heads)
    with contextlib.closing(engine(plan, wanted)) as shards:
        for number in _numbers(plan, part):
            made = None if number in heads else next(shards)
            head = heads[number] if made is None else made.head
            if made is not None:
                writing = time.perf_counter()
                store.write(store.path(number), made.data)
                summary.work_seconds += time.perf_counter() - writing
            summary.add(head, made)
            done += head.count
            if progress is not None:
                progress(done)
            size.update(head.bytes)
            if plan.target_mb is not None:
                least = min(size[each] for each in plan.devices)
                if least >= plan.target_mb * _MEGABYTE:
                    return number + 1
                if least == 0 and number + 1 >= _BARREN and summary.first_missing is not None:
                    raise NothingMade(
                        f"{done} kernels gave no row for some device, the first at {one_line(summary.first_missing)}"
                    )
    assert plan.shards is not None, "only a number of megabytes has shards without end"
    return plan.shards


def _numbers(plan: Plan, part: Part) -> Iterator[int]:
    if plan.shards is None:
        return itertools.count()
    return iter(range(part.index, plan.shards, part.count))


# --------------------------------------------------------------------------------- from shards to data


class NothingMade(RuntimeError):
    """A plan has made no row."""


@dataclass(slots=True)
class _Counts:
    rows: dict[str, Counter[str]] = field(default_factory=lambda: {split: Counter() for split in SPLITS})
    duplicates: int = 0


def publish(store: Store, plan: Plan, shards: int, *, command: str) -> dict[str, Any]:
    """Make the data of a corpus of its shards, all of which are there; gives the manifest.

    Raises NothingMade, Damaged, and OSError; then the directory is as it was.
    """
    missing = [each for shard in range(shards) for each in head_in(store.path(shard).read_bytes()).missing]
    facts: dict[str, Any] = {
        "plan": as_dict(plan),
        "versions": versions(),
        "shards": shards,
        "missing": dict(sorted(Counter(each.kind for each in missing).items())),
    }

    def entries() -> Iterator[Entry]:
        for shard in range(shards):
            yield from entries_of(store.path(shard).read_bytes())

    if next(entries(), None) is None:
        raise NothingMade(_first(missing))
    return publish_entries(store, entries, facts, format=plan.format, old_keys=plan.old_keys, command=command)


def publish_entries(
    store: Store,
    entries: Callable[[], Iterable[Entry]],
    facts: dict[str, Any],
    *,
    format: Format,
    old_keys: bool,
    command: str,
) -> dict[str, Any]:
    """The data of a corpus from its rows, which ``entries()`` gives in order as often as it is called."""
    cluster_of = clusters(_distinct(entries()))
    counts = _Counts()
    with store.staging() as staged:
        with writing(staged, format, old_keys=old_keys) as write:
            for row in _placed(entries(), cluster_of, counts):
                write(row)
        manifest = {
            **facts,
            "kernels": len(cluster_of),
            "clusters": len(set(cluster_of.values())),
            "duplicates": counts.duplicates,
            "rows": {split: dict(sorted(rows.items())) for split, rows in counts.rows.items() if rows},
            "files": _checksums(staged),
        }
        store.complete(manifest, staged, card(staged, manifest, command=command))
    return manifest


def _placed(entries: Iterable[Entry], cluster_of: Mapping[str, str], counts: _Counts) -> Iterator[Row]:
    """Each distinct row once, with its cluster and its split."""
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        pair = (entry.key.id, entry.key.device)
        if pair in seen:
            counts.duplicates += 1
            continue
        seen.add(pair)
        cluster = cluster_of[entry.key.id]
        split = split_of(cluster)
        counts.rows[split][entry.key.device] += 1
        yield msgspec.structs.replace(decode(entry.line), near_duplicate_cluster=cluster, split=split)


def _distinct(entries: Iterable[Entry]) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for entry in entries:
        if entry.key.id not in seen:
            seen.add(entry.key.id)
            yield entry.key.id, entry.key.sketch


def _checksums(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _first(missing: list[Missing]) -> str:
    if not missing:
        return "every kernel failed"
    return f"every kernel failed, the first at {one_line(missing[0])}"


def one_line(missing: Missing) -> str:
    """What is missing and why, in one line."""
    message = " ".join(missing.message.split())
    if len(message) > 200:
        message = message[:200] + "..."
    return f"index {missing.index} on {missing.device}: {message}"
