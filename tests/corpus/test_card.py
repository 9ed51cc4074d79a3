"""The card of a corpus: its numbers are those of the rows, and ``datasets`` loads what it describes."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from corpora import write_rows  # pyright: ignore[reportMissingImports]

import kernelfuzz
from kernelfuzz.corpus.card import card, seen_in, size_category
from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.files import FORMATS, Unreadable
from kernelfuzz.corpus.near_duplicates import split_of
from kernelfuzz.corpus.row import (
    IR_TYPES,
    LICENSE,
    OLD_KEYS,
    Argument,
    Inputs,
    Metadata,
    Row,
    Run,
    Setting,
    Split,
    Tensor,
    Verified,
    encode,
    with_old_keys,
)
from kernelfuzz.devices import Device
from kernelfuzz.toolchain import Lowering

COMMAND = "kernelfuzz corpus --count 5 --seed 0 --output corpus"
MANIFEST = {
    "versions": {"warp": "1.19.0", "kernelfuzz": "0.1.0", "grammar": 3},
    "kernels": 5,
    "duplicates": 2,
    "missing": {"crash": 1, "reject": 1200},
}
SPLIT_OF: tuple[Split, ...] = ("train", "train", "train", "validation", "train")


def row_of(index: int, device: Device) -> Row:
    """The row of a real kernel; one of an even index has null for what another has a value for."""
    kernel = kernelfuzz.generate(seed=0, index=index, size="small")
    lowering = kernelfuzz.lower(kernel, device, backward=index % 2 == 1)
    assert isinstance(lowering, Lowering)
    (code,) = lowering.kernels
    run = Run((Tensor("a0", "float32", (1,), ("1.5",)),), (Tensor("s0.x", "int64", (0,), ()),), "agrees", 0)
    category = ("vector", "atomic")[index // 3]
    return Row(
        id=f"{index:032x}",
        python_source=kernelfuzz.render(kernel),
        category=category,
        features=("loops",) if index % 2 else (),
        description=f"Writes array number {index}.",
        arg_types=tuple(Argument(name, type_) for name, type_ in code.arg_types),
        device=device,
        ir_type=IR_TYPES[device],
        ir_forward=code.forward,
        ir_backward=code.backward,
        ir_functions=code.functions,
        ir_structs=code.structs,
        generated_code=None,
        ptx=None,
        cubin=None,
        launch=Inputs(dim=(4, 2), tiled=False, seed=None),
        io=run if index % 2 else None,
        verified=Verified(lowered=True, ran=True if index % 2 else None),
        metadata=Metadata(
            kernel_name=code.name,
            mangled_name=code.mangled_name,
            category=category,
            device=device,
            ir_type=IR_TYPES[device],
            seed=0,
            index=index,
            num_params=len(kernel.params),
            num_lines=10,
            nesting=1,
            num_nodes=20,
            module_id="0",
            warp_version="1.19.0",
            kernelfuzz_version="0.1.0",
            grammar_version=3,
            options=(Setting("max_unroll", "16"),) if index % 2 else (),
            has_backward=code.backward is not None,
        ),
        near_duplicate_cluster=f"{index:032x}",
        split=SPLIT_OF[index],
        license=LICENSE,
    )


@pytest.fixture(scope="module")
def real() -> list[Row]:
    """Five kernels, of which the last has no row for cuda."""
    devices: tuple[Device, ...] = ("cpu", "cuda")
    return [row_of(index, device) for index in range(5) for device in devices][:-1]


def corpus(directory: Path, rows: list[Row], format: Format = "jsonl", *, old_keys: bool = False) -> str:
    """Write a corpus, with its card, and give the card."""
    write_rows(directory, format, rows, old_keys=old_keys, part_rows=3)
    text = card(directory, seen_in(directory), MANIFEST, command=COMMAND)
    (directory / "README.md").write_text(text)
    (directory / "manifest.json").write_text(json.dumps(MANIFEST))
    return text


def table(text: str, title: str) -> list[list[str]]:
    """The cells of the first table under a title, without its head."""
    lines = text.split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][2:]


# ------------------------------------------------------------------------------------ what datasets loads

LOAD = """\
import json, sys, datasets
root, *names = sys.argv[1:]
for name in names:
    corpus = datasets.load_dataset(f"{root}/{name}", cache_dir=f"{root}/cache")
    print(json.dumps({split: list(rows) for split, rows in corpus.items()}))
