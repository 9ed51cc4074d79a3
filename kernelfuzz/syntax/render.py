"""The source text of a kernel: a whole Python module, made of libcst nodes.

The module imports Warp, names the types that Warp exports no name for, and declares constants, structs
and functions before the kernel that uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import cast

import libcst as cst

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.fields import STATEMENTS
from kernelfuzz.ir.walk import walk
from kernelfuzz.syntax.code import block_of, expression, indented, line, statement, target_of
from kernelfuzz.syntax.kept import code_of
from kernelfuzz.syntax.tokens import (
    BLANK,
    DOT,
    LINE_END,
    NOTHING,
    SPACE,
    TWO_BLANKS,
    annotation,
    argument,
    call,
    identifier,
    integer,
    named_argument,
    tuple_of,
    type_expression,
    warp_attribute,
)

# -------------------------------------------------------------- declarations


@lru_cache(maxsize=4096)
def _param(name: str, type_: t.Type | None) -> cst.Param:
    return cst.Param(
        identifier(name),
        None if type_ is None else cst.Annotation(annotation(type_), NOTHING, SPACE),
        star="",
        whitespace_after_star=NOTHING,
        whitespace_after_param=NOTHING,
    )


@lru_cache(maxsize=64)
def _decorator(name: str) -> cst.Decorator:
    return cst.Decorator(warp_attribute(name), whitespace_after_at=NOTHING, trailing_whitespace=LINE_END)


def _def(
    name: str,
    params: Sequence[cst.Param],
    body: cst.IndentedBlock,
    *,
    decorator: str | None = None,
    returns: t.Type | None = None,
    leading_lines: Sequence[cst.EmptyLine] = (),
) -> cst.FunctionDef:
    return cst.FunctionDef(
        identifier(name),
        cst.Parameters(params),
        body,
        decorators=() if decorator is None else (_decorator(decorator),),
        returns=None if returns is None else cst.Annotation(annotation(returns), SPACE, SPACE),
        leading_lines=leading_lines,
        whitespace_after_def=SPACE,
        whitespace_after_name=NOTHING,
        whitespace_before_params=NOTHING,
        whitespace_before_colon=NOTHING,
    )


def _params(params: Sequence[n.Param]) -> list[cst.Param]:
    return [_param(param.name, param.type) for param in params]


def _function(function: n.Function) -> cst.FunctionDef:
    # Warp infers what a function returns; an annotation makes it compare that with our type.
    params, body = _params(function.params), block_of(function.body)
    if function.native:
        body = indented([line(cst.Expr(cst.Ellipsis()))])
        made = _def(function.name, params, body, returns=function.returns, leading_lines=TWO_BLANKS)
        return made.with_changes(decorators=(_native(function.native),))
    return _def(function.name, params, body, decorator="func", returns=function.returns, leading_lines=TWO_BLANKS)


def _native(texts: tuple[str, ...]) -> cst.Decorator:
    """``@wp.func_native("...")``, with the text of the adjoint and of the replay by name; empty ones are left out."""
    names = ("adj_snippet", "replay_snippet")
    given = [argument(_text(texts[0]))]
    given += [named_argument(name, _text(text)) for name, text in zip(names, texts[1:], strict=False) if text]
    decorator = call(warp_attribute("func_native"), given)
    return cst.Decorator(decorator, whitespace_after_at=NOTHING, trailing_whitespace=LINE_END)


def _text(text: str) -> cst.SimpleString:
    plain = text.isprintable() or "\n" not in text or '"""' in text or "\\" in text or text.endswith('"')
    return cst.SimpleString(repr(text) if plain else f'"""{text}"""')


def _struct(struct: t.Struct) -> cst.ClassDef:
    fields = [
        line(cst.AnnAssign(identifier(name), cst.Annotation(annotation(type_), NOTHING, SPACE)))
        for name, type_ in struct.fields
    ]
    return cst.ClassDef(
        identifier(struct.name),
        indented(fields or [line(cst.Pass())]),
        decorators=(_decorator("struct"),),
        leading_lines=TWO_BLANKS,
    )


def _assignment(
    name: str, value: cst.BaseExpression, leading_lines: Sequence[cst.EmptyLine] = ()
) -> cst.SimpleStatementLine:
    return line(cst.Assign((target_of(identifier(name)),), value), leading_lines)


def _constant(constant: n.Constant) -> cst.SimpleStatementLine:
    value = call(warp_attribute("constant"), (argument(expression(constant.value)),))
    return _assignment(constant.name, value)


def _enumerations(kernel: n.Kernel) -> list[cst.SimpleStatementLine | cst.BaseCompoundStatement]:
    """The classes of the constants that are members of enumerations, and what they need."""
    classes: dict[tuple[str, str], list[cst.SimpleStatementLine]] = {}
    for constant in kernel.constants:
        if constant.enumeration:
            name, _, member = constant.name.rpartition(".")
            members = classes.setdefault((name, constant.enumeration), [])
            members.append(_assignment(member, expression(constant.value)))
    if not classes:
        return []
    return [
        line(cst.Import((cst.ImportAlias(identifier("enum")),), whitespace_after_import=SPACE)),
        *[
            cst.ClassDef(
                identifier(name),
                indented(members),
                bases=(argument(cst.Attribute(identifier("enum"), identifier(base), dot=DOT)),),
                lpar=cst.LeftParen(),
                rpar=cst.RightParen(),
                leading_lines=TWO_BLANKS,
            )
            for (name, base), members in classes.items()
        ],
    ]


