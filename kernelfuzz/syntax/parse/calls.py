"""Calls in a kernel's text: builtins, functions of the module, constructors, conversions, wp.static."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import (
    BOOL,
    FLOAT32,
    INT32,
    UINT32,
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
    type_name,
)
from kernelfuzz.ir.walk import walk
from kernelfuzz.syntax.parse.bindings import ClassSource, FunctionSource, Known, Overloads, PythonName, WarpName
from kernelfuzz.syntax.parse.errors import ParseError, error, text_of
from kernelfuzz.syntax.parse.known_locals import evaluated, with_numbers
from kernelfuzz.syntax.parse.overloads import instance_types, overload, parameter_nodes
from kernelfuzz.syntax.parse.told import told
from kernelfuzz.syntax.parse.unit import Reader
from kernelfuzz.syntax.parse.values import (
    TYPE_CLASSES,
    class_type,
    evaluate,
    evaluate_type,
    is_decorated,
    number_literal,
)
from kernelfuzz.syntax.parse.warp_names import COMPILE_TIME, PARAMETERS, POSITIONAL
from kernelfuzz.typecheck.builtins import NAMES, resolve
from kernelfuzz.typecheck.inference import STATIC_OPERATORS, is_value
from kernelfuzz.typecheck.local_arrays import LOCAL_ARRAYS
from kernelfuzz.typecheck.messages import MESSAGES
from kernelfuzz.typecheck.operators import TILE_CALLS, tile_call
from kernelfuzz.typecheck.tile_rules import BEFORE_FACTOR, BEFORE_OFFSET, FACTOR, OPERATION, WITH_OPERATION

# Reads one expression; handed in, because calls and expressions contain each other.
Read: TypeAlias = Callable[[ast.expr, Reader], n.Expr]

# Functions of Python that Warp has under the same name.
_SAME_NAME = frozenset({"len", "min", "max", "abs", "round", "pow"})


def call(node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    """The node of a call."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        node = ast.copy_location(ast.Call(node.func, _unpacked(node, reader, read), node.keywords), node)
    if any(keyword.arg is None for keyword in node.keywords):
        raise error(f"a call with unpacked arguments: {text_of(node)}", node)
    match type_of_local(node.func, reader, read) or callee(node.func, reader):
        case Scalar() as type_:
            return _scalar(type_, node, reader, read)
        case Vector(length=6, dtype=dtype) if dtype == FLOAT32 and _is_call_of("spatial_vector", node):
            return _spatial_vector(node, reader, read)
        case Vector() | Matrix() | Quaternion() | Transform() | Struct() as type_:
            return _construct(type_, node, reader, read)
        case ClassSource() as source:
            return _construct(class_type(source), node, reader, read)
        case FunctionSource() | Overloads() as source:
            return _function(source, node, reader, read)
        case WarpName(name="static"):
            return _static(node, reader, read)
        case WarpName(name=name) if name in MESSAGES:
            return told(name, node, reader, read)
        case PythonName(module="builtins", name="print"):
            return told("print", node, reader, read)
        case WarpName(name=name):
            return _builtin(name, node, reader, read)
        case PythonName(module="builtins", name=name) if name in _SAME_NAME:
            return _builtin(name, node, reader, read)
        case PythonName(module="math", name=name) if name in NAMES:
            return _builtin(name, node, reader, read)
        case _:
            raise error(f"{text_of(node.func)} is nothing that a kernel of the IR can call", node)


def _unpacked(node: ast.Call, reader: Reader, read: Read) -> list[ast.expr]:
    """The arguments of a call with the components of a vector for ``*vector``."""
    made: list[ast.expr] = []
    for argument in node.args:
        if not isinstance(argument, ast.Starred):
            made.append(argument)
            continue
        value = argument.value
        type_ = read(value, reader).type if isinstance(value, ast.Name) else None
        if not isinstance(type_, (Vector, Quaternion)):
            raise error(f"a call with unpacked arguments: {text_of(node)}", node)
        for at in range(type_.length if isinstance(type_, Vector) else 4):
            part = ast.Subscript(value, ast.Constant(at), ast.Load())
            made += [ast.fix_missing_locations(ast.copy_location(part, argument))]
    return made


