"""What nodes, types and launches have in common: they print as something that can be pasted back."""

from __future__ import annotations

from typing import Any


class Printed:
    """``repr`` is an expression of an equal object, after ``from kernelfuzz.syntax.paste import *``."""

    __slots__ = ()

    def __repr__(self) -> str:
        # What is printed is rendered and read again, which takes libcst: only who prints pays for it.
        from kernelfuzz.syntax.paste import pasted

        return pasted(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis prints a failing example this way, as IPython does.
        printer.text(repr(self))
