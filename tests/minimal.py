"""Whether a reduction went as far as it can."""

from __future__ import annotations

from collections.abc import Callable

from kernelfuzz.ir.launch import Case
from kernelfuzz.reduce import Interesting, candidates
from kernelfuzz.reduce.source import neighbours


def is_minimal(case: Case, interesting: Interesting) -> bool:
    """Whether no single edit makes an interesting case of it."""
    return not any(interesting([each])[0] for each in candidates(case))


def is_minimal_text(text: str, interesting: Callable[[str], bool], kernel: str | None = None) -> bool:
    """Whether no single edit makes an interesting text of it."""
    return not any(map(interesting, neighbours(text, kernel)))
