"""What Warp or a compiler said, without what differs between two mentions of one bug."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kernelfuzz.ir.names import own_names
from kernelfuzz.ir.nodes import Kernel

# Warp quotes the statement that it was in, and the call that led there, before it says what is wrong.
_QUOTED_SOURCE = re.compile(r"Error while parsing function \"?[^\n]*?\"? at [^\n]*:\n.*?\n;", re.DOTALL)

# How a Failure starts: its kind, and the line of the source.
_FAILURE = re.compile(r"\A(?:syntax|empty|codegen|compile): (?:line \d+: )?")

# Every pattern with what stands for it; the order counts: a type is recognised before its digits are masked.
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"<kernelfuzz \w+>", "FILE"),
        (r"(?:[A-Za-z]:)?(?:[\w.~+-]*[/\\])+[\w.~+-]+(?::\d+)*", "FILE"),
        (r"\bline \d+", "line N"),
        (r"<([\w.]+) object at 0x[0-9a-f]+>", r"\1"),
        (r"<class '([\w.]+)'>", r"\1"),
        (r"\b(?:warp|wp)(?:\._src)?(?:\.|::)(?:types\.|context\.|codegen\.)?", ""),
        (r"\bu?int(?:8|16|32|64)(?:_t)?\b", "int"),
        (r"\bfloat(?:16|32|64)\b", "float"),
        (r"\bvec(?:_t|\d+(?:[fdhbsil]|u[bsil])?)\b", "vec"),
        (r"\b(?:spatial_vector)[fdh]?\b", "vec"),
        (r"\b(?:spatial_matrix)[fdh]?\b", "mat"),
        (r"\bmat(?:_t|\d+x?\d*(?:[fdhbsil]|u[bsil])?)\b", "mat"),
        (r"\b(quat|transform)(?:_t|[fdh])\b", r"\1"),
        (r"\b(vec|mat|quat|transform)<[\w, :]*>", r"\1"),
    )
)

# Builtins whose name ends in a digit; every other such name was made up by a generator of code.
_NUMBERED_BUILTINS = frozenset(["atan2", "log2", "log10", "exp2", "exp10", "svd2", "svd3", "qr3", "eig3"])
_MADE_UP = re.compile(r"\b[A-Za-z]\w*?_?\d\w*\b")
_NUMBER = re.compile(r"(?<![A-Za-z_])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?[a-z]*")
_QUOTED_WORD = re.compile(r"""(?<!\w)(['"`])([^'"`\n]*)\1(?!\w)""")


def masked(message: str, names: Iterable[str] = ()) -> str:
    """One line of a message without paths, line numbers, numbers, made-up names and widths of types.

    A quoted word stays where it is one of Warp's (``'extract'``): it goes where it is among ``names``, or no
    identifier.
    """
    chosen = frozenset(names)
    text = message
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    text = _MADE_UP.sub(lambda found: found[0] if found[0] in _NUMBERED_BUILTINS else "NAME", text)

    def quoted(found: re.Match[str]) -> str:
        word = found[2]
        return f"'{word}'" if word.isidentifier() and word not in chosen else "'_'"

    text = _QUOTED_WORD.sub(quoted, text)
    text = _NUMBER.sub("N", text)
    return " ".join(text.split())


def exception_text(message: str, kernel: Kernel) -> str:
    """``Class: message`` of an exception that Warp raised, masked; its first line that says anything."""
    text = _FAILURE.sub("", message)
    bare = _QUOTED_SOURCE.sub("", text)
    lines = [line.strip() for line in bare.split("\n") if line.strip()]
    return masked(lines[0] if lines else "", own_names(kernel))


def compiler_error(message: str, kernel: Kernel) -> str:
    """The first ``error:`` line of a compiler, masked; without one, the first line."""
    lines = [line.strip() for line in _FAILURE.sub("", message).split("\n") if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b", line)]
    first = (errors or lines or [""])[0]
    return masked(re.sub(r"\A.*?\berror\b[ :]*", "", first), own_names(kernel))


def signal_name(message: str) -> str:
    """The name of the signal in a message (``SIGSEGV``), or an empty text."""
    found = re.search(r"\bSIG[A-Z]+\b", message)
    return found[0] if found else ""
