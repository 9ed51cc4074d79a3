"""Tables and numbers of the pages are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from generated import NUMBERS, ROOT, SECTIONS, marked, pages, written


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_the_code_has(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == written(page), "run python tests/documentation/generated.py"


def test_everything_generated_is_shown() -> None:
    shown = {page: marked(page) for page in pages()}
    assert [name for name, (page, _) in SECTIONS.items() if name not in shown[ROOT / page]] == []
    assert NUMBERS.keys() <= set().union(*shown.values())
