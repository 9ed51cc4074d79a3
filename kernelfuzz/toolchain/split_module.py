"""The generated text of a module: stripped of comments, and taken apart into each kernel with what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from kernelfuzz.devices import Device
from kernelfuzz.toolchain import compat


@dataclass(frozen=True, slots=True)
class KernelCode:
    """The generated code of one kernel, in pieces.

    ``forward`` and ``backward`` are one function each (for the CPU, forward starts with the struct that
    carries the arguments).  ``functions`` and ``structs`` are what the two need, in the module's order; a
    function's text holds its adjoint too where the kernel has a backward.
    """

    name: str
    mangled_name: str
    forward: str
    backward: str | None
    functions: tuple[str, ...]
    structs: tuple[str, ...]
    arg_types: tuple[tuple[str, str], ...]


def stripped(text: str, pieces: tuple[compat.Piece, ...]) -> tuple[str, tuple[compat.Piece, ...]]:
    """The module and its pieces without comments; each piece is stripped once, and the module put together
    again from what is between them."""
    parts: list[str] = []
    bare_pieces: list[compat.Piece] = []
    at = 0
    for piece in pieces:
        start = find_piece(text, piece.text, at)
        between = text[at:start]
        parts.append(strip_header(between) if at == 0 else strip_comments(between))
        bare = bare_piece(piece)
        parts.append(bare.text)
        bare_pieces.append(bare)
        at = start + len(piece.text)
    parts.append(strip_comments(text[at:]))
    return "".join(parts), tuple(bare_pieces)


def bare_piece(piece: compat.Piece) -> compat.Piece:
    """The piece without comments."""
    return replace(piece, text=strip_comments(piece.text))


@dataclass(slots=True)
class _Function:
    """The two halves of a user function, wherever in the module they stand."""

    name: str
    forward: str = ""
    reverse: str = ""


def _functions(pieces: Iterable[compat.Piece]) -> list[_Function]:
    functions: dict[int, _Function] = {}
    for piece in pieces:
        if piece.kind != "function":
            continue
        function = functions.setdefault(id(piece.owner), _Function(piece.name))
        if piece.part == "whole":
            forward, reverse = split_before(piece.text, f"void adj_{piece.name}(")
        else:
            forward, reverse = (piece.text, "") if piece.part == "forward" else ("", piece.text)
        function.forward += forward
        function.reverse += reverse
    return list(functions.values())


def kernel_codes(
    order: Iterable[str], pieces: Iterable[compat.Piece], device: Device, wanted: str | None = None
) -> tuple[KernelCode, ...]:
    """The code of each kernel of a module, or of those named ``wanted``; ``order`` has their mangled names."""
    pieces = tuple(pieces)
    functions = _functions(pieces)
    structs = [piece for piece in pieces if piece.kind == "struct"]
    kernels = {piece.name: piece for piece in pieces if piece.kind == "kernel"}
    alone = len(kernels) == 1
    result: list[KernelCode] = []
    for name in order:
        piece = kernels.get(name)
        if piece is None:
            continue
        facts = compat.facts(piece.owner)
        if wanted is not None and wanted not in (facts.name, facts.key):
            continue
        forward, backward = split_before(piece.text, f"{facts.mangled_name}_{device}_kernel_backward(")
        needed = functions if alone else _needed_functions(piece.text, functions, bool(backward))
        texts = [_function_text(function, bool(backward)) for function in needed]
        texts = [text for text in texts if text]
        names = set() if alone else _needed_structs([piece.text, *texts], structs)
        result.append(
            KernelCode(
                name=facts.name,
                mangled_name=facts.mangled_name,
                forward=forward.strip() + "\n",
                backward=backward.strip() + "\n" if backward else None,
                functions=tuple(texts),
                structs=tuple(each.text.strip() + "\n" for each in structs if alone or each.name in names),
                arg_types=facts.arg_types,
            )
        )
    return tuple(result)


def _function_text(function: _Function, backward: bool) -> str:
    halves = [function.forward.strip(), function.reverse.strip() if backward else ""]
    text = "\n\n".join(half for half in halves if half)
    return text + "\n" if text else ""


def _needed_functions(text: str, functions: list[_Function], backward: bool) -> list[_Function]:
    """The functions that ``text`` calls, and what those call; by name, which is unique in a module."""
    names = names_in(text)
    needed: set[int] = set()
    while True:
        added = [
            function
            for function in functions
            if id(function) not in needed
            and not names.isdisjoint((function.name, f"adj_{function.name}", f"replay_{function.name}"))
        ]
        if not added:
            return [function for function in functions if id(function) in needed]
        for function in added:
            needed.add(id(function))
            names |= names_in(_function_text(function, backward))


def _needed_structs(texts: Iterable[str], structs: list[compat.Piece]) -> set[str]:
    """The structs that ``texts`` name, and the ones that their fields name."""
    names = names_in("\n".join(texts))
    needed: set[str] = set()
    # A struct stands behind those that it contains, so one pass backwards is enough.
    for struct in reversed(structs):
        if struct.name in names:
            needed.add(struct.name)
            names |= names_in(struct.text)
    return needed


# -------------------------------------------------------------------------------- the text

# Nearly every comment that Warp writes has its line to itself, and a pattern that starts with a literal runs
# many times faster than the full one.
_WHOLE_LINES = re.compile(r"\n[ \t]*//.*")

# They name the source file.  Only debug and lineinfo builds have them.
_LINE_DIRECTIVES = re.compile(r"\n[ \t]*\#line\b.*")

# What only native code that a user wrote can hold, and where a line that looks like a comment may be none:
# a block comment, a raw string, a continued line; by a character of each that generated code hardly has, which
# Python finds thirty times faster than two characters.
_SPANS_LINES = {"*": "/*", '"': 'R"', "\\": "\\\n"}

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
    if any(rare in text and mark in text for rare, mark in _SPANS_LINES.items()):
        return _QUOTED.sub(r"\1", text)
    # The break in front stands in for the end of the line before the text.
    text = _WHOLE_LINES.sub("", "\n" + text)
    if "#" in text:
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
