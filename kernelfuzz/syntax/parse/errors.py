"""The error that says what a source text has that a kernel of ours cannot say, and on which line."""

from __future__ import annotations

import ast
from typing import NoReturn


class ParseError(Exception):
    """Source text that does not fit the IR: ``message`` is one sentence, ``line`` counts from 1 (0: none)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class Generic(ParseError):
    """A type that stands for any: the arguments of a call tell which."""


def error(message: str, node: ast.AST) -> ParseError:
    """The error at the place of a syntax node."""
    return ParseError(message, getattr(node, "lineno", 0))


def fail(message: str, node: ast.AST) -> NoReturn:
    """Raise ``error``, as an operand of ``or`` and ``else``."""
    raise error(message, node)


def text_of(node: ast.AST) -> str:
    """The source text of a syntax node on one line, cut where it is long."""
    text = ast.unparse(node).partition("\n")[0]
    return text if len(text) <= 60 else text[:57] + "..."