@lru_cache(maxsize=256)
def _alias(type_: t.Vector | t.Matrix) -> cst.SimpleStatementLine:
    dtype = named_argument("dtype", type_expression(type_.dtype))
    if isinstance(type_, t.Vector):
        constructor, size = "vector", named_argument("length", integer(type_.length))
    else:
        shape = tuple_of([integer(type_.rows), integer(type_.columns)], parentheses=True)
        constructor, size = "matrix", named_argument("shape", shape)
    made = call(cst.Attribute(warp_attribute("types"), identifier(constructor), dot=DOT), (size, dtype))
    return _assignment(t.type_name(type_), made)


def _types_named(kernel: n.Kernel) -> Iterator[t.Type]:
    """Every type that the text of a kernel names, in the order of the text."""
    for constant in kernel.constants:
        yield constant.value.type
    yield from kernel.structs
    for function in (*kernel.functions, kernel):
        for param in function.params:
            yield param.type
        if isinstance(function, n.Function) and function.returns is not None:
            yield function.returns
        for node in walk(*function.body):
            if isinstance(node, n.Construct):
                yield node.type
            elif isinstance(node, n.Call) and node.keywords:
                for _, value in node.keywords:
                    if not isinstance(value, (bool, int, str, tuple)):
                        yield value


def _unnamed(type_: t.Type) -> Iterator[t.Vector | t.Matrix]:
    """The types inside ``type_`` that Warp exports no name for."""
    match type_:
        case t.Vector() | t.Matrix():
            if t.warp_name(type_) is None:
                yield type_
        case t.Array(dtype=dtype):
            yield from _unnamed(dtype)
        case t.Struct(fields=fields):
            for _, field in fields:
                yield from _unnamed(field)
        case t.Tuple(elements=elements):
            for element in elements:
                yield from _unnamed(element)
        case t.Scalar() | t.Quaternion() | t.Transform() | t.Tile():
            pass
        case _:
            return assert_never(type_)


@lru_cache(maxsize=1024)
def _unnamed_in(type_: t.Type) -> tuple[t.Vector | t.Matrix, ...]:
    return tuple(_unnamed(type_))


def _aliases(kernel: n.Kernel) -> list[cst.SimpleStatementLine]:
    found = dict.fromkeys(alias for type_ in _types_named(kernel) for alias in _unnamed_in(type_))
    return [_alias(type_) for type_ in found]


IMPORT = line(
    cst.Import(
        (cst.ImportAlias(identifier("warp"), asname=cst.AsName(identifier("wp"), SPACE, SPACE)),),
        whitespace_after_import=SPACE,
    )
)


def _kernel(kernel: n.Kernel) -> list[cst.SimpleStatementLine | cst.BaseCompoundStatement]:
    params, body = _params(kernel.params), block_of(kernel.body)
    if not kernel.closure:
        return [_def(kernel.name, params, body, decorator="kernel", leading_lines=TWO_BLANKS)]
    factory = f"make_{kernel.name}"
    inner = [
        _def(kernel.name, params, body, decorator="kernel"),
        line(cst.Return(identifier(kernel.name), SPACE), (BLANK,)),
    ]
    captured = [_param(constant.name, None) for constant in kernel.constants]
    values = [argument(expression(constant.value)) for constant in kernel.constants]
    return [
        _def(factory, captured, indented(inner), leading_lines=TWO_BLANKS),
        _assignment(kernel.name, call(identifier(factory), values), TWO_BLANKS),
    ]


def to_cst(kernel: n.Kernel) -> cst.Module:
    """The whole module of a kernel as a libcst tree, for tools that transform source text."""
    body: list[cst.SimpleStatementLine | cst.BaseCompoundStatement] = [IMPORT]
    head = _aliases(kernel)
    if not kernel.closure:
        head += [_constant(constant) for constant in kernel.constants if not constant.enumeration]
    enumerations = _enumerations(kernel)
    if head:
        head[0] = head[0].with_changes(leading_lines=TWO_BLANKS if enumerations else (BLANK,))
    body += enumerations + head
    body += [_struct(struct) for struct in kernel.structs]
    body += [_function(function) for function in kernel.functions]
    body += _kernel(kernel)
    return cst.Module(body)


_MODULE = cst.Module(())

# The line that every rendered module starts with.
IMPORT_LINE = _MODULE.code_for_node(IMPORT)


def render(kernel: n.Kernel) -> str:
    """The text of a whole Python module that declares ``kernel`` and everything it needs.

    Raises TypeError at what is no kernel.
    """
    n.require_kernel(kernel)
    return code_of(to_cst(kernel))


def render_expression(node: n.Expr) -> str:
    """The text of one expression."""
    return _MODULE.code_for_node(expression(node))


def render_statements(block: n.Block) -> str:
    """The text of a block, not indented; an empty block is ``pass``."""
    return cst.Module([statement(node) for node in block or (n.Pass(),)]).code


def render_function(function: n.Function) -> str:
    """The text of one ``@wp.func`` with its decorator."""
    return cst.Module([_function(function).with_changes(leading_lines=())]).code


def line_of(node: n.Node) -> str:
    """The source text of a node on one line, for a message; of a block statement the line that opens it."""
    match node:
        case n.Param(name=name, type=type_):
            return f"{name}: {t.type_name(type_)}"
        case n.Constant(name=name):
            return name
        case n.Function(name=name) | n.Kernel(name=name):
            return f"def {name}"
        case n.Slice(start=start, stop=stop, step=step):
            parts = (start, stop) if step is None else (start, stop, step)
            return ":".join(["" if part is None else str(part) for part in parts])
        case _:
            pass
    try:
        if type(node) in STATEMENTS:
            return render_statements((cast("n.Stmt", node),)).strip().partition("\n")[0]
        return render_expression(cast("n.Expr", node))
    except Exception:  # a tree that is wrong in any way may have no text, and an error must not fail to print
        return repr(node)
