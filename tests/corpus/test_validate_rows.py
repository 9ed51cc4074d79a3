"""Validation: each defect planted in a row of a good corpus is found by the check meant for it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damaged_corpora import FEW, Corpus, copied, of, validated

from kernelfuzz.corpus.near_duplicates import split_of


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
