"""The files of a corpus: rows as compressed JSON lines, as Parquet, or as a JSON file for each.

Whatever the number of rows, no more than a row group of each split is in memory.  The same rows give the same
bytes (of one release of pyarrow, which names itself in every Parquet file).

The rows of a directory are read in the order of the names of its files, folder by folder: those of ``test``
first, then ``train``, then ``validation``.  A row is the same JSON whatever the format of its file.  What is
cut off is noticed here; for a byte that changed there are the checksums in the manifest.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import inspect

from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.directory import COMPLETE, DATA, FORMAT, MANIFEST
from kernelfuzz.corpus.row import IR_TYPES, OLD_KEYS, Row, Split, encode, with_old_keys

PART_ROWS = 50_000
GROUP_ROWS = 1_000

# The files of a split, in the directory of a corpus.
PATTERNS: dict[Format, str] = {
    "jsonl": f"{DATA}/{{split}}-*.jsonl.zst",
    "json": f"{DATA}/{{split}}/**/*.json",
    "parquet": f"{DATA}/{{split}}-*.parquet",
}
FORMATS: tuple[Format, ...] = tuple(PATTERNS)


@contextmanager
def writing(
    directory: Path, format: Format, *, old_keys: bool = False, part_rows: int = PART_ROWS
) -> Iterator[Callable[[Row], None]]:
    """A function that adds a row to the files in ``directory/data``, which must not exist yet.

    The files are whole when the context is left: until then the directory should have another name.
    ``old_keys`` adds the columns of older pipelines; a file has at most ``part_rows`` rows of a split.
    """
    data = directory / DATA
    data.mkdir(parents=True)
    with closing(_WRITERS[format](data, schema(old_keys=old_keys), part_rows)) as writer:
        yield (lambda row: writer.write(with_old_keys(row))) if old_keys else writer.write


# ---------------------------------------------------------------------------------------------- schema


def schema(*, old_keys: bool = False) -> pa.Schema:
    """The columns of a row, with what row.py says about them as the fields' metadata."""
    columns = _arrow(inspect.type_info(Row))
    return pa.schema([each for each in columns if old_keys or each.name not in OLD_KEYS])


def description(field: pa.Field) -> str:
    """What row.py says about a field of the schema; empty where the name says it all."""
    return (field.metadata or {}).get(b"description", b"").decode()


def _field(field: inspect.Field) -> pa.Field:
    type_, extra = field.type, None
    if isinstance(type_, inspect.Metadata):
        type_, extra = type_.type, type_.extra_json_schema
    choices = type_.types if isinstance(type_, inspect.UnionType) else (type_,)
    (something,) = (each for each in choices if not isinstance(each, inspect.NoneType))
    nullable = len(choices) > 1 or not field.required
    return pa.field(field.name, _arrow(something), nullable, metadata=extra)


def _arrow(type_: inspect.Type) -> pa.DataType:
    match type_:
        case inspect.StructType(fields=fields):
            return pa.struct([_field(each) for each in fields])
        case inspect.VarTupleType(item_type=item):
            return pa.list_(pa.field("element", _arrow(item), nullable=False))
        case inspect.StrType() | inspect.LiteralType():
            return pa.string()
        case inspect.IntType():
            return pa.int64()
        case inspect.BoolType():
            return pa.bool_()
        case _:
            raise TypeError(f"no column is of type {type_}")


# --------------------------------------------------------------------------------------------- writers


class _Writer(Protocol):
    def write(self, row: Row) -> None: ...

    def close(self) -> None: ...


class _Lines:
    """A file with a row in each line."""

    SUFFIX = ".jsonl.zst"

    def __init__(self, path: Path, columns: pa.Schema) -> None:
        self._stream = pa.CompressedOutputStream(str(path), "zstd")

    def write(self, row: Row) -> None:
        self._stream.write(encode(row))

    def close(self) -> None:
        self._stream.close()


class _Table:
    """A Parquet file."""

    SUFFIX = ".parquet"

    def __init__(self, path: Path, columns: pa.Schema) -> None:
        self._columns = columns
        self._file = pq.ParquetWriter(path, columns, compression="zstd")
        self._group: list[dict[str, Any]] = []

    def write(self, row: Row) -> None:
        self._group.append(msgspec.to_builtins(row))
        if len(self._group) == GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        try:
            if self._group:
                self._write_group()
        finally:
            self._file.close()

    def _write_group(self) -> None:
        self._file.write_table(pa.Table.from_pylist(self._group, self._columns))
        self._group.clear()


class _Parts:
    """A file for each split that has rows, and another when it is full."""

    def __init__(self, part: type[_Lines] | type[_Table], data: Path, columns: pa.Schema, part_rows: int) -> None:
        self._part, self._data, self._columns, self._part_rows = part, data, columns, part_rows
        self._written: Counter[Split] = Counter()
        self._open: dict[Split, _Writer] = {}

    def write(self, row: Row) -> None:
        number, used = divmod(self._written[row.split], self._part_rows)
        if used == 0:
            self._close(row.split)
            path = self._data / f"{row.split}-{number:05}{self._part.SUFFIX}"
            self._open[row.split] = self._part(path, self._columns)
        self._open[row.split].write(row)
        self._written[row.split] += 1

    def close(self) -> None:
        for split in list(self._open):
            self._close(split)

    def _close(self, split: Split) -> None:
        if split in self._open:
            self._open.pop(split).close()


class _Pairs:
    """A file for each row, in folders by split, category and device."""

    def __init__(self, data: Path, columns: pa.Schema, part_rows: int) -> None:
        self._data = data

    def write(self, row: Row) -> None:
        index = row.metadata.index
        name = row.id[:12] if index is None else f"{index:08}-{row.id[:12]}"
        path = self._data / row.split / row.category / row.device / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two rows of one name would be one file: better none.
        with path.open("xb") as file:
            file.write(msgspec.json.format(encode(row), indent=2) + b"\n")

    def close(self) -> None:
        pass


_WRITERS: dict[Format, Callable[[Path, pa.Schema, int], _Writer]] = {
    "jsonl": partial(_Parts, _Lines),
    "json": _Pairs,
    "parquet": partial(_Parts, _Table),
}


# --------------------------------------------------------------------------------------------- reading

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
    except NotADirectoryError:
        raise Unreadable(f"{directory} is a file: a corpus is a directory, which has a {MANIFEST}") from None
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
