"""The error that says what is wrong with a kernel, and where."""

from __future__ import annotations

from kernelfuzz.hooks import HOOKS
from kernelfuzz.ir import nodes as n


class VerifyError(Exception):
    """A kernel that is not well typed.

    ``node`` is what is wrong, ``statement`` the innermost statement around it and ``function`` the name of
    the kernel or function.  The text is made when somebody asks for it: rendering is slow.
    """

    def __init__(self, message: str, node: n.Node) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.statement: n.Node | None = None
        self.function: str | None = None

    def __str__(self) -> str:
        text = f"{self.message}: `{HOOKS.line(self.node)}`"
        if self.statement is not None and self.statement is not self.node:
            text += f", in `{HOOKS.line(self.statement)}`"
        return text + (f", in {self.function}" if self.function else "")
