"""Findings on disk: whole or not there, once each, readable without this project."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import finding_kernels as kernels
import pytest

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import read_finding, record, report, slug, write_finding
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.codec import decode
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.compile import generated_code
from kernelfuzz.oracles.verdict import BuildSetting, FailedKind, Mismatch, Verdict

FILES = {"finding.json", "original.py", "report.md", "reproducer.py"}


def swapped() -> Finding:
    case = kernels.swapped()
    verdict = Verdict(
        "value",
        "failed",
        "wrong value",
        "",
        BuildSetting(options=(("fuse_fp", False),)),
        Mismatch("out0", (1,), 4, 5),
    )
    return Finding(
        signature=signature(verdict, case.kernel),
        verdict=verdict,
        case=case,
        original=case,
        expected={"out0": kernels.ints(5, 4)},
        needed=("unpack",),
        seed=3,
        index=17,
        options={"without": frozenset({"tile", "random"}), "size": "small"},
        warp_version=version("warp-lang"),
        workaround="Assign through temporaries.",
        seconds=1.5,
    )


def test_a_known_bug_from_the_case_to_its_script(tmp_path: Path) -> None:
    finding = swapped()
    finding = replace(finding, generated=generated_code(finding.case.kernel))
    folder = write_finding(finding, tmp_path / "findings")
    assert folder == tmp_path / "findings" / slug(finding.signature)
    assert {path.name for path in folder.iterdir()} == FILES
    done = subprocess.run(
        [sys.executable, "reproducer.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=folder,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "out0   expected: [5, 4]   actual: [5, 5]" in done.stdout
    page = (folder / "report.md").read_text()
    assert page.startswith("# Wrong value: for{ unpack(name) }\n")
    for text in (
        "p, q = q, p",
        "`out0` = [5, 4]",
        "`out0[1]` is 5 instead of 4.",
        "`fuse_fp=False`",
        "wp::assign(var_1, var_3);",
        "**Workaround.** Assign through temporaries.",
        "seed 3, index 17",
        "Features: unpack.",
    ):
        assert text in page, text
    assert "wp::int32 var_1;" not in page


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    finding = swapped()
    found = read_finding(write_finding(finding, tmp_path))
    assert found["signature"] == finding.signature == "wrong value: for{ unpack(name) }"
    assert (found["kind"], found["oracle"], found["target"]) == ("wrong value", "value", "cpu")
    assert (found["nodes"], found["lines"]) == (finding.nodes, finding.lines)
    assert found["lines"] == 7
    assert (found["seed"], found["index"], found["grammar_version"]) == (3, 17, finding.grammar_version)
    assert found["options"] == {"without": ["random", "tile"], "size": "small"}
    assert found["module_options"] == {"fuse_fp": False}
    assert found["mismatch"] == {"output": "out0", "index": [1], "expected": 4, "actual": 5}
    assert set(found["features"]) == {"arithmetic", "dynamic_for", "for", "scalar_param", "unpack"}
    assert {"upstream", "message", "row", "warp_version", "path"} <= set(found)
    assert found["path"] == slug(finding.signature)
    ast.parse(found["case"]["source"])
    again = decode(found["case"]["inputs"])
    assert first_mismatch(finding.case.launch.inputs, again) is None


def test_the_layout_of_arrays_is_told_where_it_counts(tmp_path: Path) -> None:
    finding = swapped()
    assert "Arrays in memory" not in report(finding)
    strided = replace(finding, verdict=replace(finding.verdict, setting=BuildSetting(layout="strided")))
    assert "\n\nArrays in memory: strided.\n\n" in report(strided)
    assert [record(each)["layout"] for each in (finding, strided)] == ["contiguous", "strided"]


def test_the_same_finding_again_changes_nothing(tmp_path: Path) -> None:
    folder = write_finding(swapped(), tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    other = replace(swapped(), seed=99, case=kernels.changed())
    assert write_finding(other, tmp_path) == folder
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_nothing_is_left_of_a_finding_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = replace(swapped(), generated="x;\n")
    broken = replace(finding, expected=None, verdict=replace(finding.verdict, mismatch=None))
    with pytest.raises(ValueError, match="needs what is expected"):
        write_finding(broken, tmp_path)
    assert list(tmp_path.iterdir()) == []

    def full(source: str, target: str) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="no space left"):
        write_finding(finding, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_process_may_be_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = replace(swapped(), generated="x;\n")
    rename = os.rename

    def late(source: Path, target: Path) -> None:
        # What the other process does between our look and our rename.
        monkeypatch.setattr(os, "rename", rename)
        write_finding(finding, tmp_path)
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    folder = write_finding(finding, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert {path.name for path in folder.iterdir()} == FILES


@pytest.mark.parametrize("content", [None, "", "[]", '{"kind": "x"}'])
def test_what_is_no_finding_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "finding.json").write_text(content)
    with pytest.raises(ValueError, match=r"finding\.json"):
        read_finding(tmp_path)


def test_slugs_are_short_words_and_different() -> None:
    one, two = slug("wrong value: mat[i][i] = leaf"), slug("wrong value: mat[i, i] = leaf")
    assert one != two
    assert one.startswith("wrong-value-mat-i-i-leaf-")
    assert len(slug("x" * 500)) < 64
    assert "/" not in slug("a/../b")


@pytest.mark.parametrize("kind", get_args(FailedKind))
def test_every_kind_has_a_page(kind: FailedKind) -> None:
    finding = swapped()
    verdict = replace(finding.verdict, kind=kind, mismatch=None, reason="RuntimeError: what Warp said")
    page = report(replace(finding, verdict=verdict, second=kernels.changed()))
    assert "**Expected.**" in page
    assert "RuntimeError: what Warp said" in page
    assert "p, q = c, d" in page
