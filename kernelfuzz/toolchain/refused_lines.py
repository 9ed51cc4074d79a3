"""The lines of a source whose generated code a compiler refuses.

Warp writes beside the code of each statement what it was made of: ``// out[i] = f(x[i])   <L 12>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# ``module.cpp:12:5: error: ...`` of clang, ``module.cu(12): error: ...`` of NVRTC.
_ERROR = re.compile(r"^[^\n:(]*\.(?:cpp|cu)[:(](\d+)\b[^\n]*\berror\b", re.MULTILINE)
_STATEMENT = re.compile(r"<L (\d+)>\s*$")


def refused_lines(text: str, message: str) -> tuple[int, ...]:
    """Return the first line of the source in each function of the generated ``text`` that ``message`` finds fault with.

    Lines are 1-based, ascending, each once.  ``()`` where no error is about a function with a statement.
    """
    lines = text.split("\n")
    found = {_line_of(lines, int(number) - 1) for number in _ERROR.findall(message)}
    return tuple(sorted(line for line in found if line is not None))


def _line_of(lines: list[str], at: int) -> int | None:
    """The line of the source that is named first in the function around a line of the text."""
    for line in _body(lines, at):
        if named := _STATEMENT.search(line):
            return int(named[1])
    return None


def _body(lines: list[str], at: int) -> Iterator[str]:
    """The body of the function that has a line in it or in its head: braces stand alone at the start of a line."""
    start = at
    while 0 < start < len(lines) and lines[start] not in ("{", "}"):
        start -= 1
    if start < len(lines) and lines[start] == "}":
        # The line is in the head of the function that follows.
        start = next((number for number in range(at, len(lines)) if lines[number] == "{"), len(lines))
    for line in lines[start + 1 :]:
        if line == "}":
            return
        yield line