def callee(node: ast.expr, reader: Reader) -> Known:
    """What a call calls."""
    if isinstance(node, ast.Name) and node.id in reader.types:
        raise error(f"{node.id} is a local variable and cannot be called", node)
    if isinstance(node, ast.Attribute):
        root = node.value
        while isinstance(root, (ast.Attribute, ast.Subscript)):
            root = root.value
        if isinstance(root, ast.Name) and root.id in reader.types:
            raise error(f"the IR has no methods like {text_of(node)}", node)
    return evaluated(node, reader)


def type_of_local(node: ast.expr, reader: Reader, read: Read) -> Type | None:
    """The type that ``type(x)`` or ``x.dtype`` is for something of the kernel; None for any other expression."""
    match node:
        case ast.Call(func=ast.Name(id="type"), args=[value], keywords=[]) if "type" not in reader.types:
            return read(value, reader).type
        case ast.Attribute(value=ast.Name(id=name), attr="dtype") if name in reader.types:
            owner: Type | None = reader.types[name]
        case ast.Attribute(value=inner, attr="dtype"):
            owner = type_of_local(inner, reader, read)
        case _:
            return None
    return owner.dtype if isinstance(owner, (Array, Tile, Vector, Matrix, Quaternion, Transform)) else None


# -------------------------------------------------------------------- new values


def _positional(node: ast.Call, names: Sequence[str], defaults: Sequence[ast.expr | None]) -> list[ast.expr]:
    """The arguments in the order of the parameters, with those given by name and the defaults in place."""
    given = list(node.args)
    by_name = {keyword.arg: keyword.value for keyword in node.keywords}
    if len(given) > len(names):
        raise error(f"{text_of(node.func)} takes {len(names)} arguments", node)
    for name, default in list(zip(names, defaults, strict=True))[len(given) :]:
        value = by_name.pop(name, default)
        if value is None:
            raise error(f"{text_of(node.func)} gets no {name}", node)
        given.append(value)
    if by_name:
        raise error(f"{text_of(node.func)} does not take {', '.join(map(str, by_name))}", node)
    return given


