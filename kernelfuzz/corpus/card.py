"""The card of a corpus: a README.md for people, with the keys that the Hugging Face Hub and datasets read.

The keys are those of the metadata in https://huggingface.co/docs/hub/datasets-cards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from kernelfuzz.corpus.files import PATTERNS, Unreadable, data_rows, description, schema
from kernelfuzz.corpus.near_duplicates import LINKED, THRESHOLD
from kernelfuzz.corpus.row import IR_TYPES, LICENSE, OLD_KEYS, SPLITS

_PRETTY_NAME = "NVIDIA Warp kernels and the C++ and CUDA generated from them"
_LANGUAGES = ("en", "code")
_TAGS = ("code", "cuda", "cpp", "nvidia-warp", "code-generation", "compilers", "synthetic")

# What the Hub's names for numbers of rows are made of: 1,000, and ten times as many each time.
_BOUNDS = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")

# A kernel with fewer lines is no example.
_EXAMPLE_LINES = 4


@dataclass(slots=True)
class Seen:
    """What the rows show; ``counts`` is by split, device and category, ``rank`` says how good the example is."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    old_keys: bool = False
    example: dict[str, Any] | None = None
    rank: tuple[Any, ...] = ()

    @property
    def splits(self) -> list[str]:
        return [split for split in SPLITS if any(key[0] == split for key in self.counts)]

    def add(self, row: Mapping[str, Any]) -> None:
        """Look at a row."""
        self.counts[row["split"], row["device"], row["category"]] += 1
        self.old_keys = self.old_keys or any(key in row for key in OLD_KEYS)
        lines = row["metadata"]["num_lines"]
        rank = (lines < _EXAMPLE_LINES, len(row["python_source"]) + len(_code(row)), row["id"], row["device"])
        if self.example is None or rank < self.rank:
            self.rank, self.example = rank, dict(row)

    def join(self, other: Seen) -> None:
        """Take what other rows show too."""
        self.counts.update(other.counts)
        self.old_keys = self.old_keys or other.old_keys
        if other.example is not None and (self.example is None or other.rank < self.rank):
            self.rank, self.example = other.rank, other.example


def seen_in(directory: Path) -> Seen:
    """What the rows in ``directory/data`` show.  Raises Unreadable."""
    seen = Seen()
    for row in data_rows(directory):
        seen.add(row)
    return seen


def card(directory: Path, seen: Seen, manifest: Mapping[str, Any], *, command: str) -> str:
    """The README.md of the corpus whose rows, which are in ``directory/data``, were seen.

    ``command`` makes the same corpus again; ``manifest`` needs not be on disk.  Raises Unreadable.
    """
    if seen.example is None:
        raise Unreadable(f"there are no rows in {directory}")
    patterns = {split: _pattern(directory, split) for split in seen.splits}
    columns = schema(old_keys=seen.old_keys)
    sections = (
        _front_matter(seen.counts.total(), patterns, columns),
        _about(manifest, command),
        _loading(patterns),
        _numbers(seen, manifest),
        _example(seen.example),
        _columns_section(columns),
        _splits_section(),
        _licence_section(),
    )
    return "\n".join("\n".join(lines) + "\n" for lines in sections)


def _code(row: Mapping[str, Any]) -> str:
    return row["ir_forward"] or row["generated_code"] or ""


def _pattern(directory: Path, split: str) -> str:
    """The pattern of the files of a split; the first, where no file is named for it."""
    patterns = [pattern.format(split=split) for pattern in PATTERNS.values()]
    return next((pattern for pattern in patterns if any(directory.glob(pattern))), patterns[0])


# ---------------------------------------------------------------------------------------- front matter


def size_category(rows: int) -> str:
    """The name that the Hub has for a number of rows."""
    step = sum(rows >= 1000 * 10**power for power in range(len(_BOUNDS)))
    if step == 0:
        return f"n<{_BOUNDS[0]}"
    return f"{_BOUNDS[step - 1]}<n<{_BOUNDS[step]}" if step < len(_BOUNDS) else f"n>{_BOUNDS[-1]}"


def _front_matter(rows: int, patterns: Mapping[str, str], columns: pa.Schema) -> Iterator[str]:
    yield "---"
    yield f"license: {LICENSE.lower()}"
    yield f"pretty_name: {_PRETTY_NAME}"
    for key, values in (
        ("language", _LANGUAGES),
        ("tags", _TAGS),
        ("size_categories", [size_category(rows)]),
    ):
        yield f"{key}:"
        yield from (f"- {value}" for value in values)
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    for split, pattern in patterns.items():
        yield f"  - split: {split}"
        yield f"    path: {pattern}"
    # Without it, the types of JSON would be guessed from the first rows, and null has none.
    yield "dataset_info:"
    yield "  config_name: default"
    yield "  features:"
    yield from _features(columns, "  ")
    yield "---"


def _features(fields: Iterable[pa.Field], indent: str) -> Iterator[str]:
    for each in fields:
        listed, inner = _inner(each.type)
        yield f"{indent}- name: {each.name}"
        if pa.types.is_struct(inner):
            yield f"{indent}  {'list' if listed else 'struct'}:"
            yield from _features(inner, indent + "  ")
        else:
            yield f"{indent}  {'list' if listed else 'dtype'}: {inner}"


