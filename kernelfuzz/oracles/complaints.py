"""What compilers warn of that no valid kernel has, one row each: clang's flags and NVRTC's numbers.

Left out is what a valid kernel may have:

- a value that is compared with itself;
- a variable that a branch does not write and whose value is merged but not used (``written`` of the static oracle
  follows those);
- a variable that nothing has written in the backward pass and an adjoint call gets: the value is lost, as Warp
  documents of dynamic loops, and the gradient oracle tells where that matters;
- a constant so small that its type rounds it to zero, or to less than a normal number, as ``wp.static(1e-38 * 1e-38)``;
- a float that is made an integer, as ``wp.uint64(2.5)`` (clang's ``literal-conversion``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """``what`` is wrong, by the names of clang's warnings (``-Wname``) or by NVRTC's numbers (``#number-D``)."""

    what: str
    clang: tuple[str, ...]
    nvrtc: tuple[int, ...]


COMPLAINTS: tuple[Complaint, ...] = (
    Complaint(
        "a constant does not fit its type",
        (
            "integer-overflow",
            "constant-conversion",
            "implicitly-unsigned-literal",
            "literal-range",
        ),
        (61, 68, 69, 221, 222),
    ),
    Complaint("a division by zero", ("division-by-zero",), (39, 179)),
    Complaint("a shift that is out of range", ("shift-count-overflow", "shift-count-negative"), (62, 63)),
    Complaint("a variable that is read is never written", ("uninitialized",), (549,)),
)

# Not among the warnings that clang gives unless it is asked.
ASKED = "-Wuninitialized"

# The first line of a warning about the module itself, and not about a header of Warp's.
_CLANG = re.compile(r"^module\.cpp:\d+:\d+: warning: (?P<text>.*) \[-W(?P<mark>[\w-]+)\]$")
_NVRTC = re.compile(r"^module\.cu\(\d+\): warning #(?P<mark>\d+)-D: (?P<text>.*)$")


# A constant that is no number of float16 or float32 because it is too small for a normal one.
_CONSTANT = re.compile(r"=\s*-?([\d.]+e-\d+)f?;")
_LEAST = {"float16": 6.1e-5, "float32": 1.18e-38}


def _is_rounded(line: str) -> bool:
    """Whether a line of code is a small constant, whose rounding is defined."""
    found = _CONSTANT.search(line)
    least = next((value for name, value in _LEAST.items() if name in line), 0.0)
    return found is not None and float(found[1]) < least


def _is_adjoint(line: str) -> bool:
    return "adj_" in line.partition("(")[0]


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning of a compiler: its row, its first line, the ``line`` of code, and the ``mark`` that tells it."""

    complaint: Complaint
    text: str
    line: str
    mark: str


def warned(printed: str) -> Iterator[Warned]:
    """The warnings about a module that are in the table, in the order in which they were printed."""
    lines = printed.splitlines()
    for at, each in enumerate(lines):
        found = _CLANG.match(each) or _NVRTC.match(each)
        if found is None:
            continue
        mark = found["mark"]
        row = next((row for row in COMPLAINTS if mark in (*row.clang, *map(str, row.nvrtc))), None)
        code = lines[at + 1].partition("|")[2] or lines[at + 1] if at + 1 < len(lines) else ""
        if row is not None and not _is_rounded(code) and not _is_adjoint(code):
            yield Warned(row, found["text"], code.strip(), f"#{mark}-D" if mark.isdigit() else f"-W{mark}")
