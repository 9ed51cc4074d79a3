"""Warp's private names stay in one package."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Scripts run without kernelfuzz, and so without its compat: their text names what they need.
SCRIPT = (ROOT / "kernelfuzz" / "findings" / "script.py").resolve()

# An attribute or a submodule of Warp that starts with one underscore.
PRIVATE = re.compile(r"\b(?:warp|wp)\._(?!_)\w+|\bfrom\s+warp(?:\.\w+)*\s+import\s+(?:.*,\s*)?_(?!_)\w+")


def _files() -> list[Path]:
    found = {path.resolve() for folder in ("kernelfuzz", "strategies") for path in (ROOT / folder).rglob("*.py")}
    return sorted(path for path in found - {SCRIPT} if path.parent.name != "compat")


def test_the_pattern_finds_what_it_should() -> None:
    for text in (
        "warp._src.context",
        "wp._src",
        "from warp._src import codegen",
        "from warp import config, _src",
    ):
        assert PRIVATE.search(text)
    for text in ("warp.config", "wp.vec3", "warp.__version__", "from warp import config", "my_warp_src"):
        assert not PRIVATE.search(text)


def test_only_compat_mentions_private_names_of_warp() -> None:
    files = _files()
    assert len(files) > 5
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PRIVATE.search(line)
    ]
    assert not found, "\n".join(found)
