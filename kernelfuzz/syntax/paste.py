"""What ``repr`` prints of nodes, types and launches, and the names that it takes to paste that back.

    >>> from kernelfuzz.syntax.paste import *
    >>> expression("x + y * 2.0", x=wp.float32, y=wp.float32)
    expression('x + y * 2.0', x=wp.float32, y=wp.float32)
    >>> wp.array2d(dtype=wp.vec3f)
    wp.array2d(dtype=wp.vec3f)

What has a text of its own is printed as Warp code for the reader of ``kernelfuzz.syntax.parse``, with what
the text does not say beside it: types of names, the contract of a launch.  What has none (a ``break``
without its loop, a call of a function declared elsewhere, a tree that is ill typed) is printed as a call of
the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from functools import partial
from textwrap import indent
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir.contract import Bounds, Shapes, bounds_of, shapes_of, with_contract
from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Constant,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Param,
    Pass,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.printed import Printed
from kernelfuzz.ir.types import (
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Tile,
    Transform,
    Tuple,
    Type,
    Value,
    Vector,
    type_name,
    warp_name,
)
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.syntax.canonical import canonical
from kernelfuzz.syntax.literals import numpy_text
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.parse.warp_names import ARRAYS, TYPES
from kernelfuzz.syntax.render import IMPORT_LINE, render, render_expression, render_statements

__all__ = [
    "ArrayShape",
    "Assign",
    "Attribute",
    "AugAssign",
    "Binary",
    "BoolOp",
    "Break",
    "Call",
    "CallFunction",
    "Case",
    "Cast",
    "Compare",
    "Constant",
    "Construct",
    "Continue",
    "ExprStmt",
    "For",
    "Function",
    "If",
    "IfExp",
    "Index",
    "Kernel",
    "Launch",
    "Literal",
    "Name",
    "Param",
    "Pass",
    "Return",
    "Slice",
    "Static",
    "Tuple",
    "Unary",
    "Unpack",
    "While",
    "expression",
    "function",
    "np",
    "parse",
    "statement",
    "struct",
    "wp",
]

# ------------------------------------------------------------------------- the names that read it back


class _Makers:
    """``wp.types``: the types that Warp has no names for."""

    def vector(self, *, length: int, dtype: Scalar) -> Vector:
        return Vector(length, dtype)

    def matrix(self, *, shape: tuple[int, int], dtype: Scalar) -> Matrix:
        return Matrix(*shape, dtype)


def _array(default: int, *, dtype: Value, ndim: int | None = None) -> Array:
    return Array(dtype, default if ndim is None else ndim)


class _Warp:
    """``wp`` as far as types go: ``wp.vec3f``, ``wp.array(dtype=wp.float32)``."""

    types: _Makers = _Makers()

    def __getattr__(self, name: str) -> Any:
        if name in TYPES:
            return TYPES[name]
        if name in ARRAYS:
            return partial(_array, ARRAYS[name])
        raise AttributeError(f"Warp has no type wp.{name}")

    def tile(self, *, dtype: Scalar, shape: tuple[int, ...]) -> Tile:
        return Tile(dtype, shape)


wp: _Warp = _Warp()


def struct(text: str) -> Struct:
    """The last ``@wp.struct`` of a text.  Raises ParseError."""
    return _declared(text).structs[-1]


def function(text: str, *, bounds: Bounds | None = None, shapes: Shapes | None = None) -> Function:
    """The last ``@wp.func`` of a text, with a contract as ``parse`` takes it.  Raises ParseError."""
    return with_contract(_declared(text), bounds or {}, shapes or {}).functions[-1]


def expression(text: str, /, **types: Type) -> Expr:
    """An expression over names of these types.  Raises ParseError."""
    made = parse(_around(f"the_value = ({text})", types)).body[-1]
    assert isinstance(made, Assign)
    return made.value


def statement(text: str, /, **types: Type) -> Stmt:
    """A statement over names of these types.  Raises ParseError."""
    return parse(_around(text, types)).body[-1]


def _declared(text: str) -> Kernel:
    return parse(f"{IMPORT_LINE}\n{text}\n\n@wp.kernel\ndef the_kernel():\n    pass\n")


def _around(text: str, types: Mapping[str, Type]) -> str:
    """A module with a kernel that has the text at the end of its body, after locals with these names.

    What is called by the name of its type is the type, which a module declares where a parameter has it.
    """
    arrays = {name for name, type_ in types.items() if isinstance(type_, Array)}
    params = tuple([Param(name if name in arrays else f"of_{name}", type_) for name, type_ in types.items()])
    structs = tuple(dict.fromkeys(found for type_ in types.values() for found in _structs(type_)))
    module = render(Kernel("the_kernel", params, (Pass(),), structs=structs))
    own = [name for name, type_ in types.items() if name not in arrays and name != type_name(type_)]
    body = "".join([f"{name} = of_{name}\n" for name in own]) + text
    return module.removesuffix("    pass\n") + indent(body, "    ") + "\n"


def _structs(type_: Type) -> Iterator[Struct]:
    """The structs that a type is made of, the inner ones first."""
    match type_:
        case Struct(fields=inner):
            for _, field in inner:
                yield from _structs(field)
            yield type_
        case Array(dtype=dtype):
            yield from _structs(dtype)
        case Tuple(elements=elements):
            for element in elements:
                yield from _structs(element)
        case Scalar() | Vector() | Matrix() | Quaternion() | Transform() | Tile():
            pass


# --------------------------------------------------------------------------------------- what is printed

# A text, and what it gives when it is pasted.
Form: TypeAlias = tuple[str, object]


def pasted(value: Printed) -> str:
    """The text of ``repr``: Warp code where that gives the value again, or else the call of its class."""
    for form in _forms(value):
        try:
            text, again = form()
        except Exception:  # a tree that is wrong enough has no text
            continue
        if again == _as_read(value):
            return text
    return _class_text(value)


def _as_read(value: Any) -> object:
    return canonical(value) if isinstance(value, Node) else value


def _forms(value: Any) -> Iterator[Callable[[], Form]]:
    match value:
        case Scalar() | Vector() | Matrix() | Quaternion() | Transform() | Array() | Tile():
            yield lambda: (_type_text(value), value)
        case Launch():
            yield lambda: (_launch_text(value), value)
        case Struct():
            yield lambda: _struct(value)
        case Function():
            yield lambda: _function(value)
        case Kernel():
            yield lambda: _kernel(value)
        case Slice() | Param() | Constant() | Case() | Tuple():
            return
        case (
            Assign() | Unpack() | AugAssign() | If() | For() | While() | Break() | Continue() | Pass()
            | Return() | ExprStmt()
        ):  # fmt: skip
            # What a statement binds is no name that it is given, unless it reads that first.
            yield lambda: _statement(value, _named(value, bound_names((value,))))
            yield lambda: _statement(value, _named(value))
        case _:
            yield lambda: _expression(value)


def _type_text(type_: Type) -> str:
    match type_:
        case Vector(length=length, dtype=dtype) if warp_name(type_) is None:
            return f"wp.types.vector(length={length}, dtype={dtype!r})"
        case Matrix(rows=rows, columns=columns, dtype=dtype) if warp_name(type_) is None:
            return f"wp.types.matrix(shape=({rows}, {columns}), dtype={dtype!r})"
        case Array(dtype=dtype, ndim=ndim):
            return f"wp.array{'' if ndim == 1 else f'{ndim}d'}(dtype={dtype!r})"
        case Tile(dtype=dtype, shape=shape):
            return f"wp.tile(dtype={dtype!r}, shape={shape!r})"
        case Scalar() | Vector() | Matrix() | Quaternion() | Transform():
            return f"wp.{warp_name(type_)}"
        case Struct() | Tuple():
            return repr(type_)


def _struct(type_: Struct) -> Form:
    text = _without_kernel(Kernel("the_kernel", (), (Pass(),), structs=tuple(_structs(type_))))
    return f"struct({_quoted(text)})", struct(text)


def _without_kernel(module: Kernel) -> str:
    return render(module).removeprefix(IMPORT_LINE).rpartition("@wp.kernel")[0].strip("\n") + "\n"


def _function(node: Function) -> Form:
    # With the aliases and the structs that its types need: all of a module but its kernel.
    types = [param.type for param in node.params] + ([] if node.returns is None else [node.returns])
    structs = tuple(dict.fromkeys(found for type_ in types for found in _structs(type_)))
    module = Kernel("the_kernel", (), (Pass(),), functions=(node,), structs=structs)
    text = _without_kernel(module)
    again = function(text, bounds=bounds_of(module), shapes=shapes_of(module))
    return f"function({_quoted(text)}{_contract_text(module)})", again


def _kernel(node: Kernel) -> Form:
    text = render(node)
    again = parse(text, bounds=bounds_of(node), shapes=shapes_of(node))
    return f"parse({_quoted(text)}{_contract_text(node)})", again


def _statement(node: Stmt, types: Mapping[str, Type]) -> Form:
    text = render_statements((node,)).rstrip("\n")
    return f"statement({_quoted(text)}{_named_text(types)})", statement(text, **types)


def _expression(node: Expr) -> Form:
    text, types = render_expression(node), _named(node)
    return f"expression({text!r}{_named_text(types)})", expression(text, **types)


def _quoted(text: str) -> str:
    # Long text stands as it is, so that the lines between the quotes can be copied too.
    return f'"""\n{text}"""' if text.endswith("\n") or "\n" in text else repr(text)


def _named(node: Node, without: frozenset[str] = frozenset()) -> dict[str, Type]:
    """The names in a tree with their types, and the types that a module has to declare by their names."""
    found: dict[str, Type] = {}
    for each in walk(node):
        if isinstance(each, Name) and each.id not in without:
            found[each.id] = each.type
        elif isinstance(each, (Construct, Call)):
            keywords = [value for _, value in each.keywords] if isinstance(each, Call) else []
            types = [type_ for type_ in (each.type, *keywords) if isinstance(type_, (Vector, Matrix, Struct))]
            found.update({type_name(type_): type_ for type_ in types if not _has_warp_name(type_)})
    return found


def _has_warp_name(type_: Type) -> bool:
    return isinstance(type_, (Vector, Matrix)) and warp_name(type_) is not None


def _named_text(types: Mapping[str, Type]) -> str:
    return "".join(f", {name}={type_!r}" for name, type_ in types.items())


def _contract_text(kernel: Kernel) -> str:
    given = {"bounds": bounds_of(kernel), "shapes": shapes_of(kernel)}
    return "".join(f", {name}={value!r}" for name, value in given.items() if value)


def _launch_text(launch: Launch) -> str:
    inputs = ", ".join(f"{name!r}: {_input_text(value)}" for name, value in launch.inputs.items())
    return f"Launch({launch.dim!r}, {{{inputs}}}{', tiled=True' if launch.tiled else ''})"


def _input_text(value: Input) -> str:
    if isinstance(value, np.ndarray):
        name = "bool_" if value.dtype == np.bool_ else value.dtype.name
        return f"np.array({numpy_text(value, indent=0)}, dtype=np.{name})"
    return "{" + ", ".join(f"{name!r}: {_input_text(field)}" for name, field in value.items()) + "}"


def _class_text(value: Any) -> str:
    """The call of the class, without the defaults at the end."""
    given = [(getattr(value, field.name), field.default) for field in fields(value)]
    while given and given[-1][1] is not MISSING and given[-1][0] == given[-1][1]:
        given.pop()
    return f"{type(value).__name__}({', '.join([repr(each) for each, _ in given])})"
