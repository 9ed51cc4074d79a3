"""What tests ask of corpora that are not made by a plan: rows as files, clusters of sketches, engines that fail."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.engines import here
from kernelfuzz.corpus.files import write_part
from kernelfuzz.corpus.merge import Merged, hex_of, merge
from kernelfuzz.corpus.row import SPLITS, Row, with_old_keys
from kernelfuzz.corpus.shard import Key


def write_rows(
    directory: Path, format: Format, rows: Iterable[Row], *, old_keys: bool = False, part_rows: int = 50_000
) -> Path:
    """Write rows, split by split, and give the directory."""
    rows = [with_old_keys(row) if old_keys else row for row in rows]
    for split in SPLITS:
        mine = [row for row in rows if row.split == split]
        for number, start in enumerate(range(0, len(mine), part_rows)):
            write_part(directory, format, split, number, mine[start : start + part_rows])
    return directory


Does: TypeAlias = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Generator[Any, None, None]]


class FakeEngine:
    """An engine that does tasks as a function says."""

    def __init__(self, does: Does) -> None:
        self.does = does

    def __call__(self) -> AbstractContextManager[FakeEngine]:
        return nullcontext(self)

    def in_order(
        self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], *, timeout: float | None = None
    ) -> Generator[Any, None, None]:
        return self.does(function, tasks)


@dataclass(frozen=True, slots=True)
class Keys:
    """Rows that have nothing but keys."""

    of_rows: tuple[Key, ...]

    def keys(self) -> Iterator[Key]:
        return iter(self.of_rows)

    def lines(self) -> Iterator[bytes]:
        raise AssertionError("there are no rows")


def merged(keys: Sequence[Key], folder: Path, *, at_once: int = 1000, scale: float = 1.0) -> Merged:
    """Merge rows of which there are only the keys, so many in each source."""
    sources = [Keys(tuple(keys[start : start + at_once])) for start in range(0, len(keys), at_once)]
    with here() as workers:
        return merge(workers, [(each, len(each.of_rows)) for each in sources], folder, scale=scale)


def clusters(kernels: Iterable[tuple[str, bytes]], *, scale: float = 1.0) -> dict[str, str]:
    """The cluster of each kernel, from a name and a sketch: the least of the names that are linked to it.

    The names become ids that are in the same order.
    """
    named = dict(kernels)
    # Spread over all numbers, as hashes are.
    step = (1 << 128) // (len(named) + 1)
    ids = {name: f"{number * step:032x}" for number, name in enumerate(sorted(named), 1)}
    keys = [Key(ids[name], "cpu", sketch) for name, sketch in named.items()]
    names = {id: name for name, id in ids.items()}
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        result = merged(keys, Path(folder), scale=scale)
        for number in range(len(result.groups)):
            for place, high, low, _ in result.fates.read(number).tolist():
                found[names[keys[(place >> 32) * 1000 + (place & 0xFFFFFFFF)].id]] = names[hex_of(high, low)]
    return found


def id_of(number: int) -> str:
    """An id that nothing else has."""
    return blake2b(b"%d" % number, digest_size=16).hexdigest()
