"""Modules that a text imports: found as Python finds them, read as the text is, and never run."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from kernelfuzz.syntax.parse.bindings import Namespace, WarpName, module_named, read_names

# The standard library and numpy are not read: what a kernel can know of them is in tables.
_UNREAD = frozenset({*sys.stdlib_module_names, "numpy"})


def namespace_of(module: str, near: Namespace) -> Namespace | None:
    """The names of a module that code in a namespace imports, or None where no Python file with them is found."""
    if module.partition(".")[0] in _UNREAD or module_named(module) == WarpName("warp"):
        return None
    folders = near.module.folders
    spec = _spec(module, folders)
    if spec is None or not spec.has_location or not str(spec.origin).endswith(".py"):
        return None
    path = Path(str(spec.origin))
    is_package = spec.submodule_search_locations is not None
    return _read(path, path.stat().st_mtime_ns, module if is_package else module.rpartition(".")[0], folders)


def _spec(module: str, folders: tuple[str, ...]) -> ModuleSpec | None:
    """Where a module is; ``importlib.util.find_spec`` would run the packages that it is in."""
    first, *rest = module.split(".")
    spec = PathFinder.find_spec(first, [*folders, *sys.path])
    for part in rest:
        inside = None if spec is None else spec.submodule_search_locations
        # The part alone: a folder without __init__.py would look for the packages that it is in.
        spec = None if inside is None else PathFinder.find_spec(part, list(inside))
    return spec


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int, package: str, folders: tuple[str, ...]) -> Namespace | None:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.arg, ast.keyword)):
            node.lineno = 0  # an error has no line of the text that is read
    return read_names(tree, package, folders).module


def place_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """The package that a file is in (empty where it is in none), and the folder of what it imports by whole names.

    A folder without ``__init__.py`` is a part of a package too, where Python looks for modules above it.
    """
    home = path.resolve().parent
    while (home / "__init__.py").exists():
        home = home.parent
    searched = {Path(each).resolve() for each in sys.path if each}
    home = next((each for each in (home, *home.parents) if each in searched), home)
    return ".".join(path.resolve().parent.relative_to(home).parts), (str(home),)
