"""Making a corpus: the shards that are not there yet, and when all are there, the data.

The same plan gives the same bytes, for any engine, in any order of the shards, and however often a run is
killed and started again.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kernelfuzz.corpus.corpus_plan import ALL, Part, Plan, as_dict, versions
from kernelfuzz.corpus.directory import Store
from kernelfuzz.corpus.engines import Engine, Workers, here
from kernelfuzz.corpus.engines import shards as made_by
from kernelfuzz.corpus.publish import Form, publish_rows
from kernelfuzz.corpus.shard import Damaged, Head, Made, Missing, ShardFile

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
    with engine() as workers:
        try:
            last = _make_shards(plan, store, workers, part, summary, progress)
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
                summary.manifest = publish(store, workers, plan, last, command=command)
            if summary.manifest is not None:
                store.sweep()
    summary.work_seconds += time.perf_counter() - merging
    summary.seconds = time.perf_counter() - started
    return summary


def _make_shards(
    plan: Plan,
    store: Store,
    workers: Workers,
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
    with contextlib.closing(made_by(workers, plan, wanted)) as shards:
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


def publish(store: Store, workers: Workers, plan: Plan, shards: int, *, command: str) -> dict[str, Any]:
    """Make the data of a corpus of its shards, all of which are there; gives the manifest.

    Raises NothingMade, MergeFailed, Damaged, and OSError; then the directory is as it was, but for a damaged shard,
    which is taken away.
    """
    sources: list[tuple[ShardFile, int]] = []
    missing: Counter[str] = Counter()
    first: Missing | None = None
    for shard in range(shards):
        source = ShardFile(store.path(shard))
        head = source.head()
        sources.append((source, head.rows))
        missing.update(each.kind for each in head.missing)
        first = first or next(iter(head.missing), None)
    if not any(rows for _, rows in sources):
        raise NothingMade(f"every kernel failed{f', the first at {one_line(first)}' if first else ''}")
    facts: dict[str, Any] = {
        "plan": as_dict(plan),
        "versions": versions(),
        "shards": shards,
        "missing": dict(sorted(missing.items())),
    }
    try:
        return publish_rows(store, workers, sources, facts, Form(plan.format, plan.old_keys), command=command)
    except Damaged as error:
        if error.path is not None:
            error.path.unlink(missing_ok=True)
        raise


def one_line(missing: Missing) -> str:
    """What is missing and why, in one line."""
    message = " ".join(missing.message.split())
    if len(message) > 200:
        message = message[:200] + "..."
    return f"index {missing.index} on {missing.device}: {message}"
