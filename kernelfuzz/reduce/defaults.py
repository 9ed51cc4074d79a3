"""What stands in for something that was taken away: zeros, and code without a name.

A cut may leave reads of names and calls of functions that are gone.  ``mend`` gives each of them the
default of its type, or drops what cannot do without, so that nearly every cut leaves a kernel that is well
typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.rewrite import rebuild
from kernelfuzz.ir.walk import bound_names, children, walk


def number(type_: t.Scalar, value: int) -> n.Literal:
    """The number as a literal of the type."""
    if type_ == t.BOOL:
        return n.Literal(bool(value), type_)
    return n.Literal(float(value) if type_.is_float else value, type_)


def default(type_: t.Type) -> n.Expr | None:
    """The simplest value of a type, or None where no expression makes one."""
    match type_:
        case t.Scalar():
            return number(type_, 0)
        case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform() | t.Struct():
            return n.Construct(type_, ())
        case t.Array() | t.Tile() | t.Tuple():
            return None
        case _:
            return assert_never(type_)


def base_name(place: n.Place) -> str | None:
    """The name that a place is a part of."""
    value: n.Expr = place
    while isinstance(value, (n.Index, n.Attribute)):
        value = value.value
    return value.id if isinstance(value, n.Name) else None


def unpacked(pairs: Sequence[tuple[str, n.Expr]]) -> n.Stmt | None:
    """``a, b = x, y`` for any number of pairs."""
    match pairs:
        case []:
            return None
        case [(name, value)]:
            return n.Assign(n.Name(name, value.type), value)
        case _:
            return n.Unpack(tuple([name for name, _ in pairs]), tuple([value for _, value in pairs]))


def mend(kernel: n.Kernel) -> n.Kernel:
    """The kernel without reads of names and calls of functions that nothing declares."""
    constants = {constant.name for constant in kernel.constants}
    declared: set[str] = set()
    functions: list[n.Function] = []
    changed = False
    for function in kernel.functions:
        mended = _mended(function, constants, declared)
        changed = changed or mended is not function.body
        functions.append(replace(function, body=mended))
        declared.add(function.name)
    body = _mended(kernel, constants, declared)
    if not changed and body is kernel.body:
        return kernel
    return replace(kernel, functions=tuple(functions), body=body)


def _mended(function: n.Function | n.Kernel, constants: AbstractSet[str], declared: AbstractSet[str]) -> n.Block:
    known = bound_names(function.body) | {param.name for param in function.params} | constants
    for node in walk(*function.body):
        if isinstance(node, n.Name):
            lost = node.id not in known
        else:
            lost = isinstance(node, n.CallFunction) and node.name not in declared
        if lost:
            return _block(function.body, known, declared)
    # An empty body has the text of a pass: one tree for one text.
    return () if function.body == (n.Pass(),) else function.body


def _block(block: n.Block, known: AbstractSet[str], declared: AbstractSet[str]) -> n.Block:
    mended = [_statement(statement, known, declared) for statement in block]
    return tuple([statement for statement in mended if statement is not None])


def _statement(node: n.Stmt, known: AbstractSet[str], declared: AbstractSet[str]) -> n.Stmt | None:
    def value(expression: n.Expr) -> n.Expr | None:
        return _expression(expression, known, declared)

    def inside(block: n.Block) -> n.Block:
        return _block(block, known, declared)

    match node:
        case n.Assign() | n.AugAssign():
            if base_name(node.target) not in known:
                return None
            target, new = value(node.target), value(node.value)
            if new is None or not isinstance(target, (n.Name, n.Index, n.Attribute)):
                return None
            return replace(node, target=target, value=new)
        case n.Unpack(names=names, values=values):
            if len(values) == 1:
                new = value(values[0])
                return None if new is None else n.Unpack(names, (new,))
            pairs = [(name, value(each)) for name, each in zip(names, values, strict=True)]
            return unpacked([(name, new) for name, new in pairs if new is not None])
        case n.If():
            test = value(node.test) or number(t.BOOL, 0)
            return n.If(test, inside(node.body) or (n.Pass(),), inside(node.orelse))
        case n.For():
            bounds = tuple([value(bound) or number(t.INT32, 0) for bound in node.bounds])
            return n.For(node.name, bounds, inside(node.body) or (n.Pass(),))
        case n.While():
            return n.While(value(node.test) or number(t.BOOL, 0), inside(node.body) or (n.Pass(),))
        case n.ExprStmt():
            new = value(node.value)
            return n.ExprStmt(new) if isinstance(new, (n.Call, n.CallFunction)) else None
        case n.Return():
            returned = [value(each) for each in node.values]
            return n.Return(tuple([each for each in returned if each is not None]))
        case n.Break() | n.Continue() | n.Pass():
            return node
        case _:
            return assert_never(node)


def _expression(node: n.Expr, known: AbstractSet[str], declared: AbstractSet[str]) -> n.Expr | None:
    """The expression with defaults in place of what is lost; None where there is no default."""
    match node:
        case n.Name(id=name):
            return node if name in known else default(node.type)
        case n.CallFunction(name=name) if name not in declared:
            return default(node.type)
        case _:
            pass
    parts: list[tuple[n.Node, ...]] = []
    same = True
    for child in children(node):
        new = child if isinstance(child, n.Slice) else _expression(_as_expression(child), known, declared)
        whole = not parts and isinstance(node, (n.Index, n.Attribute, n.ArrayShape))
        if new is None or (whole and new is not child and isinstance(new, (n.Literal, n.Construct))):
            # Nothing is left to take a part of.
            return default(node.type)
        same = same and new is child
        parts.append((new,))
    return node if same else rebuild(node, parts)


def _as_expression(node: n.Node) -> n.Expr:
    # Below an expression there are only expressions and slices.
    return node  # pyright: ignore[reportReturnType]
