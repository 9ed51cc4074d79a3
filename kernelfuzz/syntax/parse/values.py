"""The value that an expression outside of a kernel has, as far as reading tells; and types as values.

The types of annotations are expressions too: ``wp.array(dtype=float)``, ``wp.array2d[wp.vec3]``,
``tuple[int, float]``, an alias, or a string with any of them.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

from kernelfuzz.ir import types as t
from kernelfuzz.ir.nodes import Construct, Expr, Literal
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Scalar
from kernelfuzz.syntax.parse.bindings import (
    Binding,
    ClassSource,
    FunctionSource,
    Known,
    Member,
    Members,
    Namespace,
    Opaque,
    Parameter,
    PythonModule,
    PythonName,
    WarpName,
    find,
    instance,
    member,
    only_binding,
    parameter_names,
    parameters,
    python_name,
)
from kernelfuzz.syntax.parse.decisions import choice
from kernelfuzz.syntax.parse.errors import Generic, ParseError, error, fail, text_of
from kernelfuzz.syntax.parse.imported import namespace_of
from kernelfuzz.syntax.parse.warp_names import ARRAYS, GENERIC, MATRIX_MAKERS, TYPES, VECTOR_MAKERS
from kernelfuzz.typecheck.builtins import NAMES

# What Python computes before a kernel runs.
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.FloorDiv: lambda a, b: a // b, ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b, ast.LShift: lambda a, b: a << b, ast.RShift: lambda a, b: a >> b,
    ast.BitOr: lambda a, b: a | b, ast.BitAnd: lambda a, b: a & b, ast.BitXor: lambda a, b: a ^ b,
}  # fmt: skip


def computed(compute: Callable[..., Any], values: tuple[Any, ...], node: ast.expr) -> int | float:
    """The number that Python gives; ParseError where it raises or gives something else."""
    try:
        result = compute(*values)
    except (ArithmeticError, TypeError, ValueError) as failure:
        raise error(f"{text_of(node)} has no value: {failure}", node) from failure
    return result if isinstance(result, (int, float)) else fail(f"{text_of(node)} is no number", node)


def component(value: Known, dtype: Scalar, node: ast.expr) -> Expr:
    """An argument of a constructor: a number as a literal of the components' type."""
    return value if isinstance(value, (Construct, Literal)) else _literal(value, dtype, node)


def typed(value: float, type_: Scalar, node: ast.expr) -> Known:
    """``wp.int8(3)`` as a literal; of the types that Python's numbers have, a number."""
    literal = _literal(value, type_, node)
    return literal.value if type_ in (INT32, FLOAT32, BOOL) else literal


def _literal(value: Known, type_: Scalar, node: ast.expr) -> Literal:
    if isinstance(value, (int, float)):
        if type_ == BOOL:
            return Literal(bool(value), type_)
        if type_.is_float:
            return Literal(float(value), type_)
        if float(value).is_integer():
            low, high = type_.limits
            if low <= value <= high:
                return Literal(int(value), type_)
    raise error(f"{text_of(node)} is no value of {type_}", node)


def number_literal(value: float) -> Literal:
    """The literal that a number of Python is in a kernel."""
    if isinstance(value, bool):
        return Literal(value, BOOL)
    if isinstance(value, Member):
        value = int(value)
    return Literal(value, INT32) if isinstance(value, int) else Literal(value, FLOAT32)


# -------------------------------------------------------------------- numbers

TYPE_CLASSES = (t.Scalar, t.Vector, t.Matrix, t.Quaternion, t.Transform, t.Struct, t.Array, t.Tile, t.Tuple)


# ------------------------------------------------------------------------ names


def lookup(name: str, namespace: Namespace, node: ast.AST) -> Known:
    """The value of a name for code in the namespace; ParseError where the text does not tell."""
    found = find(name, namespace)
    if found is None:
        if namespace.module.ask is not None:
            try:
                return namespace.module.ask(name)
            except KeyError:
                pass  # Warp looks among its own names and Python's then
        if name in GENERIC:
            return PythonName("typing", name)
        for star in namespace.module.stars:
            there = namespace_of(star, namespace)
            if there is not None and name in there.bindings:
                return lookup(name, there, node)
        known = python_name(name)
        if known is not None:
            return known
        if name in NAMES or name in TYPES:
            return member(WarpName("warp"), name)  # Warp knows its own names without the module's
        raise error(f"{name} is not defined in this text", node)
    where, bindings = found
    if name in where.busy:
        raise error(f"{name} is defined by itself", node)
    where.busy.add(name)
    try:
        return _bound_value(name, only_binding(name, bindings, node), where, node)
    finally:
        where.busy.discard(name)


