"""The tables of notes/reference.md are those that the reference interpreter computes by."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from kernelfuzz.reference.arithmetic import BINARY, COMPARE, CONVERSIONS, UNARY
from kernelfuzz.reference.documented import DIFFERENCES
from kernelfuzz.reference.limitations import LIMITATIONS

PAGE = Path(__file__).parents[2] / "notes" / "reference.md"

KINDS = {"float": "floats", "int": "signed integers", "uint": "unsigned integers", "bool": "bool"}


def escaped(cell: str) -> str:
    cell = cell.replace("|", "\\|")
    return cell if "`" in cell else cell.replace("*", "\\*")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *[[escaped(cell) for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def kinds(names: Sequence[str]) -> str:
    text = ", ".join(KINDS[name] for name in names)
    return text.replace("signed integers, unsigned integers", "integers")


def differences() -> str:
    head = ("what", "rule", "source", "releases", "kept by")
    rows = [
        (row.name, row.rule, row.source, row.changed, f"`{row.kept_by.replace(', ', '`, `')}`") for row in DIFFERENCES
    ]
    return table(head, rows)


def arithmetic() -> str:
    # What has one reason has one row.
    rows: dict[tuple[str, str], list[str]] = {}
    for title, rules in (("", BINARY), ("unary ", UNARY), ("", COMPARE)):
        for rule in rules:
            rows.setdefault((kinds(rule.kinds), rule.source), []).append(f"{title}`{rule.op}`")
    for row in CONVERSIONS:
        made = f"{kinds(row.sources)} to {kinds(row.targets)}"
        rows.setdefault((made, row.source), []).append("conversion")
    return table(
        ("operator", "operands", "rule and source"),
        [(", ".join(names), operands, source) for (operands, source), names in rows.items()],
    )


def limitations() -> str:
    return table(
        ("what", "section", "sentence"),
        [(row.name, row.section, row.sentence) for row in LIMITATIONS],
    )


SECTIONS = {"differences": differences, "arithmetic": arithmetic, "limitations": limitations}


@pytest.mark.parametrize("name", SECTIONS)
def test_the_page_has_the_tables_of_the_code(name: str) -> None:
    section = re.compile(rf"(<!-- {name}: begin.*?-->\n)(.*?)(<!-- {name}: end -->)", re.DOTALL)
    expected = SECTIONS[name]()
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("KERNELFUZZ_REFRESH"):
        text = section.sub(lambda match: match[1] + expected + match[3], text)
        PAGE.write_text(text, encoding="utf-8")
    found = section.search(text)
    assert found is not None
    assert found[2] == expected, "run this test with KERNELFUZZ_REFRESH=1 and look at the difference"
