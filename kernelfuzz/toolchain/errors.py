"""What went wrong, as a value: the one error type that the toolchain returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FailureKind: TypeAlias = Literal["syntax", "empty", "codegen", "compile", "unsupported"]
"""``syntax``: the text is not Python.  ``empty``: it is, but holds no Warp kernel (or not the one asked for).
``codegen``: running it or generating code from it raised.  ``compile``: the generated code does not compile.
``unsupported``: this Warp, or this machine's toolchain, cannot do what was asked."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source was not lowered, or a lowering not built.

    ``message`` is Warp's or the compiler's own, without the file names that the toolchain made up.
    ``line`` is the 1-based line of the source that was handed in, where one is known.
    """

    kind: FailureKind
    message: str
    line: int | None = None
    source_line: str | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{self.kind}: {where}{self.message}"