def _bound_value(name: str, binding: Binding, where: Namespace, node: ast.AST) -> Known:
    if isinstance(binding, Parameter):
        return _argument(name, binding, where, node)
    if isinstance(binding, Opaque):
        raise error(f"the value of {name} cannot be told from the text", node)
    if isinstance(binding, PythonName):
        return _imported(binding, where, node)
    return evaluate(binding, where) if isinstance(binding, ast.expr) else binding


def _imported(name: PythonName, near: Namespace, node: ast.AST) -> Known:
    """What a member of another module is there, which may be a module too; the name where no file tells."""
    where = namespace_of(name.module, near)
    if where is None:
        return name
    # ``from . import x`` in the package itself binds the submodule x.
    if name not in where.bindings.get(name.name, [name]):
        return lookup(name.name, where, node)
    if namespace_of(f"{name.module}.{name.name}", near) is not None:
        return PythonModule(f"{name.module}.{name.name}")
    for star in where.stars:
        if (found := _imported(PythonName(star, name.name), where, node)) != PythonName(star, name.name):
            return found
    return name


def _argument(name: str, parameter: Parameter, where: Namespace, node: ast.AST) -> Known:
    """What the first call of a factory function that can be read gives its parameter."""
    owner = where.owner
    assert owner is not None
    for call, namespace in where.module.calls.get(owner.name, ()):
        try:
            return argument_of(call, namespace, where, name, parameter)
        except ParseError:
            continue  # a call whose arguments only running it tells; another may be plainer
    if parameter.default is not None and where.parent is not None:
        return evaluate(parameter.default, where.parent)
    raise error(f"{name} is a parameter of {owner.name}, and no call of that tells its value", node)


def argument_of(call: ast.Call, namespace: Namespace, where: Namespace, name: str, parameter: Parameter) -> Known:
    """What one call gives a parameter of the function that owns ``where``."""
    assert where.owner is not None
    assert where.parent is not None
    source = FunctionSource(where.owner, where.parent)
    return _given(source, name, parameter.default, call, namespace)


