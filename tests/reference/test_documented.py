"""The table of differences names what exists."""

from __future__ import annotations

import importlib

from kernelfuzz.reference.documented import DIFFERENCES


def test_rows_are_complete() -> None:
    names = [row.name for row in DIFFERENCES]
    assert len(names) == len(set(names))
    for row in DIFFERENCES:
        assert row.rule
        assert row.source
        for module in row.kept_by.split(", "):
            assert importlib.import_module(f"kernelfuzz.reference.{module}").__doc__
