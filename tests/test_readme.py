"""What the README shows besides commands, which tests/documentation runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


_FINDINGS = re.compile(r"(<!-- findings: begin.*?-->\n)(.*?)(<!-- findings: end -->)", re.DOTALL)


def test_the_table_of_findings_is_that_of_the_notes() -> None:
    notes = (README.parent / "notes" / "findings" / "README.md").read_text(encoding="utf-8")
    rows = [line for line in notes.splitlines() if line.startswith("|")]
    expected = "\n".join(rows).replace("](", "](notes/findings/") + "\n"
    text = README.read_text(encoding="utf-8")
    if os.environ.get("KERNELFUZZ_REFRESH"):
        text = _FINDINGS.sub(lambda match: match[1] + expected + match[3], text)
        README.write_text(text, encoding="utf-8")
    found = _FINDINGS.search(text)
    assert found is not None
    assert found[2] == expected, "run this test with KERNELFUZZ_REFRESH=1 and look at the difference"


def test_the_first_command_is_the_main_job() -> None:
    text = README.read_text(encoding="utf-8")
    line = next(line.strip() for line in text.splitlines() if line.startswith("    pip install"))
    assert line.startswith("pip install . && kernelfuzz fuzz --time 1m ")
