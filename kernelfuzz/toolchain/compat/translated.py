"""The Python that Warp translated, as it stands in its syntax trees."""

from __future__ import annotations

import ast
import copy
from typing import Any

from kernelfuzz.toolchain.compat.generating import Piece
from kernelfuzz.toolchain.compat.warp import load_warp


def translated(pieces: tuple[Piece, ...]) -> str:
    """The Python that Warp made the pieces of: the syntax trees that it translated, rewritten or not.

    What they name from around them is written as Warp resolved it: types, functions by their keys, numbers.
    """
    owners = {id(piece.owner): piece for piece in pieces}
    return "\n\n\n".join(_PYTHON[piece.kind](piece.owner, piece.name) for piece in owners.values()) + "\n"


def _python_struct(struct: Any, name: str) -> str:
    fields = [f"    {label}: {_python_type(each.type)}" for label, each in struct.vars.items()]
    return "\n".join(["@wp.struct", f"class {struct.key}:", *(fields or ["    pass"])])


def _python_function(adjoint: Any, name: str) -> str:
    # The generated name is the key and a number.
    return _python_definition(adjoint, name.rpartition("_")[0], "wp.func")


def _python_kernel(kernel: Any, name: str) -> str:
    return _python_definition(kernel.adj, kernel.key, "wp.kernel")


_PYTHON = {"struct": _python_struct, "function": _python_function, "kernel": _python_kernel}


def _python_definition(adjoint: Any, name: str, decorator: str) -> str:
    (definition,) = [each for each in adjoint.tree.body if isinstance(each, ast.FunctionDef)]
    definition = copy.deepcopy(definition)
    definition.name = name
    native = [each for each in definition.decorator_list if "native" in ast.unparse(each)]
    definition.decorator_list = native or [_verbatim(decorator)]
    for argument in definition.args.args:
        if argument.arg in adjoint.arg_types:
            argument.annotation = _verbatim(_python_type(adjoint.arg_types[argument.arg]))
    definition.returns = None
    assigned = {each.id for each in ast.walk(definition) if isinstance(each, ast.Name) and _is_store(each)}
    resolved = _Resolved(adjoint, assigned | {argument.arg for argument in definition.args.args})
    definition.body = [resolved.visit(each) for each in definition.body]
    return ast.unparse(definition)


class _Resolved(ast.NodeTransformer):
    """Puts what a name from around a function stands for in its place."""

    def __init__(self, adjoint: Any, local: set[str]) -> None:
        self._adjoint = adjoint
        self._local = local
        self._constants: dict[str, Any] = adjoint.get_references()[0]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in {*self._local, "wp"}:
            context, codegen = load_warp().context, load_warp().codegen
            found, _ = self._adjoint.resolve_static_expression(node.func, eval_types=False)
            if isinstance(found, context.Function) and not found.is_builtin():
                node.func = _verbatim(found.key)
            elif isinstance(found, codegen.Struct) or (isinstance(found, type) and found not in _OF_PYTHON):
                node.func = _verbatim(_python_type(found))
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._number(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        number = self._number(node)
        return self.generic_visit(node) if number is node else number

    def _number(self, node: ast.expr) -> ast.expr:
        value: Any = self._constants.get(ast.unparse(node))
        if isinstance(value, (bool, int, float)):
            return ast.Constant(value)
        if isinstance(value, tuple(load_warp().types.scalar_types)):
            return _verbatim(f"{_python_type(type(value))}({value.value!r})")
        return node


# Called by their own names.
_OF_PYTHON = (bool, int, float, range)


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _verbatim(text: str) -> ast.Name:
    """What ``ast.unparse`` prints as it stands."""
    return ast.Name(text, ast.Load())


def _python_type(type_: Any) -> str:
    loaded = load_warp()
    type_ = loaded.types.type_to_warp(type_)
    if isinstance(type_, loaded.codegen.Struct):
        return str(type_.key)
    if loaded.types.is_array(type_):
        return f"wp.{type(type_).__name__}(dtype={_python_type(type_.dtype)}, ndim={type_.ndim})"
    text = loaded.types.type_repr(type_).replace("warp._src.types.", "")
    return f"wp.{text}" if hasattr(loaded.warp, text) else text
