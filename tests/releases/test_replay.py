"""Findings, files of kernels and corpora tried again: what there is at a path, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planted import SOURCES, kernel_source  # pyright: ignore[reportMissingImports]

from kernelfuzz.cli.compare_command import recorded
from kernelfuzz.releases.environments import environment
from kernelfuzz.releases.replay import Item, NothingToReplay, Replayed, items, replay
from kernelfuzz.toolchain import Lowering, lower_devices
from kernelfuzz.workers import Pool

PRESENT = "import sys\nsys.exit(1)\n"
FIXED = "import sys\nsys.exit(0)\n"
BROKEN = "import sys\nimport no_such_module\nsys.exit(1)\n"


def tried(found: list[Item], rows: list[dict[str, Any]] | None = None) -> list[Replayed]:
    stored = [recorded(number, row) for number, row in enumerate(rows or [], 1)]
    with Pool(2) as queue:
        return replay(found, [environment(sys.executable)], lambda _: stored, queue=queue, timeout=600)[0]


@pytest.fixture
def findings(tmp_path: Path) -> Path:
    """As ``kernelfuzz fuzz`` writes them, with things around that are none."""
    for name, text in (("b-fixed", FIXED), ("a-there", PRESENT), ("c-broken", BROKEN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "reproducer.py").write_text(text)
        (tmp_path / name / "original.py").write_text("print('not this')\n")
    (tmp_path / ".writing-x").mkdir()
    (tmp_path / ".writing-x" / "reproducer.py").write_text(PRESENT)
    (tmp_path / "empty").mkdir()
    (tmp_path / "known.json").write_text("[]")
    (tmp_path / "page.md").write_text("page")
    (tmp_path / "script.py").write_text(PRESENT)
    return tmp_path


def test_what_there_is_in_a_folder(findings: Path) -> None:
    assert [(item.kind, item.name) for item in items(findings)] == [
        ("reproducer", "a-there"),
        ("reproducer", "b-fixed"),
        ("reproducer", "c-broken"),
        ("reproducer", "script"),
    ]
    assert [item.name for item in items(findings / "a-there")] == ["a-there"]


def test_fixed_still_there_or_changed(findings: Path) -> None:
    results = tried(items(findings))
    assert [(each.item.name, each.status) for each in results] == [
        ("a-there", "still there"),
        ("b-fixed", "fixed"),
        ("c-broken", "changed"),
        ("script", "still there"),
    ]
    assert results[2].detail == "ModuleNotFoundError: No module named 'no_such_module'"


def test_the_findings_of_the_notes_are_reproducers() -> None:
    folder = Path(__file__).parents[2] / "notes" / "findings"
    found = items(folder)
    assert {item.kind for item in found} == {"reproducer"}
    assert len(found) == len(list(folder.glob("*.py")))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none", None, "no such file"),
        ("text.txt", "x", "neither a Python file"),
        ("finding.json", "{}", "neither a Python file"),
        ("bad.py", "def f(:", "is not Python"),
    ],
)
def test_what_cannot_be_replayed(name: str, text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(NothingToReplay, match=said):
        items(tmp_path / name)


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingToReplay, match="holds nothing"):
        items(tmp_path)


@pytest.mark.slow
def test_a_file_of_kernels(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(SOURCES["sound"])
    (tmp_path / "rejected.py").write_text(kernel_source("k", "wp.no_such_builtin(1.0)"))
    good, rejected = tried(items(tmp_path))
    assert (good.item.kind, good.status) == ("kernels", "ok")
    assert good.detail == "lowering for cpu, building cpu, lowering for cuda, building ptx"
    assert rejected.status == "fails"
    assert "no_such_builtin" in rejected.detail


def rows() -> Iterator[dict[str, Any]]:
    """A corpus of two kernels for both devices, launched."""
    tensor = {"dtype": "float32", "shape": [2]}
    for name in ("sound", "wrong"):
        source = SOURCES[name]
        outputs = ["2.0", "3.5"] if name == "sound" else ["3.0", "7.5"]
        for device, lowering in lower_devices(source).items():
            assert isinstance(lowering, Lowering)
            code = lowering.kernels[0]
            yield {
                "python_source": source,
                "device": device,
                "ir_forward": code.forward,
                "ir_backward": code.backward,
                "ir_functions": list(code.functions),
                "ir_structs": list(code.structs),
                "launch": {"dim": [2], "tiled": False, "seed": None},
                "io": {
                    "inputs": [
                        {"name": "a0", **tensor, "values": ["1.0", "2.5"]},
                        {"name": "out0", **tensor, "values": ["0.0", "nan"]},
                    ],
                    "outputs": [{"name": "out0", **tensor, "values": outputs}],
                },
                "metadata": {"seed": 4, "index": 7, "has_backward": True},
            }


def test_the_code_of_a_corpus(tmp_path: Path) -> None:
    found = [Item("corpus", "corpus", tmp_path)]
    stored = [{**row, "io": None} for row in rows()]
    # Hashes and numbers of variables are no difference.
    stored[0]["ir_forward"] = stored[0]["ir_forward"].replace("var_2", "var_77")
    (good,) = tried(found, stored)
    assert (good.status, dict(good.counts)) == ("ok", {"rows": 4, "same code": 4})

    stored[1]["ir_forward"] = stored[1]["ir_forward"].replace("wp::add", "wp::sub")
    refused = {**stored[2], "python_source": SOURCES["wrong"].replace("3.0", "wp.x(1)")}
    (bad,) = tried(found, [*stored, refused])
    assert bad.status == "changed"
    assert bad.detail == "row 2 (seed 4 index 7): other code (other functions called)"
    assert dict(bad.counts) == {
        "rows": 5,
        "same code": 3,
        "other code": 1,
        "code: other functions called": 1,
        "not accepted": 1,
    }


@pytest.mark.slow
def test_the_values_of_a_corpus(tmp_path: Path) -> None:
    stored = list(rows())
    stored[3]["io"]["outputs"][0]["values"] = ["3.0", "-7.5"]
    (bad,) = tried([Item("corpus", "corpus", tmp_path)], stored)
    assert bad.status == "changed"
    assert bad.detail == "row 4 (seed 4 index 7): out0[1] was -7.5 and is 7.5"
    assert dict(bad.counts) == {"rows": 4, "same code": 4, "same values": 3, "other values": 1}


def test_a_corpus_without_rows(tmp_path: Path) -> None:
    (empty,) = tried([Item("corpus", "corpus", tmp_path)])
    assert (empty.status, empty.detail) == ("changed", "there are no rows")
