"""Functions of the text: ``@wp.func`` and ``@wp.kernel``, with their parameters."""

from __future__ import annotations

import ast

from kernelfuzz.ir.nodes import Function, Param
from kernelfuzz.ir.types import Type
from kernelfuzz.syntax.parse.errors import error, text_of
from kernelfuzz.syntax.parse.names import FunctionSource, WarpName
from kernelfuzz.syntax.parse.statements import block
from kernelfuzz.syntax.parse.unit import Reader, Unit
from kernelfuzz.syntax.parse.values import evaluate, type_of


def read_function(source: FunctionSource, unit: Unit) -> Function:
    """A ``@wp.func``; where the text does not say what it returns, the first return with a value does."""
    node = source.node
    _no_custom_gradient(source)
    reader = Reader(unit, source.namespace, is_kernel=False)
    params = read_params(source, reader)
    annotated = None if node.returns is None else _returned(node.returns, reader)
    body = block(node.body, reader)
    returns = annotated or (reader.returns[0] if reader.returns else None)
    if returns is not None:
        unit.struct(returns, node)
    function = Function(node.name, params, returns, body)
    unit.at(function, node)
    return function


def _returned(node: ast.expr, reader: Reader) -> Type | None:
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    return type_of(node, reader.namespace)


def read_params(source: FunctionSource, reader: Reader) -> tuple[Param, ...]:
    """The parameters of a function; ParseError for those that are generic or have no type."""
    node = source.node
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise error(f"{node.name} has other parameters than positional ones", node)
    made: list[Param] = []
    for argument in arguments.args:
        if argument.annotation is None:
            raise error(f"the parameter {argument.arg} is generic: it has no type", node)
        type_ = type_of(argument.annotation, source.namespace)
        reader.unit.struct(type_, argument)
        reader.types[argument.arg] = type_
        param = Param(argument.arg, type_)
        reader.unit.at(param, argument)
        made.append(param)
    return tuple(made)


def _no_custom_gradient(source: FunctionSource) -> None:
    """Raise where the text gives the function a gradient or a replay of its own: the IR has none."""
    for other in source.namespace.bindings.values():
        for binding in other:
            if not isinstance(binding, FunctionSource):
                continue
            for decorator in binding.node.decorator_list:
                match decorator:
                    case ast.Call(func=called, args=[ast.Name(id=name)]) if name == source.node.name:
                        if evaluate(called, binding.namespace) in (
                            WarpName("func_grad"),
                            WarpName("func_replay"),
                        ):
                            raise error(f"{name} has a gradient of its own: {text_of(decorator)}", binding.node)
                    case _:
                        pass
