"""The error that says what is wrong with a kernel, and where."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import type_name


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
        text = f"{self.message}: `{node_text(self.node)}`"
        if self.statement is not None and self.statement is not self.node:
            text += f", in `{node_text(self.statement)}`"
        return text + (f", in {self.function}" if self.function else "")


def node_text(node: n.Node) -> str:
    """The source text of a node on one line; of a block statement the line that opens it."""
    match node:
        case n.Param():
            return f"{node.name}: {type_name(node.type)}"
        case n.Constant():
            return node.name
        case n.Function() | n.Kernel():
            return f"def {node.name}"
        case n.Slice():
            parts = (node.start, node.stop) if node.step is None else (node.start, node.stop, node.step)
            return ":".join("" if part is None else str(part) for part in parts)
        case _:
            pass
    from kernelfuzz.syntax import render  # slow to import, and only an error needs it

    try:
        match node:
            case (
                n.Assign() | n.Unpack() | n.AugAssign() | n.If() | n.For() | n.While() | n.Break() | n.Continue()
                | n.Pass() | n.Return() | n.ExprStmt()
            ):  # fmt: skip
                return render.render_statements((node,)).strip().partition("\n")[0]
            case _:
                return render.render_expression(node)
    except Exception:  # a tree that is wrong enough has no text
        return repr(node)
