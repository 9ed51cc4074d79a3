"""Modules that a text imports: found as Python finds them, read as the text is, and never run.

The standard library and numpy are not read: what a kernel can know of them is in tables.
"""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from kernelfuzz.syntax.parse.names import Namespace, read_names

_UNREAD = frozenset({*sys.stdlib_module_names, "numpy", "warp"})


def namespace_of(module: str) -> Namespace | None:
    """The names of a module, or None where no Python file with them is found."""
    if module.partition(".")[0] in _UNREAD:
        return None
    spec = _spec(module)
    if spec is None or not spec.has_location or not str(spec.origin).endswith(".py"):
        return None
    path = Path(str(spec.origin))
    is_package = spec.submodule_search_locations is not None
    return _read(path, path.stat().st_mtime_ns, module if is_package else module.rpartition(".")[0])


def _spec(module: str) -> ModuleSpec | None:
    """Where a module is; ``importlib.util.find_spec`` would run the packages that it is in."""
    first, *rest = module.split(".")
    spec = PathFinder.find_spec(first)
    for part in rest:
        inside = None if spec is None else spec.submodule_search_locations
        # The part alone: a folder without __init__.py would look for the packages that it is in.
        spec = None if inside is None else PathFinder.find_spec(part, list(inside))
    return spec


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int, package: str) -> Namespace | None:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.arg, ast.keyword)):
            node.lineno = 0  # an error has no line of the text that is read
    return read_names(tree, package).module
