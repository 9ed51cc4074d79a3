"""Functions of the text, with their parameters, and the statements of their bodies as nodes."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.nodes import Function, Param
from kernelfuzz.ir.types import INT32, Tuple, Type
from kernelfuzz.syntax.parse.bindings import FunctionSource, PythonName, WarpName
from kernelfuzz.syntax.parse.errors import Generic, ParseError, error, text_of
from kernelfuzz.syntax.parse.expressions import BINARY, constant_integer, expression
from kernelfuzz.syntax.parse.known_locals import assigned_once, note
from kernelfuzz.syntax.parse.native import native_texts
from kernelfuzz.syntax.parse.overloads import declared_type, parameter_nodes
from kernelfuzz.syntax.parse.told import asserted
from kernelfuzz.syntax.parse.unit import Reader, Unit
from kernelfuzz.syntax.parse.values import evaluate, type_of
from kernelfuzz.typecheck.static_values import known_truth


def block(body: Sequence[ast.stmt], reader: Reader) -> n.Block:
    """The nodes of a block; strings that stand alone are comments and left out."""
    made: list[n.Stmt] = []
    for source in body:
        if isinstance(source, ast.Expr) and isinstance(source.value, ast.Constant):
            continue
        if isinstance(source, ast.For) and (copies := _copied(source, reader)) is not None:
            made += copies
            continue
        statement = _statement(source, reader)
        reader.unit.at(statement, source)
        made.append(statement)
    return tuple(made) or (n.Pass(),)


def _statement(node: ast.stmt, reader: Reader) -> n.Stmt:
    match node:
        case ast.Assign(targets=[target], value=value):
            return _assign(target, value, reader)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return _assign(target, value, reader)
        case ast.AugAssign(target=target, op=op, value=value):
            place = _place(target, reader)
            return n.AugAssign(place, BINARY[type(op)], expression(value, reader))
        case ast.If(test=test, body=body, orelse=orelse):
            condition = expression(test, reader)
            known = known_truth(condition, reader.unit.constants)
            kept = _branch(body, reader, used=known is not False)
            return n.If(condition, kept, _branch(orelse, reader, used=known is not True) if orelse else ())
        case ast.For():
            return _for(node, reader)
        case ast.While(test=test, body=body, orelse=[]):
            return n.While(expression(test, reader), block(body, reader))
        case ast.Assert(test=test, msg=message):
            return n.ExprStmt(asserted(expression(test, reader), message, node))
        case ast.Break():
            return n.Break()
        case ast.Continue():
            return n.Continue()
        case ast.Pass():
            return n.Pass()
        case ast.Return(value=value):
            return _return(value, reader)
        case ast.Expr(value=value):
            made = expression(value, reader)
            if isinstance(made, (n.Call, n.CallFunction)):
                return n.ExprStmt(made)
            raise error(f"an expression without an effect: {text_of(node)}", node)
        case _:
            raise error(f"the IR has no statement like {text_of(node)}", node)


def _branch(body: Sequence[ast.stmt], reader: Reader, *, used: bool) -> n.Block:
    """The nodes of a branch.  One that is not ``used`` is nothing to Warp, and empty where it does not fit."""
    if used:
        return block(body, reader)
    state, reading = reader.unit.state(), len(reader.unit.reading)
    types, fixed, returns = dict(reader.types), dict(reader.fixed), len(reader.returns)
    try:
        return block(body, reader)
    except ParseError:
        reader.unit.restore(state, reading)
        return (n.Pass(),)
    finally:
        reader.types, reader.fixed = types, fixed
        del reader.returns[returns:]


def _assign(target: ast.expr, value: ast.expr, reader: Reader) -> n.Stmt:
    if isinstance(target, (ast.Tuple, ast.List)):
        return _unpack(target, value, reader)
    made = expression(value, reader)
    if isinstance(target, ast.Name):
        reader.types[target.id] = made.type
        note(target.id, made, reader)
        name = n.Name(target.id, made.type)
        reader.unit.at(name, target)
        return n.Assign(name, made)
    return n.Assign(_place(target, reader), made)


def _place(target: ast.expr, reader: Reader) -> n.Place:
    if isinstance(target, ast.Name) and target.id not in reader.types:
        raise error(f"{target.id} is no local variable that has a value here", target)
    made = expression(target, reader)
    if isinstance(made, n.Call) and made.name == "tile_extract":
        made = n.Index(made.args[0], made.args[1:], made.type)
        reader.unit.at(made, target)
    if isinstance(made, (n.Name, n.Index, n.Attribute)):
        return made
    raise error(f"the IR cannot assign to {text_of(target)}", target)


def _unpack(target: ast.Tuple | ast.List, value: ast.expr, reader: Reader) -> n.Stmt:
    names = [element.id for element in target.elts if isinstance(element, ast.Name)]
    if len(names) != len(target.elts):
        raise error(f"the IR assigns to several names only, not to {text_of(target)}", target)
    if isinstance(value, ast.Tuple):
        values = tuple([expression(element, reader) for element in value.elts])
        types = [each.type for each in values]
    else:
        made = expression(value, reader)
        if isinstance(made, n.Call) and made.name == "tid":
            # One name for each axis of the grid: the call's type is in its target.
            made = n.Call("tid", (), Tuple((INT32,) * len(names)))
            reader.unit.at(made, value)
        types = list(made.type.elements) if isinstance(made.type, Tuple) else []
        values = (made,)
    if len(types) != len(names):
        raise error(f"{text_of(value)} does not have {len(names)} values", value)
    reader.types.update(zip(names, types, strict=True))
    return n.Unpack(tuple(names), values)


def _for(node: ast.For, reader: Reader) -> n.Stmt:
    match node:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(func=function, args=bounds, keywords=[]), orelse=[]) if (
            evaluate(function, reader.namespace) == PythonName("builtins", "range")
        ):
            made = tuple([expression(bound, reader) for bound in bounds])
            reader.types[name] = INT32
            return n.For(name, made, block(node.body, reader))
        case _:
            raise error(f"the IR has no loop like {text_of(node)}", node)


# Warp unrolls no longer ones by itself.
_MOST_COPIES = 64


def _copied(node: ast.For, reader: Reader) -> list[n.Stmt] | None:
    """The copies of a loop's body whose static expressions have another value in each; None where it stays a loop."""
    if not isinstance(node.target, ast.Name):
        return None
    name = node.target.id
    static = [each for each in ast.walk(node) if isinstance(each, ast.Call) and _is_static(each, name, reader)]
    if not static or any(isinstance(each, (ast.Break, ast.Continue)) for each in ast.walk(node)):
        return None
    match node.iter:
        case ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]):
            turns = [constant_integer(bound, reader) for bound in bounds]
        case _:
            return None
    made: list[n.Stmt] = []
    for number in range(*turns)[:_MOST_COPIES]:
        reader.types[name], reader.fixed[name] = INT32, number
        made += [n.Assign(n.Name(name, INT32), n.Literal(number, INT32)), *block(node.body, reader)]
    reader.fixed.pop(name, None)
    return made if len(range(*turns)) <= _MOST_COPIES else None


