"""Validation: each defect of the directory of a corpus is found by the check meant for it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from damaged_corpora import Corpus, copied, validated


def first_file(corpus: Corpus) -> Path:
    return corpus.directory / next(iter(corpus.files))


def truncated(corpus: Corpus) -> str:
    path = first_file(corpus)
    path.write_bytes(path.read_bytes()[:-100])
    corpus.manifest["files"][str(path.relative_to(corpus.directory))] = hashlib.sha256(path.read_bytes()).hexdigest()
    corpus.save_manifest()
    return path.name


def other_bytes(corpus: Corpus) -> str:
    name = next(iter(corpus.manifest["files"]))
    corpus.manifest["files"][name] = "0" * 64
    corpus.save_manifest()
    return name


def missing(corpus: Corpus) -> str:
    first_file(corpus).unlink()
    return str(first_file(corpus).relative_to(corpus.directory))


def foreign(corpus: Corpus) -> str:
    (corpus.directory / "data" / "notes.txt").write_text("to do")
    return "data/notes.txt"


def hidden(corpus: Corpus) -> str:
    (corpus.directory / "data" / ".cache").write_text("to do")
    return "data/.cache"


def outside(corpus: Corpus) -> str:
    corpus.manifest["files"]["data/../../secret"] = "0" * 64
    corpus.save_manifest()
    return "data/../../secret"


def wrong_count(corpus: Corpus) -> str:
    corpus.manifest["kernels"] += 1
    corpus.save_manifest()
    return "manifest.json"


def no_count(corpus: Corpus) -> str:
    del corpus.manifest["kernels"]
    corpus.save_manifest()
    return "manifest.json"


def nothing_left(corpus: Corpus) -> str:
    shutil.rmtree(corpus.directory / "data")
    corpus.manifest |= {"files": {}, "rows": {}, "kernels": 0, "clusters": 0}
    corpus.save_manifest()
    return "manifest.json"


def other_size(corpus: Corpus) -> str:
    path = corpus.directory / "README.md"
    path.write_text(path.read_text().replace("n<1K", "1K<n<10K"))
    return "README.md"


def other_split(corpus: Corpus) -> str:
    path = corpus.directory / "README.md"
    path.write_text(path.read_text().replace("- split: ", "- split: my"))
    return "README.md"


def no_card(corpus: Corpus) -> str:
    (corpus.directory / "README.md").unlink()
    return "README.md"


DIRECTORY: dict[str, tuple[Callable[[Corpus], str], tuple[str, ...]]] = {
    "a truncated file": (truncated, ("readable", "counts")),
    "another checksum": (other_bytes, ("files",)),
    "a missing file": (missing, ("files", "readable", "counts")),
    "a foreign file": (foreign, ("files", "readable")),
    "a hidden file": (hidden, ("files",)),
    "a file outside": (outside, ("files", "readable")),
    "a wrong count": (wrong_count, ("counts", "card")),
    "a missing count": (no_count, ("manifest",)),
    "no rows": (nothing_left, ("counts",)),
    "another size on the card": (other_size, ("card",)),
    "another split on the card": (other_split, ("card",)),
    "no card": (no_card, ("card",)),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("defect", DIRECTORY)
def test_a_defect_of_the_directory_is_found(
    defect: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant, checks = DIRECTORY[defect]
    corpus = copied(good, tmp_path / "corpus", 1)
    corpus.write()
    where = plant(corpus)
    code, report = validated(corpus.directory, capsys)
    assert code == 1
    found = [each for each in report["violations"] if each["check"] == checks[0]]
    assert any(where in each["place"] for each in found)
    assert {each["check"] for each in report["violations"]} == {*checks}, report["violations"]
