"""From shards to data: duplicates are dropped, near duplicates are kept in one split."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kernelfuzz.corpus.card import card
from kernelfuzz.corpus.formats import writing
from kernelfuzz.corpus.near_duplicates import clusters, split_of
from kernelfuzz.corpus.plan import Format, Plan, as_dict, versions
from kernelfuzz.corpus.row import SPLITS, Row, decode
from kernelfuzz.corpus.shard import Entry, Missing, entries_of, head_in
from kernelfuzz.corpus.store import Store


class NothingMade(RuntimeError):
    """Not one row came of a plan."""


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