def _given(
    function: FunctionSource, name: str, default: ast.expr | None, call: ast.Call, namespace: Namespace
) -> Known:
    """The value of a parameter in one call of the function, which stands in ``namespace``."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return evaluate(keyword.value, namespace)
    at = parameter_names(function.node).index(name)
    if at < len(call.args):
        return evaluate(call.args[at], namespace)
    if default is not None:
        return evaluate(default, function.namespace)
    raise error(f"this call gives {name} no value", call)


# ------------------------------------------------------------------------ values


def evaluate(node: ast.expr, namespace: Namespace) -> Known:
    """The value of an expression that Python evaluates before the kernel runs.

    Around something that exists, Python itself is asked for what reading does not tell.
    """
    run = namespace.module.run
    if run is None:
        return _read_value(node, namespace)
    try:
        return _read_value(node, namespace)
    except Generic:
        raise
    except ParseError as failure:
        try:
            return run(ast.unparse(node))
        except Exception:  # whatever Python raises at it: reading says what is wrong
            raise failure from None


def _read_value(node: ast.expr, namespace: Namespace) -> Known:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.Name(id=name):
            return lookup(name, namespace, node)
        case ast.Attribute(value=owner, attr=name):
            return _member(evaluate(owner, namespace), name, namespace, node)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple([evaluate(element, namespace) for element in elements])
        case ast.UnaryOp(op=op, operand=operand):
            value = evaluate(operand, namespace)
            if isinstance(value, (int, float)):
                match op:
                    case ast.USub():
                        return -value
                    case ast.UAdd():
                        return +value
                    case ast.Not():
                        return not value
                    case ast.Invert() if isinstance(value, int):
                        return ~int(value)
                    case _:
                        pass
        case ast.BinOp(left=left, op=op, right=right):
            values = evaluate(left, namespace), evaluate(right, namespace)
            compute = BINARY.get(type(op))
            if compute is not None and all(isinstance(value, (int, float)) for value in values):
                return computed(compute, values, node)
        case ast.Compare() | ast.BoolOp() | ast.IfExp():
            return choice(node, lambda part: evaluate(part, namespace))
        case ast.Call():
            return _call(node, namespace)
        case ast.Subscript(value=owner, slice=index):
            return _subscript(node, evaluate(owner, namespace), index, namespace)
        case _:
            pass
    raise error(f"the value of {text_of(node)} cannot be told from the text", node)


def _member(owner: Known, name: str, near: Namespace, node: ast.Attribute) -> Known:
    match owner:
        case WarpName() | PythonModule() | Members():
            found = member(owner, name)
            if isinstance(found, PythonName) and isinstance(getattr(math, name, None), float):
                return getattr(math, name) if found.module in ("math", "numpy") else found
            return _imported(found, near, node) if isinstance(found, PythonName) else found
        case PythonName(module=module, name=inner):
            return PythonName(f"{module}.{inner}", name)
        case ClassSource(namespace=inside) if name in inside.bindings:
            value, base = lookup(name, inside, node), _enumeration(owner)
            return Member(value, owner.node.name, name, base) if base and type(value) is int else value
        case Construct(type=t.Vector() | t.Quaternion(), args=args) if name in "xyzw"[: len(args)]:
            part = args["xyzw".index(name)]
            if isinstance(part, Literal):
                return part
        case int() | float() if name == "value":
            return int(owner) if isinstance(owner, Member) else owner
        case _:
            pass
    raise error(f"the value of {text_of(node)} cannot be told from the text", node)


def _enumeration(source: ClassSource) -> str:
    """What enumeration of integers a class is; empty where it is none."""
    assert source.namespace.parent is not None
    for base in source.node.bases:
        match evaluate(base, source.namespace.parent):
            case PythonName(module="enum", name="IntEnum" | "IntFlag" as name):
                return name
            case _:
                pass
    return ""


def _call(node: ast.Call, namespace: Namespace) -> Known:
    function = evaluate(node.func, namespace)
    match function:
        case WarpName(name="constant" | "static") if len(node.args) == 1:
            return evaluate(node.args[0], namespace)
        case WarpName():
            made = _made_type(function.name, node, namespace)
            if made is not None:
                return made
        case PythonName(module="math", name=name) if callable(getattr(math, name, None)):
            values = tuple([evaluate(argument, namespace) for argument in node.args])
            if all(isinstance(value, (int, float)) for value in values):
                return computed(getattr(math, name), values, node)
        case PythonName(module="builtins", name="len"):
            match [evaluate(argument, namespace) for argument in node.args]:
                case [tuple() as elements]:
                    return len(elements)
                case _:
                    pass
        case t.Scalar() if len(node.args) == 1 and not node.keywords:
            value = evaluate(node.args[0], namespace)
            if isinstance(value, (int, float)):
                return typed(value, function, node)
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() if not node.keywords:
            values = _flat([evaluate(argument, namespace) for argument in node.args])
            return Construct(function, tuple([component(value, function.dtype, node) for value in values]))
        case PythonName(module="typing", name="TypeVar"):
            return PythonName("typing", "Any")
        case FunctionSource():
            return _returned(function, node, namespace)
        case _:
            pass
    raise error(f"the value of {text_of(node)} cannot be told from the text", node)


def _flat(values: list[Known]) -> list[Known]:
    """The numbers of rows, which are in order."""
    parts = [_flat(list(value)) if isinstance(value, tuple) else [value] for value in values]
    return [each for part in parts for each in part]


def _returned(function: FunctionSource, node: ast.Call, namespace: Namespace) -> Known:
    """What a call of a plain function of the text gives, where its last statement returns it."""
    made = namespace.module.made
    key = node, id(namespace)
    if key not in made:
        last = function.node.body[-1]
        if not isinstance(last, ast.Return) or last.value is None or function.node.decorator_list:
            raise error(f"what {function.node.name} returns cannot be told from the text", node)
        arguments: dict[str, Known] = {}
        for name, default in parameters(function.node.args):
            arguments[name] = _given(function, name, default, node, namespace)
        made[key] = evaluate(last.value, instance(function, arguments))
    return made[key]


# ------------------------------------------------------------------------ types


def _arguments(node: ast.Call, names: tuple[str, ...], namespace: Namespace) -> dict[str, Known]:
    given = dict(zip(names, node.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
    return {name: evaluate_type(value, namespace) for name, value in given.items() if name in names}


def _made_type(name: str, node: ast.Call, namespace: Namespace) -> t.Type | None:
    """The type that ``wp.array(dtype=..)``, ``wp.types.vector(length=..)`` and their like make."""
    if name in ARRAYS:
        match _arguments(node, ("dtype", "ndim"), namespace):
            case {"dtype": dtype, "ndim": int() as ndim}:
                return _array(dtype, ndim, node)
            case {"dtype": dtype}:
                return _array(dtype, ARRAYS[name], node)
            case _:
                raise error(f"{text_of(node)} names no type of its elements", node)
    if name in VECTOR_MAKERS:
        match _arguments(node, ("length", "dtype"), namespace):
            case {"length": int() as length, "dtype": t.Scalar() as dtype}:
                return t.Vector(length, dtype)
            case found:
                return _no_type(found, node)
    if name in MATRIX_MAKERS:
        match _arguments(node, ("shape", "dtype"), namespace):
            case {"shape": (int() as rows, int() as columns), "dtype": t.Scalar() as dtype}:
                return t.Matrix(rows, columns, dtype)
            case found:
                return _no_type(found, node)
    if name in ("quaternion", "transformation"):
        match _arguments(node, ("dtype",), namespace):
            case {"dtype": t.Scalar() as dtype}:
                return t.Quaternion(dtype) if name == "quaternion" else t.Transform(dtype)
            case found:
                return _no_type(found, node)
    if name == "tile":
        match _arguments(node, ("dtype", "shape"), namespace):
            case {"dtype": t.Scalar() as dtype, "shape": tuple() as shape}:
                return t.Tile(dtype, tuple([size for size in shape if isinstance(size, int)]))
            case found:
                return _no_type(found, node)
    return None


def _no_type(found: dict[str, Known], node: ast.expr) -> None:
    for value in found.values():
        _reject_generic(value, node)


def _array(dtype: Known, ndim: int, node: ast.expr) -> t.Array:
    match dtype:
        case t.Scalar() | t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Struct():
            return t.Array(dtype, ndim)
        case _:
            _reject_generic(dtype, node)
            raise error(f"an array of {text_of(node)} does not fit the IR", node)


def _reject_generic(value: Known, node: ast.expr) -> None:
    if isinstance(value, (WarpName, PythonName)) and value.name in GENERIC:
        raise Generic(f"{text_of(node)} is generic", getattr(node, "lineno", 0))


def _subscript(node: ast.Subscript, owner: Known, index: ast.expr, namespace: Namespace) -> Known:
    match owner:
        case WarpName(name=name) if name in ARRAYS:
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            ndim = ARRAYS[name]
            if len(parts) == 2:
                given = evaluate(parts[1], namespace)
                ndim = given if isinstance(given, int) else fail(f"{text_of(node)} names no rank", node)
            return _array(evaluate_type(parts[0], namespace), ndim, node)
        case PythonName(module="typing", name="Literal"):
            return evaluate(index, namespace)
        case PythonName(name="tuple" | "Tuple"):
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            return t.Tuple(tuple([type_of(part, namespace) for part in parts]))
        case tuple():
            at = evaluate(index, namespace)
            if isinstance(at, int) and -len(owner) <= at < len(owner):
                return owner[at]
        case _:
            pass
    raise error(f"the value of {text_of(node)} cannot be told from the text", node)


def evaluate_type(node: ast.expr, namespace: Namespace) -> Known:
    """The value of an expression where a type may stand in quotes; the class of a struct is its type."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            inner = ast.parse(node.value, mode="eval").body
        except SyntaxError as failure:
            raise error(f"{node.value!r} is no type", node) from failure
        for each in ast.walk(inner):
            ast.copy_location(each, node)
        return evaluate_type(inner, namespace)
    value = evaluate(node, namespace)
    return class_type(value) if isinstance(value, ClassSource) else value