def _is_static(node: ast.Call, counter: str, reader: Reader) -> bool:
    """Whether this is ``wp.static`` of something that Python computes of a counter: a call or an element of a table."""
    read = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    computed = any(isinstance(each, (ast.Call, ast.Subscript)) for each in ast.walk(node) if each is not node)
    if not computed or counter not in read or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr == "static" and evaluate(node.func, reader.namespace) == WarpName("static")


def _return(value: ast.expr | None, reader: Reader) -> n.Stmt:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return n.Return()
    sources = value.elts if isinstance(value, ast.Tuple) else [value]
    values = tuple([expression(source, reader) for source in sources])
    reader.returns.append(values[0].type if len(values) == 1 else Tuple(tuple([v.type for v in values])))
    return n.Return(values)


# ------------------------------------------------------------------ functions


def read_function(source: FunctionSource, name: str, types: tuple[Type, ...], unit: Unit) -> Function:
    """A ``@wp.func``; where the text does not say what it returns, the first return with a value does."""
    node = source.node
    _no_custom_gradient(source)
    reader = Reader(unit, source.namespace, is_kernel=False)
    params = read_params(source, types, reader)
    reader.once = assigned_once(node.body) - {param.name for param in params}
    annotated = None if node.returns is None else _returned(node.returns, reader)
    native = native_texts(source)
    body = (n.Pass(),) if native else block(node.body, reader)
    returns = annotated or (reader.returns[0] if reader.returns else None)
    if returns is not None:
        unit.struct(returns, node)
    function = Function(name, params, returns, body, native)
    unit.at(function, node)
    return function


def _returned(node: ast.expr, reader: Reader) -> Type | None:
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    try:
        return type_of(node, reader.namespace)
    except Generic:
        return None


def read_params(source: FunctionSource, types: tuple[Type, ...], reader: Reader) -> tuple[Param, ...]:
    """The parameters of a function; those that are generic have the ``types`` of the arguments, in their order."""
    node = source.node
    if source.problem:
        raise error(source.problem, node)
    made: list[Param] = []
    for at, argument in enumerate(parameter_nodes(source)):
        try:
            type_ = declared_type(argument, source)
        except ParseError as failure:
            # Of a type that another file declares, the line here is told.
            raise failure if failure.line else error(failure.message, argument) from failure
        if isinstance(type_, Generic):
            if at >= len(types):
                raise type_
            type_ = types[at]
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
