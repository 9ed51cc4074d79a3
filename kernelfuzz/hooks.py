"""What the tree of a kernel calls of the rooms above it, which it must not import.

The front door (``kernelfuzz/__init__.py``), which is imported before any other module of the package, puts the
functions in.  Each imports what it needs when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hooks:
    """The functions, with what stands for them until they are put in."""

    def __init__(self) -> None:
        # The source text of a kernel and of a program, for ``str``, and one line of the text of any node, for errors.
        self.source: Callable[[Any], str] = repr
        self.program: Callable[[Any], str] = repr
        self.line: Callable[[Any], str] = repr
        # What Hypothesis and IPython print of a node, a type, a launch or a case.
        self.pasted: Callable[[Any], str] = repr
        # What the reader needs to know of a kernel of Warp that a program has made.
        self.described: Callable[[Any], Any] = lambda value: value
        # Called when ``kernelfuzz.ir`` is imported.
        self.imported: Callable[[], object] = lambda: None


HOOKS = Hooks()
