"""What Hypothesis prints of nodes, types and launches, and the names that it takes to paste that back.

    >>> from kernelfuzz.syntax.paste import *
    >>> print(pasted(expression("x + y * 2.0", x=wp.float32, y=wp.float32)))
    expression('x + y * 2.0', x=wp.float32, y=wp.float32)
    >>> print(pasted(wp.array2d(dtype=wp.vec3f)))
    wp.array2d(dtype=wp.vec3f)
    >>> wp.array2d(dtype=wp.vec3f)  # what repr prints can be pasted too
    Array(Vector(3, FLOAT32), 2)

What has a text of its own is printed as Warp code for the reader of ``kernelfuzz.syntax.parse``, with what
the text does not say beside it: types of names, the contract of a launch.  What has none (a ``break``
without its loop, a call of a function declared elsewhere, a tree that is ill typed) is printed as a call of
the class, as by ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import inf, nan
from textwrap import indent
from typing import TYPE_CHECKING, Any, TypeAlias, cast, get_args

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.contract import Contract, contract_of, with_contract
from kernelfuzz.ir.fields import EXPRESSIONS, NODES, STATEMENTS
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.printed import Printed, call_text
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.syntax.canonical import canonical
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.parse.warp_names import ARRAYS, TYPES
from kernelfuzz.syntax.render import IMPORT_LINE, render, render_expression, render_statements

if TYPE_CHECKING:
    import typing_extensions

# The classes of a tree and the scalar types, by the names that repr gives them.
_CLASSES = (*get_args(n.Node), *get_args(t.Type), Case, Launch)
_NAMES: dict[str, object] = {
    **{class_.__name__: class_ for class_ in _CLASSES},
    **{repr(scalar): scalar for scalar in t.SCALARS},
    **{"inf": inf, "nan": nan, "np": np},
}
globals().update(_NAMES)

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    *_NAMES,
    *("expression", "function", "parse", "pasted", "statement", "struct", "wp"),
]

# ------------------------------------------------------------------------- the names that read it back


class _Makers:
    """``wp.types``: the types that Warp has no names for."""

    def vector(self, *, length: int, dtype: t.Scalar) -> t.Vector:
        return t.Vector(length, dtype)

    def matrix(self, *, shape: tuple[int, int], dtype: t.Scalar) -> t.Matrix:
        return t.Matrix(*shape, dtype)


def _array(default: int, *, dtype: t.Value, ndim: int | None = None) -> t.Array:
    return t.Array(dtype, default if ndim is None else ndim)


class _Warp:
    """``wp`` as far as types go: ``wp.vec3f``, ``wp.array(dtype=wp.float32)``."""

    types: _Makers = _Makers()

    def __getattr__(self, name: str) -> Any:
        if name in TYPES:
            return TYPES[name]
        if name in ARRAYS:
            return partial(_array, ARRAYS[name])
        raise AttributeError(f"Warp has no type wp.{name}")

    def tile(self, *, dtype: t.Scalar, shape: tuple[int, ...]) -> t.Tile:
        return t.Tile(dtype, shape)


wp: _Warp = _Warp()


def struct(text: str) -> t.Struct:
    """The last ``@wp.struct`` of a text.  Raises ParseError."""
    return _declared(text).structs[-1]


def function(text: str, **contract: typing_extensions.Unpack[Contract]) -> n.Function:
    """The last ``@wp.func`` of a text, with a contract as ``parse`` takes it.  Raises ParseError."""
    return with_contract(_declared(text), **contract).functions[-1]


def expression(text: str, /, **types: t.Type) -> n.Expr:
    """An expression over names of these types.  Raises ParseError."""
    made = parse(_around(f"the_value = ({text})", types)).body[-1]
    assert isinstance(made, n.Assign)
    return made.value


def statement(text: str, /, **types: t.Type) -> n.Stmt:
    """A statement over names of these types.  Raises ParseError."""
    return parse(_around(text, types)).body[-1]


def _declared(text: str) -> n.Kernel:
    return parse(f"{IMPORT_LINE}\n{text}\n\n@wp.kernel\ndef the_kernel():\n    pass\n")


def _around(text: str, types: Mapping[str, t.Type]) -> str:
    """A module with a kernel that has the text at the end of its body, after locals with these names.

    What is called by the name of its type is the type, which a module declares where a parameter has it.
    """
    arrays = {name for name, type_ in types.items() if isinstance(type_, t.Array)}
    params = tuple([n.Param(name if name in arrays else f"of_{name}", type_) for name, type_ in types.items()])
    structs = tuple(dict.fromkeys(found for type_ in types.values() for found in _structs(type_)))
    module = render(n.Kernel("the_kernel", params, (n.Pass(),), structs=structs))
    own = [name for name, type_ in types.items() if name not in arrays and name != t.type_name(type_)]
    body = "".join([f"{name} = of_{name}\n" for name in own]) + text
    return module.removesuffix("    pass\n") + indent(body, "    ") + "\n"


def _structs(type_: t.Type) -> Iterator[t.Struct]:
    """The structs that a type is made of, the inner ones first."""
    match type_:
        case t.Struct(fields=inner):
            for _, field in inner:
                yield from _structs(field)
            yield type_
        case t.Array(dtype=dtype):
            yield from _structs(dtype)
        case t.Tuple(elements=elements):
            for element in elements:
                yield from _structs(element)
        case t.Scalar() | t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Tile():
            pass


# --------------------------------------------------------------------------------------- what is printed

# A text, and what it gives when it is pasted.
Form: TypeAlias = tuple[str, object]


def pasted(value: object) -> str:
    """Warp code where that gives the value again, or else the call of its class."""
    match value:
        case tuple():
            elements = [pasted(each) for each in cast("tuple[object, ...]", value)]
            return f"({', '.join(elements)}{',' * (len(elements) == 1)})"
        case t.Vector() | t.Matrix() | t.Array() | t.Tile() | t.Scalar() | t.Quaternion() | t.Transform():
            return _type_text(value)
        case Launch():
            return repr(value)
        case Printed():
            return _code_text(value) or call_text(value, pasted)
        case _:
            return repr(value)


def _code_text(value: Printed) -> str | None:
    wanted = canonical(cast("n.Node", value)) if type(value) in NODES else value
    for form in _forms(value):
        try:
            text, again = form()
        except Exception:  # a tree that is wrong in any way may have no text; a failing example must print
            continue
        if again == wanted:
            return text
    return None


def _forms(value: Any) -> Iterator[Callable[[], Form]]:
    match value:
        case t.Struct():
            yield lambda: _struct(value)
        case n.Function():
            yield lambda: _function(value)
        case n.Kernel():
            yield lambda: _kernel(value)
        case _ if type(value) in STATEMENTS:
            # What a statement binds is no name that it is given, unless it reads that first.
            yield lambda: _statement(value, _named(value, bound_names((value,))))
            yield lambda: _statement(value, _named(value))
        case _ if type(value) in EXPRESSIONS:
            yield lambda: _expression(value)
        case _:
            return


def _type_text(type_: t.Scalar | t.Composite | t.Array | t.Tile) -> str:
    match type_:
        case t.Array(dtype=dtype, ndim=ndim):
            return f"wp.array{'' if ndim == 1 else f'{ndim}d'}(dtype={pasted(dtype)})"
        case t.Tile(dtype=dtype, shape=shape):
            return f"wp.tile(dtype={pasted(dtype)}, shape={shape!r})"
        case t.Vector(length=length, dtype=dtype) if t.warp_name(type_) is None:
            return f"wp.types.vector(length={length}, dtype={pasted(dtype)})"
        case t.Matrix(rows=rows, columns=columns, dtype=dtype) if t.warp_name(type_) is None:
            return f"wp.types.matrix(shape=({rows}, {columns}), dtype={pasted(dtype)})"
        case _:
            return f"wp.{t.warp_name(type_)}"


def _struct(type_: t.Struct) -> Form:
    text = _without_kernel(n.Kernel("the_kernel", (), (n.Pass(),), structs=tuple(_structs(type_))))
    return f"struct({_quoted(text)})", struct(text)


def _without_kernel(module: n.Kernel) -> str:
    return render(module).removeprefix(IMPORT_LINE).rpartition("@wp.kernel")[0].strip("\n") + "\n"


def _function(node: n.Function) -> Form:
    # With the aliases and the structs that its types need: all of a module but its kernel.
    types = [param.type for param in node.params] + ([] if node.returns is None else [node.returns])
    structs = tuple(dict.fromkeys(found for type_ in types for found in _structs(type_)))
    module = n.Kernel("the_kernel", (), (n.Pass(),), functions=(node,), structs=structs)
    text = _without_kernel(module)
    again = function(text, **contract_of(module))
    return f"function({_quoted(text)}{_contract_text(module)})", again


def _kernel(node: n.Kernel) -> Form:
    text = render(node)
    again = parse(text, **contract_of(node))
    return f"parse({_quoted(text)}{_contract_text(node)})", again


def _statement(node: n.Stmt, types: Mapping[str, t.Type]) -> Form:
    text = render_statements((node,)).rstrip("\n")
    return f"statement({_quoted(text)}{_named_text(types)})", statement(text, **types)


def _expression(node: n.Expr) -> Form:
    text, types = render_expression(node), _named(node)
    return f"expression({text!r}{_named_text(types)})", expression(text, **types)


def _quoted(text: str) -> str:
    # Long text stands as it is, so that the lines between the quotes can be copied too.
    return f'"""\n{text}"""' if text.endswith("\n") or "\n" in text else repr(text)


def _named(node: n.Node, without: frozenset[str] = frozenset()) -> dict[str, t.Type]:
    """The names in a tree with their types, and the types that a module has to declare by their names."""
    found: dict[str, t.Type] = {}
    for each in walk(node):
        if isinstance(each, n.Name) and each.id not in without:
            found[each.id] = each.type
        elif isinstance(each, (n.Construct, n.Call)):
            keywords = [value for _, value in each.keywords] if isinstance(each, n.Call) else []
            types = [type_ for type_ in (each.type, *keywords) if isinstance(type_, (t.Vector, t.Matrix, t.Struct))]
            found.update({t.type_name(type_): type_ for type_ in types if not _has_warp_name(type_)})
    return found


def _has_warp_name(type_: t.Type) -> bool:
    return isinstance(type_, (t.Vector, t.Matrix)) and t.warp_name(type_) is not None


def _named_text(types: Mapping[str, t.Type]) -> str:
    return "".join(f", {name}={pasted(type_)}" for name, type_ in types.items())


def _contract_text(kernel: n.Kernel) -> str:
    return "".join(f", {name}={value!r}" for name, value in contract_of(kernel).items())
