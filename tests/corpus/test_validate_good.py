"""Validation: a good corpus is clean, and what cannot be checked is not counted as passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from corpora import write_rows
from damaged_corpora import FEW, Corpus, copied, made, of, validated

from kernelfuzz.cli import main
from kernelfuzz.corpus.checks import check_rows
from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.files import FORMATS, PATTERNS, rows
from kernelfuzz.corpus.row import Row, json_schema
from kernelfuzz.corpus.validate import PROVES


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("large") / "corpus", "--count", "12")


def in_format(corpus: Corpus, format: Format) -> None:
    """The corpus written as another format has it."""
    held = [msgspec.convert(row, Row) for row in corpus.rows]
    write_rows(corpus.directory, format, sorted(held, key=lambda row: (row.metadata.index or 0, row.device)))
    corpus.manifest["plan"]["format"] = format
    corpus.describe()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("format", FORMATS)
def test_a_good_corpus_is_clean(format: Format, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = copied(good, tmp_path / "corpus", FEW)
    in_format(corpus, format)
    assert list(corpus.directory.glob(PATTERNS[format].format(split=corpus.rows[0]["split"])))
    code, report = validated(corpus.directory, capsys)
    assert code == 0
    assert report["violations"] == []
    assert report["rows"] == report["checked"] == len(corpus.rows) == 2 * FEW
    for check in report["checks"]:
        assert check["passed"] > 0
        assert (check["failed"], check["not_possible"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_larger_corpus_is_clean_built_and_run(
    format: Format, large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = copied(large, tmp_path / "corpus")
    in_format(corpus, format)
    code, report = validated(corpus.directory, capsys, "--build", "--run")
    assert (code, report["violations"]) == (0, [])
    checks = {check["name"]: check for check in report["checks"]}
    assert checks.keys() == PROVES.keys()
    assert checks["build"]["passed"] == len(corpus.rows) > 20
    assert checks["run"]["passed"] == len(corpus.rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["--format", "parquet", "--old-keys", "--cubin", "--scope", "module"],
        ["--format", "json", "--no-backward", "--warp-symbols", "--profile", "realistic"],
        ["--natural", "--size", "3", "--device", "cpu", "--exclude", "while"],
    ],
    ids=lambda options: options[1],
)
def test_other_plans_are_clean(options: list[str], tmp_path: Path, capsys: Any) -> None:
    directory = tmp_path / "corpus"
    assert main(["corpus", "--count", "8", *options, "--output", str(directory)]) == 0
    code, report = validated(directory, capsys, "--build")
    assert (code, report["violations"]) == (0, [])
    assert all(check["not_possible"] == 0 for check in report["checks"] if check["name"] in ("drawn", "code"))


def test_rows_have_the_json_schema(good: Path) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    found = list(rows(good))
    for row in found:
        validator.validate(row)
    assert not validator.is_valid({**found[0], "colour": "blue"})


@pytest.mark.usefixtures("here")
def test_code_of_another_release_is_not_counted_as_passed(good: Path, tmp_path: Path, capsys: Any) -> None:
    corpus = copied(good, tmp_path / "corpus", 1)
    for row in corpus.rows:
        row["metadata"]["warp_version"] = "1.2.3"
    corpus.manifest["versions"]["warp"] = "1.2.3"
    corpus.write()
    code, report = validated(corpus.directory, capsys, "--build", "--run")
    assert (code, report["violations"]) == (0, [])
    checks = {check["name"]: check for check in report["checks"]}
    for name in ("arg_types", "code", "build", "run"):
        assert (checks[name]["passed"], checks[name]["not_possible"]) == (0, 2)
        assert list(checks[name]["reasons"]) == [f"made with Warp 1.2.3, and {report['installed_warp']} is installed"]
    assert checks["id"]["passed"] == 2


@pytest.mark.usefixtures("here")
def test_rows_of_a_test_suite_are_checked_as_far_as_that_goes(good: Path, tmp_path: Path, capsys: Any) -> None:
    corpus = copied(good, tmp_path / "corpus", 1)
    for row in corpus.rows:
        row["io"] = None
        row["verified"] |= {"ran": None, "matched": None}
        row["metadata"] |= {"seed": None, "index": None}
    corpus.manifest["plan"] = {"source": "pytest", "device": ["cpu", "cuda"], "format": "jsonl"}
    for key in ("shards", "missing"):
        del corpus.manifest[key]
    corpus.write()
    code, report = validated(corpus.directory, capsys, "--run")
    assert (code, report["violations"]) == (0, [])
    reasons = {check["name"]: check["reasons"] for check in report["checks"] if check["reasons"]}
    assert reasons == {
        "drawn": {"not drawn from a seed": 2},
        "inputs": {"the row holds no launch": 2},
        "reference": {"the row holds no launch": 2},
        "run": {"the row holds no launch": 2},
    }


@pytest.mark.slow
def test_a_row_that_crashes_costs_itself(good: Path, tmp_path: Path, capsys: Any) -> None:
    corpus = copied(good, tmp_path / "corpus", 2)
    row = of(corpus, "cpu")
    row["launch"]["dim"] = [200_000] * len(row["launch"]["dim"])
    corpus.write()
    code, report = validated(corpus.directory, capsys, "--run")
    assert code == 1
    found = {(each["check"], each["id"], each["device"]) for each in report["violations"]}
    assert found == {(check, row["id"], "cpu") for check in ("launch", "run")}
    (crash,) = [each["message"] for each in report["violations"] if each["check"] == "run"]
    assert "the process that checked it was killed" in crash
    assert next(check["passed"] for check in report["checks"] if check["name"] == "run") == 3


def test_the_checks_leave_a_row_as_it_is(good: Path) -> None:
    row = msgspec.convert(next(rows(good)), Row)
    before = msgspec.json.encode(row)
    plan = json.loads((good / "manifest.json").read_text())["plan"]
    assert check_rows([row], plan, ("row",)) == check_rows([row], plan, ("row",))
    assert msgspec.json.encode(row) == before
