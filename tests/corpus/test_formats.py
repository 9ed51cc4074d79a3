"""What is written comes back, in every format, and what is damaged says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import write_rows as write  # pyright: ignore[reportMissingImports]

import kernelfuzz
from kernelfuzz.analysis.fingerprint import canonical_tokens, hashed
from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.files import FORMATS, GROUP_ROWS, Unreadable, data_rows, manifest, placed, rows, schema
from kernelfuzz.corpus.row import (
    IR_TYPES,
    LICENSE,
    SPLITS,
    Argument,
    Inputs,
    Metadata,
    Row,
    Run,
    Setting,
    Tensor,
    Verified,
    encode,
    with_old_keys,
)
from kernelfuzz.toolchain import Lowering

RUN = Run(
    inputs=(Tensor("a0", "float32", (2,), ("1.5", "nan")),),
    outputs=(Tensor("s0.x", "int64", (0, 3), ()),),
    reference="agrees",
    tolerance_ulp=0,
)


def made(count: int) -> Iterator[Row]:
    """Rows of real kernels.  Every second kernel is without an adjoint, every third one ran."""
    for index in range(count):
        kernel = kernelfuzz.generate(seed=0, index=index, size="small")
        for device, ir_type in IR_TYPES.items():
            lowering = kernelfuzz.lower(kernel, device, backward=index % 2 == 1)
            assert isinstance(lowering, Lowering)
            (code,) = lowering.kernels
            id = hashed(canonical_tokens(kernel))
            yield Row(
                id=id,
                python_source=kernelfuzz.render(kernel),
                category=("vector", "atomic")[index % 2],
                features=("loops", "vectors")[: index % 3],
                description="Writes an array.",
                arg_types=tuple(Argument(name, type_) for name, type_ in code.arg_types),
                device=device,
                ir_type=ir_type,
                ir_forward=code.forward,
                ir_backward=code.backward,
                ir_functions=code.functions,
                ir_structs=code.structs,
                generated_code=None,
                ptx=None,
                cubin=None,
                launch=Inputs(dim=(4, 2), tiled=False, seed=f"launch {id}"),
                io=RUN if index % 3 == 2 else None,
                verified=Verified(lowered=True, ran=True if index % 3 == 2 else None),
                metadata=Metadata(
                    kernel_name=code.name,
                    mangled_name=code.mangled_name,
                    category=("vector", "atomic")[index % 2],
                    device=device,
                    ir_type=ir_type,
                    seed=0,
                    index=index,
                    num_params=len(kernel.params),
                    num_lines=5,
                    nesting=1,
                    num_nodes=20,
                    module_id="0",
                    warp_version="1.19.0",
                    kernelfuzz_version=kernelfuzz.__version__,
                    grammar_version=1,
                    options=(Setting("max_unroll", "16"),),
                    has_backward=code.backward is not None,
                ),
                near_duplicate_cluster=id,
                split=SPLITS[max(0, index - 3)],
                license=LICENSE,
            )


@pytest.fixture(scope="module")
def real() -> list[Row]:
    """Twelve rows: eight for training, two for each other split."""
    return list(made(6))


def as_json(row: Row) -> dict[str, Any]:
    return json.loads(encode(row))


def ordered(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["metadata"]["index"], row["device"]))


def files(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


def complete(directory: Path, **changes: Any) -> Path:
    """The directory with the manifest of a complete corpus."""
    said = {"format": 1, "state": "complete", "files": dict.fromkeys(files(directory), ""), **changes}
    (directory / "manifest.json").write_text(json.dumps(said))
    return directory


# --------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("old_keys", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_rows_come_back_as_they_were(format: Format, old_keys: bool, real: list[Row], tmp_path: Path) -> None:
    directory = complete(write(tmp_path / "corpus", format, real, old_keys=old_keys))
    expected = [as_json(with_old_keys(row) if old_keys else row) for row in real]
    assert ordered(rows(directory)) == ordered(expected)
    assert ordered(data_rows(directory)) == ordered(expected)
    # The text as well: the order of the keys, and true is not 1.
    assert {json.dumps(row) for row in rows(directory)} == {json.dumps(row) for row in expected}


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_rows_give_the_same_bytes(format: Format, real: list[Row], tmp_path: Path) -> None:
    first, second = (files(write(tmp_path / name, format, real)) for name in ("one", "two"))
    assert first == second
    assert first


@pytest.mark.parametrize(("format", "suffix"), [("jsonl", "jsonl.zst"), ("parquet", "parquet")])
def test_a_full_part_is_followed_by_another(format: Format, suffix: str, real: list[Row], tmp_path: Path) -> None:
    directory = write(tmp_path, format, real, part_rows=3)
    sizes = {name: len(list(rows(directory / name))) for name in sorted(files(directory))}
    assert sizes == {
        f"data/test-00000.{suffix}": 2,
        f"data/train-00000.{suffix}": 3,
        f"data/train-00001.{suffix}": 3,
        f"data/train-00002.{suffix}": 2,
        f"data/validation-00000.{suffix}": 2,
    }
    in_order = [row for split in sorted(SPLITS) for row in real if row.split == split]
    assert list(data_rows(directory)) == [as_json(row) for row in in_order]


@pytest.mark.parametrize("format", FORMATS)
def test_a_split_without_rows_has_no_file(format: Format, real: list[Row], tmp_path: Path) -> None:
    directory = write(tmp_path, format, [row for row in real if row.split == "test"])
    assert files(directory)
    assert all(name.startswith("data/test") for name in files(directory))


def test_lines_are_those_of_the_rows(real: list[Row], tmp_path: Path) -> None:
    write(tmp_path, "jsonl", real)
    with pa.CompressedInputStream(str(tmp_path / "data/train-00000.jsonl.zst"), "zstd") as stream:
        assert stream.read() == b"".join(encode(row) for row in real if row.split == "train")


def test_files_of_pairs_are_named_by_what_they_are(real: list[Row], tmp_path: Path) -> None:
    row = real[3]
    nameless = msgspec.structs.replace(row, metadata=msgspec.structs.replace(row.metadata, index=None))
    directory = write(tmp_path, "json", [row, nameless])
    folder = "data/train/atomic/cuda"
    assert set(files(directory)) == {f"{folder}/00000001-{row.id[:12]}.json", f"{folder}/{row.id[:12]}.json"}
    text = (tmp_path / folder / f"{row.id[:12]}.json").read_text()
    assert text == json.dumps(as_json(nameless), indent=2, ensure_ascii=False) + "\n"


def test_no_pair_takes_the_file_of_another(real: list[Row], tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        write(tmp_path, "json", [real[0], msgspec.structs.replace(real[0], description="another")])


@pytest.mark.parametrize("old_keys", [False, True])
def test_every_part_has_the_schema(old_keys: bool, real: list[Row], tmp_path: Path) -> None:
    # The first two rows have no io, no ir_backward, no features: nothing to guess a type from.
    assert not any(row.io or row.ir_backward or row.features for row in real[:2])
    write(tmp_path, "parquet", real, old_keys=old_keys, part_rows=2)
    columns = schema(old_keys=old_keys)
    for path in (tmp_path / "data").iterdir():
        assert pq.read_schema(path).equals(columns, check_metadata=True)
    assert columns.field("features").type == pa.list_(pa.field("element", pa.string(), nullable=False))
    assert columns.field("io").type.field("tolerance_ulp").type == pa.int64()
    assert columns.field("io").nullable
    assert not columns.field("id").nullable
    assert ("cpp_forward" in columns.names) == old_keys


def test_groups_of_rows_are_small(real: list[Row], tmp_path: Path) -> None:
    write(tmp_path, "parquet", [real[0]] * (2 * GROUP_ROWS + 1))
    found = pq.read_metadata(tmp_path / "data/train-00000.parquet")
    groups = [found.row_group(at) for at in range(found.num_row_groups)]
    assert [group.num_rows for group in groups] == [GROUP_ROWS, GROUP_ROWS, 1]
    assert {groups[0].column(at).compression for at in range(found.num_columns)} == {"ZSTD"}


# --------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_read_by_itself(format: Format, real: list[Row], tmp_path: Path) -> None:
    write(tmp_path, format, real[:1])
    (name,) = files(tmp_path)
    assert list(rows(tmp_path / name)) == [as_json(real[0])]


@pytest.mark.parametrize(("format", "suffix"), [("jsonl", "jsonl.zst"), ("parquet", "parquet")])
def test_places_are_relative_and_numbered_from_1(format: Format, suffix: str, real: list[Row], tmp_path: Path) -> None:
    directory = complete(write(tmp_path, format, real, part_rows=2))
    assert [place for place, _ in placed(directory)][:4] == [
        f"data/test-00000.{suffix}:1",
        f"data/test-00000.{suffix}:2",
        f"data/train-00000.{suffix}:1",
        f"data/train-00000.{suffix}:2",
    ]


def test_plain_lines_are_read(real: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b"".join(map(encode, real)))
    assert [place for place, _ in placed(path)] == [f"{path}:{number}" for number in range(1, 13)]
    assert list(rows(path)) == [as_json(row) for row in real]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b'{"id": "a",', "is cut off"),
        (b'{"id": "a', "is not a JSON object"),
        (b"\n", "is cut off"),
        (b'["id"]\n', "is not a JSON object"),
        (b'{"id": \xff}\n', "is not a JSON object"),
        (b'{"id":' * 100_000, "is not a JSON object"),
    ],
)
def test_a_bad_line_is_named_and_passed(line: bytes, wrong: str, real: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(encode(real[0]) + line.removesuffix(b"\n") + b"\n" + encode(real[1]))
    (_, first), (place, bad), (_, last) = placed(path)
    assert (first, last) == (as_json(real[0]), as_json(real[1]))
    assert place == f"{path}:2"
    assert isinstance(bad, Unreadable)
    assert str(bad).startswith(f"{path}:2 {wrong}")
    with pytest.raises(Unreadable, match=r"corpus\.jsonl:2 "):
        list(rows(path))


@pytest.mark.parametrize("format", FORMATS)
def test_wherever_a_file_is_cut_off_it_says_so(format: Format, real: list[Row], tmp_path: Path) -> None:
    write(tmp_path, format, real[:2])
    name, whole = min(files(tmp_path).items())
    # Not the last byte of a .json file: that is a line end, which nobody misses.
    ends = {*range(12), *range(0, len(whole) - 1, len(whole) // 100), *range(len(whole) - 12, len(whole) - 1)}
    for end in ends:
        (tmp_path / name).write_bytes(whole[:end])
        with pytest.raises(Unreadable, match=name):
            list(rows(tmp_path / name))


def test_the_last_line_may_lack_its_end(real: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(encode(real[0]).rstrip())
    assert list(rows(path)) == [as_json(real[0])]


@pytest.mark.parametrize("format", FORMATS)
def test_reading_goes_on_after_a_bad_file(format: Format, real: list[Row], tmp_path: Path) -> None:
    directory = complete(write(tmp_path, format, real))
    before = dict(placed(directory))
    name, whole = min(files(directory / "data").items())
    (directory / "data" / name).write_bytes(whole[:-9])
    after = list(placed(directory))
    (bad,) = [(place, row) for place, row in after if isinstance(row, Unreadable)]
    assert bad[0] == f"data/{name}" + ("" if format == "json" else ":1")
    assert f"data/{name}" in str(bad[1])
    others = {place: row for place, row in before.items() if not place.startswith(f"data/{name}")}
    assert len(others) >= 10
    assert others.items() <= dict(after).items()
    with pytest.raises(Unreadable, match=name):
        list(rows(directory))


def test_what_is_no_parquet_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no table\n" * 10)
    with pytest.raises(Unreadable, match=r"a\.parquet is damaged or not a Parquet file"):
        list(rows(tmp_path / "a.parquet"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    with pytest.raises(Unreadable, match=r"a\.csv is none of \.jsonl, \.jsonl\.zst, \.parquet, \.json"):
        list(rows(tmp_path / "a.csv"))
    with pytest.raises(Unreadable, match=r"there is no file .*b\.parquet"):
        list(rows(tmp_path / "b.parquet"))


def test_a_missing_file_is_noticed(real: list[Row], tmp_path: Path) -> None:
    directory = complete(write(tmp_path, "jsonl", real, part_rows=4))
    (directory / "data/train-00001.jsonl.zst").unlink()
    with pytest.raises(Unreadable, match=r"data/train-00001\.jsonl\.zst is missing"):
        list(rows(directory))
    found = list(placed(directory))
    assert found[0][0] == "data/train-00001.jsonl.zst"
    assert len(found) == 1 + 8


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (None, "there is no corpus in"),
        ('{"format": 1, "state": "running"}', "is not finished: run the corpus command that made it again"),
        ('{"format": 1}', "is not finished"),
        ('{"format": 99, "state": "complete"}', "not the manifest of a corpus of this version"),
        ("{}", "not the manifest of a corpus of this version"),
        ("[1]", "cannot be read"),
        ('{"form', "cannot be read"),
    ],
)
def test_a_directory_that_is_no_complete_corpus_says_so(said: str | None, wrong: str, tmp_path: Path) -> None:
    if said is not None:
        (tmp_path / "manifest.json").write_text(said)
    with pytest.raises(Unreadable, match=wrong):
        list(rows(tmp_path))


def test_the_manifest_of_an_unfinished_corpus_is_read(tmp_path: Path) -> None:
    complete(tmp_path, state="running", rows={"train": {"cpu": 1}})
    assert manifest(tmp_path)["rows"] == {"train": {"cpu": 1}}


def test_files_are_read_when_their_rows_are_asked_for(real: list[Row], tmp_path: Path) -> None:
    write(tmp_path, "jsonl", real)
    found = data_rows(tmp_path)
    next(found)
    (tmp_path / "data/validation-00000.jsonl.zst").write_bytes(b"")
    with pytest.raises(Unreadable, match="validation"):
        list(found)
