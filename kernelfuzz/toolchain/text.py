"""The generated text: stripping what quotes the Python source, and splitting a piece in two."""

from __future__ import annotations

import re
from functools import lru_cache

# Nearly every comment that Warp writes has its line to itself, and a pattern that starts with a literal runs
# many times faster than the full one.
_WHOLE_LINES = re.compile(r"\n[ \t]*//.*")

# They name the source file.  Only debug and lineinfo builds have them.
_LINE_DIRECTIVES = re.compile(r"\n[ \t]*\#line\b.*")

# What only native code that a user wrote can hold, and where a line that looks like a comment may be none:
# a block comment, a raw string, a continued line.
_SPANS_LINES = ("/*", 'R"', "\\\n")

# The full pattern.  Literals come first and are put back by the replacement, so that a ``//`` inside one
# survives.  A comment that has its line to itself takes the line with it.
_QUOTED = re.compile(
    r"""(R"([^\s()\\]{0,16})\((?:[^)]|\)(?!\2"))*\)\2"|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|^[ \t]*(?://(?:[^\\\n]|\\[\s\S])*|\#line\b[^\n]*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n"""
    r"""|[ \t]*//(?:[^\\\n]|\\[\s\S])*|/\*(?:[^*]|\*(?!/))*\*/""",
    re.MULTILINE,
)


def strip_comments(text: str) -> str:
    """The C++ or CUDA ``text`` without comments and line directives; string literals are left alone."""
    if any(mark in text for mark in _SPANS_LINES):
        return _QUOTED.sub(r"\1", text)
    # The break in front stands in for the end of the line before the text.
    text = _WHOLE_LINES.sub("", "\n" + text)
    if "#line" in text:
        text = _LINE_DIRECTIVES.sub("", text)
    text = text[1:]
    if "//" not in text:
        return text
    return "\n".join(_strip_line(line) if "//" in line else line for line in text.split("\n"))


def _strip_line(line: str) -> str:
    if '"' in line or "'" in line:
        return _QUOTED.sub(r"\1", line)
    return line.partition("//")[0].rstrip(" \t")


@lru_cache(maxsize=16)
def strip_header(text: str) -> str:
    """``strip_comments`` for the few headers that open every module of one Warp."""
    return strip_comments(text)


def find_piece(text: str, piece: str, at: int) -> int:
    """Where ``piece`` starts in ``text``, from ``at`` on.  Raises ValueError where it does not occur.

    Most pieces follow one another directly; and a search for the first characters spares the preparation
    that ``str.find`` makes for a long pattern.
    """
    head = piece[:64]
    while not text.startswith(piece, at):
        at = text.index(head, at + 1)
    return at


def split_before(text: str, marker: str) -> tuple[str, str]:
    """``text`` cut in front of the top-level definition whose name and bracket are ``marker``.

    Warp closes every definition with a brace in the first column and indents everything inside one, so
    the definition starts behind the last such brace.  Without the marker, the second part is empty.
    """
    at = text.find(marker)
    if at < 0:
        return text, ""
    start = text.rfind("\n}\n", 0, at)
    start = 0 if start < 0 else start + len("\n}\n")
    return text[:start], text[start:]


_NAME = re.compile(r"[A-Za-z_]\w*")


def names_in(text: str) -> set[str]:
    """Every identifier of ``text``."""
    return set(_NAME.findall(text))
