"""``kernelfuzz validate``: its exit codes, what it prints where, and what it says to bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz import workers
from kernelfuzz.cli import main


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("good") / "corpus"
    assert main(["corpus", "--count", "3", "--size", "small", "--output", str(directory)]) == 0
    return directory


@pytest.fixture
def bad(good: Path, tmp_path: Path) -> Path:
    """A corpus with very many files that do not belong there."""
    directory = tmp_path / "bad"
    shutil.copytree(good, directory)
    for number in range(30):
        (directory / "data" / f".{number:02}").write_text("")
    return directory


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are checked in this process, which knows Warp already."""
    monkeypatch.setattr(workers, "call", lambda function, *arguments, **_: function(*arguments))
    monkeypatch.setattr(workers, "in_order", lambda function, tasks, **_: (function(*task) for task in tasks))


# ------------------------------------------------------------------------------------------- bad input

BAD = {
    "no directory": (["validate"], "DIR"),
    "a directory that is not there": (["validate", "{tmp}/none"], "there is no corpus in"),
    "an empty directory": (["validate", "{tmp}"], "it has no manifest.json"),
    "a file": (["validate", "{tmp}/file"], "file is a file: a corpus is a directory"),
    "a manifest of something else": (["validate", "{tmp}/other"], "is not the manifest of a corpus"),
    "a manifest that is no JSON": (["validate", "{tmp}/broken"], "cannot be read"),
    "a corpus that is not finished": (
        ["validate", "{tmp}/running"],
        "is not finished: run the corpus command",
    ),
    "sample 0": (["validate", "{tmp}", "--sample", "0"], "--sample"),
    "sample x": (["validate", "{tmp}", "--sample", "some"], "--sample"),
    "jobs 0": (["validate", "{tmp}", "--jobs", "0"], "'auto'"),
    "an option": (["validate", "{tmp}", "--biuld"], "--build"),
}
MANIFESTS = {"other": "{}", "broken": "{", "running": '{"format": 1, "state": "running"}'}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("text")
    for name, text in MANIFESTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    before = sorted(tmp_path.rglob("*"))
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("kernelfuzz: ")
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2
    assert sorted(tmp_path.rglob("*")) == before


# ----------------------------------------------------------------------------------- what it says where


def test_a_clean_corpus(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in good.rglob("*") if path.is_file()}
    assert main(["validate", str(good), "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "code              6        0            0\n" in out
    assert "not possible: inputs of 6: the row holds no launch\n" in out
    assert err == (
        f"kernelfuzz: {good}: 6 rows, all of them looked at closely; 0 violations, 12 checks not possible.\n"
    )
    assert {path: path.read_bytes() for path in good.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("here")
def test_people_see_the_first_violations_and_scripts_all(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(bad)]) == 1
    out, err = capsys.readouterr()
    listed = [line for line in out.splitlines() if line.startswith("files: data/.")]
    assert len(listed) == 20
    assert listed[0] == "files: data/.00: manifest.json does not list data/.00"
    assert out.endswith("\nand 10 more violations: --json lists them all\n")
    assert "30 violations" in err
    assert main(["validate", str(bad), "--json"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    report = json.loads(out)
    assert report["clean"] is False
    assert len(report["violations"]) == 30
    assert report["violations"][7] == {
        "id": None,
        "device": None,
        "place": "data/.07",
        "check": "files",
        "message": "manifest.json does not list data/.07",
    }
    assert "30 violations" in err


@pytest.mark.usefixtures("here")
def test_a_sample_is_the_same_rows_each_time(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def checked(count: int) -> tuple[int, dict[str, Any]]:
        assert main(["validate", str(good), "--sample", str(count), "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        return report["checked"], {each["name"]: each["passed"] for each in report["checks"]}

    number, passed = checked(4)
    assert number == passed["code"] == 4
    # What is seen without looking closely is seen of all rows.
    assert passed["unique"] == passed["schema"] == passed["split"] == 6
    assert checked(4) == (number, passed)
    assert checked(100)[0] == 6


@pytest.mark.usefixtures("here")
def test_a_sample_does_not_depend_on_the_order_of_the_rows(good: Path, tmp_path: Path) -> None:
    def rows_checked(directory: Path) -> set[str]:
        seen: set[str] = set()

        def note(function: Any, tasks: Any, **_: Any) -> Any:
            for task in tasks:
                seen.update(f"{row.id} {row.device}" for row in task[0])
                yield function(*task)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workers, "in_order", note)
            assert main(["validate", str(directory), "--sample", "2"]) == 0
        return seen

    first = rows_checked(good)
    assert len(first) == 2
    again = tmp_path / "again"
    assert main(["corpus", "--count", "3", "--size", "small", "--format", "json", "--output", str(again)]) == 0
    assert rows_checked(again) == first


# ------------------------------------------------------------------------------------------ no workers


def test_a_process_that_does_not_come_back(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*_: Any, **__: Any) -> Any:
        raise workers.WorkerDied("was killed by SIGKILL")

    monkeypatch.setattr(workers, "call", call)
    assert main(["validate", str(good)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "kernelfuzz: a process that was to check rows was killed by SIGKILL.\n"


def test_a_warp_that_cannot_be_driven(good: Path, tmp_path: Path) -> None:
    (tmp_path / "warp").mkdir()
    (tmp_path / "warp" / "__init__.py").write_text("class config:\n    version = '0.9'\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "kernelfuzz", "validate", str(good)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("kernelfuzz: Warp 0.9 cannot be driven")
    assert len(done.stderr.splitlines()) == 1
