"""How nodes, types and launches print: ``repr`` is a call of the class, which gives an equal object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

from kernelfuzz.hooks import HOOKS


class Printed:
    """A frozen dataclass whose ``repr`` can be pasted after ``from kernelfuzz.syntax.paste import *``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return call_text(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis prints a failing example this way, as IPython does.
        printer.text(HOOKS.pasted(self))


def call_text(value: Any, text: Callable[[Any], str] = repr) -> str:
    """The call of the class of a dataclass, without the defaults at the end; ``text`` prints an argument."""
    names = value.__match_args__
    given = [(getattr(value, name), value.__dataclass_fields__[name].default) for name in names]
    while given and given[-1][1] is not MISSING and given[-1][0] == given[-1][1]:
        given.pop()
    return f"{type(value).__name__}({', '.join([text(each) for each, _ in given])})"
