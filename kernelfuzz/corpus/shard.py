"""The file of a shard: what is in it, then a line for each row that is for merging, then the rows.

Each of the three parts is compressed on its own, and what reads one reads no other: a run that goes on wants the
first, a merge the second of all shards before the third of any.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

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
    """Rows that are not what was written; ``path`` is the file of the shard that they are of, if it has one."""

    path: Path | None = None


def head_of(start: int, count: int, entries: Sequence[Entry], missing: Sequence[Missing]) -> Head:
    """The first line of a shard with these rows."""
    size: Counter[str] = Counter()
    for entry in entries:
        size[entry.key.device] += len(entry.line)
    kernels = len({entry.key.id for entry in entries})
    return Head(start, count, kernels, len(entries), dict(sorted(size.items())), tuple(missing))


# A word that tells these files, and how many bytes each part has.
_START = struct.Struct("<4s3Q")
_WORD = b"kfs2"


def encoded(head: Head, entries: Sequence[Entry]) -> bytes:
    """The file of a shard."""
    keys = b"".join(msgspec.json.encode(entry.key) + b"\n" for entry in entries)
    parts = [_packed([msgspec.json.encode(head)]), _packed([keys]), _packed([entry.line for entry in entries])]
    return b"".join([_START.pack(_WORD, *map(len, parts)), *parts])


def _packed(pieces: Sequence[bytes]) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        for piece in pieces:
            stream.write(piece)
    return sink.getvalue().to_pybytes()


class Source(Protocol):
    """Rows in order, wherever they lie; sent to those who read them."""

    def keys(self) -> Iterator[Key]:
        """What merging needs to know of each row."""
        ...

    def lines(self) -> Iterator[bytes]:
        """The text of each row."""
        ...


_HEAD = msgspec.json.Decoder(Head)
_KEY = msgspec.json.Decoder(Key)


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A shard on disk.  What reads it raises Damaged where it is not what was written, and OSError."""

    path: Path

    def head(self) -> Head:
        """What the shard says about itself."""
        with self._read(0) as text:
            return _HEAD.decode(text)

    def keys(self) -> Iterator[Key]:
        with self._read(1) as text:
            yield from map(_KEY.decode, text.splitlines())

    def lines(self) -> Iterator[bytes]:
        with self._read(2) as text:
            yield from text.splitlines(keepends=True)

    @contextlib.contextmanager
    def _read(self, number: int) -> Iterator[bytes]:
        """The text of a part."""
        try:
            with self.path.open("rb") as file:
                text = _unpacked(file, number)
            yield text
        except (Damaged, msgspec.DecodeError) as error:
            damaged = Damaged(f"{self.path.name}: {error}")
            damaged.path = self.path
            raise damaged from None


def entries_of(data: bytes) -> Iterator[Entry]:
    """The rows of a shard that is in memory.  Raises Damaged."""
    keys, lines = (_unpacked(io.BytesIO(data), number).splitlines(keepends=True) for number in (1, 2))
    return (Entry(_KEY.decode(key), line) for key, line in zip(keys, lines, strict=True))


def _unpacked(file: BinaryIO, number: int) -> bytes:
    """One part of a shard.  Raises Damaged, also where only another part is cut off."""
    try:
        word, *sizes = _START.unpack(file.read(_START.size))
        if word != _WORD or file.seek(0, os.SEEK_END) != _START.size + sum(sizes):
            raise Damaged("it is cut off, or of another version of kernelfuzz")
        file.seek(_START.size + sum(sizes[:number]))
        with pa.CompressedInputStream(pa.BufferReader(file.read(sizes[number])), "zstd") as stream:
            return stream.read()
    except struct.error:
        raise Damaged("it is cut off") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise Damaged(str(error)) from None
