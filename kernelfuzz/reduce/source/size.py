"""How simple a text is: a strict order, so that taking only smaller candidates comes to an end."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from functools import lru_cache

# What a node of Python's own tree weighs; every other weighs 2.  A literal is simpler than a name, so that
# names give way to literals, and a loop weighs more than what is left of it when its body stands alone.
WEIGHT: dict[type[ast.AST], int] = {
    ast.Module: 0, ast.Pass: 0, ast.arguments: 0, ast.Expr: 1, ast.Constant: 1, ast.FormattedValue: 1,
    ast.For: 6, ast.While: 6, ast.FunctionDef: 6, ast.ClassDef: 6, ast.If: 4, ast.IfExp: 4,
    ast.AugAssign: 4, ast.AnnAssign: 3, ast.arg: 3,
}  # fmt: skip
_OTHER = 2

# The nodes that hold these stand for them: what is read or written, and the operators.
_WEIGHTLESS = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """The smaller, the simpler: the weight of the tree, then the length of the text, then its letters.

    Blank lines and the ends of lines do not count: ``tidy`` deals with them.
    """

    weight: int
    length: int
    text: str
    nodes: int = field(compare=False)


@lru_cache(maxsize=4096)
def _weight(kind: type[ast.AST]) -> int:
    return 0 if issubclass(kind, _WEIGHTLESS) else WEIGHT.get(kind, _OTHER)


def measure(text: str) -> Size:
    """The size of a text.  Raises SyntaxError where it is no Python."""
    kinds = [type(node) for node in ast.walk(parsed(text))]
    bare = "\n".join([line.rstrip() for line in text.split("\n") if line.strip()])
    nodes = sum(not issubclass(kind, _WEIGHTLESS) for kind in kinds)
    return Size(sum(map(_weight, kinds)), len(bare), bare, nodes)


def has_kernel(text: str, name: str) -> bool:
    """Whether a text has a kernel of a name.  Raises SyntaxError where it is no Python."""
    return name in text and any(
        isinstance(node, ast.FunctionDef)
        and node.name == name
        and any(_is_kernel(each) for each in node.decorator_list)
        for node in ast.walk(parsed(text))
    )


def _is_kernel(decorator: ast.expr) -> bool:
    """Whether this is ``kernel`` or ``wp.kernel``, called or not."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "kernel" in (getattr(function, "id", ""), getattr(function, "attr", ""))


def parsed(text: str) -> ast.Module:
    """Python's own tree of a text.  Raises SyntaxError."""
    try:
        with warnings.catch_warnings():
            # The warnings about candidates are no news.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from error
