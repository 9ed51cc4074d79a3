"""Which Warp is installed: what its documentation says depends on the release."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version


@cache
def at_least(*release: int) -> bool:
    """Whether the installed Warp is that release or a later one: ``at_least(1, 14)``."""
    found = tuple(int(part) for part in re.findall(r"\d+", version("warp-lang"))[: len(release)])
    return found >= release