def _inner(type_: pa.DataType) -> tuple[bool, pa.DataType]:
    """Whether it is a list, and the type of its elements or else itself."""
    return (True, type_.value_type) if pa.types.is_list(type_) else (False, type_)


# ------------------------------------------------------------------------------------------------ text


def _about(manifest: Mapping[str, Any], command: str) -> Iterator[str]:
    versions = manifest["versions"]
    yield f"# {_PRETTY_NAME}"
    yield ""
    yield "Each row is a random, typed, well-defined kernel for NVIDIA Warp as Python source, and the code"
    yield "that Warp generated from it for one device: C++ for the CPU, CUDA for the GPU. The rows of a"
    yield "kernel share an `id`."
    yield ""
    yield f"Made with Warp {versions['warp']} and kernelfuzz {versions['kernelfuzz']}, version"
    drawn = manifest.get("plan", {}).get("source") == "pytest"
    again = "It came out of a test suite, by:" if drawn else "With these, the same corpus is made again by:"
    yield f"{versions['grammar']} of its grammar. {again}"
    yield ""
    yield f"    {command}"


def _loading(patterns: Mapping[str, str]) -> Iterator[str]:
    packages = "datasets zstandard" if any(each.endswith(".zst") for each in patterns.values()) else "datasets"
    yield "## Loading"
    yield ""
    yield f"After `pip install {packages}`, with the path of this folder for `DIR`:"
    yield ""
    yield "```python"
    yield "import datasets"
    yield ""
    yield 'corpus = datasets.load_dataset("DIR")'
    for split in list(patterns)[:1]:
        yield f'print(corpus["{split}"][0]["python_source"])'
    yield "```"


def _numbers(seen: Seen, manifest: Mapping[str, Any]) -> Iterator[str]:
    devices = [device for device in IR_TYPES if any(key[1] == device for key in seen.counts)]
    groups = [(split, device) for split in seen.splits for device in devices]
    categories = sorted({key[2] for key in seen.counts})
    yield "## Numbers"
    yield ""
    yield f"{seen.counts.total():,} rows of {manifest['kernels']:,} kernels. {_left_out(manifest)}"
    yield ""
    yield from _table(
        ("category", *(f"{split}, {device}" for split, device in groups), "all"),
        [_numbers_of(category, [category], groups, seen) for category in categories]
        + [_numbers_of("all", categories, groups, seen)],
    )


def _numbers_of(
    title: str, categories: Sequence[str], groups: Iterable[tuple[str, str]], seen: Seen
) -> tuple[str, ...]:
    numbers = [sum(seen.counts[(*group, category)] for category in categories) for group in groups]
    return title, *(f"{number:,}" for number in (*numbers, sum(numbers)))


def _left_out(manifest: Mapping[str, Any]) -> str:
    missing = [f"{count:,} ({kind})" for kind, count in sorted(manifest.get("missing", {}).items()) if count]
    left = f"Left out: {manifest.get('duplicates', 0):,} rows that others repeat"
    return f"{left}; pairs without a row, by reason: {', '.join(missing)}." if missing else f"{left}."


def _example(row: Mapping[str, Any]) -> Iterator[str]:
    yield "## A pair"
    yield ""
    yield f"A short one (category {row['category']}): {row['description']}"
    for language, text in (("python", row["python_source"]), (row["ir_type"], _code(row))):
        yield ""
        yield f"```{language}"
        yield text.strip("\n")
        yield "```"


def _columns_section(columns: pa.Schema) -> Iterator[str]:
    yield "## Columns"
    yield ""
    yield from _table(("column", "type", "what it is"), _columns(columns, ""))


def _columns(fields: Iterable[pa.Field], prefix: str) -> Iterator[tuple[str, ...]]:
    for each in fields:
        listed, inner = _inner(each.type)
        nested = pa.types.is_struct(inner)
        type_ = "object" if nested else str(inner)
        type_ = f"list of {type_}" if listed else type_
        type_ = f"{type_} or null" if each.nullable else type_
        yield f"`{prefix}{each.name}`", type_, description(each)
        if nested:
            yield from _columns(inner, f"{prefix}{each.name}{'[]' if listed else ''}.")


def _splits_section() -> Iterator[str]:
    yield "## Splits and near duplicates"
    yield ""
    yield "Two kernels that differ in names only are one kernel, and it is here once. Kernels are near"
    yield "duplicates where the sets of their runs of five tokens have a Jaccard similarity of"
    yield f"{THRESHOLD} or more; so that none is missed, all that MinHash estimates at {LINKED} or more are"
    yield "taken for such. Near duplicates, and theirs in turn, are a cluster (`near_duplicate_cluster`). All"
    yield "rows of a cluster are in one split, which a hash of the cluster's name chooses: of 100 clusters"
    yield "about 90 are in train, 5 in validation and 5 in test."


def _licence_section() -> Iterator[str]:
    yield "## Licence"
    yield ""
    yield f"{LICENSE}, as that of kernelfuzz and of Warp, whose templates the generated code is made of."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(cells) + " |"
