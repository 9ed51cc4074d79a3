"""Kernels read from the source text of a module.

``parse`` reads text into the tree whose rendering means the same.  What a hand-written kernel says
in words of its own is put in the one form that the IR has: docstrings and annotations of locals are left
out, arguments by name and defaults are put in their places, values that ``wp.static`` computes and captured
tuples are written out, and a number given as a component is a literal of the component's type.  A text that
``render`` made gives a kernel that renders to the same text.

Two trees can have one text.  The reader then chooses: ``-3`` is ``Literal(-3)``, not the negative of
``Literal(3)``; ``wp.int8(3)`` is a literal of int8, not a conversion of ``3`` (``int(3)``, ``float(3.0)`` and
``bool(True)`` are conversions, as int32, float32 and bool have literals without a call); an empty block is
one ``pass``.  The contract of a launch (``Param.bounds``, ``Param.shape``) is no part of the text and empty.
"""

from kernelfuzz.syntax.parse.errors import ParseError
from kernelfuzz.syntax.parse.module import parse, parse_all

__all__ = ["ParseError", "parse", "parse_all"]
