"""Tables and numbers of the pages are those of the code."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from differences import DIFFERENCES
from generated import NUMBERS, ROOT, SECTIONS, marked, pages, written

from kernelfuzz.rewrites import transformations
from kernelfuzz.rewrites.workarounds import WORKAROUNDS, Workaround


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_the_code_has(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == written(page), "run python tests/documentation/generated.py"


def test_everything_generated_is_shown() -> None:
    shown = {page: marked(page) for page in pages()}
    assert [name for name, (page, _) in SECTIONS.items() if name not in shown[ROOT / page]] == []
    assert NUMBERS.keys() <= set().union(*shown.values())


def test_rows_of_differences_are_complete() -> None:
    names = [row.name for row in DIFFERENCES]
    assert len(names) == len(set(names))
    for row in DIFFERENCES:
        assert row.rule
        assert row.source
        for module in row.kept_by.split(", "):
            assert importlib.import_module(f"kernelfuzz.reference.{module}").__doc__


def test_a_new_rewrite_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = replace(transformations.TRANSFORMATIONS[0], name="toy", does="A toy is written.", may_change=("source",))
    monkeypatch.setattr(transformations, "TRANSFORMATIONS", (*transformations.TRANSFORMATIONS, toy))
    monkeypatch.setitem(WORKAROUNDS, "toy", Workaround("toy", ("1.19.0",), "It is not.", lambda kernel: kernel))
    page = written(ROOT / "notes" / "rewrites.md")
    assert "| toy | A toy is written. | source |\n" in page
    assert "| [toy](findings/toy.md) | It is not. | 1.19.0 | wrong gradient | source |\n" in page


def test_the_files_that_a_change_touches_exist() -> None:
    page = (ROOT / "notes" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:kernelfuzz|strategies|tests)/[\w/]+(?:\.py|/))`", page)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
