"""The file of a shard: a line about it, then two lines for each row, the first of which is for merging.

Compressed, because all shards of a corpus lie beside its data until the last one is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import pyarrow as pa

from kernelfuzz.devices import Device


class Missing(msgspec.Struct, frozen=True):
    """A kernel without a row for a device: ``kind`` is a Failure's, or mismatch, crash, hang or internal."""

    index: int
    device: str
    kind: str
    message: str


class Head(msgspec.Struct, frozen=True):
    """Which kernels a shard is of, how many rows it has of how many of them, and what is missing.

    ``bytes``: the rows of each device, as text.
    """

    start: int
    count: int
    kernels: int
    rows: int
    bytes: dict[str, int]
    missing: tuple[Missing, ...]


class Key(msgspec.Struct, frozen=True):
    """What merging needs to know of a row; ``sketch`` finds others like it."""

    id: str
    device: Device
    sketch: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A row in a shard: what merging needs to know, and its text with the line end."""

    key: Key
    line: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A shard as its file has it, and what it took to make it."""

    data: bytes
    head: Head
    work_seconds: float
    warp_seconds: float


class Damaged(ValueError):
    """A shard's file that is not what was written."""


def head_of(start: int, count: int, entries: Sequence[Entry], missing: Sequence[Missing]) -> Head:
    """The first line of a shard with these rows."""
    size: Counter[str] = Counter()
    for entry in entries:
        size[entry.key.device] += len(entry.line)
    kernels = len({entry.key.id for entry in entries})
    return Head(start, count, kernels, len(entries), dict(sorted(size.items())), tuple(missing))


def encoded(head: Head, entries: Sequence[Entry]) -> bytes:
    """The file of a shard."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(msgspec.json.encode(head) + b"\n")
        for entry in entries:
            stream.write(msgspec.json.encode(entry.key) + b"\n" + entry.line)
    return sink.getvalue().to_pybytes()


_HEAD = msgspec.json.Decoder(Head)
_KEY = msgspec.json.Decoder(Key)


def head_in(data: bytes) -> Head:
    """The first line of a shard.  Raises Damaged."""
    head, _ = _opened(data)
    return head


def entries_of(data: bytes) -> Iterator[Entry]:
    """The rows of a shard.  Raises Damaged."""
    head, lines = _opened(data)
    rows = 0
    for key in lines:
        try:
            entry = Entry(_KEY.decode(key), next(lines, b""))
        except msgspec.DecodeError as error:
            raise Damaged(str(error)) from None
        if not entry.line.endswith(b"\n"):
            raise Damaged("a row is cut off")
        yield entry
        rows += 1
    if rows != head.rows:
        raise Damaged(f"{rows} rows and not {head.rows}")


def _opened(data: bytes) -> tuple[Head, Iterator[bytes]]:
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            text = stream.read()
        lines = iter(text.splitlines(keepends=True))
        return _HEAD.decode(next(lines, b"")), lines
    except (OSError, msgspec.DecodeError) as error:
        raise Damaged(str(error)) from None
