"""The files of a corpus: rows as compressed JSON lines, as Parquet, or as a JSON file for each.

Whatever the number of rows, no more than a row group of each file is in memory.  The same rows give the same
bytes (of one release of pyarrow, which names itself in every Parquet file).

The rows of a directory are read in the order of the names of its files, folder by folder: those of ``test``
first, then ``train``, then ``validation``.  A row is the same JSON whatever the format of its file.  What is
cut off is noticed here; for a byte that changed there are the checksums in the manifest.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import inspect

from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.directory import COMPLETE, DATA, FORMAT, MANIFEST, whole
from kernelfuzz.corpus.row import IR_TYPES, OLD_KEYS, Row, Split, encode, has_old_keys

PART_ROWS = 50_000
GROUP_ROWS = 1_000

# The files of a split, in the directory of a corpus.
PATTERNS: dict[Format, str] = {
    "jsonl": f"{DATA}/{{split}}-*.jsonl.zst",
    "json": f"{DATA}/{{split}}/**/*.json",
    "parquet": f"{DATA}/{{split}}-*.parquet",
}
FORMATS: tuple[Format, ...] = tuple(PATTERNS)


def write_part(directory: Path, format: Format, split: Split, number: int, rows: Iterable[Row]) -> list[Path]:
    """Write rows of one split into ``directory/data``; gives the files.

    They are part ``number`` of the split, which is one file, except that of the format ``json`` each row is one.
    ``rows`` have the older keys or not, all of them.  A file is there whole or not at all.
    """
    data = directory / DATA
    data.mkdir(parents=True, exist_ok=True)
    return _WRITERS[format](data, f"{split}-{number:05}", rows)


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


def _write_lines(data: Path, name: str, rows: Iterable[Row]) -> list[Path]:
    """A row in each line."""
    path = data / f"{name}.jsonl.zst"
    with whole(path) as partial, pa.CompressedOutputStream(str(partial), "zstd") as stream:
        for row in rows:
            stream.write(encode(row))
    return [path]


def _write_table(data: Path, name: str, rows: Iterable[Row]) -> list[Path]:
    """A Parquet file."""
    path = data / f"{name}.parquet"
    rows = iter(rows)
    group = list(islice(rows, GROUP_ROWS))
    columns = schema(old_keys=bool(group) and has_old_keys(group[0]))
    with whole(path) as partial, pq.ParquetWriter(partial, columns, compression="zstd") as file:
        while group:
            file.write_table(pa.Table.from_pylist([msgspec.to_builtins(row) for row in group], columns))
            group = list(islice(rows, GROUP_ROWS))
    return [path]


def _write_pairs(data: Path, name: str, rows: Iterable[Row]) -> list[Path]:
    """A file for each row, in folders by split, category and device."""
    paths: list[Path] = []
    for row in rows:
        index = row.metadata.index
        name = row.id[:12] if index is None else f"{index:08}-{row.id[:12]}"
        path = data / row.split / row.category / row.device / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(encode(row), indent=2) + b"\n"
        # Two rows of one name would be one file: better none.
        if path.exists() and path.read_bytes() != text:
            raise FileExistsError(errno.EEXIST, "two rows have one name", str(path))
        with whole(path) as partial:
            partial.write_bytes(text)
        paths.append(path)
    return paths


_WRITERS: dict[Format, Callable[[Path, str, Iterable[Row]], list[Path]]] = {
    "jsonl": _write_lines,
    "json": _write_pairs,
    "parquet": _write_table,
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