def _scalar(type_: Scalar, node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    """``wp.int8(3)`` is a literal; ``int(3)``, ``float(x)`` and the rest are conversions."""
    if node.keywords or len(node.args) > 1:
        raise error(f"{text_of(node)} is no conversion of one value", node)
    if not node.args:
        raise error(f"{text_of(node)} converts nothing", node)
    operand = read(node.args[0], reader)
    if type_ in (INT32, FLOAT32, BOOL) or not isinstance(operand, n.Literal):
        return n.Cast(type_, operand)
    same_kind = operand.type == (FLOAT32 if type_.is_float else INT32)
    if not same_kind or not is_value(operand.value, type_):
        return n.Cast(type_, operand)
    return n.Literal(operand.value, type_)


_PARTS: dict[type, tuple[str, ...]] = {Transform: ("p", "q"), Quaternion: ("x", "y", "z", "w")}


def _construct(type_: Type, node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    reader.unit.struct(type_, node)
    arguments = list(node.args)
    if node.keywords:
        names = _part_names(type_)
        if not names:
            raise error(f"{text_of(node)} names parts of what it makes", node)
        arguments = _positional(node, names, [None] * len(names))
    made = [read(argument, reader) for argument in arguments]
    if isinstance(type_, (Vector, Matrix, Quaternion, Transform)):
        made = [as_component(each, type_.dtype, reader) for each in made]
    return n.Construct(type_, tuple(made))


def _part_names(type_: Type) -> tuple[str, ...]:
    """The names by which a constructor takes its arguments."""
    match type_:
        case Struct(fields=fields):
            return tuple([name for name, _ in fields])
        case Vector(length=length):
            return ("x", "y", "z", "w")[:length]
        case _:
            return _PARTS.get(type(type_), ())


def as_component(argument: n.Expr, dtype: Scalar, reader: Reader) -> n.Expr:
    """A number given as a component: Warp converts the literal to the type of the components."""
    if not isinstance(argument, n.Literal) or argument.type == dtype:
        return argument
    if argument.type not in (INT32, FLOAT32):
        return argument
    if dtype.is_float:
        made = n.Literal(float(argument.value), dtype)
    elif argument.type == INT32 and is_value(argument.value, dtype):
        made = n.Literal(argument.value, dtype)
    else:
        return argument
    reader.unit.nodes.append(made)
    reader.unit.lines[id(made)] = reader.unit.lines.get(id(argument), 0)
    return made


def _is_call_of(name: str, node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == name


def _spatial_vector(node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    """``wp.spatial_vector(v, w)`` is a builtin, with components it is a constructor."""
    names = PARAMETERS["spatial_vector"][0]
    given = _positional(node, names, [None, None]) if node.keywords else node.args
    made = [read(argument, reader) for argument in given]
    if len(made) == 2:
        types = tuple([each.type for each in made])
        signature = resolve("spatial_vector", types)
        if signature is not None:
            return n.Call("spatial_vector", tuple(made), signature.result)
    type_ = Vector(6, FLOAT32)
    return n.Construct(type_, tuple([as_component(each, FLOAT32, reader) for each in made]))


# ------------------------------------------------------------------------- calls


def _function(found: FunctionSource | Overloads, node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    if isinstance(found, Overloads):
        if node.keywords:
            raise error(f"{text_of(node)} calls one of several overloads by names", node)
        made = tuple([read(argument, reader) for argument in node.args])
        source = overload(found, [argument.type for argument in made], node)
    else:
        source = found
        decorated = any(is_decorated(source.node, name, source.namespace) for name in ("func", "func_native"))
        if source.kind != "func" and not decorated:
            raise error(f"{source.node.name} is a function of Python and no wp.func", node)
        made = _arguments(source, node, reader, read)
    types = tuple([argument.type for argument in made])
    try:
        function = reader.unit.function(source, instance_types(source, types), node)
    except ParseError as failure:
        # Of a function of another file, the line of the call is told.
        raise failure if failure.line else error(failure.message, node) from failure
    for argument, param in zip(made, function.params, strict=True):
        if argument.type != param.type:
            found_type, wanted = type_name(argument.type), type_name(param.type)
            raise error(f"{source.node.name} takes {wanted} as {param.name}, not {found_type}", node)
    returns = Tuple(()) if function.returns is None else function.returns
    return n.CallFunction(function.name, made, returns, _is_static(node.func, reader))


def _is_static(node: ast.expr, reader: Reader) -> bool:
    """Whether a function is called as ``wp.static(name)``."""
    match node:
        case ast.Call(func=called, args=[ast.Name()], keywords=[]):
            return evaluate(called, reader.namespace) == WarpName("static")
        case _:
            return False


def _arguments(source: FunctionSource, node: ast.Call, reader: Reader, read: Read) -> tuple[n.Expr, ...]:
    """What a call gives a function; its defaults mean what they mean where the function stands."""
    names = [argument.arg for argument in parameter_nodes(source)]
    defaults = source.node.args.defaults
    given = _positional(node, names, [*[None] * (len(names) - len(defaults)), *defaults])
    around = Reader(reader.unit, source.namespace, is_kernel=False)
    return tuple([read(each, around if each in defaults else reader) for each in given])


def _builtin(name: str, node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    if name in ("tid", "block_dim"):
        return n.Call(name, (), INT32)
    if name in ("vector", "matrix", "quaternion", "transformation") and (
        made := _made_with_dtype(name, node, reader, read)
    ):
        return made
    if name in LOCAL_ARRAYS:
        return _local_array(name, node, reader, read)
    if name not in NAMES and name not in TILE_CALLS:
        raise error(f"the IR has no builtin {name}", node)
    plain, keywords = _split(name, node, reader, read)
    arguments = tuple([read(argument, reader) for argument in plain])
    types = tuple([argument.type for argument in arguments])
    result: Type | None
    if name in TILE_CALLS:
        result = tile_call(name, types, keywords)
    else:
        signature = resolve(name, types, keywords)
        result = None if signature is None else signature.result
        if name in PARAMETERS and signature is None:
            defaults = PARAMETERS[name][1]
            missing = len(PARAMETERS[name][0]) - len(arguments)
            if 0 < missing <= len(defaults):
                arguments += tuple([number_literal(value) for value in defaults[-missing:]])
                signature = resolve(name, _as_called(name, arguments), keywords)
                if signature is not None:
                    arguments = tuple(
                        [
                            as_component(argument, param, reader) if isinstance(param, Scalar) else argument
                            for argument, param in zip(arguments, signature.params, strict=True)
                        ]
                    )
                    result = signature.result
    if result is None:
        given = ", ".join([*map(type_name, types), *[f"{key}={_shown(value)}" for key, value in keywords]])
        raise error(f"{name} does not take ({given})", node)
    return n.Call(name, arguments, result, keywords)


def _local_array(name: str, node: ast.Call, reader: Reader, read: Read) -> n.Call:
    """``wp.array(ptr=, shape=, dtype=)`` and ``wp.zeros(shape=, dtype=)``."""
    given = dict(zip(("ptr", "shape", "dtype") if name == "array" else ("shape", "dtype"), node.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    arguments: list[ast.expr] = []
    if name == "array" and given.keys() == {"ptr", "shape", "dtype"}:
        shape = given.pop("shape")
        arguments = [given.pop("ptr"), *(shape.elts if isinstance(shape, ast.Tuple) else [shape])]
    keywords = tuple([(key, _keyword(value, reader, read)) for key, value in given.items()])
    made = tuple([read(argument, reader) for argument in arguments])
    result = LOCAL_ARRAYS[name](tuple([each.type for each in made]), dict(keywords))
    if result is None:
        raise error(f"{text_of(node)} is no array that a kernel of the IR can make", node)
    return n.Call(name, made, result, keywords)


def _shown(value: n.Keyword) -> str:
    return repr(value) if isinstance(value, (int, str, tuple)) else type_name(value)


def _as_called(name: str, arguments: tuple[n.Expr, ...]) -> tuple[Type, ...]:
    types = tuple([argument.type for argument in arguments])
    # The number of octaves is unsigned, and its default is a plain 1.
    return tuple([UINT32 if name == "curlnoise" and at == 2 else t for at, t in enumerate(types)])


def _split(
    name: str, node: ast.Call, reader: Reader, read: Read
) -> tuple[list[ast.expr], tuple[tuple[str, n.Keyword], ...]]:
    """The ordinary arguments of a builtin, and what it takes while code is generated."""
    positional = POSITIONAL.get(name, ())
    plain: list[ast.expr] = []
    keywords: list[tuple[str, n.Keyword]] = []
    given = list(node.args)
    if name in WITH_OPERATION and given:
        keywords.append((OPERATION, _operation(given.pop(0), reader)))
    for at, argument in enumerate(given):
        key = positional[at] if at < len(positional) else ""
        if key:
            keywords.append((key, _keyword(argument, reader, read)))
        elif name in BEFORE_OFFSET and isinstance(argument, ast.Tuple):
            plain += argument.elts
        else:
            plain.append(argument)
    named: dict[str, ast.expr] = {}
    for keyword in node.keywords:
        assert keyword.arg is not None  # checked where the call is read
        if keyword.arg == "offset" and name in BEFORE_OFFSET:
            offset = keyword.value.elts if isinstance(keyword.value, ast.Tuple) else [keyword.value]
            plain += offset  # whatever is given by name, it comes behind
            continue
        if keyword.arg == FACTOR and len(plain) == BEFORE_FACTOR.get(name):
            plain.append(keyword.value)
        elif keyword.arg in COMPILE_TIME:
            keywords.append((keyword.arg, _keyword(keyword.value, reader, read)))
        else:
            named[keyword.arg] = keyword.value
    names = PARAMETERS.get(name, ((), ()))[0]
    for parameter in names[len(plain) :]:
        if parameter in named:
            plain.append(named.pop(parameter))
    if named:
        raise error(f"{name} is called with arguments by name: {', '.join(named)}", node)
    return plain, tuple(keywords)


def _operation(node: ast.expr, reader: Reader) -> str:
    """The builtin that a tile is reduced or computed with."""
    found = evaluate(node, reader.namespace)
    if isinstance(found, WarpName):
        return found.name
    raise error(f"{text_of(node)} is no builtin to compute a tile with", node)


def _keyword(node: ast.expr, reader: Reader, read: Read) -> n.Keyword:
    if (type_ := type_of_local(node, reader, read)) is not None:
        return type_
    node = with_numbers(node, reader)
    quoted = isinstance(node, ast.Constant)
    value = evaluate(node, reader.namespace) if quoted else evaluate_type(node, reader.namespace)
    if isinstance(value, (bool, int, str, *TYPE_CLASSES)):
        return value
    if isinstance(value, tuple) and all(type(each) is int for each in value):
        return value  # pyright: ignore[reportReturnType]  # each is an integer
    raise error(f"{text_of(node)} has to be a type or a number here", node)


def _made_with_dtype(name: str, node: ast.Call, reader: Reader, read: Read) -> n.Expr | None:
    """``wp.vector(..., length=, dtype=)`` and its like: the type that they construct is written down."""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if "dtype" not in given:
        parts = tuple([read(argument, reader) for argument in node.args])
        return _made_of_parts(name, parts)
    dtype = _keyword(given["dtype"], reader, read)
    sizes = {key: _keyword(value, reader, read) for key, value in given.items() if key in ("length", "shape")}
    type_: Type
    match name, dtype, sizes:
        case "vector", Scalar(), {"length": int() as length}:
            type_ = Vector(length, dtype)
        case "vector", Scalar(), _:
            copied = read(node.args[0], reader).type if len(node.args) == 1 else None
            type_ = Vector(copied.length if isinstance(copied, Vector) else len(node.args), dtype)
        case "matrix", Scalar(), {"shape": (int() as rows, int() as columns)}:
            type_ = Matrix(rows, columns, dtype)
        case "quaternion", Scalar(), _:
            type_ = Quaternion(dtype)
        case "transformation", Scalar(), _:
            type_ = Transform(dtype)
        case _:
            return None
    parts = [as_component(read(argument, reader), dtype, reader) for argument in node.args]
    return n.Construct(type_, tuple(parts))


def _made_of_parts(name: str, parts: tuple[n.Expr, ...]) -> n.Expr | None:
    """``wp.quaternion(x, y, z, w)``: the parts tell the type of the components.  A row has what is not here."""
    match name, [part.type for part in parts]:
        case "quaternion", [Scalar() as dtype, _, _, _]:
            return n.Construct(Quaternion(dtype), parts)
        case ("vector", [Vector() as copied]) | ("matrix", [Matrix() as copied]):
            return n.Construct(copied, parts)
        case _:
            return None


# ------------------------------------------------------------------------ static

_TREES = (
    ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.Compare, ast.BoolOp,
    ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context,
)  # fmt: skip


def _is_static_node(node: n.Node) -> bool:
    """Whether the tree has the operator in a static expression: of others it has the value."""
    match node:
        case n.Binary(op="/", left=left):
            return left.type == FLOAT32
        case n.Binary(op=op):
            return op in STATIC_OPERATORS
        case n.Unary(op=op):
            return op != "~"
        case _:
            return True


def _static(node: ast.Call, reader: Reader, read: Read) -> n.Expr:
    """``wp.static(expression)``: the tree where the IR has one, or else the value."""
    if len(node.args) != 1 or node.keywords:
        raise error("wp.static takes one expression", node)
    source = with_numbers(node.args[0], reader)
    if all(isinstance(each, _TREES) for each in ast.walk(source)):
        try:
            made = read(source, reader)
        except ParseError:
            pass  # what Python can compute and a kernel cannot: ``"x" in NAMES``
        else:
            if all(map(_is_static_node, walk(made))):
                return n.Static(made, made.type) if isinstance(made.type, Scalar) else made
    value = evaluate(source, reader.namespace)
    if isinstance(value, n.Construct):
        return value
    if isinstance(value, (bool, int, float)):
        literal = number_literal(value)
        return n.Static(literal, literal.type)
    if isinstance(value, n.Literal):
        return n.Static(value, value.type)
    raise ParseError(f"{text_of(source)} is no value that the IR has", node.lineno)