"""


@pytest.fixture(scope="module")
def loaded(real: list[Row], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What load_dataset gives for a corpus of each format, with the older keys and without."""
    if missing := [name for name in ("datasets", "zstandard") if importlib.util.find_spec(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    root = tmp_path_factory.mktemp("loaded")
    names = [f"{format}-{old_keys}" for format in FORMATS for old_keys in (False, True)]
    for format in FORMATS:
        for old_keys in (False, True):
            corpus(root / f"{format}-{old_keys}", real, format, old_keys=old_keys)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(root), *names],
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
            "HF_HOME": str(root / "home"),
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(names, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("old_keys", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_datasets_loads_every_row(format: Format, old_keys: bool, real: list[Row], loaded: dict[str, Any]) -> None:
    found = loaded[f"{format}-{old_keys}"]
    # A table has every column in every row.
    absent: dict[str, None] = dict.fromkeys(OLD_KEYS if old_keys else ())
    expected = [{**absent, **json.loads(encode(with_old_keys(row) if old_keys else row))} for row in real]
    assert {split: len(rows) for split, rows in found.items()} == {"train": 7, "validation": 2}
    for split, rows in found.items():
        rows.sort(key=lambda row: (row["metadata"]["index"], row["device"]))
        assert rows == [row for row in expected if row["split"] == split]
    # The first rows have null where later ones have a value.
    assert found["train"][0]["io"] is None
    assert found["train"][2]["io"]["inputs"][0]["shape"] == [1]


# -------------------------------------------------------------------------------------------- the text


def test_the_front_matter_names_what_is_there(real: list[Row], tmp_path: Path) -> None:
    text = corpus(tmp_path, real)
    assert text.startswith(
        "---\n"
        "license: apache-2.0\n"
        "pretty_name: NVIDIA Warp kernels and the C++ and CUDA generated from them\n"
        "language:\n- en\n- code\n"
    )
    front = text.split("---\n")[1]
    assert "size_categories:\n- n<1K\n" in front
    assert (
        "configs:\n"
        "- config_name: default\n"
        "  data_files:\n"
        "  - split: train\n"
        "    path: data/train-*.jsonl.zst\n"
        "  - split: validation\n"
        "    path: data/validation-*.jsonl.zst\n"
        "dataset_info:\n"
    ) in front
    assert "  - name: launch\n    struct:\n    - name: dim\n      list: int64\n" in front


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (123_456, "100K<n<1M"),
        (1_000_000, "1M<n<10M"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_sizes_have_the_names_of_the_hub(rows: int, name: str) -> None:
    assert size_category(rows) == name


def test_the_numbers_are_those_of_the_rows(real: list[Row], tmp_path: Path) -> None:
    text = corpus(tmp_path, real)
    assert "9 rows of 5 kernels." in text
    assert "2 rows that others repeat; pairs without a row, by reason: 1 (crash), 1,200 (reject)." in text
    counts = Counter((row.category, row.split, row.device) for row in real)
    groups = [("train", "cpu"), ("train", "cuda"), ("validation", "cpu"), ("validation", "cuda")]
    *categories, last = table(text, "Numbers")
    assert [name for name, *_ in categories] == ["atomic", "vector"]
    for name, *cells in categories:
        numbers = [counts[(name, *group)] for group in groups]
        assert cells == [str(number) for number in (*numbers, sum(numbers))]
    assert last == ["all", "4", "3", "1", "1", "9"]


@pytest.mark.parametrize("format", FORMATS)
def test_the_card_differs_between_formats_in_the_names_of_files(
    format: Format, real: list[Row], tmp_path: Path
) -> None:
    def plain(text: str) -> str:
        return re.sub(r"path: data/.*|pip install .*`,", "", text)

    other = corpus(tmp_path / "one", real, format)
    assert plain(other) == plain(corpus(tmp_path / "two", real))
    assert ("zstandard" in other) == (format == "jsonl")
    assert str(tmp_path) not in other


def test_every_column_is_described(real: list[Row], tmp_path: Path) -> None:
    columns = {name.strip("`"): rest for name, *rest in table(corpus(tmp_path, real), "Columns")}
    assert {name for name in columns if "." not in name} == set(json.loads(encode(real[0])))
    assert columns["ir_forward"] == ["string or null", "the kernel's own function; null with scope module"]
    assert columns["arg_types"][0] == "list of object"
    assert columns["arg_types[].type"][1] == "as Warp writes it: 'array(ndim=1, dtype=float32)'"
    assert columns["io.outputs[].shape"][0] == "list of int64"
    assert columns["metadata.seed"] == ["int64 or null", "null where Hypothesis drew the kernel"]


def test_older_columns_are_described_where_they_are(real: list[Row], tmp_path: Path) -> None:
    columns = {name.strip("`") for name, *_ in table(corpus(tmp_path, real, old_keys=True), "Columns")}
    assert set(OLD_KEYS) <= columns


def test_the_example_is_the_shortest_that_is_no_trifle(real: list[Row], tmp_path: Path) -> None:
    def length(row: Row) -> int:
        return len(row.python_source) + len(row.ir_forward or "")

    trifle, *others = sorted(real, key=length)
    short = msgspec.structs.replace(trifle.metadata, num_lines=3)
    text = corpus(tmp_path, [msgspec.structs.replace(trifle, metadata=short), *others])
    wanted = others[0]
    assert f"A short one (category {wanted.category}): {wanted.description}" in text
    assert f"```python\n{wanted.python_source.strip()}\n```\n" in text
    assert f"```{wanted.ir_type}\n{(wanted.ir_forward or '').strip()}\n```\n" in text
    # One of whole modules has no ir_forward.
    module = msgspec.structs.replace(wanted, ir_forward=None, generated_code="// the module\n")
    assert "\n// the module\n```" in corpus(tmp_path / "module", [module])


def test_the_card_says_how_to_make_it_again(real: list[Row], tmp_path: Path) -> None:
    text = corpus(tmp_path, real)
    assert "Warp 1.19.0 and kernelfuzz 0.1.0, version\n3 of its grammar." in text
    assert f"\n    {COMMAND}\n" in text
    assert 'datasets.load_dataset("DIR")\nprint(corpus["train"]' in text


def test_the_card_says_how_large_the_splits_are(real: list[Row], tmp_path: Path) -> None:
    sizes = Counter(split_of(str(cluster)) for cluster in range(10_000))
    said = re.search(r"about (\d+) are in train, (\d+) in\s+validation and (\d+) in test", corpus(tmp_path, real))
    assert said is not None
    for split, share in zip(("train", "validation", "test"), map(int, said.groups()), strict=True):
        assert abs(sizes[split] / 100 - share) < 1


def test_no_rows_have_no_card(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="there are no rows in"):
        corpus(tmp_path, [])
