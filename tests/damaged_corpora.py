"""Corpora that tests make, copy and change."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from kernelfuzz.cli import main
from kernelfuzz.corpus.card import card, seen_in
from kernelfuzz.corpus.files import rows

MAKE = ["corpus", "--execute", "--ptx", "--scope", "both"]


# The kernels that defects are planted in; more would take longer and show no more.
FEW = 3


def made(directory: Path, *options: str) -> Path:
    assert main([*MAKE, *options, "--output", str(directory)]) == 0
    return directory


@dataclass
class Corpus:
    """A copy of a corpus that can be changed: ``rows`` by file, until ``write`` makes it a corpus again."""

    directory: Path
    manifest: dict[str, Any]
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for held in self.files.values() for row in held]

    def write(self) -> None:
        """Files, checksums, counts and card, all of them as the rows are."""
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        (self.directory / "data").mkdir(parents=True)
        for name, held in self.files.items():
            with pa.CompressedOutputStream(str(self.directory / name), "zstd") as stream:
                stream.write(b"".join(msgspec.json.encode(row) + b"\n" for row in held))
        self.describe()

    def describe(self) -> None:
        """Checksums, counts and card of what is there."""
        counts = Counter((row["split"], row["device"]) for row in self.rows)
        splits = ("train", "validation", "test")
        by_split = {
            split: {device: n for (its, device), n in sorted(counts.items()) if its == split} for split in splits
        }
        self.manifest |= {
            "kernels": len({row["id"] for row in self.rows}),
            "clusters": len({row["near_duplicate_cluster"] for row in self.rows}),
            "rows": {split: devices for split, devices in by_split.items() if devices},
            "files": {
                path.relative_to(self.directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted((self.directory / "data").rglob("*"))
                if path.is_file()
            },
        }
        (self.directory / "README.md").write_text(
            card(self.directory, seen_in(self.directory), self.manifest, command="any")
        )
        self.save_manifest()

    def save_manifest(self) -> None:
        (self.directory / "manifest.json").write_text(json.dumps(self.manifest))


def copied(good: Path, directory: Path, kernels: int | None = None) -> Corpus:
    """The corpus, or the first kernels of it whose inputs and outputs have values to change."""
    manifest = json.loads((good / "manifest.json").read_text())
    found = list(rows(good))
    ids = list(dict.fromkeys(row["id"] for row in found if has_values(row)))[:kernels]
    corpus = Corpus(directory, manifest)
    for row in found:
        if kernels is None or row["id"] in ids:
            corpus.files.setdefault(f"data/{row['split']}-00000.jsonl.zst", []).append(row)
    return corpus


def has_values(row: dict[str, Any]) -> bool:
    io = row["io"]
    return io is not None and all(any(each["values"] for each in io[part]) for part in ("inputs", "outputs"))


def of(corpus: Corpus, device: str) -> dict[str, Any]:
    return next(row for row in corpus.rows if row["device"] == device)


def validated(directory: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["validate", str(directory), "--jobs", "1", "--json", *options])
    return code, json.loads(capsys.readouterr().out)
