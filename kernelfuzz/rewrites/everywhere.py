"""A kernel with its expressions or its statements replaced, everywhere, and names for what is put in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kernelfuzz.ir import names
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import own_names as identifiers
from kernelfuzz.ir.rewrite import map_expressions, map_statements


class FreshNames:
    """Names that a kernel does not use: ``copy0``, ``copy1``, each given once."""

    def __init__(self, taken: Iterable[str], prefix: str) -> None:
        self._names = names.FreshNames(taken)
        self._prefix = prefix

    def __call__(self) -> str:
        return self._names(self._prefix)


def fresh(kernel: n.Kernel, prefix: str) -> Iterator[str]:
    """Names that the kernel does not have yet: ``prefix0``, ``prefix1``, ..."""
    made = FreshNames(identifiers(kernel), prefix)
    while True:
        yield made()


__all__ = ["FreshNames", "fresh", "identifiers", "map_expressions", "map_statements"]
