"""The files of a corpus: rows as compressed JSON lines, as Parquet, or as a JSON file for each.

Whatever the number of rows, no more than a row group of each split is in memory.  The same rows give the same
bytes (of one release of pyarrow, which names itself in every Parquet file).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import inspect

from kernelfuzz.corpus.plan import Format
from kernelfuzz.corpus.row import OLD_KEYS, Row, Split, encode, with_old_keys
from kernelfuzz.corpus.store import DATA

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
    type_, said = field.type, None
    if isinstance(type_, inspect.Metadata):
        type_, said = type_.type, type_.extra_json_schema
    choices = type_.types if isinstance(type_, inspect.UnionType) else (type_,)
    (something,) = (each for each in choices if not isinstance(each, inspect.NoneType))
    nullable = len(choices) > 1 or not field.required
    return pa.field(field.name, _arrow(something), nullable, metadata=said)


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
