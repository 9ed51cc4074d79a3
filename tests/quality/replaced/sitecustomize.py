"""Python imports this at its start where its folder is in PYTHONPATH: a campaign's workers and scripts then have
the code generator that ``KERNELFUZZ_CODEGEN`` names in the place of Warp's own.  The installation is only read.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType

CODEGEN = "warp._src.codegen"


class Replaced(importlib.abc.MetaPathFinder):
    """Imports ``codegen.py`` from another file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(fullname, self.path) if fullname == CODEGEN else None


if "KERNELFUZZ_CODEGEN" in os.environ:
    sys.meta_path.insert(0, Replaced(os.environ["KERNELFUZZ_CODEGEN"]))
