"""The Python that Warp translated, printed from its syntax trees, whether or not something rewrote these."""

from __future__ import annotations

import ast
from typing import Any, cast

from kernelfuzz.toolchain import compat


def translated(pieces: tuple[compat.Piece, ...]) -> str:
    """The Python source of the pieces: one definition for each struct, function and kernel, in their order.

    What they name from around them is written as Warp resolved it: types, functions by their keys, numbers.
    """
    owners = {id(piece.owner): piece for piece in pieces}
    return "\n\n\n".join(_definition_of(piece) for piece in owners.values()) + "\n"


def _definition_of(piece: compat.Piece) -> str:
    owner = piece.owner
    match piece.kind:
        case "struct":
            fields = [f"    {name}: {text}" for name, text in compat.field_types(owner).items()]
            return "\n".join(["@wp.struct", f"class {owner.key}:", *(fields or ["    pass"])])
        case "function":
            # The generated name is the key and a number.
            return _function(owner, piece.name.rpartition("_")[0], "wp.func")
        case "kernel":
            return _function(owner.adj, owner.key, "wp.kernel")


def _function(adjoint: Any, name: str, decorator: str) -> str:
    (definition,) = [each for each in adjoint.tree.body if isinstance(each, ast.FunctionDef)]
    definition = _copied(definition)
    definition.name = name
    native = [each for each in definition.decorator_list if "native" in ast.unparse(each)]
    definition.decorator_list = native or [_verbatim(decorator)]
    for argument in definition.args.args:
        if argument.arg in adjoint.arg_types:
            argument.annotation = _verbatim(compat.type_text(adjoint.arg_types[argument.arg]))
    definition.returns = None
    names = [each for each in ast.walk(definition) if isinstance(each, ast.Name)]
    local = {each.id for each in names if isinstance(each.ctx, ast.Store)}
    resolved = _Resolved(adjoint, local | {argument.arg for argument in definition.args.args})
    definition.body = [resolved.visit(each) for each in definition.body]
    return ast.unparse(definition)


def _copied(node: Any) -> Any:
    """A copy of a syntax tree: of what Warp hangs on its nodes, the name of a function that an expression gave."""
    if isinstance(node, list):
        return [_copied(each) for each in cast("list[Any]", node)]
    if not isinstance(node, ast.AST):
        return node
    if (function := getattr(node, "warp_func", None)) is not None:
        return _verbatim(str(function.key))
    made = type(node)(**{name: _copied(value) for name, value in ast.iter_fields(node)})
    return ast.copy_location(made, node)


class _Resolved(ast.NodeTransformer):
    """Puts what a name from around a function stands for in its place."""

    def __init__(self, adjoint: Any, local: set[str]) -> None:
        self._adjoint = adjoint
        self._local = local
        self._constants = compat.constant_texts(adjoint)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in {*self._local, "wp"}:
            text = compat.callee_text(self._adjoint, node.func)
            node.func = node.func if text is None else _verbatim(text)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        text = self._constants.get(node.id)
        return node if text is None else _verbatim(text)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        text = self._constants.get(ast.unparse(node))
        return self.generic_visit(node) if text is None else _verbatim(text)


def _verbatim(text: str) -> ast.Name:
    """What ``ast.unparse`` prints as it stands."""
    return ast.Name(text, ast.Load())
