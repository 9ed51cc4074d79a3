"""Validation: a good corpus is clean, and each defect planted in one is found by the check meant for it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pyarrow as pa
import pytest
from corpora import write_rows  # pyright: ignore[reportMissingImports]

from kernelfuzz import workers
from kernelfuzz.cli import main
from kernelfuzz.corpus.card import card, seen_in
from kernelfuzz.corpus.checks import check_rows
from kernelfuzz.corpus.corpus_plan import Format
from kernelfuzz.corpus.files import FORMATS, PATTERNS, rows
from kernelfuzz.corpus.near_duplicates import split_of
from kernelfuzz.corpus.row import Row, json_schema
from kernelfuzz.corpus.validate import PROVES

MAKE = ["corpus", "--execute", "--ptx", "--scope", "both"]

# The kernels that defects are planted in; more would take longer and show no more.
FEW = 3


def made(directory: Path, *options: str) -> Path:
    assert main([*MAKE, *options, "--output", str(directory)]) == 0
    return directory


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Of a seed whose few kernels are in two splits.
    return made(tmp_path_factory.mktemp("good") / "corpus", "--count", str(FEW + 1), "--size", "small", "--seed", "3")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("large") / "corpus", "--count", "12")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are checked in this process, which knows Warp already."""

    def in_order(function: Callable[..., Any], tasks: Any, **_: Any) -> Any:
        return (function(*task) for task in tasks)

    monkeypatch.setattr(workers, "in_order", in_order)
    monkeypatch.setattr(workers, "call", lambda function, *arguments, **_: function(*arguments))


# ------------------------------------------------------------------------------------ changing a corpus


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


# ------------------------------------------------------------------------------------------ the defects


def of(corpus: Corpus, device: str) -> dict[str, Any]:
    return next(row for row in corpus.rows if row["device"] == device)


def about(row: dict[str, Any]) -> str:
    return row["id"]


def swapped_code(corpus: Corpus) -> str:
    one, two = [row for row in corpus.rows if row["device"] == "cpu"][:2]
    for part in ("ir_forward", "ir_backward", "ir_functions", "ir_structs", "generated_code"):
        one[part], two[part] = two[part], one[part]
    return about(one)


def garbage(corpus: Corpus) -> str:
    row = of(corpus, "cuda")
    row["ir_forward"] = "one two three"
    return about(row)


def changed_constant(corpus: Corpus) -> str:
    for row in corpus.rows:
        changed = re.sub(r"(?<=[ (])\d+(?=[),])", lambda found: str(int(found[0]) + 1), row["python_source"], count=1)
        if changed != row["python_source"]:
            row["python_source"] = changed
            return about(row)
    raise AssertionError("no kernel has a constant")


