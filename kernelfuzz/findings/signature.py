"""The text by which findings fold: two findings of one bug mostly have one signature.

What Warp or a compiler printed is masked: names, numbers, paths and widths of types differ between two kernels
that meet one bug.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kernelfuzz.analysis.fingerprint import skeleton
from kernelfuzz.findings.shape import shape as full_shape
from kernelfuzz.ir.names import own_names
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.verdict import FAILURES, Verdict

# A longer shape is not read by people.
_SHAPE_CHARACTERS = 160

# Warp quotes the statement that it was in, and the call that led there, before it names the error.
_QUOTED_SOURCE = re.compile(r"Error while parsing function \"?[^\n]*?\"? at [^\n]*:\n.*?\n;", re.DOTALL)

# How a Failure starts: its kind, and the line of the source.
_FAILURE = re.compile(r"\A(?:syntax|empty|codegen|compile): (?:line \d+: )?")

# What a compiler calls an error: clang ``error: ...``, NVRTC also ``error #20: ...``.
_ERROR = re.compile(r"\berror(?: #[\w-]+)?\s*: *")
_ERROR_WORD = re.compile(r"\berror\b[ :]*")

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


def signature(verdict: Verdict, kernel: Kernel, *, message: str = "", frame: str = "", operation: str = "") -> str:
    """Return the signature of a failed verdict on ``kernel``, the kernel as reduced so far.

    It has the kind, the device, and what ``FAILURES`` tells the kind by.  ``message`` (default: the verdict's
    reason) is what Warp or the compiler printed, ``frame`` Warp's innermost function where that is known.
    ``operation`` is what is to blame for values, where that is known: it stands for the shape.
    Raises ValueError for a verdict that did not fail.
    """
    if not verdict.kind:
        raise ValueError(f"no failure: {verdict.status}")
    printed = message or verdict.reason
    # What an adjoint writes is another bug than what the kernel does.
    by = " by the adjoint" if verdict.kind == "writes outside" and verdict.oracle == "gradient" else ""
    start = f"{verdict.kind}{by}{where(verdict)}"
    match FAILURES[verdict.kind].told_by:
        case "exception":
            return f"{start}: {exception_text(printed, kernel)}{f' in {masked(frame)}' if frame else ''}"
        case "compiler":
            return f"{start}: {compiler_error(printed, kernel)}"
        case "signal":
            return f"{f'{start} {signal_name(printed)}'.rstrip()}{under(verdict)}: {shape(kernel)}"
        case "change":
            return f"{start} ({changed(verdict)}): {operation or shape(kernel)}"
        case "check":
            assert verdict.malformed is not None
            return f"{start}: {verdict.malformed.check}: {verdict.malformed.operation}"
        case "promise":
            return f"{start}: {verdict.reason}"
        case "edit":
            assert verdict.accepted is not None
            return f"{start}: {verdict.accepted.edit}: {verdict.accepted.about}"
        case "shape":
            return f"{start}: {operation or shape(kernel)}"


def shape(kernel: Kernel) -> str:
    """Return the shape of a kernel; of one that is far from minimal, its start and a digest."""
    text = full_shape(kernel)
    return f"{text[:_SHAPE_CHARACTERS]}... {skeleton(kernel)[:8]}" if is_far_from_minimal(kernel) else text


def is_far_from_minimal(kernel: Kernel) -> bool:
    """Whether a kernel has so many statements that its shape is cut short."""
    return len(full_shape(kernel)) > _SHAPE_CHARACTERS


def where(verdict: Verdict) -> str:
    """Return the device of a finding, where it is not the CPU: CUDA text counts as CUDA wherever it ran."""
    return "" if verdict.setting.target == "cpu" else " on CUDA"


def under(verdict: Verdict) -> str:
    """Return the row of module options under which something fails, in brackets; empty where it has none."""
    row = verdict.setting.row
    return f" ({row})" if row.startswith("options: ") else ""


def changed(verdict: Verdict) -> str:
    """Return what an oracle changed or found: the ``row`` of its setting, or the names of the options."""
    names = ", ".join(sorted(name for name, _ in verdict.setting.options))
    return verdict.setting.row or names or verdict.oracle


# ----------------------------------------------------------------------------------------- masked messages


def masked(message: str, names: Iterable[str] = ()) -> str:
    """Return a message in one line, without paths, line numbers, numbers, made-up names and widths of types.

    A quoted word stays where it is one of Warp's (``'extract'``): it becomes ``'_'`` where it is one of
    ``names``, or no identifier.
    """
    chosen = frozenset(names)
    text = message
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    text = _MADE_UP.sub(lambda found: found[0] if found[0] in _NUMBERED_BUILTINS else "NAME", text)

    def quoted(found: re.Match[str]) -> str:
        word = found[2]
        return f"'{word}'" if word.isidentifier() and word not in chosen else "'_'"

    return " ".join(_NUMBER.sub("N", _QUOTED_WORD.sub(quoted, text)).split())


def exception_text(message: str, kernel: Kernel) -> str:
    """Return ``Class: message`` of an exception that Warp raised, masked: the first line with any text."""
    lines = _lines(_QUOTED_SOURCE.sub("", _FAILURE.sub("", message)))
    return masked(lines[0], own_names(kernel))


def compiler_error(message: str, kernel: Kernel) -> str:
    """Return the first ``error:`` line of a compiler, masked; without one, the first that has the word, or the first.

    Warp says that there was an error before NVRTC says which.
    """
    lines = _lines(_FAILURE.sub("", message))
    named = (line for pattern in (_ERROR, _ERROR_WORD) for line in lines if pattern.search(line))
    first = next(named, lines[0])
    pattern = _ERROR if _ERROR.search(first) else _ERROR_WORD
    return masked(re.sub(rf"\A.*?{pattern.pattern}", "", first), own_names(kernel))


def signal_name(message: str) -> str:
    """Return the name of the signal in a message (``SIGSEGV``), or an empty text."""
    found = re.search(r"\bSIG[A-Z]+\b", message)
    return found[0] if found else ""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()] or [""]