def type_of(node: ast.expr, namespace: Namespace) -> t.Type:
    """The type that an annotation names."""
    value = evaluate_type(node, namespace)
    if isinstance(value, TYPE_CLASSES):
        return value
    _reject_generic(value, node)
    raise error(f"{text_of(node)} is no type that the IR has", node)


def is_decorated(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str, ns: Namespace) -> bool:
    """Whether ``@wp.name`` or ``@wp.name(...)`` is among the decorators."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        try:
            if evaluate(called, ns) == WarpName(name):
                return True
        except ParseError:
            continue  # a decorator of somebody else
    return False


def class_type(source: ClassSource) -> t.Struct | t.Vector | t.Matrix:
    """The type that a class is: a struct, or the base of ``class vec5(wp.types.vector(5, float))``."""
    node, namespace = source.node, source.namespace
    assert namespace.parent is not None
    if not is_decorated(node, "struct", namespace.parent):
        if len(node.bases) == 1:
            base = evaluate_type(node.bases[0], namespace.parent)
            if isinstance(base, (t.Vector, t.Matrix)):
                return base
        raise error(f"{node.name} is a class and no struct", node)
    fields: list[tuple[str, t.Type]] = []
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=None):
                fields.append((name, type_of(annotation, namespace)))
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise error(f"the struct {node.name} has more than fields without a value", statement)
    return t.Struct(node.name, tuple(fields))