def another_file(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["python_source"] = "import os\nos.abort()\n"
    return about(row)


def duplicated(corpus: Corpus) -> str:
    held = next(iter(corpus.files.values()))
    held.append(held[0])
    return about(held[0])


def other_release(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["metadata"]["warp_version"] = "1.2.3"
    return about(row)


def other_grammar(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["metadata"]["grammar_version"] += 1
    return about(row)


def in_code(corpus: Corpus, text: Callable[[dict[str, Any]], str]) -> str:
    row = of(corpus, "cuda")
    first, rest = row["ir_forward"].split("{\n", 1)
    row["ir_forward"] = f"{first}{{\n{text(row)}\n{rest}"
    return about(row)


def leaked_comment(corpus: Corpus) -> str:
    return in_code(corpus, lambda row: "    // the second of them")


def leaked_line(corpus: Corpus) -> str:
    return in_code(corpus, lambda row: next(each for each in row["python_source"].split("\n") if "def " in each))


def leaked_path(corpus: Corpus) -> str:
    return in_code(corpus, lambda row: '    puts("/home/somebody/kernels/module.cu");')


def leaked_hash(corpus: Corpus) -> str:
    return in_code(corpus, lambda row: "    kernel_0123abcd_cuda_kernel_forward();")


def wrong_split(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["split"] = next(split for split in ("train", "test") if split != row["split"])
    return about(row)


def wrong_cluster(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    numbers = (f"{number:032x}" for number in range(1000))
    row["near_duplicate_cluster"] = next(each for each in numbers if split_of(each) == row["split"])
    return about(row)


def larger_cluster(corpus: Corpus) -> str:
    row = corpus.rows[-1]
    numbers = (f"{'f' * 20}{number:012x}" for number in range(1000))
    row["near_duplicate_cluster"] = next(each for each in numbers if split_of(each) == row["split"])
    return about(row)


def other_value(tensors: list[dict[str, Any]]) -> None:
    tensor = next(each for each in tensors if each["values"])
    others = {"b": ("True", "False"), "f": ("1.5", "2.5")}.get(tensor["dtype"][0], ("1", "2"))
    before = list(tensor["values"])
    tensor["values"] = [next(each for each in others if each != before[0]), *before[1:]]


def changed_output(corpus: Corpus) -> str:
    row = of(corpus, "cuda")
    other_value(row["io"]["outputs"])
    return about(row)


def changed_input(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    other_value(row["io"]["inputs"])
    return about(row)


def unreadable_input(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    next(each for each in row["io"]["inputs"] if each["values"])["values"][0] = "seven"
    return about(row)


def wrong_grid(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["launch"]["tiled"] = not row["launch"]["tiled"]
    return about(row)


def wrong_description(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["description"] = "It computes the mass of the moon."
    return about(row)


def wrong_feature(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["features"] = row["features"][1:]
    return about(row)


def wrong_type(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["arg_types"][0]["type"] = "array(ndim=4, dtype=bool)"
    return about(row)


def wrong_category(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["category"] = row["metadata"]["category"] = "tile"
    return about(row)


def unearned(corpus: Corpus) -> str:
    row = of(corpus, "cpu")
    row["verified"]["ran"] = None
    return about(row)


def wrong_ptx(corpus: Corpus) -> str:
    row = of(corpus, "cuda")
    row["ptx"] = row["ptx"].replace("add.", "sub.").replace("ret;", "trap;")
    return about(row)


def wrong_cubin(corpus: Corpus) -> str:
    row = of(corpus, "cuda")
    row["cubin"] = base64.b64encode(b"\x7fELF").decode()
    return about(row)


def unknown_key(corpus: Corpus) -> str:
    name, held = next(iter(corpus.files.items()))
    held[0]["colour"] = "blue"
    return f"{name}:1"


# By name: what plants it in the rows and says where, and the checks that find it, the one meant for it first.
ROWS: dict[str, tuple[Callable[[Corpus], str], tuple[str, ...]]] = {
    "swapped code": (swapped_code, ("code",)),
    "garbage": (garbage, ("code",)),
    "a changed constant": (changed_constant, ("code", "drawn", "id")),
    "another file": (another_file, ("source", "drawn")),
    "a duplicated row": (duplicated, ("unique",)),
    "another release": (other_release, ("versions",)),
    "another grammar": (other_grammar, ("versions",)),
    "a comment": (leaked_comment, ("comments", "code")),
    "a line of Python": (leaked_line, ("quotes", "code")),
    "a path": (leaked_path, ("paths", "code")),
    "a hash": (leaked_hash, ("names", "code")),
    "a wrong split": (wrong_split, ("split",)),
    "a wrong cluster": (wrong_cluster, ("cluster", "clusters")),
    "a cluster with a larger name": (larger_cluster, ("cluster", "clusters")),
    "a changed input": (changed_input, ("inputs",)),
    "a wrong result": (changed_output, ("reference",)),
    "a wrong launch": (wrong_grid, ("launch",)),
    "a wrong description": (wrong_description, ("facts",)),
    "a missing feature": (wrong_feature, ("facts",)),
    "a wrong argument": (wrong_type, ("arg_types",)),
    "a wrong category": (wrong_category, ("drawn",)),
    "a wrong claim": (unearned, ("agreement",)),
    "an unasked cubin": (wrong_cubin, ("agreement",)),
    "an unknown key": (unknown_key, ("schema", "counts")),
}

# The same for those that only building or running shows.
BUILT: dict[str, tuple[Callable[[Corpus], str], tuple[str, ...], str]] = {
    "a wrong PTX": (wrong_ptx, ("build",), "--build"),
    "a wrong CUBIN": (wrong_cubin, ("build", "agreement"), "--build"),
    "a changed output": (changed_output, ("run", "reference"), "--run"),
    "an unreadable input": (unreadable_input, ("run", "inputs", "reference"), "--run"),
}


def validated(directory: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["validate", str(directory), "--jobs", "1", "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def assert_found(report: dict[str, Any], where: str, checks: tuple[str, ...]) -> None:
    found = {each["check"] for each in report["violations"]}
    # Whether another input or constant shows in the outputs depends on the kernel.
    assert found - {"reference"} == {*checks} - {"reference"}, report["violations"]
    assert where in [
        place for each in report["violations"] if each["check"] == checks[0] for place in (each["id"], each["place"])
    ]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("defect", ROWS)
def test_a_defect_in_a_row_is_found(
    defect: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant, checks = ROWS[defect]
    corpus = copied(good, tmp_path / "corpus", FEW)
    before = repr(corpus.files)
    where = plant(corpus)
    assert repr(corpus.files) != before
    corpus.write()
    code, report = validated(corpus.directory, capsys)
    assert code == 1
    assert_found(report, where, checks)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "defect",
    [pytest.param(name, marks=[pytest.mark.slow] * (row[2] == "--build")) for name, row in BUILT.items()],
)
def test_a_defect_that_shows_when_built_is_found(
    defect: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant, checks, option = BUILT[defect]
    corpus = copied(good, tmp_path / "corpus", 1)
    before = repr(corpus.files)
    where = plant(corpus)
    assert repr(corpus.files) != before
    corpus.write()
    code, report = validated(corpus.directory, capsys, option)
    assert code == 1
    assert_found(report, where, checks)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_code_that_does_not_build_is_found(good: Path, tmp_path: Path, capsys: Any) -> None:
    corpus = copied(good, tmp_path / "corpus", 1)
    row = of(corpus, "cpu")
    row["generated_code"] += "one two three\n"
    corpus.write()
    code, report = validated(corpus.directory, capsys, "--build")
    assert code == 1
    assert_found(report, row["id"], ("build", "code"))


# -------------------------------------------------------------------------------- defects of the directory


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


# ------------------------------------------------------------------------------------------ a good corpus


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


# -------------------------------------------------------------------------------- what is not possible


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
