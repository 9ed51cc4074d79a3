"""A pytest plugin that writes down which lines of Warp's code generator HypoFuzz has traced.

Its database says how many branches there were, and not which: so what its collector hands over is looked at.
"""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path
from typing import Any

from hypofuzz import coverage

CODEGEN = inspect.getsourcefile(importlib.import_module("warp._src.codegen"))

_lines: set[int] = set()
_leave = coverage.CoverageCollector.__exit__


def _leave_and_note(collector: Any, *error: Any) -> None:
    _leave(collector, *error)
    ends = (end for branch in collector.branches for end in branch)
    found = {end.line for end in ends if end.filename == CODEGEN}
    if not found <= _lines:
        _lines.update(found)
        listed = "".join(f"{line}\n" for line in sorted(_lines))
        Path(os.environ["TRACED_LINES"]).write_text(listed)


coverage.CoverageCollector.__exit__ = _leave_and_note
