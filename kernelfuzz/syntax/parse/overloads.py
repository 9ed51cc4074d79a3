"""The parameters of a function of the text, and which of its overloads a call means."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from kernelfuzz.ir.types import Array, Type, type_name
from kernelfuzz.syntax.parse.bindings import FunctionSource, Overloads
from kernelfuzz.syntax.parse.errors import Generic, error
from kernelfuzz.syntax.parse.values import type_of


def parameter_nodes(source: FunctionSource) -> list[ast.arg]:
    """The parameters of a function; ParseError where some are not positional."""
    arguments = source.node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise error(f"{source.node.name} has other parameters than positional ones", source.node)
    return arguments.args


def declared_type(argument: ast.arg, source: FunctionSource) -> Type | Generic:
    """The type of a parameter of a function, or the error that it is generic."""
    if argument.arg in source.types:
        return source.types[argument.arg]
    if argument.annotation is None:
        return Generic(f"the parameter {argument.arg} is generic: it has no type", source.node.lineno)
    try:
        return type_of(argument.annotation, source.namespace)
    except Generic as failure:
        return failure


def instance_types(source: FunctionSource, given: tuple[Type, ...]) -> tuple[Type, ...]:
    """The types that a generic function is read with for these arguments; of any other function ()."""
    generic = [isinstance(declared_type(argument, source), Generic) for argument in parameter_nodes(source)]
    return given if any(generic) else ()


def fits(source: FunctionSource, given: Sequence[Type]) -> bool:
    """Whether arguments of these types may be given to a function; a generic parameter takes what it is like."""
    arguments = parameter_nodes(source)
    if len(arguments) != len(given):
        return False
    for argument, type_ in zip(arguments, given, strict=True):
        declared = declared_type(argument, source)
        is_array = argument.annotation is not None and "array" in ast.unparse(argument.annotation)
        like = isinstance(type_, Array) == is_array if isinstance(declared, Generic) else declared == type_
        if not like:
            return False
    return True


def overload(overloads: Overloads, given: Sequence[Type], node: ast.AST) -> FunctionSource:
    """The overload that takes arguments of these types; one that is not generic comes first."""
    able = [each for each in overloads.functions if fits(each, given)]
    if not able:
        name, types = overloads.functions[0].node.name, ", ".join(map(type_name, given))
        raise error(f"no overload of {name} takes ({types})", node)
    return min(able, key=lambda each: bool(instance_types(each, tuple(given))))
