"""Reading a corpus: the rows of a directory or of a file, one after the other.

The rows of a directory come in the order of the names of its files, folder by folder: those of ``test``
first, then ``train``, then ``validation``.  A row is the same JSON whatever the format of its file.  What is
cut off is noticed here; for a byte that changed there are the checksums in the manifest.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from kernelfuzz.corpus.row import IR_TYPES, OLD_KEYS
from kernelfuzz.corpus.store import COMPLETE, DATA, FORMAT, MANIFEST

# Rows of a Parquet file that are in memory as Python objects.
_BATCH = 100


class Unreadable(ValueError):
    """What is no corpus, or not whole; the message names the file and what is wrong with it."""


# A place, as 'data/train-00000.jsonl.zst:17', and the row there or what is wrong.  Numbers start at 1.
Placed: TypeAlias = tuple[str, dict[str, Any] | Unreadable]


def rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """The rows of a corpus, or of a .jsonl, .jsonl.zst, .parquet or .json file.

    Raises Unreadable at the first that cannot be read.
    """
    return _or_raise(placed(path))


def data_rows(directory: str | Path) -> Iterator[dict[str, Any]]:
    """The rows of a corpus that has no manifest yet.  Raises Unreadable."""
    return _or_raise(_in_directory(Path(directory)))


def placed(path: str | Path) -> Iterator[Placed]:
    """As ``rows``, with the place of each, and past what cannot be read.

    Places in a directory are relative to it.  Raises Unreadable where there is no corpus, or none yet.
    """
    path = Path(path)
    if not path.is_dir():
        yield from _in_file(path, str(path))
        return
    found = manifest(path)
    if found.get("state") != COMPLETE:
        raise Unreadable(f"{path} is not finished: run the corpus command that made it again")
    for name in sorted(found.get("files", ())):
        if not (path / name).is_file():
            yield name, Unreadable(f"{name} is missing: {path / MANIFEST} lists it")
    yield from _in_directory(path)


def manifest(directory: str | Path) -> dict[str, Any]:
    """What a corpus says about itself, finished or not.  Raises Unreadable."""
    path = Path(directory) / MANIFEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise Unreadable(f"there is no corpus in {directory}: it has no {MANIFEST}") from None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from None
    if found.get("format") != FORMAT:
        raise Unreadable(f"{path} is not the manifest of a corpus of this version of kernelfuzz")
    return found


def _or_raise(found: Iterator[Placed]) -> Iterator[dict[str, Any]]:
    for _, row in found:
        if isinstance(row, Unreadable):
            raise row
        yield row


def _in_directory(directory: Path) -> Iterator[Placed]:
    for path in _files(directory / DATA):
        yield from _in_file(path, path.relative_to(directory).as_posix())


def _files(folder: Path) -> Iterator[Path]:
    """What lies in a folder, by name; what is hidden was not put there by us."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _files(path)
        elif not path.name.startswith("."):
            yield path


def _in_file(path: Path, name: str) -> Iterator[Placed]:
    read = next((read for suffix, read in _READERS.items() if path.name.endswith(suffix)), None)
    if read is None:
        yield name, Unreadable(f"{name} is none of {', '.join(_READERS)}")
    elif not path.is_file():
        yield name, Unreadable(f"there is no file {name}")
    else:
        try:
            yield from read(path, name)
        except OSError as error:
            yield name, Unreadable(f"{name} cannot be read: {error}")


# ------------------------------------------------------------------------------------------ the formats


def _lines(path: Path, name: str) -> Iterator[Placed]:
    with path.open("rb") as file:
        yield from _in_stream(file, name)


def _compressed_lines(path: Path, name: str) -> Iterator[Placed]:
    if path.stat().st_size == 0:
        # To pyarrow that is a whole file, of nothing.
        yield name, Unreadable(f"{name} is empty")
        return
    with pa.CompressedInputStream(str(path), "zstd") as stream, io.BufferedReader(stream) as file:
        yield from _in_stream(file, name)


def _in_stream(file: io.BufferedIOBase, name: str) -> Iterator[Placed]:
    number = 0
    while True:
        number += 1
        place = f"{name}:{number}"
        try:
            line = file.readline()
        except OSError as error:
            yield place, Unreadable(f"{name} is damaged or cut off: {error}")
            return
        if not line:
            return
        yield place, _decoded(line, place)


def _decoded(text: bytes, place: str) -> dict[str, Any] | Unreadable:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "is cut off" if "truncated" in str(error) else f"is not a JSON object: {error}"
        return Unreadable(f"{place} {what}")


def _pair(path: Path, name: str) -> Iterator[Placed]:
    yield name, _decoded(path.read_bytes(), name)


def _table(path: Path, name: str) -> Iterator[Placed]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{name}:{number}", _without_empty_columns(row)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        yield f"{name}:{number + 1}", Unreadable(f"{name} is damaged or not a Parquet file: {error}")


def _without_empty_columns(row: dict[str, Any]) -> dict[str, Any]:
    """The row as JSON has it: with the older keys of its own language only."""
    language = IR_TYPES.get(row.get("device", ""))
    return {name: value for name, value in row.items() if name not in OLD_KEYS or name.startswith(f"{language}_")}


_READERS: dict[str, Callable[[Path, str], Iterator[Placed]]] = {
    ".jsonl": _lines,
    ".jsonl.zst": _compressed_lines,
    ".parquet": _table,
    ".json": _pair,
}
